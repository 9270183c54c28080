package io.pannier.store;

import java.util.ArrayDeque;

/**
 * Compresses the closed blocks of an entry whose records all lie in a range, one per step, so that
 * whoever does it can look between two of them whether it is still wanted. Records keep their
 * times, labels and reported sizes; what gets smaller is what they take on the device. One thread
 * at a time.
 */
public final class Compression {
  private final Entry entry;
  private final TimeRange range;
  private final boolean onlyCounts;
  private final ArrayDeque<Block> blocks = new ArrayDeque<>();
  private long doneBlocks;
  private long doneRecords;

  /**
   * Looks for blocks that are not compressed, and have not been tried in vain.
   *
   * @param onlyCounts true: nothing is compressed
   */
  public Compression(Entry entry, TimeRange range, boolean onlyCounts) {
    this.entry = entry;
    this.range = range;
    this.onlyCounts = onlyCounts;
    BlockMap map = entry.closed;
    entry.lock.lock();
    try {
      for (int i = 0; i < map.size() && !entry.isMeta(); i++) {
        if (isWanted(map.get(i))) {
          blocks.add(map.get(i));
        }
      }
    } finally {
      entry.lock.unlock();
    }
  }

  private boolean isWanted(Block block) {
    return Rewriter.isCompressible(block)
        && range.contains(block.oldest)
        && range.contains(block.newest);
  }

  /** Records of compressed blocks, or of those that would have been tried. */
  public long records() {
    return doneRecords;
  }

  /** Blocks that were compressed, or would have been tried. */
  public long blocks() {
    return doneBlocks;
  }

  /**
   * Does the next block; may take a second for each 100 MB.
   *
   * @return false when none is left
   */
  public boolean step() {
    Block block = blocks.poll();
    if (block == null) {
      return false;
    }
    int live;
    entry.lock.lock();
    try {
      live = entry.gone || !isWanted(block) ? 0 : block.live;
    } finally {
      entry.lock.unlock();
    }
    if (live > 0 && (onlyCounts || Rewriter.compress(block))) {
      doneBlocks++;
      doneRecords += live;
    }
    return !blocks.isEmpty();
  }
}
