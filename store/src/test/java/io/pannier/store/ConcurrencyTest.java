package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.Ack;
import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.Limits;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.model.SystemClock;
import io.pannier.store.disk.RealDisk;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Many threads at once on a real disk: nothing lost, nothing foreign, nothing stuck. */
class ConcurrencyTest {
  private static final int WRITERS = 64;
  private static final int READERS = 16;

  @TempDir Path folder;
  private final Queue<String> events = new ConcurrentLinkedQueue<>();
  private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();

  private Store open(Scheduler scheduler, Limits limits) throws Exception {
    return Store.open(
        new StoreConfig(
            new RealDisk(folder),
            new SystemClock(),
            new SplittableRandom(1),
            scheduler,
            limits,
            BucketSettings.DEFAULT,
            Ack.BUFFERED,
            this::event,
            "test"));
  }

  private void event(
      StoreEvents.Kind kind, String text, String subject, @Nullable Throwable cause) {
    events.add(kind + " " + text + " " + subject + " " + cause);
  }

  private static byte[] body(long timestamp) {
    var random = new SplittableRandom(timestamp);
    int length = timestamp % 50 == 0 ? 70_000 + random.nextInt(100_000) : random.nextInt(2_000);
    var bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  private void run(List<Runnable> tasks) throws InterruptedException {
    var threads = new ArrayList<Thread>();
    var start = new CountDownLatch(1);
    for (Runnable task : tasks) {
      var thread =
          new Thread(() -> {
            try {
              start.await();
              task.run();
            } catch (Throwable failed) {
              failures.add(failed);
            }
          });
      threads.add(thread);
      thread.start();
    }
    start.countDown();
    for (Thread thread : threads) {
      thread.join(50_000);
      assertThat(thread.isAlive())
          .as("thread is stuck at %s", List.of(thread.getStackTrace()))
          .isFalse();
    }
  }

  private void writeAndRead(int entries, Limits limits) throws Exception {
    var written = new ConcurrentHashMap<Long, Boolean>();
    var next = new AtomicLong(1_000);
    var done = new AtomicBoolean();
    int perWriter = 60;
    try (var scheduler = new ThreadScheduler()) {
      Store store = open(scheduler, limits);
      Bucket bucket =
          store.createBucket("b", new BucketSettings(QuotaType.NONE, 0, 300_000, 100, null));
      var tasks = new ArrayList<Runnable>();
      var writersLeft = new AtomicLong(WRITERS);
      for (int w = 0; w < WRITERS; w++) {
        int writer = w;
        tasks.add(() -> {
          var random = new SplittableRandom(writer);
          for (int i = 0; i < perWriter; i++) {
            long timestamp = next.getAndIncrement();
            Entry entry = bucket.entryForWrite("e" + timestamp % entries);
            byte[] bytes = body(timestamp);
            var record =
                new NewRecord(
                    timestamp, "", Labels.of("t", "" + timestamp), ByteBuffer.wrap(bytes));
            if (bytes.length > 65_536) {
              if (random.nextInt(3) == 0) {
                // Aborted once, then sent again.
                try (Upload upload = entry.beginUpload(timestamp, "", Labels.EMPTY, bytes.length)) {
                  upload.write(ByteBuffer.wrap(bytes, 0, bytes.length / 2));
                }
              }
              try (Upload upload =
                  entry.beginUpload(timestamp, "", Labels.of("t", "" + timestamp), bytes.length)) {
                upload.write(ByteBuffer.wrap(bytes));
                upload.commit();
              }
            } else if (!entry.tryWrite(record)) {
              entry.write(record);
            }
            written.put(timestamp, true);
            if (random.nextInt(10) == 0) {
              entry.updateLabels(timestamp, Labels.of("u", "1"));
            }
            if (random.nextInt(20) == 0) {
              entry.remove(timestamp);
              written.remove(timestamp);
            }
          }
          if (writersLeft.decrementAndGet() == 0) {
            done.set(true);
          }
        });
      }
      for (int r = 0; r < READERS; r++) {
        int reader = r;
        tasks.add(() -> {
          var random = new SplittableRandom(1_000 + reader);
          while (!done.get()) {
            long timestamp = 1_000 + random.nextLong(Math.max(1, next.get() - 1_000));
            try {
              Entry entry = bucket.entry("e" + timestamp % entries);
              StoredRecord found = entry.find(timestamp);
              check(found);
              for (StoredRecord record : entry.scan(TimeRange.from(timestamp), 20)) {
                assertThat(record.labels().get("t")).isEqualTo("" + record.timestamp());
              }
            } catch (PannierException.NotFound | PannierException.TooEarly notYet) {
              Thread.onSpinWait();
            }
          }
        });
      }
      run(tasks);
      assertThat(failures).isEmpty();
      assertThat(events).isEmpty();
      assertThat(scheduler.failures).isEmpty();
      verify(bucket, entries, written);
      store.close();
      assertThat(scheduler.failures).isEmpty();
    }
    assertThat(events).isEmpty();
    try (var scheduler = new ThreadScheduler();
        Store again = open(scheduler, limits)) {
      verify(again.bucket("b"), entries, written);
    }
    assertThat(events).isEmpty();
  }

  private static void check(StoredRecord record) {
    byte[] expected = body(record.timestamp());
    try (RecordBody body = record.open()) {
      var bytes = new byte[expected.length];
      assertThat(body.length()).isEqualTo(expected.length);
      body.readWhole(ByteBuffer.allocate(body.frameBytes())).get(bytes);
      assertThat(bytes).isEqualTo(expected);
    } catch (PannierException.NotFound removedMeanwhile) {
      assertThat(removedMeanwhile.getMessage()).contains("not found");
    }
  }

  private static void verify(Bucket bucket, int entries, ConcurrentHashMap<Long, Boolean> written) {
    var missing = new java.util.TreeSet<>(written.keySet());
    for (int e = 0; e < entries; e++) {
      if (bucket.findEntry("e" + e).isEmpty()) {
        continue;
      }
      Entry entry = bucket.entry("e" + e);
      List<StoredRecord> records = entry.scan(TimeRange.all(), 100_000);
      assertThat(entry.info().recordCount()).isEqualTo(records.size());
      for (StoredRecord record : records) {
        assertThat(written).containsKey(record.timestamp());
        check(record);
        missing.remove(record.timestamp());
      }
    }
    assertThat(missing).as("written, acknowledged and not found").isEmpty();
  }

  @Test
  @DisplayName(
      "17: 64 writers and 16 readers share one entry without waiting for each other's locks")
  void manyWritersOnOneEntry() throws Exception {
    writeAndRead(1, Limits.forHandles(1024));
  }

  @Test
  void manyWritersOnAThousandEntries() throws Exception {
    writeAndRead(1_000, Limits.forHandles(256));
  }

  @Test
  @DisplayName("12: HARD is exact under 60 writers")
  void hardQuotaIsExactUnderConcurrency() throws Exception {
    try (var scheduler = new ThreadScheduler();
        Store store = open(scheduler, Limits.forHandles(1024))) {
      // 32 bytes beside the body of each record count too.
      Bucket bucket =
          store.createBucket(
              "b", new BucketSettings(QuotaType.HARD, 132 * 100, 64_000_000, 1024, null));
      Entry entry = bucket.entryForWrite("e");
      var next = new AtomicLong();
      var accepted = new AtomicLong();
      var tasks = new ArrayList<Runnable>();
      for (int w = 0; w < 60; w++) {
        tasks.add(() -> {
          for (int i = 0; i < 20; i++) {
            try {
              entry.write(
                  new NewRecord(
                      next.getAndIncrement(),
                      "",
                      Labels.EMPTY,
                      ByteBuffer.wrap("x".repeat(100).getBytes(StandardCharsets.UTF_8))));
              accepted.incrementAndGet();
            } catch (PannierException.BadRequest full) {
              assertThat(full).hasMessage("Quota of 'b' exceeded");
            }
          }
        });
      }
      run(tasks);
      assertThat(failures).isEmpty();
      assertThat(accepted).hasValue(100);
      assertThat(bucket.info().size()).isEqualTo(132 * 100);
    }
  }

  @Test
  void fifoUnderConcurrencyKeepsTheQuota() throws Exception {
    try (var scheduler = new ThreadScheduler();
        Store store = open(scheduler, Limits.forHandles(1024))) {
      Bucket bucket =
          store.createBucket(
              "b", new BucketSettings(QuotaType.FIFO, 3_000_000, 200_000, 100, null));
      var next = new AtomicLong();
      var most = new AtomicLong();
      var tasks = new ArrayList<Runnable>();
      for (int w = 0; w < 16; w++) {
        tasks.add(() -> {
          for (int i = 0; i < 300; i++) {
            long timestamp = next.getAndIncrement();
            Entry entry = bucket.entryForWrite("e" + timestamp % 5);
            entry.write(
                new NewRecord(
                    timestamp,
                    "",
                    Labels.EMPTY,
                    ByteBuffer.wrap(new byte[(int) (timestamp % 4_000)])));
            most.accumulateAndGet(bucket.diskBytes(), Math::max);
          }
        });
      }
      run(tasks);
      assertThat(failures).isEmpty();
      // Footers and change logs of the moment may stand above the quota until the next write makes
      // room for them.
      assertThat(most.get()).isLessThan(3_000_000 + 200_000);
      assertThat(bucket.info().hasRecords()).isTrue();
    }
  }
}
