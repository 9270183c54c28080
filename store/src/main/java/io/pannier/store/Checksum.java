package io.pannier.store;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * CRC32C over parts of buffers and over salts, without an allocation per call. An instance belongs
 * to one thread at a time, and so does a buffer without an accessible array while it is being
 * added: its position and limit move and come back.
 */
final class Checksum {
  private final CRC32C crc = new CRC32C();
  private final byte[] scratch = new byte[Long.BYTES];

  /** Checksum of {@code length} bytes of a buffer from the absolute index {@code from}. */
  static int of(ByteBuffer buffer, int from, int length) {
    return new Checksum().add(buffer, from, length).value();
  }

  /** Starts again. */
  Checksum reset() {
    crc.reset();
    return this;
  }

  /** Goes on over {@code length} bytes of a buffer from the absolute index {@code from}. */
  Checksum add(ByteBuffer buffer, int from, int length) {
    if (length == 0) {
      return this;
    }
    if (buffer.hasArray()) {
      crc.update(buffer.array(), buffer.arrayOffset() + from, length);
      return this;
    }
    int position = buffer.position();
    int limit = buffer.limit();
    buffer.limit(from + length).position(from);
    crc.update(buffer);
    buffer.limit(limit).position(position);
    return this;
  }

  /** Goes on over 8 bytes, little-endian: a salt or an offset. */
  Checksum add(long value) {
    for (int i = 0; i < Long.BYTES; i++) {
      scratch[i] = (byte) (value >>> (8 * i));
    }
    crc.update(scratch, 0, Long.BYTES);
    return this;
  }

  /** The checksum so far. */
  int value() {
    return (int) crc.getValue();
  }
}
