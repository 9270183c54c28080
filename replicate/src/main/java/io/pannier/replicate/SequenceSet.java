package io.pannier.replicate;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/**
 * A set of sequence numbers, of which neighbours are mostly in it together: bits in chunks of 4096,
 * where whole chunks cost nothing but their place. Not thread-safe.
 */
final class SequenceSet {
  private static final int SHIFT = 12;
  private static final int WORDS = 1 << (SHIFT - 6);
  private static final long[] FULL = new long[WORDS];

  static {
    Arrays.fill(FULL, -1L);
  }

  private final TreeMap<Long, long[]> chunks = new TreeMap<>();
  private long size;

  /** Number of numbers. */
  long size() {
    return size;
  }

  boolean isEmpty() {
    return size == 0;
  }

  boolean contains(long number) {
    long[] chunk = chunks.get(number >>> SHIFT);
    return chunk != null && (chunk[word(number)] & bit(number)) != 0;
  }

  /** Returns whether it was not in the set before. */
  boolean add(long number) {
    long[] chunk = chunks.computeIfAbsent(number >>> SHIFT, key -> new long[WORDS]);
    if ((chunk[word(number)] & bit(number)) != 0) {
      return false;
    }
    chunk[word(number)] |= bit(number);
    size++;
    if (chunk[word(number)] == -1L && Arrays.equals(chunk, FULL)) {
      chunks.put(number >>> SHIFT, FULL);
    }
    return true;
  }

  /** Returns whether it was in the set before. */
  boolean remove(long number) {
    long key = number >>> SHIFT;
    long[] chunk = chunks.get(key);
    if (chunk == null || (chunk[word(number)] & bit(number)) == 0) {
      return false;
    }
    if (isFull(chunk)) {
      chunk = FULL.clone();
      chunks.put(key, chunk);
    }
    chunk[word(number)] &= ~bit(number);
    size--;
    if (isZero(chunk)) {
      chunks.remove(key);
    }
    return true;
  }

  /** The lowest number from {@code number} on, or −1. */
  long next(long number) {
    for (Map.Entry<Long, long[]> chunk : chunks.tailMap(number >>> SHIFT).entrySet()) {
      long base = chunk.getKey() << SHIFT;
      long from = Math.max(base, number);
      int word = word(from);
      long bits = chunk.getValue()[word] & (-1L << (from & 63));
      while (bits == 0 && ++word < WORDS) {
        bits = chunk.getValue()[word];
      }
      if (bits != 0) {
        return base + 64L * word + Long.numberOfTrailingZeros(bits);
      }
    }
    return -1;
  }

  /** Takes out all numbers below one. */
  void removeBelow(long number) {
    long key = number >>> SHIFT;
    var whole = chunks.headMap(key);
    for (long[] chunk : whole.values()) {
      size -= count(chunk);
    }
    whole.clear();
    for (long at = next(0); at >= 0 && at < number; at = next(at + 1)) {
      remove(at);
    }
  }

  /** Takes out all numbers above one. */
  void removeAbove(long number) {
    for (long at = next(number + 1); at >= 0; at = next(at + 1)) {
      remove(at);
    }
  }

  void clear() {
    chunks.clear();
    size = 0;
  }

  void write(DataOutput out) throws IOException {
    out.writeInt(chunks.size());
    for (var chunk : chunks.entrySet()) {
      boolean full = isFull(chunk.getValue());
      out.writeLong(chunk.getKey());
      out.writeBoolean(full);
      for (int i = 0; i < WORDS && !full; i++) {
        out.writeLong(chunk.getValue()[i]);
      }
    }
  }

  static SequenceSet read(DataInput in) throws IOException {
    var set = new SequenceSet();
    for (int left = in.readInt(); left > 0; left--) {
      long key = in.readLong();
      long[] chunk = FULL;
      if (!in.readBoolean()) {
        chunk = new long[WORDS];
        for (int i = 0; i < WORDS; i++) {
          chunk[i] = in.readLong();
        }
      }
      set.chunks.put(key, chunk);
      set.size += count(chunk);
    }
    return set;
  }

  /** Whether it is the one that all full chunks share and nobody may change. */
  @SuppressWarnings("ReferenceEquality")
  private static boolean isFull(long[] chunk) {
    return chunk == FULL;
  }

  private static int word(long number) {
    return (int) (number >>> 6) & (WORDS - 1);
  }

  private static long bit(long number) {
    return 1L << (number & 63);
  }

  private static boolean isZero(long[] chunk) {
    for (long word : chunk) {
      if (word != 0) {
        return false;
      }
    }
    return true;
  }

  private static int count(long[] chunk) {
    int count = 0;
    for (long word : chunk) {
      count += Long.bitCount(word);
    }
    return count;
  }
}
