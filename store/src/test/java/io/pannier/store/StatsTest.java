package io.pannier.store;

import static io.pannier.store.TestStores.record;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.disk.MemoryDisk;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** What a store and its buckets count. */
class StatsTest {
  private final MemoryDisk disk = new MemoryDisk();
  private final TestStores stores = new TestStores(1);

  private void settle() {
    stores.scheduler.advanceMillis(20_000);
  }

  @Test
  void whatIsStoredAndWhatThatCosts() {
    try (Store store = stores.open(disk)) {
      long before = store.stats().device().writtenBytes();
      Entry entry = store.createBucket("b", BucketSettings.DEFAULT).entryForWrite("e");
      for (int time = 0; time < 10; time++) {
        entry.write(record(time, "x".repeat(1_000)));
      }
      StoreStats stats = store.stats();
      assertThat(stats.storedRecords()).isEqualTo(10);
      assertThat(stats.storedBytes()).isEqualTo(10 * 1_032);
      assertThat(stats.sync().unsyncedBytes()).isGreaterThan(10_000);
      stores.clock.advanceNanos(TimeUnit.MILLISECONDS.toNanos(30));
      assertThat(store.stats().sync().oldestUnsyncedMicros()).isGreaterThanOrEqualTo(30_000);
      settle();
      stats = store.stats();
      assertThat(stats.device().writtenBytes() - before).isBetween(10_320L, 13_000L);
      assertThat(stats.sync().unsyncedBytes()).isZero();
      assertThat(stats.sync().oldestUnsyncedMicros()).isZero();
      assertThat(stats.sync().durations().count()).isPositive();
      assertThat(stats.sync().failed()).isZero();
      assertThat(stats.chargedBytes()).isEqualTo(10_320);
      long read = stats.device().readBytes();
      try (RecordBody body = entry.find(3).open()) {
        body.readWhole(ByteBuffer.allocateDirect(body.frameBytes()));
      }
      assertThat(store.stats().device().readBytes() - read).isBetween(1_000L, 1_200L);
      assertThat(store.stats().files().uses()).isGreaterThan(stats.files().uses());
    }
  }

  @Test
  void whatARingEvictsAndWhatSomebodyRemoves() {
    try (Store store = stores.open(disk)) {
      Bucket bucket =
          store.createBucket("b", new BucketSettings(QuotaType.FIFO, 50_000, 64_000_000, 10, null));
      Entry entry = bucket.entryForWrite("e");
      for (int time = 0; time < 100; time++) {
        entry.write(record(time, "x".repeat(1_000)));
        stores.scheduler.runDue();
      }
      settle();
      BucketStats stats = bucket.stats();
      assertThat(stats.records()).isEqualTo(entry.info().recordCount());
      assertThat(stats.evictedRecords()).isEqualTo(100 - stats.records());
      assertThat(stats.evictedBlocks()).isEqualTo(stats.evictedRecords() / 10);
      assertThat(stats.evictedBytes()).isGreaterThan(stats.evictedRecords() * 1_000);
      assertThat(stats.removedRecords()).isZero();
      assertThat(stats.entries()).isEqualTo(1);
      assertThat(stats.blocks()).isPositive();
      assertThat(stats.quotaBytes()).isEqualTo(50_000);
      long left = stats.records();
      entry.remove(99);
      assertThat(bucket.stats().removedRecords()).isEqualTo(1);
      bucket.removeEntry("e");
      assertThat(bucket.stats().removedRecords()).isEqualTo(left);
      assertThat(bucket.stats().evictedRecords()).isEqualTo(stats.evictedRecords());
    }
  }

  @Test
  void recordsFarAheadOfTheClock() {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", BucketSettings.DEFAULT);
      Entry entry = bucket.entryForWrite("e");
      long day = TimeUnit.DAYS.toMicros(1);
      long now = stores.clock.wallMicros();
      entry.write(record(now + day, "x"));
      assertThat(bucket.stats().aheadRecords()).isZero();
      entry.write(record(now + day + 1, "x"));
      entry.write(record(-1, "x"));
      try (Upload upload = entry.beginUpload(now + 2 * day, "", Labels.EMPTY, 1)) {
        upload.write(ByteBuffer.wrap(new byte[1]));
        upload.commit();
      }
      assertThat(bucket.stats().aheadRecords()).isEqualTo(3);
      assertThat(entry.info().recordCount()).isEqualTo(4);
    }
  }

  @Test
  void aSyncThatFailsAndWhatIsSavedThen() {
    var fails = new AtomicBoolean();
    var failing =
        HookedDisk.of(
            disk,
            (method, file) -> {
              if (method.equals("sync") && fails.getAndSet(false)) {
                throw new java.io.IOException("no");
              }
            });
    try (Store store = stores.open(failing)) {
      Entry entry = store.createBucket("b", BucketSettings.DEFAULT).entryForWrite("e");
      settle();
      entry.write(record(1, "x"));
      fails.set(true);
      settle();
      settle();
      StoreStats stats = store.stats();
      assertThat(stats.sync().failed()).isPositive();
      assertThat(stats.failures()).isPositive();
      assertThat(stats.sync().unsyncedBytes()).isZero();
    }
  }

  @Test
  void damageIsCountedEachTimeItIsMet() throws Exception {
    try (Store store = stores.open(disk)) {
      Entry entry = store.createBucket("b", BucketSettings.DEFAULT).entryForWrite("e");
      entry.write(record(1, "x".repeat(500)));
      settle();
      String block =
          disk.list(entry.folder()).stream()
              .filter(name -> !name.endsWith("chg"))
              .findFirst()
              .orElseThrow();
      disk.flip(entry.folder() + "/" + block, FileHeader.BYTES + 300, 1);
      assertThat(store.stats().damage()).isEmpty();
      for (int i = 0; i < 2; i++) {
        try (RecordBody body = entry.find(1).open()) {
          assertThatThrownBy(() -> body.readWhole(ByteBuffer.allocateDirect(body.frameBytes())))
              .isInstanceOf(PannierException.Damaged.class);
        }
      }
      assertThat(store.stats().damage())
          .containsExactly(java.util.Map.entry("record does not match its checksums", 2L));
    }
  }
}
