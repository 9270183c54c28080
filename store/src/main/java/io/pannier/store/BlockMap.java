package io.pannier.store;

import io.pannier.model.Timestamp;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * The closed blocks of an entry in the order of their oldest record; immutable. Ranges of blocks
 * may overlap (belated records), so the largest newest time of all blocks up to a position is kept
 * beside it: walking back from the last candidate stops where no earlier block can reach the time.
 * The bounds are those of the moment a block was added: removals only make them too wide, never
 * wrong.
 */
final class BlockMap {
  static final BlockMap EMPTY = new BlockMap(new Block[0], new long[0]);

  private final Block[] blocks;
  private final long[] oldest;
  private final long[] reach;

  private BlockMap(Block[] blocks, long[] oldest) {
    this.blocks = blocks;
    this.oldest = oldest;
    this.reach = new long[blocks.length];
    long far = Timestamp.MIN;
    for (int i = 0; i < blocks.length; i++) {
      far = Timestamp.max(far, blocks[i].newest);
      reach[i] = far;
    }
  }

  static BlockMap of(List<Block> unsorted) {
    var sorted = new ArrayList<>(unsorted);
    sorted.sort((a, b) ->
        a.oldest == b.oldest ? Integer.compare(a.id, b.id) : Timestamp.compare(a.oldest, b.oldest));
    var oldest = new long[sorted.size()];
    for (int i = 0; i < sorted.size(); i++) {
      oldest[i] = sorted.get(i).oldest;
    }
    return new BlockMap(sorted.toArray(new Block[0]), oldest);
  }

  int size() {
    return blocks.length;
  }

  Block get(int i) {
    return blocks[i];
  }

  /** Newest time that any block reaches; meaningful only when there is a block. */
  long newest() {
    return reach[reach.length - 1];
  }

  BlockMap with(Block block) {
    int at = blocks.length;
    while (at > 0 && Timestamp.isAfter(oldest[at - 1], block.oldest)) {
      at--;
    }
    var more = new Block[blocks.length + 1];
    var times = new long[more.length];
    System.arraycopy(blocks, 0, more, 0, at);
    System.arraycopy(oldest, 0, times, 0, at);
    more[at] = block;
    times[at] = block.oldest;
    System.arraycopy(blocks, at, more, at + 1, blocks.length - at);
    System.arraycopy(oldest, at, times, at + 1, blocks.length - at);
    return new BlockMap(more, times);
  }

  BlockMap without(Predicate<Block> gone) {
    int kept = 0;
    var fewer = new Block[blocks.length];
    var times = new long[blocks.length];
    for (int i = 0; i < blocks.length; i++) {
      if (!gone.test(blocks[i])) {
        fewer[kept] = blocks[i];
        times[kept++] = oldest[i];
      }
    }
    return kept == blocks.length
        ? this
        : new BlockMap(java.util.Arrays.copyOf(fewer, kept), java.util.Arrays.copyOf(times, kept));
  }

  /** Number of blocks whose oldest record is not behind the time. */
  int upTo(long time) {
    int low = 0;
    int high = blocks.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (Timestamp.isAfter(oldest[middle], time)) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  /** Whether any of the first {@code count} blocks reaches the time or a later one. */
  boolean reaches(int count, long time) {
    return count > 0 && !Timestamp.isBefore(reach[count - 1], time);
  }

  /** Whether no other block may hold a record of the times of this one. */
  boolean standsAlone(int i) {
    return !reaches(i, oldest[i])
        && (i + 1 == blocks.length || Timestamp.isAfter(oldest[i + 1], blocks[i].newest));
  }

  /** Blocks that may hold a record of this time, newest block first. */
  List<Block> candidates(long time) {
    List<Block> found = List.of();
    for (int i = upTo(time); reaches(i, time); i--) {
      Block block = blocks[i - 1];
      if (!Timestamp.isBefore(block.newest, time)) {
        if (found.isEmpty()) {
          found = new ArrayList<>(2);
        }
        found.add(block);
      }
    }
    return found;
  }

  /** Position of the first block that may hold a record at or behind the time. */
  int firstReaching(long time) {
    int low = 0;
    int high = blocks.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (Timestamp.isBefore(reach[middle], time)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  long oldest(int i) {
    return oldest[i];
  }
}
