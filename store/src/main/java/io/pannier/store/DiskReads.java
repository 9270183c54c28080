package io.pannier.store;

import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Reads that do not mistake a short answer for the end of a file. */
final class DiskReads {
  private static final int EMPTY_ANSWERS_MAX = 3;

  private DiskReads() {}

  /**
   * Fills the buffer from {@code position} on, or up to the end of the file.
   *
   * @throws IOException also when the file says it is longer and yet gives nothing
   */
  static void fill(DiskFile file, ByteBuffer target, long position) throws IOException {
    int start = target.position();
    int empty = 0;
    while (target.hasRemaining()) {
      long at = position + target.position() - start;
      if (at >= file.size()) {
        return;
      }
      if (file.read(target, at) > 0) {
        empty = 0;
      } else if (++empty == EMPTY_ANSWERS_MAX) {
        throw new IOException("nothing read at " + at + " of " + file.size() + " bytes");
      }
    }
  }
}
