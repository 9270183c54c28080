package io.pannier.robotics.mcap;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Walks the framed records of a range of a source, one after the other, with one read ahead for
 * many small ones.
 */
final class RecordStream {
  /** For walking through a file. */
  static final int READ_AHEAD = 1 << 20;

  private final RangeSource source;
  private final long end;
  private final long contentMax;
  private final int readAhead;
  private long windowAt;
  private ByteBuffer window = ByteBuffer.allocate(0);
  private long next;
  private int opcode;
  private long contentStart;
  private long contentLength;

  /**
   * @param contentMax the longest record that is read as a whole
   * @param readAhead bytes that a read asks for at least
   */
  RecordStream(RangeSource source, long start, long end, long contentMax, int readAhead) {
    this.source = source;
    this.end = end;
    this.contentMax = contentMax;
    this.readAhead = readAhead;
    windowAt = start;
    next = start;
  }

  /** The records in a buffer, as views of it. */
  RecordStream(ByteBuffer records) {
    this(RangeSource.of(records), 0, records.remaining(), records.remaining(), 0);
    window = records.slice();
  }

  /**
   * Goes to the next record.
   *
   * @return false at the end of the range
   * @throws McapException TRUNCATED when the range ends inside a record
   */
  boolean advance() throws IOException {
    if (next == end) {
      return false;
    }
    if (end - next < Opcode.FRAME_BYTES) {
      throw new McapException(McapException.Kind.TRUNCATED, "the file ends inside a record", next);
    }
    ByteBuffer frame = at(next, Opcode.FRAME_BYTES);
    opcode = frame.get() & 0xff;
    contentLength = frame.getLong();
    contentStart = next + Opcode.FRAME_BYTES;
    if (opcode == 0) {
      throw new McapException(McapException.Kind.DAMAGED, "a record of kind 0", next);
    }
    if (contentLength < 0 || contentLength > end - contentStart) {
      throw new McapException(
          McapException.Kind.TRUNCATED,
          "a record of kind "
              + opcode
              + " says it has "
              + Long.toUnsignedString(contentLength)
              + " bytes, and the file ends before",
          next);
    }
    next = contentStart + contentLength;
    return true;
  }

  /** Kind of the record. */
  int opcode() {
    return opcode;
  }

  /** Where the record begins, with its opcode. */
  long position() {
    return contentStart - Opcode.FRAME_BYTES;
  }

  /** Where the next one begins. */
  long next() {
    return next;
  }

  /** The record, read as a whole. */
  McapRecord record() throws IOException {
    if (contentLength > contentMax) {
      throw new McapException(
          McapException.Kind.UNSUPPORTED,
          "a record of " + contentLength + " bytes, more than the " + contentMax + " allowed",
          position());
    }
    return RecordDecoder.decode(opcode, at(contentStart, (int) contentLength), position());
  }

  /** Bytes of the source, as a view that stays valid when the window moves on. */
  private ByteBuffer at(long from, int length) throws IOException {
    if (from < windowAt || from + length > windowAt + window.limit()) {
      int size = (int) Math.min(Math.max(length, readAhead), end - from); // tidy: bytes, not times
      // A new one each time: records handed out are views of it.
      var bytes = ByteBuffer.allocate(size);
      source.read(bytes, from);
      bytes.flip();
      windowAt = from;
      window = bytes;
      if (bytes.limit() < length) {
        throw new McapException(
            McapException.Kind.TRUNCATED, "the source ended early", from + bytes.limit());
      }
    }
    return window.slice((int) (from - windowAt), length).order(ByteOrder.LITTLE_ENDIAN);
  }
}
