package io.pannier.server.lifecycle;

import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.store.Entry;
import io.pannier.store.EntryInfo;
import io.pannier.store.StoredRecord;
import io.pannier.store.TimeRange;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * Which times one run handles. It begins with the oldest record, also when that arrived behind what
 * earlier runs have handled, and ends a span of record time behind the mark of those runs, or
 * behind the first record that follows the mark, but never behind what is old enough.
 *
 * @param start first time, µs
 * @param stop first time that is not handled, µs
 * @param reachesAll whether everything that is old enough is handled
 */
record Window(long start, long stop, boolean reachesAll) {
  /** Nothing is old enough. */
  static final Window NONE = new Window(0, 0, true);

  /**
   * Works a window out; reads indexes.
   *
   * @param mark up to where earlier runs have handled everything; empty: there were none
   * @param now the wall clock, µs
   */
  static Window of(List<Entry> entries, OptionalLong mark, Plan plan, long now) {
    var infos = new ArrayList<EntryInfo>();
    for (Entry entry : entries) {
      EntryInfo info = entry.info();
      if (info.recordCount() > 0) {
        infos.add(info);
      }
    }
    if (infos.isEmpty() || now < plan.olderThan()) {
      return NONE;
    }
    long oldest = Timestamp.MAX;
    long newest = Timestamp.MIN;
    for (EntryInfo info : infos) {
      oldest = Timestamp.min(oldest, info.oldestRecord());
      newest = Timestamp.max(newest, info.latestRecord());
    }
    // Records that are exactly that old are old.
    long end = Timestamp.min(now - plan.olderThan() + 1, plus(newest, 1));
    if (!Timestamp.isBefore(oldest, end)) {
      return NONE;
    }
    long from = mark.isEmpty() ? oldest : nextRecord(entries, mark.getAsLong(), oldest, end);
    long until = Timestamp.min(plus(from, plan.span()), end);
    return new Window(oldest, until, until == end);
  }

  /**
   * The first record at or behind the mark; where there is none before the end, the end. So a gap
   * in the records is passed at once.
   */
  private static long nextRecord(List<Entry> entries, long mark, long oldest, long end) {
    if (!Timestamp.isAfter(mark, oldest)) {
      return oldest;
    }
    long next = end;
    for (Entry entry : entries) {
      if (Timestamp.isBefore(mark, next)) {
        try {
          List<StoredRecord> first = entry.scan(TimeRange.of(mark, next), 1);
          next = first.isEmpty() ? next : first.getFirst().timestamp();
        } catch (PannierException.NotFound | PannierException.Conflict removed) {
          // It went away meanwhile.
        }
      }
    }
    return next;
  }

  /** The sum, or the largest time where there is none. */
  private static long plus(long time, long micros) {
    long sum = time + micros;
    return Timestamp.isBefore(sum, time) ? Timestamp.MAX : sum;
  }
}
