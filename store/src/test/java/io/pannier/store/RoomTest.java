package io.pannier.store;

import static io.pannier.store.TestStores.record;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.Ack;
import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.Limits;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.model.SystemClock;
import io.pannier.store.disk.MemoryDisk;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/** What all buckets may take together: a cap that nobody exceeds, and room that is left free. */
class RoomTest {
  /** Of a record with 8 bytes and no label. */
  private static final int SIZE = 40;

  private MemoryDisk disk = new MemoryDisk();
  private final TestStores stores = new TestStores(1);

  private Store open(long cap, long free) {
    return stores.limits(TestStores.small().withRoom(new Limits.Room(cap, free))).open(disk);
  }

  private static Bucket bucket(Store store, String name, QuotaType type, long quota) {
    return store.createBucket(name, new BucketSettings(type, quota, 64_000_000, 10, null));
  }

  private static long usage(Store store) {
    return store.buckets().stream().mapToLong(bucket -> bucket.info().size()).sum();
  }

  private static void write(Entry entry, long from, long to) {
    for (long time = from; time < to; time++) {
      entry.write(record(time, "12345678"));
    }
  }

  private static void assertRefused(Runnable write) {
    assertThatThrownBy(write::run)
        .isInstanceOf(PannierException.OverCap.class)
        .hasMessage("storage limit exceeded");
  }

  // -------------------------------------------------------------------------------- the cap

  @Test
  void theCapIsOneForAllBucketsAndExactToTheByte() {
    try (Store store = open(10 * SIZE, 0)) {
      Entry plain = bucket(store, "plain", QuotaType.NONE, 0).entryForWrite("e");
      Entry hard = bucket(store, "hard", QuotaType.HARD, 1_000_000).entryForWrite("e");
      Entry ring = bucket(store, "ring", QuotaType.FIFO, 1_000_000).entryForWrite("e");
      write(plain, 0, 4);
      write(hard, 0, 3);
      write(ring, 0, 3);
      assertThat(usage(store)).isEqualTo(10 * SIZE);
      for (Entry entry : List.of(plain, hard, ring)) {
        assertRefused(() -> entry.write(record(9, "")));
        assertRefused(() -> entry.tryWrite(record(9, "")));
        assertRefused(() -> entry.beginUpload(9, "", Labels.EMPTY, 100_000));
        var errors = new @Nullable PannierException[1];
        entry.writeAll(List.of(record(9, "")), errors);
        assertThat(errors[0]).isInstanceOf(PannierException.OverCap.class);
      }
      plain.remove(0);
      write(ring, 9, 10);
      assertRefused(() -> plain.write(record(9, "")));
    }
  }

  @Test
  void aRingWithinItsQuotaGivesNothingUpForTheCap() {
    try (Store store = open(10 * SIZE, 0)) {
      Entry ring = bucket(store, "ring", QuotaType.FIFO, 1_000_000).entryForWrite("e");
      write(ring, 0, 10);
      assertRefused(() -> ring.write(record(10, "12345678")));
      assertThat(ring.info().recordCount()).isEqualTo(10);
    }
  }

  @Test
  void labelsDoNotGrowBeyondTheCap() {
    try (Store store = open(2 * SIZE, 0)) {
      Entry entry = bucket(store, "b", QuotaType.NONE, 0).entryForWrite("e");
      write(entry, 0, 1);
      entry.updateLabels(0, Labels.of("a", "x".repeat(SIZE - 1)));
      assertRefused(() -> entry.updateLabels(0, Labels.of("b", "y")));
      entry.updateLabels(0, Labels.of("a", "x"));
      entry.updateLabels(0, Labels.of("b", "y"));
    }
  }

  @Test
  void whatEndsGivesItsShareBack() {
    try (Store store = open(10 * SIZE, 0)) {
      Bucket one = bucket(store, "one", QuotaType.NONE, 0);
      write(one.entryForWrite("e"), 0, 4);
      write(one.entryForWrite("f"), 0, 4);
      Entry two = bucket(store, "two", QuotaType.NONE, 0).entryForWrite("e");
      write(two, 0, 2);
      assertRefused(() -> two.write(record(9, "12345678")));
      one.removeEntry("e");
      write(two, 2, 6);
      assertRefused(() -> two.write(record(9, "12345678")));
      store.removeBucket("one");
      write(two, 6, 9);
      Upload upload = two.beginUpload(20, "", Labels.EMPTY, 8);
      assertRefused(() -> two.write(record(9, "12345678")));
      upload.abort();
      write(two, 9, 10);
      assertRefused(() -> two.write(record(10, "12345678")));
    }
  }

  @Test
  void aRestartCountsWhatIsThereAlsoBeyondALowerCap() {
    try (Store store = open(10 * SIZE, 0)) {
      write(bucket(store, "b", QuotaType.NONE, 0).entryForWrite("e"), 0, 10);
    }
    disk = disk.kill();
    try (Store store = open(5 * SIZE, 0)) {
      Entry entry = store.bucket("b").entry("e");
      assertRefused(() -> entry.write(record(10, "")));
      for (int time = 0; time < 5; time++) {
        entry.remove(time);
        assertRefused(() -> entry.write(record(10, "12345678")));
      }
      entry.remove(5);
      write(entry, 10, 11);
    }
  }

  @RepeatedTest(6)
  void noOrderOfWritersExceedsTheCap(RepetitionInfo repetition) throws InterruptedException {
    long cap = 200 * SIZE;
    Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    var next = new AtomicLong();
    var done = new AtomicBoolean();
    try (var scheduler = new ThreadScheduler();
        Store store = openWithThreads(scheduler, cap)) {
      Bucket plain = bucket(store, "plain", QuotaType.NONE, 0);
      Bucket hard = bucket(store, "hard", QuotaType.HARD, cap / 2);
      Bucket ring = bucket(store, "ring", QuotaType.FIFO, 20_000);
      // The sum over several buckets cannot be seen at one moment, that of one can.
      boolean oneBucket = repetition.getCurrentRepetition() % 2 == 0;
      List<Entry> entries =
          List.of(
              plain.entryForWrite("e"),
              (oneBucket ? plain : hard).entryForWrite("f"),
              (oneBucket ? plain : ring).entryForWrite("g"));
      var threads = new ArrayList<Thread>();
      for (int i = 0; i < 6; i++) {
        var random = new SplittableRandom(100L * repetition.getCurrentRepetition() + i);
        threads.add(
            new Thread(() -> {
              for (int step = 0; step < 400 && failures.isEmpty(); step++) {
                try {
                  act(entries.get(random.nextInt(3)), next.getAndIncrement(), random);
                } catch (PannierException.OverCap
                    | PannierException.BadRequest
                    | PannierException.NotFound
                    | PannierException.TooEarly refused) {
                  // As it may be.
                } catch (Throwable failed) {
                  failures.add(failed);
                }
              }
            }));
      }
      var watcher =
          new Thread(() -> {
            while (!done.get()) {
              for (Bucket bucket : List.of(plain, hard, ring)) {
                long size = bucket.info().size();
                if (size > cap) {
                  failures.add(new AssertionError(bucket + " holds " + size));
                }
              }
            }
          });
      watcher.start();
      threads.forEach(Thread::start);
      for (Thread thread : threads) {
        thread.join(50_000);
        assertThat(thread.isAlive()).isFalse();
      }
      done.set(true);
      watcher.join();
      assertThat(failures).isEmpty();
      assertThat(usage(store)).isBetween(1L, cap);
      // Nothing of what was reserved on the way is left: the cap can be filled again to the byte.
      for (String name : List.of("plain", "hard", "ring")) {
        store.removeBucket(name);
      }
      Entry again = bucket(store, "again", QuotaType.NONE, 0).entryForWrite("e");
      write(again, 0, 200);
      assertRefused(() -> again.write(record(200, "")));
    }
  }

  private Store openWithThreads(Scheduler scheduler, long cap) {
    return Store.open(
        new StoreConfig(
            disk,
            new SystemClock(),
            new SplittableRandom(1),
            scheduler,
            TestStores.small().withRoom(new Limits.Room(cap, 0)),
            BucketSettings.DEFAULT,
            Ack.BUFFERED,
            (kind, text, subject, cause) -> {},
            "test"));
  }

  private static void act(Entry entry, long time, SplittableRandom random) {
    String body = "x".repeat(random.nextInt(300));
    switch (random.nextInt(6)) {
      case 0 -> {
        try (Upload upload = entry.beginUpload(time, "", Labels.EMPTY, body.length())) {
          upload.write(ByteBuffer.wrap(body.getBytes(java.nio.charset.StandardCharsets.US_ASCII)));
          if (random.nextBoolean()) {
            upload.commit();
          }
        }
      }
      case 1 -> entry.updateLabels(random.nextLong(time + 1), Labels.of("a", body));
      case 2 -> entry.remove(random.nextLong(time + 1));
      default -> entry.write(record(time, body));
    }
  }

  // -------------------------------------------------------------------------------- the device

  private static final long FREE = 400_000;

  private static void fill(Entry entry, int length) {
    for (long time = 0; ; time++) {
      try {
        entry.write(record(time, "x".repeat(length)));
      } catch (PannierException.DiskFull full) {
        assertThat(full).hasMessageContaining("Not enough free disk space in the data folder");
        return;
      }
    }
  }

  @Test
  void recordsLeaveRoomFreeInWhichRemovingWorks() throws Exception {
    disk = new MemoryDisk(1_000_000);
    try (Store store = open(Long.MAX_VALUE, FREE)) {
      Entry entry = bucket(store, "b", QuotaType.NONE, 0).entryForWrite("e");
      fill(entry, 10_000);
      // What sealing wrote beside the records is all that was taken of it.
      assertThat(disk.usableBytes()).isBetween(FREE - 20_000, FREE + 10_000);
      assertThatThrownBy(() -> entry.beginUpload(1_000, "", Labels.EMPTY, 100_000))
          .isInstanceOf(PannierException.DiskFull.class)
          .hasMessageContaining(" of 100")
          .hasMessageContaining(" bytes: only ");
      long before = entry.info().recordCount();
      entry.updateLabels(0, Labels.of("a", "b"));
      entry.remove(1);
      assertThat(entry.info().recordCount()).isEqualTo(before - 1);
      store.bucket("b").removeEntry("e");
      stores.scheduler.advanceMillis(1_000);
      write(store.bucket("b").entryForWrite("f"), 0, 1);
    }
  }

  @Test
  void uploadsTakeTheirRoomBeforeTheirBytesCome() {
    disk = new MemoryDisk(1_000_000);
    try (Store store = open(Long.MAX_VALUE, FREE)) {
      Entry entry = bucket(store, "b", QuotaType.NONE, 0).entryForWrite("e");
      Upload first = entry.beginUpload(1, "", Labels.EMPTY, 400_000);
      assertThatThrownBy(() -> entry.beginUpload(2, "", Labels.EMPTY, 400_000))
          .isInstanceOf(PannierException.DiskFull.class);
      first.abort();
      Upload second = entry.beginUpload(2, "", Labels.EMPTY, 400_000);
      second.write(ByteBuffer.allocate(400_000));
      second.commit();
      entry.remove(2);
      assertThatThrownBy(() -> entry.beginUpload(3, "", Labels.EMPTY, 400_000))
          .isInstanceOf(PannierException.DiskFull.class);
    }
  }

  @Test
  void aRingGivesUpItsOwnToLeaveRoomFree() throws Exception {
    disk = new MemoryDisk(1_000_000);
    try (Store store = open(Long.MAX_VALUE, FREE)) {
      Entry entry = bucket(store, "b", QuotaType.FIFO, 10_000_000).entryForWrite("e");
      for (long time = 0; time < 200; time++) {
        entry.write(record(time, "x".repeat(10_000)));
        stores.scheduler.advanceMillis(10);
        assertThat(disk.usableBytes()).isGreaterThan(FREE - 20_000);
      }
      assertThat(entry.info().latestRecord()).isEqualTo(199);
      try (Upload upload = entry.beginUpload(1_000, "", Labels.EMPTY, 300_000)) {
        upload.write(ByteBuffer.allocate(300_000));
        upload.commit();
      }
      assertThat(disk.usableBytes()).isGreaterThan(FREE - 20_000);
      assertThat(entry.info().recordCount()).isBetween(2L, 40L);
    }
  }
}
