package io.pannier.query;

/** Calls back later. Tests turn it by hand. */
public interface Timers {
  /** What was asked for, and may be called off. */
  interface Timer {
    /** Calls it off; does nothing when it has run. */
    void cancel();
  }

  /**
   * Runs a short task after a delay by the monotonic clock, on a thread on which nothing may block.
   */
  Timer after(long delayNanos, Runnable task);
}
