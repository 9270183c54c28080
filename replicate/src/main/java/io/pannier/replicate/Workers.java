package io.pannier.replicate;

/**
 * Runs the work of tasks, which may block for long. In production threads, in tests one seeded
 * loop.
 */
public interface Workers {
  /** Runs something after a delay by the monotonic clock. */
  void after(long delayNanos, Runnable work);
}
