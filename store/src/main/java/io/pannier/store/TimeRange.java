package io.pannier.store;

import io.pannier.model.Timestamp;

/**
 * Times from {@code start} on, below {@code stop} if bounded. Unbounded is not the same as a stop
 * of 2⁶⁴−1, which leaves that last time out.
 *
 * @param start first time, µs, unsigned
 * @param bounded whether {@code stop} counts
 * @param stop first time that is not in the range
 */
public record TimeRange(long start, boolean bounded, long stop) {
  /** Every time. */
  public static TimeRange all() {
    return new TimeRange(0, false, 0);
  }

  /** From {@code start} on, without end. */
  public static TimeRange from(long start) {
    return new TimeRange(start, false, 0);
  }

  /** From {@code start} on, below {@code stop}. */
  public static TimeRange of(long start, long stop) {
    return new TimeRange(start, true, stop);
  }

  /** Whether no time is in it. */
  public boolean isEmpty() {
    return bounded && !Timestamp.isBefore(start, stop);
  }

  /** Whether the time is in the range. */
  public boolean contains(long timestamp) {
    return !Timestamp.isBefore(timestamp, start) && !isPast(timestamp);
  }

  /** Whether the time lies behind the end. */
  public boolean isPast(long timestamp) {
    return bounded && !Timestamp.isBefore(timestamp, stop);
  }
}
