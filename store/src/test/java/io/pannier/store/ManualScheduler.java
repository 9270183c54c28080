package io.pannier.store;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;

/**
 * Runs the engine's work only when a test says so, in the thread of the test, in the order of due
 * times. Time is that of the {@link ManualClock} it is given.
 */
public final class ManualScheduler implements Scheduler {
  private record Task(long dueNanos, long number, Runnable run) implements Comparable<Task> {
    @Override
    public int compareTo(Task other) {
      return dueNanos == other.dueNanos
          ? Long.compare(number, other.number)
          : Long.compare(dueNanos, other.dueNanos);
    }
  }

  private final ManualClock clock;
  private final PriorityQueue<Task> tasks = new PriorityQueue<>();
  private long next;

  public ManualScheduler(ManualClock clock) {
    this.clock = clock;
  }

  @Override
  public synchronized void run(Lane lane, Runnable task) {
    tasks.add(new Task(clock.monotonicNanos(), next++, task));
  }

  @Override
  public synchronized void runLater(Lane lane, long delayMillis, Runnable task) {
    tasks.add(new Task(clock.monotonicNanos() + delayMillis * 1_000_000, next++, task));
  }

  /** Runs what is due now, and what becomes due by it. */
  public void runDue() {
    for (Runnable task : due()) {
      task.run();
      runDue();
    }
  }

  /** Runs one task that is due, if there is one; tasks that it makes are left for the next call. */
  public boolean runOne() {
    Task next;
    synchronized (this) {
      next = tasks.peek();
      if (next == null || next.dueNanos() > clock.monotonicNanos()) {
        return false;
      }
      tasks.remove();
    }
    next.run().run();
    return true;
  }

  private synchronized List<Runnable> due() {
    var due = new ArrayList<Runnable>();
    while (!tasks.isEmpty() && tasks.peek().dueNanos() <= clock.monotonicNanos()) {
      due.add(tasks.poll().run());
    }
    return due;
  }

  /** Turns the clock forward and runs what becomes due, step by step. */
  public void advanceMillis(long millis) {
    long end = clock.monotonicNanos() + millis * 1_000_000;
    runDue();
    while (true) {
      long dueNanos;
      synchronized (this) {
        if (tasks.isEmpty() || tasks.peek().dueNanos() > end) {
          break;
        }
        dueNanos = tasks.peek().dueNanos();
      }
      clock.advanceNanos(dueNanos - clock.monotonicNanos());
      runDue();
    }
    clock.advanceNanos(end - clock.monotonicNanos());
  }
}
