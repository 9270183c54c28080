package io.pannier.server;

import io.pannier.query.Timers;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Timers on one thread. */
final class ServerTimers implements Timers, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ServerTimers.class);
  private final ScheduledThreadPoolExecutor executor;

  ServerTimers() {
    executor =
        new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().name("timers").daemon().factory());
    executor.setRemoveOnCancelPolicy(true);
    executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
  }

  @Override
  public Timer after(long delayNanos, Runnable task) {
    try {
      var future =
          executor.schedule(
              () -> {
                try {
                  task.run();
                } catch (RuntimeException e) {
                  LOG.error("timer failed", e);
                }
              },
              delayNanos,
              TimeUnit.NANOSECONDS);
      return () -> future.cancel(false);
    } catch (java.util.concurrent.RejectedExecutionException stopping) {
      return () -> {};
    }
  }

  /** Runs a task that may wait for the device: on a thread of its own. */
  void blockingAfter(long delayNanos, Runnable task) {
    after(delayNanos, () -> Thread.ofPlatform().name("later").daemon().start(task));
  }

  @Override
  public void close() {
    executor.shutdown();
  }
}
