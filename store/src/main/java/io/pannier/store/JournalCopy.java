package io.pannier.store;

import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * Reads the frames of one copy of a journal through a window that moves over the file. Also knows
 * the bytes of a frame ({@code docs/format.md}, "Journals"):
 *
 * <pre>
 *  0  4  magic PNJF
 *  4  2  kind
 *  6  2  zero
 *  8  4  length of the content
 * 12  4  crc of salt, bytes 0-11, 16-23 and content
 * 16  4  number of the frame
 * 20  4  how many frames of the generation were known to be durable when this one was written
 * 24  n  content, zeros up to a multiple of 8
 * </pre>
 *
 * <p>The last field tells damage from loss that a power cut may cause: frames from that number on
 * may be missing with later ones present, those before may not.
 */
final class JournalCopy {
  static final int FRAME_HEADER = 24;

  /**
   * Longest content: a frame and its header fit into the window. Bounds what a damaged length can
   * make a reader look at.
   */
  static final int CONTENT_BYTES_MAX = (1 << 20) - FRAME_HEADER;

  private static final int WINDOW_BYTES = 1 << 20;

  /** What is read at once where a larger read failed: the unit in which devices lose bytes. */
  private static final int SECTOR_BYTES = 4096;

  private static final int MAGIC = 0x464a4e50; // "PNJF"
  private static final int KIND_AT = 4;
  private static final int LENGTH_AT = 8;
  private static final int CRC_AT = 12;
  private static final int NUMBER_AT = 16;
  private static final int DURABLE_AT = 20;

  private final DiskFile borrowedFile;
  private final long size;
  private final long salt;
  private final Checksum checksum = new Checksum();
  private final ByteBuffer window;
  private long windowAt;
  private int windowLength;
  private @Nullable IOException failure;

  // The frame that was found last
  private long frameStart;
  private int number;
  private int durable;
  private int kind;
  private int contentLength;
  private int crc;
  private boolean padded;

  JournalCopy(DiskFile file, long salt) {
    this.borrowedFile = file;
    this.size = file.size();
    this.salt = salt;
    this.window =
        ByteBuffer.allocateDirect((int) Math.min(WINDOW_BYTES, size))
            .order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Bytes that a frame takes in the file. */
  static long frameBytes(long contentLength) {
    return FRAME_HEADER + ((contentLength + 7) & -8);
  }

  /** Puts a frame at the position of a little-endian buffer; the content's own position stays. */
  static void putFrame(
      ByteBuffer out,
      Checksum checksum,
      long salt,
      int number,
      int durable,
      int kind,
      ByteBuffer content) {
    int start = out.position();
    int length = content.remaining();
    out.putInt(start, MAGIC);
    out.putShort(start + KIND_AT, (short) kind);
    out.putShort(start + KIND_AT + Short.BYTES, (short) 0);
    out.putInt(start + LENGTH_AT, length);
    out.putInt(start + NUMBER_AT, number);
    out.putInt(start + DURABLE_AT, durable);
    out.put(start + FRAME_HEADER, content, content.position(), length);
    int end = start + (int) frameBytes(length);
    for (int i = start + FRAME_HEADER + length; i < end; i++) {
      out.put(i, (byte) 0);
    }
    out.putInt(start + CRC_AT, crc(checksum, salt, out, start, length));
    out.position(end);
  }

  private static int crc(Checksum checksum, long salt, ByteBuffer bytes, int start, int length) {
    return checksum
        .reset()
        .add(salt)
        .add(bytes, start, CRC_AT)
        .add(bytes, start + NUMBER_AT, FRAME_HEADER - NUMBER_AT + length)
        .value();
  }

  /** Length of the file when the reading began. */
  long size() {
    return size;
  }

  /**
   * What the device said when it did not give some part of the file; that part is taken for zeros.
   * Null when all was read.
   */
  @Nullable IOException failure() {
    return failure;
  }

  /**
   * Whether a frame that checks starts here, and lies in the file as a whole. The methods below are
   * about it then.
   */
  boolean frameAt(long position) {
    if (!load(position, FRAME_HEADER)) {
      return false;
    }
    int at = (int) (position - windowAt);
    int length = window.getInt(at + LENGTH_AT);
    if (window.getInt(at) != MAGIC || length < 0 || length > CONTENT_BYTES_MAX) {
      return false;
    }
    int frameBytes = (int) frameBytes(length);
    if (!load(position, frameBytes)) {
      return false;
    }
    at = (int) (position - windowAt);
    crc = window.getInt(at + CRC_AT);
    if (crc != crc(checksum, salt, window, at, length)) {
      return false;
    }
    frameStart = position;
    number = window.getInt(at + NUMBER_AT);
    durable = window.getInt(at + DURABLE_AT);
    kind = Short.toUnsignedInt(window.getShort(at + KIND_AT));
    contentLength = length;
    padded = true;
    for (int i = at + FRAME_HEADER + length; i < at + frameBytes; i++) {
      padded &= window.get(i) == 0;
    }
    return number >= 0;
  }

  /**
   * Whether a frame with at least this number starts here or at a later multiple of 8; goes to it.
   */
  boolean frameFrom(long position, int numberMin) {
    for (long at = position; at + FRAME_HEADER <= size; at += Long.BYTES) {
      if (frameAt(at) && number >= numberMin) {
        return true;
      }
    }
    return false;
  }

  long frameStart() {
    return frameStart;
  }

  long frameEnd() {
    return frameStart + frameBytes(contentLength);
  }

  int number() {
    return number;
  }

  /** Frames that were known to be durable when this one was written. */
  int durable() {
    return durable;
  }

  int kind() {
    return kind;
  }

  int crc() {
    return crc;
  }

  /** Whether the frame is followed by zeros up to its end, which no checksum covers. */
  boolean padded() {
    return padded;
  }

  /** The content, little-endian; valid until the next frame is asked for. */
  ByteBuffer content() {
    return window
        .slice((int) (frameStart - windowAt) + FRAME_HEADER, contentLength)
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Brings bytes into the window. False when the file does not have them. */
  private boolean load(long position, int count) {
    if (position + count > size) {
      return false;
    }
    if (position >= windowAt && position + count <= windowAt + windowLength) {
      return true;
    }
    windowAt = position;
    windowLength = (int) Math.min(window.capacity(), size - position);
    try {
      DiskReads.fill(borrowedFile, window.clear().limit(windowLength), position);
    } catch (IOException _) {
      loadSectors(position);
    }
    window.clear();
    return true;
  }

  private void loadSectors(long position) {
    for (int from = 0; from < windowLength; ) {
      int to = (int) Math.min(windowLength, from + SECTOR_BYTES - (position + from) % SECTOR_BYTES);
      window.clear().limit(to).position(from);
      try {
        DiskReads.fill(borrowedFile, window, position + from);
      } catch (IOException e) {
        failure = e;
        for (int i = from; i < to; i++) {
          window.put(i, (byte) 0);
        }
      }
      from = to;
    }
  }
}
