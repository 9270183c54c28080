package io.pannier.store;

import io.pannier.model.Clock;

/** A clock that stands still until it is turned. */
public final class ManualClock implements Clock {
  private long wallMicros = 1_750_000_000_000_000L;
  private long nanos = 1_000_000_000L;

  @Override
  public synchronized long wallMicros() {
    return wallMicros;
  }

  @Override
  public synchronized long monotonicNanos() {
    return nanos;
  }

  /** Both clocks go on. */
  public synchronized void advanceNanos(long by) {
    nanos += by;
    wallMicros += by / 1_000;
  }

  /** The wall clock alone jumps. */
  public synchronized void jumpWall(long micros) {
    wallMicros += micros;
  }
}
