package io.pannier.query;

import io.pannier.model.Names;
import io.pannier.model.PannierException;
import io.pannier.store.Entry;
import io.pannier.store.StoredRecord;
import io.pannier.store.TimeRange;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The removal of what a query chooses, in steps of bounded length, so that whoever does it can look
 * between two of them whether it is still wanted. Attachments stay. With a condition, so do damaged
 * records: nobody can say whether it holds for them. One thread at a time.
 */
public final class Removal {
  /** Whole blocks, or records, that one step removes. */
  private static final int BLOCKS_MAX = 16;

  private static final int RECORDS_MAX = 1024;

  /** Looks into an entry in one step: with a condition that chooses nothing, each passes rows. */
  private static final int LOOKS_MAX = 64;

  private final ArrayDeque<Entry> entries;
  private final QueryOptions options;
  private final TimeRange range;
  private final boolean onlyCounts;
  private final boolean takesAll;
  private @Nullable Cursor cursor;
  private long records;

  /**
   * @param onlyCounts true: nothing is removed
   */
  public Removal(List<Entry> entries, QueryOptions options, boolean onlyCounts) {
    this.entries = new ArrayDeque<>(entries);
    this.entries.removeIf(entry -> Names.isMeta(entry.name()));
    this.options = options;
    this.onlyCounts = onlyCounts;
    range = options.range();
    takesAll = options.condition().choosesAll();
  }

  /** Records that were removed, or would have been. */
  public long records() {
    return records;
  }

  /**
   * Does a part of the work; may wait.
   *
   * @return false when everything is done
   */
  public boolean step() {
    Entry entry = range.isEmpty() ? null : entries.peek();
    if (entry == null) {
      return false;
    }
    boolean isDone;
    try {
      isDone = step(entry);
    } catch (PannierException.NotFound | PannierException.Conflict gone) {
      isDone = true; // the entry went away meanwhile, and its records with it
    }
    if (isDone) {
      entries.remove();
      cursor = null;
    }
    return !entries.isEmpty();
  }

  /** Whether nothing is left in the entry. */
  private boolean step(Entry entry) {
    if (takesAll && !onlyCounts && cursor == null) {
      long dropped = entry.removeBlocks(range, BLOCKS_MAX);
      records += dropped;
      if (dropped > 0) {
        return false;
      }
    }
    Cursor at = cursor;
    if (at == null) {
      at = new Cursor(entry, range.start(), Selection.of(options, entry, range.start()));
      cursor = at;
    }
    var some = new ArrayList<StoredRecord>();
    Cursor.Look look = Cursor.Look.MORE;
    for (int looks = 0;
        looks < LOOKS_MAX && some.size() < RECORDS_MAX && look != Cursor.Look.END; ) {
      look = at.look(range, RECORDS_MAX);
      PannierException failure = at.failure();
      if (failure != null) {
        throw failure;
      }
      if (look == Cursor.Look.RECORD) {
        StoredRecord record = at.record();
        if (takesAll || isIntact(record)) {
          some.add(record);
        }
        at.take();
      } else {
        looks++;
      }
    }
    records += onlyCounts ? some.size() : entry.remove(some);
    return look == Cursor.Look.END;
  }

  private static boolean isIntact(StoredRecord record) {
    try {
      record.requireIntact();
      return true;
    } catch (PannierException.Damaged damaged) {
      return false;
    }
  }
}
