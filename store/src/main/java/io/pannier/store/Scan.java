package io.pannier.store;

import io.pannier.model.Timestamp;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Walks the records of an entry in ascending time, through the indexes of its blocks. Indexes are
 * fetched without the lock of the entry and looked at under it, so that every step shows the state
 * of one moment. Steps are bounded in rows, so writers wait for a fraction of a millisecond.
 */
final class Scan {
  /** Most rows looked at under the lock at once. */
  static final int ROWS_MAX = 4096;

  /** Most blocks looked at in one step. */
  private static final int BLOCKS_MAX = 64;

  private final Entry entry;
  private final @Nullable RecordFilter filter;
  private final int max;
  private final int rowsMax;
  private final List<StoredRecord> found;

  /** First time that was not looked at in this step. */
  private long passed;

  /** Whether the largest time was looked at. */
  private boolean isPast;

  Scan(Entry entry, @Nullable RecordFilter filter, int max) {
    this.entry = entry;
    this.filter = filter;
    this.max = max;
    rowsMax = filter == null ? ROWS_MAX : filter.stepRows();
    found = new ArrayList<>(Math.min(max, 128));
  }

  /** Live records of a range, at most {@code max}. */
  static List<StoredRecord> all(Entry entry, TimeRange range, int max) {
    var scan = new Scan(entry, null, max);
    TimeRange rest = range;
    while (scan.found.size() < max && !rest.isEmpty()) {
      Scanned step = scan.run(rest);
      if (step.atEnd()) {
        break;
      }
      rest = new TimeRange(step.next(), range.bounded(), range.stop());
    }
    return scan.found;
  }

  /** Shows every block that may hold live records of a range; returns the number of the others. */
  static int survey(Entry entry, TimeRange range, Consumer<BlockFacts> visitor) {
    List<Block> blocks = new ArrayList<>();
    entry.lock.lock();
    try {
      entry.checkHere();
      blocks.addAll(entry.open);
      for (int i = 0; i < entry.closed.size(); i++) {
        blocks.add(entry.closed.get(i));
      }
      blocks.removeIf(block -> block.live == 0);
    } finally {
      entry.lock.unlock();
    }
    int outside = 0;
    for (Block block : blocks) {
      if (Timestamp.isBefore(block.newest, range.start()) || range.isPast(block.oldest)) {
        outside++;
        continue;
      }
      try {
        Active active = entry.bucket.store.cache.hold(block);
        entry.lock.lock();
        try {
          visitor.accept(active);
        } finally {
          entry.lock.unlock();
          entry.bucket.store.cache.release(active);
        }
      } catch (IOException failed) {
        if (!block.gone) {
          throw entry.bucket.store.failure(
              "index of a block could not be read", block.path(), failed);
        }
      }
    }
    return outside;
  }

  /** One step. */
  Scanned run(TimeRange range) {
    if (range.isEmpty()) {
      return new Scanned(found, true, range.start(), false);
    }
    Scanned step = null;
    while (step == null) {
      step = step(range);
    }
    return step;
  }

  /** One block's part: positions in time order. */
  private static final class Cursor {
    final Block block;
    final Active active;
    final RecordFilter.@Nullable OfBlock filter;
    int position;

    Cursor(Block block, Active active, RecordFilter.@Nullable OfBlock filter, long start) {
      this.block = block;
      this.active = active;
      this.filter = filter;
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
  }

  /** A step, or null when the blocks changed meanwhile and it has to be taken again. */
  private @Nullable Scanned step(TimeRange range) {
    IndexCache cache = entry.bucket.store.cache;
    BlockMap map = entry.closed;
    var held = new ArrayList<Active>();
    try {
      for (Block block : openWithoutIndex()) {
        Lookup.load(entry, block);
      }
      TimeRange part = range;
      passed = range.start();
      isPast = false;
      long rows = 0;
      int blocks = 0;
      for (int i = map.firstReaching(range.start()); i < map.size(); i++) {
        if (range.isPast(map.oldest(i))) {
          break;
        }
        if ((rows >= Math.min(max, ROWS_MAX) || blocks >= BLOCKS_MAX)
            && Timestamp.isAfter(map.oldest(i), range.start())) {
          part = TimeRange.of(range.start(), map.oldest(i));
          break;
        }
        Block block = map.get(i);
        if (Timestamp.isBefore(block.newest, range.start())) {
          continue;
        }
        try {
          Active active = cache.hold(block);
          blocks++;
          if (map.standsAlone(i) && isPassedOver(active)) {
            cache.release(active);
            pass(block.newest);
          } else {
            held.add(active);
            rows += rowsOf(active, range);
          }
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
        if (entry.closed != map || !openWithoutIndex().isEmpty()) {
          return null;
        }
        return merge(cursors(held, part), part, range);
      } finally {
        entry.lock.unlock();
      }
    } finally {
      for (Active active : held) {
        cache.release(active);
      }
    }
  }

  private static int rowsOf(Active active, TimeRange range) {
    BlockIndex index = active.index;
    int end = range.bounded() ? index.lowerBound(range.stop()) : index.rows();
    return end - index.lowerBound(range.start());
  }

  private List<Block> openWithoutIndex() {
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

  /** Under the lock: the blocks of a part that have to be walked. */
  private List<Cursor> cursors(List<Active> held, TimeRange part) {
    var cursors = new ArrayList<Cursor>(held.size() + entry.open.size());
    for (Active active : held) {
      addCursor(active, part, cursors);
    }
    for (Block block : entry.open) {
      addCursor(Objects.requireNonNull(block.active), part, cursors);
    }
    return cursors;
  }

  private void addCursor(Active active, TimeRange part, List<Cursor> cursors) {
    Block block = active.block;
    if (block.live > 0
        && !Timestamp.isBefore(block.newest, part.start())
        && !part.isPast(block.oldest)) {
      RecordFilter.OfBlock chosen = filter == null ? null : filter.of(active);
      cursors.add(new Cursor(block, active, chosen, part.start()));
    }
  }

  /**
   * Whether the filter wants nothing of a block that overlaps with no closed one. Of two records
   * with one time a later one hides the other, also one that is not wanted, so a block that
   * overlaps an open one is walked all the same.
   */
  private boolean isPassedOver(Active active) {
    if (filter == null) {
      return false;
    }
    entry.lock.lock();
    try {
      for (Block open : entry.open) {
        if (open.live > 0
            && !Timestamp.isAfter(open.oldest, active.block.newest)
            && !Timestamp.isBefore(open.newest, active.block.oldest)) {
          return false;
        }
      }
      return filter.of(active).isSkipped();
    } finally {
      entry.lock.unlock();
    }
  }

  /** Under the lock: takes what is wanted, up to the end of the part or of the step. */
  private Scanned merge(List<Cursor> cursors, TimeRange part, TimeRange range) {
    var heap =
        new PriorityQueue<Cursor>(
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
    // The last live row seen. It counts unless the next one has its time and thus hides it.
    Cursor last = null;
    int lastRow = 0;
    long lastTime = 0;
    int visited = 0;
    while (!heap.isEmpty()) {
      Cursor cursor = Objects.requireNonNull(heap.poll());
      // The next cursor's time bounds how far this one may run without another look at the heap; at
      // that very time the sequence numbers decide who comes first.
      Cursor other = heap.peek();
      boolean isBounded = other != null;
      long bound = isBounded ? Objects.requireNonNull(other).timestamp() : 0;
      int first = cursor.position;
      Active active = cursor.active;
      BlockIndex index = active.index;
      int rows = index.rows();
      do {
        int row = index.rowAt(cursor.position);
        long timestamp = index.timestamp(row);
        if (part.isPast(timestamp)) {
          cursor.position = rows;
          break;
        }
        if (isBounded && cursor.position > first && !Timestamp.isBefore(timestamp, bound)) {
          break;
        }
        if (active.isLive(row)) {
          if (last != null && timestamp != lastTime) {
            boolean goesOn = take(last, lastRow);
            last = null;
            if (!goesOn || visited >= rowsMax) {
              return behind(lastTime);
            }
          }
          last = cursor;
          lastRow = row;
          lastTime = timestamp;
          visited++;
        }
        cursor.position++;
      } while (cursor.position < rows);
      if (cursor.position < rows) {
        heap.add(cursor);
      }
    }
    if (last != null) {
      if (!take(last, lastRow)) {
        return behind(lastTime);
      }
      pass(lastTime);
    }
    boolean atEnd = !part.bounded() || (range.bounded() && part.stop() == range.stop());
    return new Scanned(found, atEnd, atEnd ? passed : part.stop(), isPast);
  }

  /** The step ends behind a record: what was passed over behind it was not looked at. */
  private Scanned behind(long time) {
    boolean isLast = time == Timestamp.MAX;
    return new Scanned(found, isLast, time + 1, isLast);
  }

  private void pass(long time) {
    isPast |= time == Timestamp.MAX;
    if (!isPast) {
      passed = Timestamp.max(passed, time + 1);
    }
  }

  /** False: the step ends behind this record. */
  private boolean take(Cursor cursor, int row) {
    RecordFilter.OfBlock chosen = cursor.filter;
    return switch (chosen == null ? RecordFilter.Choice.TAKE : chosen.judge(row)) {
      case LEAVE -> true;
      case TAKE -> {
        found.add(StoredRecord.of(entry, cursor.block, cursor.active, row));
        yield found.size() < max;
      }
      case PAUSE -> false;
    };
  }
}
