package io.pannier.server;

import io.pannier.replicate.Workers;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Threads for replications: a task has at most one that judges, one that sends and one that saves,
 * and none while there is nothing to do. Platform threads, for they wait in files and sockets.
 */
final class ReplicationWorkers implements Workers, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ReplicationWorkers.class);

  private final ScheduledThreadPoolExecutor timer;
  private final ExecutorService workers;

  ReplicationWorkers() {
    timer =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().name("replication-timer").daemon().factory());
    timer.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    workers =
        Executors.newCachedThreadPool(
            Thread.ofPlatform().name("replication-", 1).daemon().factory());
  }

  @Override
  public void after(long delayNanos, Runnable work) {
    try {
      if (delayNanos <= 0) {
        workers.execute(() -> guarded(work));
      } else {
        timer.schedule(
            () -> workers.execute(() -> guarded(work)), delayNanos, TimeUnit.NANOSECONDS);
      }
    } catch (RejectedExecutionException stopping) {
      LOG.debug("work came after the stop", stopping);
    }
  }

  private static void guarded(Runnable work) {
    try {
      work.run();
    } catch (RuntimeException | Error failed) {
      LOG.error("replication failed", failed);
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
    workers.shutdown();
    try {
      if (!workers.awaitTermination(2, TimeUnit.SECONDS)) {
        LOG.info("work of replications goes on while the server stops");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
