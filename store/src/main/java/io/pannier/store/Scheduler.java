package io.pannier.store;

/**
 * Runs the engine's own work: the engine starts no thread. In production two lanes of platform
 * threads; in tests one seeded loop, in which a failing seed replays exactly. Tasks never throw.
 */
public interface Scheduler {
  /** What kind of work, so that a long rewrite cannot hold up a sync round. */
  enum Lane {
    /** Sync rounds: one at a time. */
    SYNC,
    /** Sealing, rewriting, deleting, accounting. */
    BACKGROUND,
    /** Uploads to an object store: one at a time. */
    REMOTE
  }

  /** Runs a task on a lane as soon as it is free. */
  void run(Lane lane, Runnable task);

  /** Runs a task on a lane after a delay by the monotonic clock. */
  void runLater(Lane lane, long delayMillis, Runnable task);

  /** Tasks that could run and wait for their lane; for statistics, where a queue can be seen. */
  default int waiting(Lane lane) {
    return 0;
  }
}
