package io.pannier.store.remote;

import io.pannier.model.Clock;
import java.util.concurrent.atomic.AtomicLong;

/** How many bytes only the local folder has, and since when. Any thread. */
final class Unsent {
  private final Clock clock;
  private final AtomicLong bytes = new AtomicLong();
  private volatile long oldestNanos;

  Unsent(Clock clock) {
    this.clock = clock;
  }

  /** Bytes were appended. */
  void appended(long count) {
    if (bytes.getAndAdd(count) == 0) {
      oldestNanos = clock.monotonicNanos();
    }
  }

  /** Bytes went away that nobody has to send any more; negative: there are more. */
  void dropped(long count) {
    bytes.addAndGet(-count);
  }

  /** A root has come of which all bytes were captured at this time. */
  void sent(long count, long capturedNanos) {
    if (bytes.addAndGet(-count) > 0) {
      oldestNanos = capturedNanos;
    }
  }

  long bytes() {
    return Math.max(0, bytes.get());
  }

  /** Age of the oldest of them; 0 where there are none. */
  long ageMicros() {
    return bytes() == 0 ? 0 : (clock.monotonicNanos() - oldestNanos) / 1_000;
  }
}
