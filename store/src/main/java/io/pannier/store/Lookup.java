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
  /** Blocks from which a filter is asked before their indexes are. */
  private static final int MANY = 4;

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
    if (!mayRead) {
      return locateInMemory(entry, timestamp);
    }
    for (; ; ) {
      BlockMap map = entry.closed;
      List<Active> holders = List.of();
      try {
        holders = holders(entry, map, timestamp);
        Block missing = null;
        entry.lock.lock();
        try {
          entry.checkHere();
          if (entry.closed == map) {
            StoredRecord found = null;
            for (Active active : holders) {
              found = newer(found, entry, active, timestamp);
            }
            for (Block block : entry.open) {
              if (mayHold(block, timestamp)) {
                if (block.active == null) {
                  missing = block;
                } else {
                  found = newer(found, entry, block.active, timestamp);
                }
              }
            }
            if (missing == null) {
              return found(entry, timestamp, found);
            }
          }
        } finally {
          entry.lock.unlock();
        }
        if (missing != null) {
          load(entry, missing);
        }
      } finally {
        release(entry, holders);
      }
    }
  }

  /** Null when that takes more than a look into a few indexes that are in memory. */
  private static @Nullable StoredRecord locateInMemory(Entry entry, long timestamp) {
    entry.lock.lock();
    try {
      entry.checkHere();
      List<Block> blocks = entry.closed.candidates(timestamp);
      if (blocks.size() >= MANY) {
        return null;
      }
      StoredRecord found = null;
      for (int i = 0; i < blocks.size() + entry.open.size(); i++) {
        Block block = i < blocks.size() ? blocks.get(i) : entry.open.get(i - blocks.size());
        if (mayHold(block, timestamp)) {
          Active active = block.active;
          if (active == null) {
            return null;
          }
          active.used = true;
          found = newer(found, entry, active, timestamp);
        }
      }
      return found(entry, timestamp, found);
    } finally {
      entry.lock.unlock();
    }
  }

  private static @Nullable StoredRecord newer(
      @Nullable StoredRecord found, Entry entry, Active active, long timestamp) {
    int row = liveRow(active, timestamp);
    if (row < 0
        || (found != null
            && Long.compareUnsigned(active.index.sequence(row), found.sequence()) < 0)) {
      return found;
    }
    return StoredRecord.of(entry, active.block, active, row);
  }

  private static StoredRecord found(Entry entry, long timestamp, @Nullable StoredRecord found) {
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

  /** Whether a record of this time would lie within the block's times; under the lock. */
  static boolean mayHold(Block block, long timestamp) {
    return block.live > 0
        && !Timestamp.isBefore(timestamp, block.oldest)
        && !Timestamp.isAfter(timestamp, block.newest);
  }

  /**
   * Those closed blocks that ever had a record of this time, held; usually none or one, however
   * many overlap. May read files.
   */
  static List<Active> holders(Entry entry, BlockMap map, long timestamp) {
    List<Block> blocks = map.candidates(timestamp);
    TimeFilters filters = entry.bucket.store.timeFilters;
    TimeFilter filter = blocks.size() < MANY ? null : filters.of(entry, map);
    if (filter != null) {
      blocks = filter.thatMayHold(timestamp, blocks);
    }
    List<Active> holders = List.of();
    boolean done = false;
    try {
      for (Block block : blocks) {
        Active active = hold(entry, block);
        if (active == null) {
          continue;
        }
        if (filter != null && !filter.add(block, active.index)) {
          filters.outgrown(entry, filter);
          filter = null;
        }
        if (anyRow(active, timestamp)) {
          if (holders.isEmpty()) {
            holders = new ArrayList<>(2);
          }
          holders.add(active);
        } else {
          entry.bucket.store.cache.release(active);
        }
      }
      done = true;
      return holders;
    } finally {
      if (!done) {
        release(entry, holders);
      }
    }
  }

  static void release(Entry entry, List<Active> held) {
    for (Active active : held) {
      entry.bucket.store.cache.release(active);
    }
  }

  /** Null when the block is gone. */
  private static @Nullable Active hold(Entry entry, Block block) {
    try {
      return entry.bucket.store.cache.hold(block);
    } catch (IOException failed) {
      if (block.gone) {
        return null;
      }
      throw entry.bucket.store.failure("index of a block could not be read", block.path(), failed);
    }
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
