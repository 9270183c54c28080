package io.pannier.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The bytes of a change log ({@code docs/format.md}): encoding of one frame, and the walk over a
 * whole log.
 */
final class ChangeFrames {
  static final int KIND_LABELS = 1;
  static final int KIND_REMOVAL = 2;
  static final int HEADER = 48;
  static final int TRAILER = 24;
  private static final int MAGIC = 0x46434e50; // "PNCF"

  private ChangeFrames() {}

  /** Length of a frame with that much content. */
  static int length(int contentLength) {
    return Math.toIntExact(Frames.align(HEADER + (long) contentLength) + TRAILER);
  }

  /** Appends one frame to the buffer; {@code offset} is where it will stand in the file. */
  static void put(
      ByteBuffer out,
      int kind,
      long target,
      long own,
      long timestamp,
      byte[] content,
      long salt,
      long offset,
      Checksum crc) {
    int at = out.position();
    out.putInt(MAGIC).put((byte) kind).put((byte) 0).putShort((short) 0);
    out.putLong(target).putLong(own).putLong(timestamp).putLong(salt).putInt(content.length);
    out.putInt(headerCrc(out, at, offset, crc));
    out.put(content);
    while ((out.position() - at & 7) != 0) {
      out.put((byte) 0);
    }
    out.putLong(target).putLong(own);
    out.putInt(trailerCrc(out, out.position() - 16, offset + length(content.length), salt, crc));
    crc.reset();
    crc.add(out, at, out.position() - at);
    out.putInt(crc.value());
  }

  private static int headerCrc(ByteBuffer buffer, int at, long offset, Checksum crc) {
    crc.reset();
    crc.add(offset);
    crc.add(buffer, at, HEADER - 4);
    return crc.value();
  }

  private static int trailerCrc(ByteBuffer buffer, int at, long frameEnd, long salt, Checksum crc) {
    crc.reset();
    crc.add(salt);
    crc.add(frameEnd);
    crc.add(buffer, at, 16);
    return crc.value();
  }

  /** What a walk over a change log finds, in file order. */
  interface Visitor {
    /** A whole frame; {@code content} is valid during the call only. */
    void change(int kind, long target, long own, long timestamp, ByteBuffer content);

    /** A frame that is damaged but still names its record. */
    void damaged(long target, long own);

    /**
     * Bytes that do not say which record they were about: any record older than {@code
     * beforeSequence} (or any at all: -1).
     */
    void lost(long beforeSequence);

    /**
     * Bytes behind the accounted ones that are not whole while later ones are: a power cut took
     * what was not synced.
     */
    void hole(long from, long to);
  }

  /**
   * Walks the frames of a log.
   *
   * @param log the bytes from {@code base} of the file on
   * @param base file offset of the first byte, a multiple of 8
   * @param accounted file offset up to which the journal vouches for the bytes
   * @return file offset behind the last frame that is there, whole or damaged; what follows is a
   *     torn tail
   */
  static long walk(ByteBuffer log, long base, long accounted, long salt, Visitor visitor) {
    log.order(ByteOrder.LITTLE_ENDIAN);
    var crc = new Checksum();
    int size = log.limit();
    int at = 0;
    long holeFrom = -1;
    while (at < size) {
      if (base + at >= accounted) {
        // Nothing vouches for what stands here: what is not whole was never on the device, or is a
        // torn tail.
        int length =
            headerChecks(log, at, base, size, salt, crc) ? length(log.getInt(at + 40)) : -1;
        if (length < 0 || at + (long) length > size || !frameChecks(log, at, length, crc)) {
          holeFrom = holeFrom < 0 ? base + at : holeFrom;
          at += 8;
          continue;
        }
        if (holeFrom >= 0) {
          visitor.hole(holeFrom, base + at);
          holeFrom = -1;
        }
      }
      if (headerChecks(log, at, base, size, salt, crc)) {
        int length = length(log.getInt(at + 40));
        if (at + (long) length <= size && frameChecks(log, at, length, crc)) {
          int content = log.getInt(at + 40);
          visitor.change(
              log.get(at + 4),
              log.getLong(at + 8),
              log.getLong(at + 16),
              log.getLong(at + 24),
              log.slice(at + HEADER, content).order(ByteOrder.LITTLE_ENDIAN));
          at += length;
          continue;
        }
        if (base + at + length <= accounted && at + (long) length <= size) {
          visitor.damaged(log.getLong(at + 8), log.getLong(at + 16));
          at += length;
          continue;
        }
      }
      int next = at + 8;
      while (next < size && !headerChecks(log, next, base, size, salt, crc)) {
        next += 8;
      }
      next = Math.min(next, size);
      if (next - at >= TRAILER && trailerChecks(log, next - TRAILER, base, salt, crc)) {
        visitor.damaged(log.getLong(next - TRAILER), log.getLong(next - TRAILER + 8));
      } else if (next < size) {
        visitor.lost(log.getLong(next + 16));
      } else {
        visitor.lost(-1);
      }
      at = next;
    }
    if (holeFrom >= 0) {
      return holeFrom;
    }
    if (base + at < accounted) {
      visitor.lost(-1);
    }
    return base + Math.min(at, size);
  }

  private static boolean headerChecks(
      ByteBuffer log, int at, long base, int size, long salt, Checksum crc) {
    return at + HEADER <= size
        && log.getInt(at) == MAGIC
        && log.getLong(at + 32) == salt
        && log.getInt(at + 44) == headerCrc(log, at, base + at, crc)
        && log.getInt(at + 40) >= 0
        && log.getInt(at + 40) <= Frames.META_MAX;
  }

  private static boolean frameChecks(ByteBuffer log, int at, int length, Checksum crc) {
    crc.reset();
    crc.add(log, at, length - 4);
    return log.getInt(at + length - 4) == crc.value();
  }

  private static boolean trailerChecks(ByteBuffer log, int at, long base, long salt, Checksum crc) {
    return log.getInt(at + 16) == trailerCrc(log, at, base + at + TRAILER, salt, crc);
  }
}
