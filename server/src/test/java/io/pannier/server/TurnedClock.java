package io.pannier.server;

import io.pannier.model.Clock;
import io.pannier.model.SystemClock;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** The time of the machine, moved on by hand. */
final class TurnedClock implements Clock {
  private final Clock machine = new SystemClock();
  private final AtomicLong shiftNanos = new AtomicLong();
  private final AtomicLong jumpMicros = new AtomicLong();

  /** Lets time pass. */
  void pass(Duration duration) {
    shiftNanos.addAndGet(duration.toNanos());
  }

  /** Sets the wall clock without any time passing. */
  void jump(Duration duration) {
    jumpMicros.addAndGet(duration.toMillis() * 1000);
  }

  @Override
  public long wallMicros() {
    return machine.wallMicros() + shiftNanos.get() / 1000 + jumpMicros.get();
  }

  @Override
  public long monotonicNanos() {
    return machine.monotonicNanos() + shiftNanos.get();
  }
}
