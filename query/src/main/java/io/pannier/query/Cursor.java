package io.pannier.query;

import io.pannier.model.Names;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.store.Entry;
import io.pannier.store.StoredRecord;
import io.pannier.store.TimeRange;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * How far a query has come in one entry. Between two reads it holds a time only; records found
 * ahead live as long as one read. Used by the read under way, except {@link #marked}.
 */
final class Cursor {
  /** Most records looked up ahead in one go. */
  private static final int AHEAD_MAX = 256;

  final Entry entry;

  /** Set by committing threads: the entry may have something new. */
  final AtomicBoolean marked = new AtomicBoolean();

  /** Whether the query has it among its sources. */
  boolean isSource;

  private final boolean attachments;

  /**
   * No record before this time is still to be given: the position, and a lower bound of the next
   * record's time.
   */
  private long next;

  /** Whether the largest time was passed: nothing can follow. */
  private boolean past;

  private List<StoredRecord> ahead = List.of();
  private int aheadAt;
  private boolean aheadIsAll;
  private int aheadCount;

  Cursor(Entry entry, long start) {
    this.entry = entry;
    this.next = start;
    attachments = Names.isMeta(entry.name());
  }

  /** Lower bound of the time of the next record. */
  long next() {
    return next;
  }

  /** Whether it looked ahead since {@link #forget}. */
  boolean hasLooked() {
    return aheadCount > 0;
  }

  /**
   * The next record, looked up when necessary; null when there is none in the range at this moment.
   * Moves the position up to it.
   *
   * @param first how many records to look up the first time in a read; it doubles with every
   *     further look-up
   */
  @Nullable StoredRecord peek(TimeRange range, int first) {
    for (; ; ) {
      while (aheadAt < ahead.size()) {
        StoredRecord record = ahead.get(aheadAt);
        if (!isHidden(record)) {
          next = record.timestamp();
          return record;
        }
        skip(record);
      }
      if (past || aheadIsAll) {
        return null;
      }
      aheadCount = aheadCount == 0 ? Math.max(1, first) : Math.min(AHEAD_MAX, aheadCount * 2);
      aheadAt = 0;
      try {
        ahead = entry.scan(new TimeRange(next, range.bounded(), range.stop()), aheadCount);
      } catch (PannierException.NotFound | PannierException.Conflict removed) {
        // The entry or its bucket is gone.
        ahead = List.of();
      }
      aheadIsAll = ahead.size() < aheadCount;
    }
  }

  /** Steps behind the record that {@link #peek} gave. */
  void take() {
    skip(ahead.get(aheadAt));
  }

  private void skip(StoredRecord record) {
    aheadAt++;
    if (record.timestamp() == Timestamp.MAX) {
      past = true;
    } else {
      next = record.timestamp() + 1;
    }
  }

  /** Forgets what was looked up ahead. */
  void forget() {
    ahead = List.of();
    aheadAt = 0;
    aheadIsAll = false;
    aheadCount = 0;
  }

  /** A removed attachment stays readable by its time, but no query gives it. */
  private boolean isHidden(StoredRecord record) {
    return attachments && "true".equals(record.labels().get("remove"));
  }
}
