package io.pannier.bench;

/**
 * Counts durations in nanoseconds, in buckets whose width is at most 1/128 of their value: every
 * answer is less than 0.8 % too high. Takes any duration up to 2<sup>63</sup> - 1 ns, needs 58 KB,
 * and costs a few nanoseconds per value. Not for several threads.
 */
final class LatencyHistogram {
  private static final int SUB_BITS = 7;
  private static final int SUB_BUCKETS = 1 << SUB_BITS;

  private final long[] counts = new long[(64 - SUB_BITS) * SUB_BUCKETS];
  private long count;
  private long sum;
  private long highest;

  /** Adds one duration in ns; a negative one counts as 0. */
  void record(long nanos) {
    long value = Math.max(0, nanos);
    counts[bucketOf(value)]++;
    count++;
    sum += value;
    highest = Math.max(highest, value);
  }

  /** Forgets everything. */
  void clear() {
    java.util.Arrays.fill(counts, 0);
    count = 0;
    sum = 0;
    highest = 0;
  }

  /** Number of durations. */
  long count() {
    return count;
  }

  /** Arithmetic mean in ns; 0 without values. */
  double meanNanos() {
    return count == 0 ? 0 : (double) sum / count;
  }

  /** The longest duration in ns, exactly; 0 without values. */
  long maxNanos() {
    return highest;
  }

  /**
   * The duration in ns that the given part (0 to 1) of all values does not exceed; 0 without
   * values.
   */
  long quantileNanos(double part) {
    long rank = Math.max(1, (long) Math.ceil(part * count));
    long seen = 0;
    for (int i = 0; i < counts.length; i++) {
      seen += counts[i];
      if (seen >= rank) {
        return Math.min(highest, upperEdge(i));
      }
    }
    return highest;
  }

  private static int bucketOf(long value) {
    int shift = Math.max(0, 64 - SUB_BITS - 1 - Long.numberOfLeadingZeros(value));
    return shift * SUB_BUCKETS + (int) (value >>> shift);
  }

  private static long upperEdge(int bucket) {
    int shift = Math.max(0, bucket / SUB_BUCKETS - 1);
    long sub = bucket - (long) shift * SUB_BUCKETS;
    return ((sub + 1) << shift) - 1;
  }
}
