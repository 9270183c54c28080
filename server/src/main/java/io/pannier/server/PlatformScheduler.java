package io.pannier.server;

import io.pannier.store.Scheduler;
import java.util.concurrent.Delayed;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engine's work on platform threads: one for sync rounds, a few for the rest. Threads are never
 * interrupted: that would close files under readers.
 */
public final class PlatformScheduler implements Scheduler, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PlatformScheduler.class);

  private final ScheduledThreadPoolExecutor sync;
  private final ScheduledThreadPoolExecutor background;
  private final ScheduledThreadPoolExecutor remote;

  /** Starts with so many threads for background work. */
  public PlatformScheduler(int backgroundThreads) {
    this("pannier", backgroundThreads, true);
  }

  /**
   * The same for work that is not the engine's: what waits for its time is not waited for at the
   * end.
   *
   * @param name what names of threads begin with
   */
  PlatformScheduler(String name, int backgroundThreads) {
    this(name, backgroundThreads, false);
  }

  private PlatformScheduler(String name, int backgroundThreads, boolean waitsAtEnd) {
    sync = pool(name + "-sync", 1, waitsAtEnd);
    background = pool(name + "-background", backgroundThreads, waitsAtEnd);
    // Has no thread before its first task. What waits for its time is done by the stop itself.
    remote = pool(name + "-remote", 1, false);
  }

  private static ScheduledThreadPoolExecutor pool(String name, int threads, boolean waitsAtEnd) {
    var number = new AtomicInteger();
    var pool =
        new ScheduledThreadPoolExecutor(
            threads,
            task -> {
              var thread = new Thread(task, name + "-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    pool.setExecuteExistingDelayedTasksAfterShutdownPolicy(waitsAtEnd);
    return pool;
  }

  private ScheduledThreadPoolExecutor pool(Lane lane) {
    return switch (lane) {
      case SYNC -> sync;
      case BACKGROUND -> background;
      case REMOTE -> remote;
    };
  }

  @Override
  public int waiting(Lane lane) {
    int due = 0;
    for (Runnable task : pool(lane).getQueue()) {
      if (((Delayed) task).getDelay(TimeUnit.NANOSECONDS) <= 0) {
        due++;
      }
    }
    return due;
  }

  @Override
  public void run(Lane lane, Runnable task) {
    runLater(lane, 0, task);
  }

  @Override
  public void runLater(Lane lane, long delayMillis, Runnable task) {
    try {
      pool(lane).schedule(() -> guarded(task), delayMillis, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException stopping) {
      LOG.debug("task came after the stop", stopping);
    }
  }

  private static void guarded(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException | Error failed) {
      LOG.error("background task failed", failed);
    }
  }

  /** Takes no more tasks and waits a moment for those that run. */
  @Override
  public void close() {
    background.shutdown();
    sync.shutdown();
    remote.shutdown();
    try {
      if (!background.awaitTermination(2, TimeUnit.SECONDS)) {
        LOG.info("background work goes on at the next start");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
