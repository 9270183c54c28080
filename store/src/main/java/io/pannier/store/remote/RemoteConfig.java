package io.pannier.store.remote;

import java.util.concurrent.TimeUnit;

/**
 * What a {@link RemoteDisk} is told.
 *
 * @param prefix what the keys of all objects begin with
 * @param cacheBytes most bytes of clean blocks in the local folder
 * @param tailBytes bytes that are not uploaded from which on writers have to wait
 * @param intervalMillis how often what is new goes up
 * @param graceMillis how long a segment that nothing needs any more stays for readers
 * @param segmentBytes most bytes of files in one segment
 * @param readCacheBytes most bytes of evicted blocks kept in memory
 * @param holder says who writes: host, process
 */
public record RemoteConfig(
    String prefix,
    long cacheBytes,
    long tailBytes,
    long intervalMillis,
    long graceMillis,
    long segmentBytes,
    long readCacheBytes,
    String holder) {
  /** Shortest lease: longer than a restart takes, shorter than anybody wants to wait. */
  private static final long LEASE_MILLIS_MIN = 90_000;

  private static final long INTERVALS_PER_LEASE = 3;

  /** With the usual bounds. */
  public static RemoteConfig of(
      String prefix, long cacheBytes, long tailBytes, long intervalMillis, String holder) {
    return new RemoteConfig(
        prefix,
        cacheBytes,
        tailBytes,
        intervalMillis,
        TimeUnit.MINUTES.toMillis(10),
        64L << 20,
        32L << 20,
        holder);
  }

  long leaseMicros() {
    return TimeUnit.MILLISECONDS.toMicros(
        Math.max(LEASE_MILLIS_MIN, INTERVALS_PER_LEASE * intervalMillis));
  }
}
