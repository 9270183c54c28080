package io.pannier.store;

import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
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

  static void load(Entry entry, Block block) {
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
}
