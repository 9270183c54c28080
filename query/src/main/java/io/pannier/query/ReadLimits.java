package io.pannier.query;

/**
 * How long a read collects.
 *
 * @param batchTimeoutNanos longest time to collect one batch, and longest wait for the first record
 *     of a continuous query
 * @param recordTimeoutNanos longest time between two records of a batch
 */
public record ReadLimits(long batchTimeoutNanos, long recordTimeoutNanos) {
  /** What the reference does: 5 s and 1 s. */
  public static final ReadLimits DEFAULT = new ReadLimits(5_000_000_000L, 1_000_000_000L);
}
