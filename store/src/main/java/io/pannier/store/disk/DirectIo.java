package io.pannier.store.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * The way past the page cache, of one disk. Whether the file system knows it is found out by the
 * first one to try: where that fails, whatever the reason, nobody tries again. Once it has worked,
 * a failure is one of the device.
 */
final class DirectIo {
  /** Opens a second handle of a file. */
  interface Opener {
    FileChannel open(Path file) throws IOException;
  }

  private enum State {
    UNTRIED,
    WORKS,
    REFUSED
  }

  private final Opener opener;
  private volatile State state = State.UNTRIED;

  DirectIo() {
    this(DirectIo::openDirect);
  }

  /** Opens otherwise than the system does: for tests. */
  DirectIo(Opener opener) {
    this.opener = opener;
  }

  /** A handle past the page cache, which the caller closes; empty where there is none to be had. */
  Optional<FileChannel> open(Path file) {
    if (state == State.REFUSED) {
      return Optional.empty();
    }
    try {
      return Optional.of(opener.open(file));
    } catch (NoSuchFileException deleted) {
      return Optional.empty(); // which says nothing of the file system
    } catch (IOException | UnsupportedOperationException failure) {
      refused();
      return Optional.empty();
    }
  }

  /** A write has worked. */
  void worked() {
    state = State.WORKS;
  }

  /**
   * A write or an opening has failed. Returns whether that means that this file system is not
   * written this way.
   */
  boolean refused() {
    if (state == State.WORKS) {
      return false;
    }
    state = State.REFUSED;
    return true;
  }

  /** Checks what {@link DiskFile#appendDirect} demands. */
  static void requireAligned(long size, ByteBuffer buffer) {
    if (!isAligned(size)
        || !isAligned(buffer.remaining())
        || !buffer.isDirect()
        || buffer.alignmentOffset(buffer.position(), DiskFile.DIRECT_ALIGNMENT) != 0) {
      throw new IllegalArgumentException(
          "not aligned: " + buffer.remaining() + " bytes at " + size + " from " + buffer);
    }
  }

  static boolean isAligned(long bytes) {
    return bytes % DiskFile.DIRECT_ALIGNMENT == 0;
  }

  /** A handle for reading past the page cache; empty where there is none to be had. */
  static Optional<FileChannel> openToRead(Path file) throws NoSuchFileException {
    try {
      return Optional.of(
          FileChannel.open(
              file,
              StandardOpenOption.READ,
              Option.DIRECT.orElseThrow(UnsupportedOperationException::new)));
    } catch (NoSuchFileException missing) {
      throw missing;
    } catch (IOException | UnsupportedOperationException refused) {
      return Optional.empty();
    }
  }

  private static FileChannel openDirect(Path file) throws IOException {
    return FileChannel.open(
        file,
        StandardOpenOption.WRITE,
        Option.DIRECT.orElseThrow(UnsupportedOperationException::new));
  }

  /**
   * Looked up when first needed, by name: the compiler has only a warning for those who name it.
   */
  private static final class Option {
    static final Optional<OpenOption> DIRECT = find();

    private static Optional<OpenOption> find() {
      try {
        Object[] all = Class.forName("com.sun.nio.file.ExtendedOpenOption").getEnumConstants();
        for (Object option : all) {
          if (option.toString().equals("DIRECT")) {
            return Optional.of((OpenOption) option);
          }
        }
        return Optional.empty();
      } catch (ClassNotFoundException missing) {
        return Optional.empty(); // a runtime without the module jdk.unsupported
      }
    }
  }
}
