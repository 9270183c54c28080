package io.pannier.server.lifecycle;

import io.pannier.model.Clock;
import io.pannier.model.Timestamp;
import io.pannier.store.Bucket;
import io.pannier.store.BucketInfo;
import io.pannier.store.Store;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Tells whether the wall clock can be believed by those who remove what it says is old. It cannot
 * after a jump of more than 10 minutes against the monotonic clock, until it has jumped back or run
 * evenly for an hour (a machine that slept) or, after a jump of more than a day, for a day; while
 * it is more than a day past the newest record that a client wrote; and while it shows a time
 * before this program existed.
 */
final class ClockWatch {
  /** The time that all our builds carry: none is older. µs. */
  private static final long BUILT =
      Instant.parse("2025-01-01T00:00:00Z").getEpochSecond() * 1_000_000;

  private static final long JUMP_MICROS = TimeUnit.MINUTES.toMicros(10);
  private static final long AHEAD_MICROS = TimeUnit.DAYS.toMicros(1);
  private static final long SETTLED_SOON_NANOS = TimeUnit.HOURS.toNanos(1);
  private static final long SETTLED_NANOS = TimeUnit.DAYS.toNanos(1);

  private final Clock clock;

  /** What the wall clock is ahead of the monotonic one while it is believed, µs. */
  private long believed;

  /** The same since the last jump that is not believed yet, and when that was noticed. */
  private long jumped;

  private long jumpedAt;

  ClockWatch(Clock clock) {
    this.clock = clock;
    believed = ahead();
    jumped = believed;
  }

  private long ahead() {
    return clock.wallMicros() - TimeUnit.NANOSECONDS.toMicros(clock.monotonicNanos());
  }

  /** Why the clock is not to be believed at this moment by what it shows alone; null: it is. */
  synchronized @Nullable String doubt() {
    long now = clock.wallMicros();
    if (now < BUILT) {
      return "the clock shows " + instant(now) + ", which is before this program was built";
    }
    long ahead = ahead();
    if (Math.abs(ahead - believed) <= JUMP_MICROS) {
      // A clock that is disciplined drifts slowly: what is believed follows it.
      believed = ahead;
      jumped = ahead;
      return null;
    }
    long monotonic = clock.monotonicNanos();
    if (jumped == believed || Math.abs(ahead - jumped) > JUMP_MICROS) {
      jumped = ahead;
      jumpedAt = monotonic;
    }
    boolean isFar = Math.abs(ahead - believed) > AHEAD_MICROS;
    if (monotonic - jumpedAt >= (isFar ? SETTLED_NANOS : SETTLED_SOON_NANOS)) {
      believed = ahead;
      jumped = ahead;
      return null;
    }
    return "the clock jumped by " + (ahead - believed) / 1_000_000 + " s";
  }

  /** The same, also by what is stored; looks at every bucket. */
  @Nullable String doubt(Store store) {
    String doubt = doubt();
    if (doubt != null) {
      return doubt;
    }
    Optional<Long> newest = newestRecord(store);
    long now = clock.wallMicros();
    if (newest.isPresent()
        && Timestamp.isBefore(newest.get(), now)
        && now - newest.get() > AHEAD_MICROS) {
      return "the clock shows "
          + instant(now)
          + ", more than a day past the newest record ("
          + instant(newest.get())
          + ")";
    }
    return null;
  }

  /** The newest record of a client: the server's own carry the time in question. */
  private static Optional<Long> newestRecord(Store store) {
    Long newest = null;
    for (Bucket bucket : store.buckets()) {
      if (bucket.name().startsWith("$")) {
        continue;
      }
      try {
        BucketInfo info = bucket.info();
        if (info.hasRecords()
            && (newest == null || Timestamp.isAfter(info.latestRecord(), newest))) {
          newest = info.latestRecord();
        }
      } catch (io.pannier.model.PannierException.NotFound
          | io.pannier.model.PannierException.Conflict removed) {
        // It went away meanwhile.
      }
    }
    return Optional.ofNullable(newest);
  }

  /** As in RFC 3339. */
  static Instant instant(long micros) {
    return Instant.ofEpochSecond(
        Math.floorDiv(micros, 1_000_000L), Math.floorMod(micros, 1_000_000L) * 1_000L);
  }
}
