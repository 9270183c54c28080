package io.pannier.extract.select;

import io.pannier.query.ext.Spool;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Bytes that are put together: in pieces into a spool, or in memory without one. */
final class Output {
  private static final int PIECE = 1 << 16;

  private final @Nullable Spool spool;
  private byte[] bytes;
  private int length;

  Output(@Nullable Spool spool) {
    this.spool = spool;
    bytes = new byte[spool == null ? 256 : 8192];
  }

  void put(char ascii) {
    if (length == bytes.length) {
      makeRoom(1);
    }
    bytes[length++] = (byte) ascii;
  }

  void put(byte[] source, int from, int to) {
    int count = to - from;
    if (count > bytes.length - length) {
      if (spool != null && count > PIECE) {
        flush();
        spool.write(ByteBuffer.wrap(source, from, count));
        return;
      }
      makeRoom(count);
    }
    System.arraycopy(source, from, bytes, length, count);
    length += count;
  }

  void copyTo(Output other) {
    other.put(bytes, 0, length);
  }

  /** Hands everything over to the spool. */
  void flush() {
    if (spool != null && length > 0) {
      spool.write(ByteBuffer.wrap(bytes, 0, length));
      length = 0;
      // The spool may keep what it was given.
      bytes = new byte[Math.min(PIECE, bytes.length * 2)];
    }
  }

  byte[] bytes() {
    return Arrays.copyOf(bytes, length);
  }

  private void makeRoom(int count) {
    if (spool != null) {
      flush();
    }
    if (count > bytes.length - length) {
      bytes = Arrays.copyOf(bytes, Math.max(length + count, bytes.length * 2));
    }
  }
}
