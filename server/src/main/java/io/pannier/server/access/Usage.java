package io.pannier.server.access;

import io.pannier.model.Clock;
import java.util.OptionalLong;

/**
 * When a token was used last. Within one process rest is measured by the clock that never jumps, so
 * that a robot whose wall clock is set after its start does not lose its tokens; across a restart
 * there is only the wall clock.
 */
final class Usage {
  /** Uses that follow this closely count as one: the moment is not written for each request. */
  private static final long CLOSE_NANOS = 10_000_000;

  private static final long NEVER = Long.MIN_VALUE;

  /** µs of the wall clock, or {@link #NEVER}. */
  private volatile long wallMicros;

  /** By the clock that never jumps; only if it was used in this process. */
  private volatile long nanos;

  private volatile boolean inThisProcess;

  private Usage(long wallMicros) {
    this.wallMicros = wallMicros;
  }

  /** Of a token that nobody used yet; it counts as used when it was made. */
  static Usage none(Clock clock) {
    var usage = new Usage(NEVER);
    usage.nanos = clock.monotonicNanos();
    usage.inThisProcess = true;
    return usage;
  }

  /** As an earlier process left it. */
  static Usage of(OptionalLong wallMicros) {
    return new Usage(wallMicros.orElse(NEVER));
  }

  /** Takes note of a use. True: it is news. */
  boolean touch(Clock clock) {
    long now = clock.monotonicNanos();
    if (inThisProcess && wallMicros != NEVER && now - nanos < CLOSE_NANOS) {
      return false;
    }
    nanos = now;
    wallMicros = clock.wallMicros();
    inThisProcess = true;
    return true;
  }

  OptionalLong lastMicros() {
    long last = wallMicros;
    return last == NEVER ? OptionalLong.empty() : OptionalLong.of(last);
  }

  /** How long it has rested; a token that was never used, since then. Nanoseconds. */
  long restNanos(Clock clock, long createdMicros) {
    if (inThisProcess) {
      return clock.monotonicNanos() - nanos;
    }
    long since = Math.max(wallMicros, createdMicros); // tidy: wall clock, signed
    return (clock.wallMicros() - since) * 1000;
  }
}
