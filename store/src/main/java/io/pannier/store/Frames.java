package io.pannier.store;

import io.pannier.model.PannierException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The bytes of a frame of a block: header, meta section, body, chunk table, trailer ({@code
 * docs/format.md}). Pure functions on little-endian buffers; no state, no input or output.
 */
final class Frames {
  static final int HEADER = 48;
  static final int TRAILER = 24;
  static final int CHUNK = 64 * 1024;
  static final int KIND_RECORD = 1;
  static final int KIND_FOOTER = 2;

  /** Reader flag: the record replaces earlier ones of its entry with the same label {@code key}. */
  static final int REPLACES_KEY = 1;

  /**
   * Flag that stands in an index only: the frame was unreadable when the index was built, and the
   * record answers for that.
   */
  static final int DAMAGED = 0x80;

  /** Most bytes of a body: its chunk table must fit into memory while it arrives. */
  static final long BODY_MAX = 1L << 40;

  /** Longest meta section a reader accepts: bounds what a damaged length can make it allocate. */
  static final int META_MAX = 16 << 20;

  private static final int MAGIC = 0x52464e50; // "PNFR"

  private Frames() {}

  private static final int CODEC_NONE = 0;
  private static final int CODEC_ZSTD = 1;

  /**
   * A parsed frame header that passed its checksum.
   *
   * @param length raw bytes of the body
   * @param stored stored bytes of the body: less when it is compressed
   */
  record Header(int kind, int flags, long timestamp, long length, long stored, int metaLength) {
    long frameLength() {
      return Frames.length(metaLength, length, stored);
    }

    /** Bytes behind the body. */
    int tailLength() {
      return Frames.tailLength(metaLength, length, stored);
    }

    /** Position of the chunk table relative to the end of the body. */
    int tableAt() {
      return Frames.tableAt(metaLength, stored);
    }
  }

  /** The trailer's own words about the record. */
  record Trailer(long timestamp, long sequence) {}

  static int chunks(long length) {
    return Math.toIntExact((length + CHUNK - 1) / CHUNK);
  }

  /** Length of a whole frame that is not compressed, a multiple of 8. */
  static long length(int metaLength, long length) {
    return length(metaLength, length, length);
  }

  /** Length of a whole frame, a multiple of 8. */
  static long length(int metaLength, long length, long stored) {
    long entry = stored == length ? 4 : 8;
    return align(HEADER + metaLength + stored) + align(entry * chunks(length)) + TRAILER;
  }

  /** Bytes behind a body that is not compressed: padding, table, padding, trailer. */
  static int tailLength(int metaLength, long length) {
    return tailLength(metaLength, length, length);
  }

  /** Bytes behind the body: padding, table, padding, trailer. */
  static int tailLength(int metaLength, long length, long stored) {
    return Math.toIntExact(length(metaLength, length, stored) - HEADER - metaLength - stored);
  }

  static long align(long bytes) {
    return (bytes + 7) & -8;
  }

  /** Writes the header of a frame that is not compressed at the buffer's position. */
  static void putHeader(
      ByteBuffer out,
      int kind,
      int flags,
      long timestamp,
      long length,
      long salt,
      int metaLength,
      long offset,
      Checksum crc) {
    putHeader(out, kind, flags, timestamp, length, length, salt, metaLength, offset, crc);
  }

  /** Writes a header at the buffer's position. */
  static void putHeader(
      ByteBuffer out,
      int kind,
      int flags,
      long timestamp,
      long length,
      long stored,
      long salt,
      int metaLength,
      long offset,
      Checksum crc) {
    int at = out.position();
    int codec = stored == length ? CODEC_NONE : CODEC_ZSTD;
    out.putInt(MAGIC).put((byte) kind).put((byte) codec).put((byte) flags).put((byte) 0);
    out.putLong(timestamp).putLong(length).putLong(stored).putLong(salt).putInt(metaLength);
    out.putInt(headerCrc(out, at, offset, crc));
  }

  private static int headerCrc(ByteBuffer buffer, int at, long offset, Checksum crc) {
    crc.reset();
    crc.add(offset);
    crc.add(buffer, at, HEADER - 4);
    return crc.value();
  }

  /**
   * Writes what stands behind the body: paddings, table, trailer.
   *
   * @param frameCrc state after header and meta section; carried on here
   * @param offset where the frame begins in its file
   */
  static void putTail(
      ByteBuffer out,
      Checksum frameCrc,
      Checksum scratch,
      long offset,
      int metaLength,
      long length,
      int[] chunkCrcs,
      long timestamp,
      long sequence,
      long salt) {
    putTail(
        out,
        frameCrc,
        scratch,
        offset,
        metaLength,
        length,
        length,
        chunkCrcs,
        null,
        timestamp,
        sequence,
        salt);
  }

  /**
   * The same for any frame.
   *
   * @param storedLengths of the chunks, their sum is {@code stored}; null when that is the length
   */
  static void putTail(
      ByteBuffer out,
      Checksum frameCrc,
      Checksum scratch,
      long offset,
      int metaLength,
      long length,
      long stored,
      int[] chunkCrcs,
      int @org.jspecify.annotations.Nullable [] storedLengths,
      long timestamp,
      long sequence,
      long salt) {
    int at = out.position();
    int end = at + tailLength(metaLength, length, stored);
    for (int pad = tableAt(metaLength, stored); pad > 0; pad--) {
      out.put((byte) 0);
    }
    int chunks = chunks(length);
    for (int i = 0; i < chunks; i++) {
      if (storedLengths != null) {
        out.putInt(storedLengths[i]);
      }
      out.putInt(chunkCrcs[i]);
    }
    if (storedLengths == null && (chunks & 1) == 1) {
      out.putInt(0);
    }
    int trailer = out.position();
    out.putLong(timestamp).putLong(sequence);
    long frameEnd = offset + length(metaLength, length, stored);
    out.putInt(trailerCrc(out, trailer, frameEnd, salt, scratch));
    frameCrc.add(out, at, trailer + 20 - at);
    out.putInt(frameCrc.value());
    assert out.position() == end;
  }

  private static int trailerCrc(ByteBuffer buffer, int at, long frameEnd, long salt, Checksum crc) {
    crc.reset();
    crc.add(salt);
    crc.add(frameEnd);
    crc.add(buffer, at, 16);
    return crc.value();
  }

  /** Reads the salt of the header at {@code at}; meaningful only if the header checks. */
  static long salt(ByteBuffer in, int at) {
    return in.getLong(at + 32);
  }

  /** Whether four bytes can be the beginning of a header: a cheap test before the checksum. */
  static boolean looksLikeHeader(ByteBuffer in, int at) {
    return in.getInt(at) == MAGIC;
  }

  /**
   * The header at {@code at} in the buffer, which stands at {@code offset} in the file; null when
   * it does not check.
   */
  static @org.jspecify.annotations.Nullable Header header(
      ByteBuffer in, int at, long offset, long salt, Checksum crc) {
    if (in.getInt(at) != MAGIC
        || in.getLong(at + 32) != salt
        || in.getInt(at + 44) != headerCrc(in, at, offset, crc)) {
      return null;
    }
    int kind = in.get(at + 4);
    int codec = in.get(at + 5);
    long length = in.getLong(at + 16);
    long stored = in.getLong(at + 24);
    int metaLength = in.getInt(at + 40);
    boolean isKnown =
        codec == CODEC_ZSTD
            ? stored > 0 && stored < length
            : codec == CODEC_NONE && stored == length;
    if (!isKnown || (in.get(at + 6) & ~REPLACES_KEY) != 0) {
      throw new PannierException.Internal("block was written by a newer version", null);
    }
    if (length < 0 || metaLength < 0 || metaLength > META_MAX) {
      return null;
    }
    return new Header(kind, in.get(at + 6), in.getLong(at + 8), length, stored, metaLength);
  }

  /**
   * The trailer at {@code at}, if its own checksum holds; {@code frameEnd} is the file offset
   * behind it.
   */
  static @org.jspecify.annotations.Nullable Trailer trailer(
      ByteBuffer in, int at, long frameEnd, long salt, Checksum crc) {
    if (in.getInt(at + 16) != trailerCrc(in, at, frameEnd, salt, crc)) {
      return null;
    }
    return new Trailer(in.getLong(at), in.getLong(at + 8));
  }

  /**
   * Checks header, meta section, table and trailer of a frame of which the buffer holds everything
   * but possibly the body.
   *
   * @param head header and meta section, beginning at {@code headAt}
   * @param tail what stands behind the body, beginning at {@code tailAt}; may be the same buffer
   */
  static boolean frameChecks(
      ByteBuffer head, int headAt, ByteBuffer tail, int tailAt, Header header, Checksum crc) {
    crc.reset();
    crc.add(head, headAt, HEADER + header.metaLength());
    int tailLength = header.tailLength();
    crc.add(tail, tailAt, tailLength - 4);
    return tail.getInt(tailAt + tailLength - 4) == crc.value();
  }

  /** Position of the chunk table relative to the end of the body. */
  static int tableAt(int metaLength, long stored) {
    long end = HEADER + metaLength + stored;
    return (int) (align(end) - end);
  }

  /**
   * Checksums of the chunks of a body; reads from the buffer's position to its limit without moving
   * it.
   */
  static int[] chunkCrcs(ByteBuffer body, Checksum crc) {
    int length = body.remaining();
    var crcs = new int[chunks(length)];
    for (int i = 0; i < crcs.length; i++) {
      crc.reset();
      int from = i * CHUNK;
      crc.add(body, body.position() + from, Math.min(CHUNK, length - from));
      crcs[i] = crc.value();
    }
    return crcs;
  }

  /** A little-endian direct buffer. */
  static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
