package io.pannier.model;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counts durations in ranges that are set beforehand. To record one costs two additions that
 * threads do not fight over, and nothing on the heap.
 */
public final class DurationHistogram {
  private final long[] boundsNanos;
  private final LongAdder[] counts;
  private final LongAdder sumNanos = new LongAdder();

  /**
   * What was counted up to a moment. Durations that are recorded meanwhile may be in one of its
   * numbers and not yet in another.
   */
  public static final class Snapshot {
    private final long[] boundsNanos;
    private final long[] counts;
    private final long sumNanos;

    private Snapshot(long[] boundsNanos, long[] counts, long sumNanos) {
      this.boundsNanos = boundsNanos;
      this.counts = counts;
      this.sumNanos = sumNanos;
    }

    /** Number of ranges. */
    public int ranges() {
      return counts.length;
    }

    /** Highest duration of a range in ns; {@link Long#MAX_VALUE} for the last. */
    public long boundNanos(int range) {
      return range < boundsNanos.length ? boundsNanos[range] : Long.MAX_VALUE;
    }

    /** Durations in a range. */
    public long count(int range) {
      return counts[range];
    }

    /** Durations in all ranges. */
    public long count() {
      return java.util.Arrays.stream(counts).sum();
    }

    /** All durations together, in ns. */
    public long sumNanos() {
      return sumNanos;
    }
  }

  /** With these bounds between ranges, in microseconds, ascending. */
  public DurationHistogram(long... boundsMicros) {
    boundsNanos = new long[boundsMicros.length];
    counts = new LongAdder[boundsMicros.length + 1];
    for (int i = 0; i < counts.length; i++) {
      counts[i] = new LongAdder();
      if (i < boundsMicros.length) {
        boundsNanos[i] = TimeUnit.MICROSECONDS.toNanos(boundsMicros[i]);
      }
    }
  }

  /** Counts one duration; a negative one counts as 0. */
  public void record(long nanos) {
    int range = 0;
    // Most durations are short: the first ranges are found soonest by looking at them first.
    while (range < boundsNanos.length && nanos > boundsNanos[range]) {
      range++;
    }
    counts[range].increment();
    if (nanos > 0) {
      sumNanos.add(nanos);
    }
  }

  /** What was counted so far. */
  public Snapshot snapshot() {
    var now = new long[counts.length];
    for (int i = 0; i < now.length; i++) {
      now[i] = counts[i].sum();
    }
    return new Snapshot(boundsNanos, now, sumNanos.sum());
  }
}
