package io.pannier.server.http;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * The threads for whatever may wait. Their number is what the device is to bear at once; one that
 * waits for a slow client is no load, and is made up for by another, so that clients on slow links
 * never hold up the others.
 */
final class Workers {
  /** Waiting for a client no longer than this is not worth a thread. */
  private static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  /** Most threads that wait for clients and are made up for: memory for their stacks. */
  private static final int EXTRA_MAX = 224;

  private final int atOnce;
  private final int queueMax;
  private final ThreadPoolExecutor pool;
  private final ReentrantLock lock = new ReentrantLock();

  /** Threads that wait for a client; under the lock. */
  private int waiting;

  Workers(int atOnce, int queueMax) {
    var number = new AtomicInteger();
    this.atOnce = atOnce;
    this.queueMax = queueMax;
    pool =
        new ThreadPoolExecutor(
            atOnce,
            atOnce,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(queueMax),
            task -> new Thread(task, "pannier-io-" + number.incrementAndGet()));
  }

  /**
   * Has the task run on a worker, at once or when one is free.
   *
   * @throws java.util.concurrent.RejectedExecutionException when too many wait for one already
   */
  void execute(Runnable task) {
    pool.execute(task);
  }

  void shutdown() {
    pool.shutdown();
  }

  /** Threads that there may be now. */
  int size() {
    return pool.getMaximumPoolSize();
  }

  int busy() {
    return pool.getActiveCount();
  }

  int queued() {
    return pool.getQueue().size();
  }

  int queueMax() {
    return queueMax;
  }

  /**
   * Waits for a client, on a worker that holds the lock of the condition.
   *
   * @param over whether the wait is over; asked under that lock
   */
  void awaitClient(Condition moved, BooleanSupplier over) {
    boolean patient = true;
    boolean interrupted = false;
    try {
      while (!over.getAsBoolean()) {
        if (!patient) {
          moved.awaitUninterruptibly();
          continue;
        }
        try {
          patient = moved.awaitNanos(PATIENCE_NANOS) > 0;
        } catch (InterruptedException _) {
          interrupted = true;
          patient = false;
        }
        if (!patient) {
          waiting(1);
        }
      }
    } finally {
      if (!patient) {
        waiting(-1);
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void waiting(int change) {
    lock.lock();
    try {
      waiting += change;
      int size = atOnce + Math.min(waiting, EXTRA_MAX);
      // In this order: there are never to be more of the core than there may be at all.
      if (change > 0) {
        pool.setMaximumPoolSize(size);
        pool.setCorePoolSize(size);
      } else {
        pool.setCorePoolSize(size);
        pool.setMaximumPoolSize(size);
      }
    } finally {
      lock.unlock();
    }
  }
}
