package io.pannier.store;

import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Finds records of an entry through the indexes of its blocks. Indexes are fetched without the lock
 * of the entry and looked at under it, so that every answer is the state of one moment.
 */
final class Lookup {
  private Lookup() {}

  /**
   * Row of the live record of this time with the highest sequence number, or -1. Under the lock.
   */
  static int liveRow(Active active, long timestamp) {
    BlockIndex index = active.index;
    int found = -1;
    for (int at = index.lowerBound(timestamp); at < index.rows(); at++) {
      int row = index.rowAt(at);
      if (index.timestamp(row) != timestamp) {
        break;
      }
      if (active.isLive(row)) {
        found = row;
      }
    }
    return found;
  }

  /**
   * Whether the block ever had a record of this time. For closed blocks without the lock: their
   * rows are fixed.
   */
  static boolean anyRow(Active active, long timestamp) {
    BlockIndex index = active.index;
    int at = index.lowerBound(timestamp);
    return at < index.rows() && index.timestamp(index.rowAt(at)) == timestamp;
  }

  /**
   * The record of this time, intact; null when a file would have to be read and that is not
   * allowed.
   */
  static @Nullable StoredRecord find(Entry entry, long timestamp, boolean mayRead) {
    StoredRecord found = locate(entry, timestamp, mayRead);
    if (found != null) {
      found.requireIntact();
    }
    return found;
  }

  /**
   * The record of this time, damaged or not; null when a file would have to be read and that is not
   * allowed.
   */
  static @Nullable StoredRecord locate(Entry entry, long timestamp, boolean mayRead) {
    for (; ; ) {
      Block missing = null;
      entry.lock.lock();
      try {
        entry.checkHere();
        StoredRecord found = null;
        for (Block block : candidates(entry, timestamp)) {
          Active active = block.active;
          if (active == null) {
            missing = block;
            break;
          }
          active.used = true;
          int row = liveRow(active, timestamp);
          if (row >= 0
              && (found == null
                  || Long.compareUnsigned(active.index.sequence(row), found.sequence()) > 0)) {
            found = StoredRecord.of(entry, block, active, row);
          }
        }
        if (missing == null) {
          if (found != null) {
            return found;
          }
          if (entry.isUploading(timestamp)) {
            throw new PannierException.TooEarly(
                "Record with timestamp "
                    + Timestamp.toString(timestamp)
                    + " in "
                    + entry
                    + " is still being written");
          }
          throw entry.notFound(timestamp);
        }
      } finally {
        entry.lock.unlock();
      }
      if (!mayRead) {
        return null;
      }
      load(entry, missing);
    }
  }

  private static List<Block> candidates(Entry entry, long timestamp) {
    List<Block> blocks = entry.closed.candidates(timestamp);
    for (Block block : entry.open) {
      if (block.live > 0
          && !Timestamp.isBefore(timestamp, block.oldest)
          && !Timestamp.isAfter(timestamp, block.newest)) {
        if (blocks.isEmpty()) {
          blocks = new ArrayList<>(2);
        }
        blocks.add(block);
      }
    }
    return blocks;
  }

  private static void load(Entry entry, Block block) {
    try {
      entry.bucket.store.cache.load(block);
    } catch (IOException failed) {
      if (!block.gone) {
        throw entry.bucket.store.failure(
            "index of a block could not be read", block.path(), failed);
      }
    }
  }

  /** The newest record; null when a file would have to be read and that is not allowed. */
  static @Nullable StoredRecord latest(Entry entry, boolean mayRead) {
    for (; ; ) {
      long newest = 0;
      boolean any = false;
      entry.lock.lock();
      try {
        entry.checkHere();
        BlockMap map = entry.closed;
        for (int i = 0; i < map.size() + entry.open.size(); i++) {
          Block block = i < map.size() ? map.get(i) : entry.open.get(i - map.size());
          if (block.live > 0 && (!any || Timestamp.isAfter(block.newest, newest))) {
            newest = block.newest;
            any = true;
          }
        }
      } finally {
        entry.lock.unlock();
      }
      if (!any) {
        throw entry.notFound(0);
      }
      try {
        return find(entry, newest, mayRead);
      } catch (PannierException.NotFound removedMeanwhile) {
        // Another thread removed it between the two looks: there is a new newest one.
      }
    }
  }

  /** One block's part of a scan: positions in time order. */
  private static final class Cursor {
    final Block block;
    final Active active;
    int position;

    Cursor(Block block, Active active, long start) {
      this.block = block;
      this.active = active;
      this.position = active.index.lowerBound(start);
    }

    boolean hasRow() {
      return position < active.index.rows();
    }

    int row() {
      return active.index.rowAt(position);
    }

    long timestamp() {
      return active.index.timestamp(row());
    }

    /** Rows before a time. */
    int rowsBefore(boolean bounded, long time) {
      return (bounded ? active.index.lowerBound(time) : active.index.rows()) - position;
    }
  }

  /** Live records of a range in ascending time, at most {@code max}. */
  static List<StoredRecord> scan(Entry entry, TimeRange range, int max) {
    var found = new ArrayList<StoredRecord>(Math.min(max, 128));
    TimeRange rest = range;
    while (found.size() < max && !rest.isEmpty()) {
      TimeRange next = scanOnce(entry, rest, max, found);
      if (next == null) {
        break;
      }
      rest = next;
    }
    return found;
  }

  /**
   * Collects records up to a time before which all blocks that can hold any are in hand.
   *
   * @return where to go on, or null when the range is exhausted
   */
  private static @Nullable TimeRange scanOnce(
      Entry entry, TimeRange range, int max, List<StoredRecord> found) {
    IndexCache cache = entry.bucket.store.cache;
    BlockMap map = entry.closed;
    var held = new ArrayList<Active>();
    var cursors = new ArrayList<Cursor>();
    try {
      for (Block block : openWithoutIndex(entry)) {
        load(entry, block);
      }
      boolean horizonBounded = range.bounded();
      long horizon = range.stop();
      long rows = 0;
      for (int i = map.firstReaching(range.start()); i < map.size(); i++) {
        if (range.isPast(map.oldest(i))) {
          break;
        }
        if (rows >= max && Timestamp.isAfter(map.oldest(i), range.start())) {
          horizonBounded = true;
          horizon = map.oldest(i);
          break;
        }
        Block block = map.get(i);
        if (Timestamp.isBefore(block.newest, range.start())) {
          continue;
        }
        try {
          Active active = cache.hold(block);
          held.add(active);
          var cursor = new Cursor(block, active, range.start());
          cursors.add(cursor);
          rows += cursor.rowsBefore(range.bounded(), range.stop());
        } catch (IOException failed) {
          if (!block.gone) {
            throw entry.bucket.store.failure(
                "index of a block could not be read", block.path(), failed);
          }
        }
      }
      entry.lock.lock();
      try {
        entry.checkHere();
        if (entry.closed != map || !openWithoutIndex(entry).isEmpty()) {
          return range;
        }
        for (Block block : entry.open) {
          cursors.add(new Cursor(block, Objects.requireNonNull(block.active), range.start()));
        }
        merge(entry, cursors, horizonBounded, horizon, max, found);
      } finally {
        entry.lock.unlock();
      }
      if (!horizonBounded || (range.bounded() && horizon == range.stop())) {
        return null;
      }
      return new TimeRange(horizon, range.bounded(), range.stop());
    } finally {
      for (Active active : held) {
        cache.release(active);
      }
    }
  }

  private static List<Block> openWithoutIndex(Entry entry) {
    entry.lock.lock();
    try {
      List<Block> blocks = List.of();
      for (Block block : entry.open) {
        if (block.active == null) {
          if (blocks.isEmpty()) {
            blocks = new ArrayList<>();
          }
          blocks.add(block);
        }
      }
      return blocks;
    } finally {
      entry.lock.unlock();
    }
  }

  private static void merge(
      Entry entry,
      List<Cursor> cursors,
      boolean bounded,
      long horizon,
      int max,
      List<StoredRecord> found) {
    var heap =
        new java.util.PriorityQueue<Cursor>(
            Math.max(1, cursors.size()),
            (a, b) -> {
              int byTime = Timestamp.compare(a.timestamp(), b.timestamp());
              return byTime != 0
                  ? byTime
                  : Long.compareUnsigned(
                      a.active.index.sequence(a.row()), b.active.index.sequence(b.row()));
            });
    for (Cursor cursor : cursors) {
      if (cursor.hasRow()) {
        heap.add(cursor);
      }
    }
    while (!heap.isEmpty()) {
      Cursor cursor = Objects.requireNonNull(heap.poll());
      // The next cursor's time bounds how far this one may run without another look at the heap.
      Cursor other = heap.peek();
      do {
        int row = cursor.row();
        long timestamp = cursor.active.index.timestamp(row);
        if (bounded && !Timestamp.isBefore(timestamp, horizon)) {
          break;
        }
        if (cursor.active.isLive(row)) {
          var record = StoredRecord.of(entry, cursor.block, cursor.active, row);
          if (!found.isEmpty() && found.getLast().timestamp() == timestamp) {
            found.set(found.size() - 1, record);
          } else if (found.size() == max) {
            return;
          } else {
            found.add(record);
          }
        }
        cursor.position++;
      } while (cursor.hasRow()
          && (other == null || Timestamp.isBefore(cursor.timestamp(), other.timestamp())));
      if (cursor.hasRow() && !(bounded && !Timestamp.isBefore(cursor.timestamp(), horizon))) {
        heap.add(cursor);
      }
    }
  }
}
