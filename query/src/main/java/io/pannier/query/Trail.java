package io.pannier.query;

import java.util.Arrays;

/**
 * Where the records lie that were judged since the last one that was given. Of long rows only every
 * second, fourth, eighth … place is kept, so it takes the same memory for any number of them.
 */
final class Trail {
  private static final int PLACES = 512;

  private long[] times = new long[8];
  private int kept;
  private int stride = 1;
  private long count;

  /** Number of records. */
  long count() {
    return count;
  }

  /** The next record. */
  void add(long time) {
    if (count % stride == 0) {
      if (kept == PLACES) {
        for (int i = 0; i < PLACES / 2; i++) {
          times[i] = times[2 * i];
        }
        kept = PLACES / 2;
        stride *= 2;
      }
      if (count % stride == 0) {
        if (kept == times.length) {
          times = Arrays.copyOf(times, 2 * kept);
        }
        times[kept++] = time;
      }
    }
    count++;
  }

  /**
   * Where to begin in order to see the last {@code wanted} records.
   *
   * @param wanted at least 1
   */
  Start lastOnes(long wanted) {
    long first = Math.max(0, count - wanted);
    int place = (int) Math.min(kept - 1L, first / stride);
    return new Start(times[place], first - (long) place * stride);
  }

  /**
   * A place in the row.
   *
   * @param time time of a record
   * @param skip how many records from it on are not wanted
   */
  record Start(long time, long skip) {}

  /** Forgets all. */
  void clear() {
    kept = 0;
    stride = 1;
    count = 0;
  }
}
