package io.pannier.query;

import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.store.Entry;
import io.pannier.store.Scanned;
import io.pannier.store.StoredRecord;
import io.pannier.store.TimeRange;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * How far a query has come in one entry. Between two reads it holds a time, and with a condition
 * also what the condition remembers and the few records that were judged and not given yet: judging
 * them again would count them twice. Used by the read under way, except {@link #marked}.
 */
final class Cursor {
  /** Most records looked up ahead in one go. */
  private static final int AHEAD_MAX = 256;

  /** Replaced by the query whose cursor it is, between two reads. */
  Entry entry;

  /** Set by committing threads: the entry may have something new. */
  final AtomicBoolean marked = new AtomicBoolean();

  /** Whether the query has it among its sources. */
  boolean isSource;

  private final @Nullable Selection selection;

  /** No record before this time is still to be looked up. */
  private long next;

  /** Whether the largest time was passed: nothing can follow. */
  private boolean past;

  private List<StoredRecord> ahead = List.of();
  private int aheadAt;

  /** Whether what was looked up is all there was at that moment. */
  private boolean aheadIsAll;

  private int aheadCount;

  /** Records around a match that are looked up again. */
  private Selection.@Nullable Pending pending;

  /** Where a condition that a limit ended begins anew: behind what it gave last. */
  private long behindGiven;

  /** Whether it gave the largest time, behind which nothing can begin. */
  private boolean gaveLast;

  /** Whether anything was given since the condition began anew. */
  private boolean gaveSinceRestart;

  /** What a look into the entry brought. */
  enum Look {
    /** The next record is there. */
    RECORD,
    /** Not there yet: look again, perhaps into another entry first. */
    MORE,
    /** There is none in the range at this moment. */
    END
  }

  Cursor(Entry entry, long start, @Nullable Selection selection) {
    this.entry = entry;
    this.next = start;
    this.behindGiven = start;
    this.selection = selection;
  }

  /** Lower bound of the time of the next record. */
  long next() {
    if (aheadAt < ahead.size()) {
      return ahead.get(aheadAt).timestamp();
    }
    return pending != null ? pending.from() : next;
  }

  /** Whether it looked ahead since {@link #forget}. */
  boolean hasLooked() {
    return aheadCount > 0;
  }

  /** What ended the condition in strict mode, once everything found before it is given. */
  @Nullable PannierException failure() {
    return selection == null || aheadAt < ahead.size() || pending != null
        ? null
        : selection.failure();
  }

  /** The record that {@link #look} found. */
  StoredRecord record() {
    return ahead.get(aheadAt);
  }

  /**
   * Looks for the next record; a part of the work.
   *
   * @param first how many records to look up the first time in a read; it doubles with every
   *     further look-up
   * @return {@link Look#END} also behind a {@link #failure}
   */
  Look look(TimeRange range, int first) {
    if (aheadAt < ahead.size()) {
      return Look.RECORD;
    }
    if (pending == null && (past || aheadIsAll || isEnded())) {
      return Look.END;
    }
    aheadCount = Math.clamp(aheadCount == 0 ? first : 2L * aheadCount, 1, AHEAD_MAX);
    aheadAt = 0;
    ahead = List.of();
    try {
      if (pending != null) {
        lookAround(pending);
      } else {
        lookOn(new TimeRange(next, range.bounded(), range.stop()));
      }
    } catch (PannierException.NotFound | PannierException.Conflict removed) {
      // The entry or its bucket is gone.
      pending = null;
      aheadIsAll = true;
    }
    return aheadAt < ahead.size() ? Look.RECORD : Look.MORE;
  }

  /** Whether the condition wants no further record. */
  private boolean isEnded() {
    return selection != null && (selection.isOver() || selection.failure() != null);
  }

  private void lookOn(TimeRange range) {
    if (selection == null) {
      ahead = entry.scan(range, aheadCount);
      aheadIsAll = ahead.size() < aheadCount;
      if (!ahead.isEmpty()) {
        moveBehind(ahead.getLast().timestamp());
      }
      return;
    }
    Scanned step = entry.select(range, selection, aheadCount);
    ahead = step.records();
    next = step.next();
    past = step.isPast();
    pending = selection.takePending();
    aheadIsAll = step.atEnd();
    if (pending != null) {
      given(pending.to());
    } else if (!ahead.isEmpty()) {
      given(ahead.getLast().timestamp());
    }
  }

  private void given(long time) {
    gaveSinceRestart = true;
    gaveLast = time == Timestamp.MAX;
    behindGiven = time + 1;
  }

  /** Looks up the records that a match brought with it, and the match. */
  private void lookAround(Selection.Pending around) {
    TimeRange range =
        around.to() == Timestamp.MAX
            ? TimeRange.from(around.from())
            : TimeRange.of(around.from(), around.to() + 1);
    List<StoredRecord> some = entry.scan(range, AHEAD_MAX);
    int skipped = (int) Math.min(around.skip(), some.size());
    ahead = some.subList(skipped, some.size());
    boolean isAll = some.size() < AHEAD_MAX || some.getLast().timestamp() == around.to();
    pending =
        isAll
            ? null
            : new Selection.Pending(
                some.getLast().timestamp() + 1, around.skip() - skipped, around.to());
  }

  /** Steps behind the record that was found. */
  void take() {
    aheadAt++;
  }

  private void moveBehind(long time) {
    if (time == Timestamp.MAX) {
      past = true;
    } else {
      next = time + 1;
    }
  }

  /**
   * Of a continuous query: lets a condition that a limit ended begin anew behind what it gave.
   *
   * @return whether there may be something for it already
   */
  boolean restartIfOver() {
    if (selection == null || !selection.isOver()) {
      return false;
    }
    selection.restart();
    next = behindGiven;
    past = gaveLast;
    boolean gave = gaveSinceRestart;
    gaveSinceRestart = false;
    return gave;
  }

  /** Forgets what was looked up ahead, unless it would be judged again. */
  void forget() {
    if (selection != null) {
      selection.forgetBlocks();
    } else {
      if (aheadAt < ahead.size()) {
        next = ahead.get(aheadAt).timestamp();
        past = false;
      }
      ahead = List.of();
      aheadAt = 0;
    }
    aheadIsAll = false;
    aheadCount = 0;
  }
}
