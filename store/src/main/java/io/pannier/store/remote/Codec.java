package io.pannier.store.remote;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.UUID;
import java.util.zip.CRC32C;

/** Integers, texts and facts as they stand in objects ({@code docs/s3.md}). */
final class Codec {
  private Codec() {}

  static int crc(ByteBuffer bytes) {
    var crc = new CRC32C();
    crc.update(bytes.duplicate());
    return (int) crc.getValue();
  }

  /** Grows as it is written to. */
  static final class Out {
    private ByteBuffer bytes = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);

    private void need(int more) {
      if (bytes.remaining() < more) {
        int size = Math.max(2 * bytes.capacity(), bytes.position() + more);
        bytes = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN).put(bytes.flip());
      }
    }

    Out put4(int value) {
      need(4);
      bytes.putInt(value);
      return this;
    }

    Out put8(long value) {
      need(8);
      bytes.putLong(value);
      return this;
    }

    Out put(byte[] raw) {
      need(raw.length);
      bytes.put(raw);
      return this;
    }

    Out put(UUID id) {
      return put8(id.getMostSignificantBits()).put8(id.getLeastSignificantBits());
    }

    Out put(String text) {
      byte[] raw = text.getBytes(StandardCharsets.UTF_8);
      if (raw.length > Character.MAX_VALUE) {
        throw new IllegalArgumentException("text of " + raw.length + " bytes");
      }
      need(2);
      bytes.putShort((short) raw.length);
      return put(raw);
    }

    Out put(Extent extent) {
      return put8(extent.segment()).put8(extent.at()).put8(extent.length()).put4(extent.crc());
    }

    Out put(Facts facts) {
      put8(facts.length()).put8(facts.footer()).put4(facts.extents());
      for (int i = 0; i < facts.extents(); i++) {
        put(facts.extent(i));
      }
      return this;
    }

    int length() {
      return bytes.position();
    }

    /** All of it, with the CRC of what was written so far behind it. */
    ByteBuffer withCrc() {
      put4(crc(bytes.duplicate().flip()));
      return done();
    }

    /** All of it; nothing may be written any more. */
    ByteBuffer done() {
      return bytes.flip();
    }
  }

  /** Reads what {@link Out} has written. */
  static final class In {
    private final ByteBuffer bytes;

    In(ByteBuffer bytes) {
      this.bytes = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    int get4() {
      return bytes.getInt();
    }

    long get8() {
      return bytes.getLong();
    }

    UUID id() {
      long high = bytes.getLong();
      return new UUID(high, bytes.getLong());
    }

    String text() {
      var raw = new byte[Short.toUnsignedInt(bytes.getShort())];
      bytes.get(raw);
      return new String(raw, StandardCharsets.UTF_8);
    }

    Extent extent() {
      return new Extent(get8(), get8(), get8(), get4());
    }

    Facts facts() {
      long length = get8();
      long footer = get8();
      int count = get4();
      var extents = new ArrayList<Extent>();
      for (int i = 0; i < count; i++) {
        extents.add(extent());
      }
      Facts facts = Facts.of(footer, extents);
      if (facts.length() != length) {
        throw new IllegalStateException("facts contradict themselves");
      }
      return facts;
    }

    boolean hasMore() {
      return bytes.hasRemaining();
    }
  }
}
