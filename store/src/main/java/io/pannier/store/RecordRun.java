package io.pannier.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads the bodies of records one after the other. Records that lie behind each other in a file, as
 * those of a query mostly do, come with one positional read for many. One thread at a time.
 */
public final class RecordRun implements AutoCloseable {
  /** Bytes of the window that a caller has to provide. */
  public static final int WINDOW = 128 * 1024;

  /** Read in front of the records that are asked for, at first; doubled as long as they follow. */
  private static final int FIRST_AHEAD = 16 * 1024;

  private final Supplier<ByteBuffer> window;
  private @Nullable ByteBuffer bytes;

  /** The record that was read from the file last; keeps the file open. */
  private @Nullable RecordBody last;

  /** Where the frame behind the last one would begin. */
  private long next;

  /** What the window holds: bytes of the last one's file from here on. */
  private long from;

  private int filled;
  private int ahead = FIRST_AHEAD;

  /**
   * @param window gives {@link #WINDOW} bytes; asked once, when records follow each other
   */
  public RecordRun(Supplier<ByteBuffer> window) {
    this.window = window;
  }

  /** Scratch bytes that {@link #read} needs for a record. */
  public static int frameBytes(StoredRecord record) {
    return record.isCompressed()
        ? (int) record.length()
        : (int) Frames.length(record.metaLength(), record.length());
  }

  /**
   * Reads and verifies a body of at most {@link RecordBody#WHOLE_MAX} bytes.
   *
   * @param scratch at least {@link #frameBytes} remaining bytes; they may be overwritten
   * @return the body, a slice of the scratch buffer or of the window; good until the next call
   * @throws io.pannier.model.PannierException.Damaged when it does not match its checksums
   * @throws io.pannier.model.PannierException.NotFound when it vanished since it was found
   */
  public ByteBuffer read(StoredRecord record, ByteBuffer scratch) {
    record.requireIntact();
    if (record.isCompressed()) {
      // Its chunks are read one by one: the window holds frames that need no more than a look.
      RecordBody compressed = record.open();
      close();
      last = compressed;
      next = -1;
      return compressed.readWhole(scratch);
    }
    int length = frameBytes(record);
    RecordBody before = last;
    boolean follows = before != null && before.isIn(record.block()) && record.offset() == next;
    next = record.offset() + length;
    if (follows && before != null) {
      ByteBuffer body = fromWindow(record, length, before);
      if (body != null) {
        return body;
      }
    }
    RecordBody opened = record.open();
    close();
    last = opened;
    if (follows && length <= ahead && opened.isIn(record.block())) {
      fill(record, opened);
      ByteBuffer body = fromWindow(record, length, opened);
      if (body != null) {
        return body;
      }
    }
    // Also when the window shows damage: an append may have been under way when it was filled.
    return opened.readWhole(scratch);
  }

  private @Nullable ByteBuffer fromWindow(StoredRecord record, int length, RecordBody file) {
    long at = record.offset() - from;
    if (bytes == null || at < 0 || at + length > filled) {
      return null;
    }
    ByteBuffer frame = bytes.slice((int) at, length).order(ByteOrder.LITTLE_ENDIAN);
    return RecordBody.verified(record, frame, file.salt());
  }

  private void fill(StoredRecord record, RecordBody file) {
    if (bytes == null) {
      bytes = window.get();
    }
    from = record.offset();
    filled = file.readAhead(bytes.slice(0, ahead));
    ahead = Math.min(WINDOW, 2 * ahead);
  }

  /** Gives the file back; the window belongs to the caller. */
  @Override
  public void close() {
    RecordBody open = last;
    last = null;
    filled = 0;
    if (open != null) {
      open.close();
    }
  }
}
