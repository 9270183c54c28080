package io.pannier.store.disk;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/**
 * The few functions of the C library that the JDK has no door to. Linking costs some ten
 * milliseconds, so it happens when the first method is called and not when the class of the disk is
 * loaded.
 *
 * <p>The module needs {@code --enable-native-access} (or the manifest entry of that name); without
 * it the JDK prints a warning.
 */
@SuppressWarnings(
    "restricted") // linking by name is what this class is for; signatures are checked against the
// manual pages
final class Libc {
  /** Number of "no space left on device", the same on Linux and macOS. */
  static final int ENOSPC = 28;

  /** Number of "disk quota exceeded". */
  static final int EDQUOT = isMac() ? 69 : 122;

  // O_RDONLY is 0 everywhere. A child process must not inherit the descriptor of the data folder.
  private static final int READ_ONLY_CLOSE_ON_EXEC = isMac() ? 0x100_0000 : 0x8_0000;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO = STATE.varHandle(PathElement.groupElement("errno"));
  private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");

  // open(path, flags, ...): the mode behind the dots is only read when a file is created.
  private static final MethodHandle OPEN =
      link(
          "open",
          FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT),
          CAPTURE,
          Linker.Option.firstVariadicArg(2));
  private static final MethodHandle CLOSE =
      link("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT), CAPTURE);
  private static final MethodHandle STRERROR =
      link("strerror", FunctionDescriptor.of(ADDRESS, JAVA_INT));
  private static final MethodHandle SYNC = link("sync", FunctionDescriptor.ofVoid());
  private static final Optional<MethodHandle> SYNCFS =
      LINKER
          .defaultLookup()
          .find("syncfs")
          .map(function ->
              LINKER.downcallHandle(function, FunctionDescriptor.of(JAVA_INT, JAVA_INT), CAPTURE));

  private Libc() {}

  /** Opens a folder for reading and returns its descriptor, which the caller closes. */
  static int openFolder(Path folder) throws IOException {
    try (var arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      MemorySegment path = arena.allocateFrom(folder.toString());
      int descriptor = (int) OPEN.invokeExact(state, path, READ_ONLY_CLOSE_ON_EXEC);
      if (descriptor < 0) {
        throw failure("open", folder, state);
      }
      return descriptor;
    } catch (Throwable failure) {
      throw rethrown(failure);
    }
  }

  /** Closes a descriptor. Nothing was written through it, so there is nothing to report. */
  static void close(int descriptor) {
    try (var arena = Arena.ofConfined()) {
      int ignored = (int) CLOSE.invokeExact(arena.allocate(STATE), descriptor);
    } catch (Throwable failure) {
      throw new IllegalStateException("close is not callable", failure);
    }
  }

  /** Whether this system can sync one file system, as opposed to all or nothing. */
  static boolean hasSyncfs() {
    return SYNCFS.isPresent();
  }

  /**
   * Writes everything of the file system that holds the descriptor, and waits for it. Since Linux
   * 5.8 also reports pages that could not be written in the background since the descriptor was
   * opened.
   */
  static void syncfs(int descriptor, Path folder) throws IOException {
    try (var arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      int result = (int) SYNCFS.orElseThrow().invokeExact(state, descriptor);
      if (result != 0) {
        throw failure("syncfs", folder, state);
      }
    } catch (Throwable failure) {
      throw rethrown(failure);
    }
  }

  /**
   * Asks the system to write everything of all file systems. Reports nothing, and on macOS does not
   * wait.
   */
  static void sync() throws IOException {
    try {
      SYNC.invokeExact();
    } catch (Throwable failure) {
      throw rethrown(failure);
    }
  }

  /**
   * The text of an error number in the language of this process, as the JDK puts it into its
   * exceptions.
   */
  static String errorText(int number) {
    try {
      var text = (MemorySegment) STRERROR.invokeExact(number);
      return text.reinterpret(256).getString(0, StandardCharsets.UTF_8);
    } catch (Throwable failure) {
      throw new IllegalStateException("strerror is not callable", failure);
    }
  }

  private static boolean isMac() {
    return System.getProperty("os.name", "").toLowerCase(Locale.ROOT).startsWith("mac");
  }

  private static MethodHandle link(
      String name, FunctionDescriptor signature, Linker.Option... options) {
    return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), signature, options);
  }

  private static IOException failure(String call, Path path, MemorySegment state) {
    int number = (int) ERRNO.get(state, 0L);
    return new IOException(call + " of " + path + ": " + errorText(number));
  }

  /**
   * Method handles declare {@link Throwable}; only I/O failures and unchecked ones can really come.
   */
  private static IOException rethrown(Throwable failure) {
    return switch (failure) {
      case IOException io -> io;
      case RuntimeException unchecked -> throw unchecked;
      case Error error -> throw error;
      default -> throw new IllegalStateException(failure);
    };
  }
}
