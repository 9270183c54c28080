package io.pannier.store;

import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.ReadOnlyFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A file that is in use, as far as it was at some moment, read in large pieces past the page cache.
 * It can be read only.
 */
final class ScrubFile extends ReadOnlyFile {
  private static final int WINDOW = 512 << 10;

  /** Memory and pace of the one who reads; one file at a time uses it. */
  static final class Reader {
    private final Pace pace;

    /** Made when the first file is read: a store that holds nothing is checked without. */
    private final @Nullable ByteBuffer[] windows = new ByteBuffer[2];

    private final long[] at = new long[2];
    private @Nullable ScrubFile owner;
    private int last;

    Reader(Pace pace) {
      this.pace = pace;
    }

    /** The window that begins at this position. */
    private ByteBuffer window(ScrubFile file, long position) throws IOException {
      if (owner != file) {
        owner = file;
        at[0] = -1;
        at[1] = -1;
      }
      for (int i = 0; i < windows.length; i++) {
        ByteBuffer known = windows[i];
        if (known != null && at[i] == position) {
          last = i;
          return known;
        }
      }
      int next = 1 - last;
      ByteBuffer window = windows[next];
      if (window == null) {
        window =
            ByteBuffer.allocateDirect(WINDOW + DIRECT_ALIGNMENT)
                .alignedSlice(DIRECT_ALIGNMENT)
                .slice(0, WINDOW);
        windows[next] = window;
      }
      at[next] = -1;
      window.clear();
      pace.before((int) Math.min(WINDOW, file.size - position));
      for (int read = 1; read > 0 && window.hasRemaining(); ) {
        // A short answer within a file is no end; one that is not whole pages is.
        read = file.ownedFile.read(window, position + window.position());
        if (read % DIRECT_ALIGNMENT != 0) {
          break;
        }
      }
      window.flip();
      at[next] = position;
      last = next;
      return window;
    }
  }

  /** Keeps reading slow. */
  interface Pace {
    /** As fast as it goes. */
    Pace NONE = bytes -> {};

    /** So many bytes are about to be read; may wait, and throw to end it. */
    void before(int bytes);
  }

  private final Reader reader;
  private final DiskFile ownedFile;
  private final long size;

  /**
   * @param length bytes that it has at most
   */
  ScrubFile(DiskFile ownedFile, long length, Reader reader) {
    this.ownedFile = ownedFile;
    this.reader = reader;
    size = Math.min(length, ownedFile.size());
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public int read(ByteBuffer target, long position) throws IOException {
    int total = 0;
    while (target.hasRemaining() && position + total < size) {
      long from = position + total;
      long begin = from - from % WINDOW;
      ByteBuffer window = reader.window(this, begin);
      int skipped = (int) (from - begin);
      long end = Math.min(window.limit(), size - begin);
      int some = (int) Math.min(target.remaining(), end - skipped);
      if (some <= 0) {
        return total;
      }
      target.put(target.position(), window, skipped, some);
      target.position(target.position() + some);
      total += some;
    }
    return total;
  }

  @Override
  public void close() throws IOException {
    ownedFile.close();
  }
}
