package io.pannier.store;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Says of a time that none of many closed blocks has a record of it, without a look into their
 * indexes: a Bloom filter over all times of the blocks that were added. Records in random order
 * make blocks that all overlap; each new one would have to be looked for in every one of them.
 */
final class TimeFilter {
  /** Bits for a time: about one in a hundred is looked for in vain. */
  static final int BITS_PER_TIME = 10;

  private static final int PROBES = 6;

  private final int[] words;
  private final int mask;

  /** Ids of blocks of which all times are in. */
  private final BitSet members = new BitSet();

  private long times;

  /** Takes a power of two of bytes. */
  TimeFilter(int bytes) {
    words = new int[bytes / Integer.BYTES];
    mask = bytes * Byte.SIZE - 1;
  }

  int bytes() {
    return words.length * Integer.BYTES;
  }

  /** Adds a closed block; false when there is no room for its times. */
  synchronized boolean add(Block block, BlockIndex index) {
    if (members.get(block.id)) {
      return true;
    }
    if ((times + index.rows()) * BITS_PER_TIME > (long) words.length * Integer.SIZE) {
      return false;
    }
    for (int row = 0; row < index.rows(); row++) {
      long hash = hash(index.timestamp(row));
      for (int i = 0; i < PROBES; i++) {
        int bit = bit(hash, i);
        words[bit >>> 5] |= 1 << bit;
      }
    }
    times += index.rows();
    members.set(block.id);
    return true;
  }

  /** Those of the blocks that may have a record of this time. */
  synchronized List<Block> thatMayHold(long time, List<Block> blocks) {
    if (mayHold(time)) {
      return blocks;
    }
    List<Block> unknown = List.of();
    for (Block block : blocks) {
      if (!members.get(block.id)) {
        if (unknown.isEmpty()) {
          unknown = new ArrayList<>(4);
        }
        unknown.add(block);
      }
    }
    return unknown;
  }

  private boolean mayHold(long time) {
    long hash = hash(time);
    for (int i = 0; i < PROBES; i++) {
      int bit = bit(hash, i);
      if ((words[bit >>> 5] & 1 << bit) == 0) {
        return false;
      }
    }
    return true;
  }

  private int bit(long hash, int probe) {
    return ((int) hash + probe * ((int) (hash >>> 32) | 1)) & mask;
  }

  /** Times are often equal steps: every bit of one decides about every bit of the hash. */
  private static long hash(long time) {
    long mixed = (time ^ (time >>> 32)) * 0xd6e8feb86659fd93L;
    mixed = (mixed ^ (mixed >>> 32)) * 0xd6e8feb86659fd93L;
    return mixed ^ (mixed >>> 32);
  }
}
