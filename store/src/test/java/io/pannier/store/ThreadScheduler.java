package io.pannier.store;

import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Runs the engine's work on real threads, as production does. Failures of tasks are kept for the
 * test to see.
 */
public final class ThreadScheduler implements Scheduler, AutoCloseable {
  private final ScheduledExecutorService sync = Executors.newScheduledThreadPool(1);
  private final ScheduledExecutorService background = Executors.newScheduledThreadPool(2);
  public final java.util.Queue<Throwable> failures =
      new java.util.concurrent.ConcurrentLinkedQueue<>();

  @Override
  public void run(Lane lane, Runnable task) {
    runLater(lane, 0, task);
  }

  @Override
  @SuppressWarnings("FutureReturnValueIgnored") // what a task throws is kept in failures
  public void runLater(Lane lane, long delayMillis, Runnable task) {
    try {
      (lane == Lane.SYNC ? sync : background)
          .schedule(
              () -> {
                try {
                  task.run();
                } catch (RuntimeException | Error failed) {
                  failures.add(failed);
                }
              },
              delayMillis,
              TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException stopped) {
      // The store is being closed: its last round does not need the lanes.
    }
  }

  @Override
  public void close() {
    background.shutdown();
    sync.shutdown();
    try {
      if (!background.awaitTermination(10, TimeUnit.SECONDS)) {
        failures.add(new IllegalStateException("background work does not end"));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
