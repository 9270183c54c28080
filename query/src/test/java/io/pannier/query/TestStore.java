package io.pannier.query;

import io.pannier.model.Ack;
import io.pannier.model.BucketSettings;
import io.pannier.model.Clock;
import io.pannier.model.Labels;
import io.pannier.model.Limits;
import io.pannier.store.Bucket;
import io.pannier.store.NewRecord;
import io.pannier.store.Scheduler;
import io.pannier.store.Store;
import io.pannier.store.StoreConfig;
import io.pannier.store.disk.MemoryDisk;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** A store in memory, a clock and timers turned by hand, and an executor that runs when told. */
final class TestStore implements AutoCloseable {
  final ManualClock clock = new ManualClock();
  final ManualTimers timers = new ManualTimers(clock);
  final ManualExecutor executor = new ManualExecutor();

  /** CPU time of every thread. */
  final AtomicLong cpuNanos = new AtomicLong();

  final MemoryDisk disk = new MemoryDisk();
  final Store store;
  final Bucket bucket;
  private final ScheduledExecutorService background = Executors.newSingleThreadScheduledExecutor();

  TestStore() {
    var scheduler =
        new Scheduler() {
          @Override
          public void run(Lane lane, Runnable task) {
            background.execute(task);
          }

          @Override
          public void runLater(Lane lane, long delayMillis, Runnable task) {
            var _ = background.schedule(task, delayMillis, TimeUnit.MILLISECONDS);
          }
        };
    store =
        Store.open(
            new StoreConfig(
                disk,
                clock,
                new Random(1),
                scheduler,
                Limits.forHandles(1000),
                BucketSettings.DEFAULT,
                Ack.BUFFERED,
                (kind, text, subject, cause) -> {},
                "test"));
    bucket = store.createBucket("b", BucketSettings.DEFAULT);
  }

  Queries queries() {
    return queries(ExtensionOptions.DEFAULT);
  }

  /** Queries that know the extensions of {@link WordsExtension}, which work when told. */
  Queries queries(ExtensionOptions options) {
    return queries(options, executor);
  }

  /** The same, whose extensions work on these threads. */
  Queries queries(ExtensionOptions options, Executor threads) {
    return new Queries(
        clock,
        new Random(7),
        timers,
        new Extensions(
            options,
            clock,
            timers,
            threads,
            id -> cpuNanos.get(),
            List.of(new WordsExtension(), new JoinExtension())));
  }

  void write(String entry, long timestamp, String content, Labels labels) {
    bucket
        .entryForWrite(entry)
        .write(
            new NewRecord(
                timestamp,
                "text/plain",
                labels,
                ByteBuffer.wrap(content.getBytes(StandardCharsets.UTF_8))));
  }

  void write(String entry, long timestamp, String... labels) {
    bucket
        .entryForWrite(entry)
        .write(
            new NewRecord(
                timestamp,
                "text/plain",
                Labels.of(labels),
                ByteBuffer.wrap(
                    (entry + "@" + Long.toUnsignedString(timestamp))
                        .getBytes(StandardCharsets.UTF_8))));
  }

  @Override
  public void close() {
    store.close();
    background.shutdownNow();
    try {
      background.awaitTermination(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  static final class ManualClock implements Clock {
    private final AtomicLong nanos = new AtomicLong(1_000_000_000_000L);

    @Override
    public long wallMicros() {
      return 1_700_000_000_000_000L + nanos.get() / 1000;
    }

    @Override
    public long monotonicNanos() {
      return nanos.get();
    }
  }

  static final class ManualTimers implements Timers {
    private final ManualClock clock;
    private final List<Entry> waiting = new ArrayList<>();

    private record Entry(long at, Runnable task) {}

    ManualTimers(ManualClock clock) {
      this.clock = clock;
    }

    @Override
    public synchronized Timer after(long delayNanos, Runnable task) {
      var entry = new Entry(clock.nanos.get() + delayNanos, task);
      waiting.add(entry);
      return () -> {
        synchronized (this) {
          waiting.remove(entry);
        }
      };
    }

    /** Moves time on and runs nothing. */
    void jump(long millis) {
      clock.nanos.addAndGet(millis * 1_000_000);
    }

    /** Moves time on and runs what is due, in order. */
    void pass(long millis) {
      long end = clock.nanos.get() + millis * 1_000_000;
      for (; ; ) {
        Entry next;
        synchronized (this) {
          next = waiting.stream().min(Comparator.comparingLong(Entry::at)).orElse(null);
          if (next == null || next.at > end) {
            break;
          }
          waiting.remove(next);
        }
        clock.nanos.set(Math.max(clock.nanos.get(), next.at));
        next.task.run();
      }
      clock.nanos.set(end);
    }
  }

  static final class ManualExecutor implements Executor {
    private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();

    @Override
    public synchronized void execute(Runnable task) {
      tasks.add(task);
    }

    synchronized int waiting() {
      return tasks.size();
    }

    /** Runs what waits longest. */
    void runOne() {
      Runnable task;
      synchronized (this) {
        task = tasks.removeFirst();
      }
      task.run();
    }

    /** Runs what came last. */
    void runLast() {
      Runnable task;
      synchronized (this) {
        task = tasks.removeLast();
      }
      task.run();
    }

    /** Runs everything, also what comes meanwhile. */
    void runAll() {
      for (; ; ) {
        Runnable task;
        synchronized (this) {
          task = tasks.poll();
        }
        if (task == null) {
          return;
        }
        task.run();
      }
    }
  }
}
