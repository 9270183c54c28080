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
import org.junit.jupiter.api.Test;

/** What a FIFO bucket gives up for new records, and that it never takes more than its quota. */
class RingTest {
  private final MemoryDisk disk = new MemoryDisk();
  private final TestStores stores = new TestStores(1);

  private static BucketSettings ring(long quota, long records) {
    return new BucketSettings(QuotaType.FIFO, quota, 64_000_000, records, null);
  }

  private void settle() {
    stores.scheduler.advanceMillis(20_000);
  }

  private void write(Entry entry, long from, long to, int length) {
    for (long time = from; time < to; time++) {
      entry.write(record(time, "x".repeat(length)));
      stores.scheduler.runDue();
      assertThat(entry.bucket().diskBytes())
          .isLessThanOrEqualTo(entry.bucket().settings().quotaSize());
    }
  }

  @Test
  void whatWasRemovedGoesBeforeWhatWasNot() {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", ring(118_000, 10));
      Entry old = bucket.entryForWrite("old");
      Entry fresh = bucket.entryForWrite("fresh");
      write(old, 0, 50, 1_000);
      // Nearly full: there is no room for a copy of any block.
      write(fresh, 1_000, 1_050, 1_000);
      assertThat(old.info().recordCount()).isEqualTo(50);
      for (int i = 1_000; i < 1_050; i++) {
        if (i % 10 < 4) {
          fresh.remove(i);
        }
      }
      // A block of the old entry must go before anything can be rewritten; then 20 000 dead bytes
      // are there to be won back.
      write(fresh, 2_000, 2_020, 1_000);
      settle();
      assertThat(old.info().recordCount()).isEqualTo(40);
      assertThat(fresh.info().recordCount()).isEqualTo(50);
    }
    assertThat(stores.events).isEmpty();
  }

  /** A ring that holds little more than one record, with blocks of one record each. */
  @Test
  void theNewestRecordStaysWhileAnOlderOneIsSealed() {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", ring(2_000, 1));
      Entry entry = bucket.entryForWrite("e");
      for (long time = 1; time < 20; time++) {
        entry.write(record(time, "x".repeat(800)));
        // The block before it is being sealed at this moment.
        assertThat(entry.find(time).timestamp()).isEqualTo(time);
        stores.scheduler.runDue();
        assertThat(entry.find(time).timestamp()).isEqualTo(time);
        assertThat(bucket.diskBytes()).isLessThanOrEqualTo(2_000);
      }
    }
    assertThat(stores.events).isEmpty();
  }

  @Test
  void aBlockOfWhichAllWasRemovedGoesFirst() {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", ring(60_000, 100));
      Entry old = bucket.entryForWrite("old");
      Entry fresh = bucket.entryForWrite("fresh");
      write(old, 0, 25, 1_000);
      Entry removed = bucket.entryForWrite("removed");
      write(removed, 1_000, 1_025, 1_000);
      removed.removeRange(TimeRange.from(1_000), record -> true);
      write(fresh, 2_000, 2_020, 1_000);
      assertThat(old.info().recordCount()).isEqualTo(25);
      assertThat(fresh.info().recordCount()).isEqualTo(20);
    }
    assertThat(stores.events).isEmpty();
  }

  @Test
  void whatNeverFitsWithItsFrameIsRefusedAtOnce() {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", ring(10_000, 100));
      Entry entry = bucket.entryForWrite("e");
      write(entry, 0, 5, 100);
      for (int length : new int[] {9_990, 10_000, 10_001}) {
        assertThatThrownBy(() -> entry.write(record(100, "x".repeat(length))))
            .isInstanceOf(PannierException.BadRequest.class);
        assertThatThrownBy(() -> entry.beginUpload(101, "", Labels.EMPTY, length))
            .isInstanceOf(PannierException.BadRequest.class);
      }
      assertThat(entry.info().recordCount()).isEqualTo(5);
      int most = 9_990;
      while (!isTaken(entry, most)) {
        most--;
      }
      assertThat(most).isGreaterThan(9_000);
      assertThat(bucket.diskBytes()).isLessThanOrEqualTo(10_000);
      write(entry, 300, 301, 1);
      settle();
      assertThat(bucket.diskBytes()).isLessThanOrEqualTo(10_000);
    }
    assertThat(stores.events).isEmpty();
  }

  private static boolean isTaken(Entry entry, int length) {
    try {
      entry.write(record(200, "x".repeat(length)));
      return true;
    } catch (PannierException.BadRequest tooLong) {
      return false;
    }
  }

  @Test
  void anUploadThatNearlyFillsTheQuotaMayTakeAllOfIt() {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", ring(100_000, 100));
      Entry entry = bucket.entryForWrite("e");
      write(entry, 0, 50, 1_000);
      try (Upload upload = entry.beginUpload(1_000, "", Labels.EMPTY, 98_000)) {
        for (int i = 0; i < 98; i++) {
          upload.write(ByteBuffer.allocate(1_000));
          assertThat(bucket.diskBytes()).isLessThanOrEqualTo(100_000);
        }
        upload.commit();
      }
      assertThat(entry.info().recordCount()).isEqualTo(1);
      assertThat(bucket.diskBytes()).isLessThanOrEqualTo(100_000);
    }
    assertThat(stores.events).isEmpty();
  }

  @Test
  void aReaderOfAnEvictedBlockReadsToTheEndIfItIsSmall() {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", ring(4_000_000, 1));
      Entry entry = bucket.entryForWrite("e");
      write(entry, 0, 1, 150_000);
      try (RecordBody body = entry.find(0).open()) {
        var part = ByteBuffer.allocate(RecordBody.CHUNK);
        body.read(0, part);
        write(entry, 1, 10, 500_000);
        assertThatThrownBy(() -> entry.find(0)).isInstanceOf(PannierException.NotFound.class);
        body.read(RecordBody.CHUNK, part.clear());
        assertThat(part.position()).isEqualTo(RecordBody.CHUNK);
      }
    }
    assertThat(stores.events).isEmpty();
  }

  @Test
  void readersOfEvictedBlocksAreCutOffWhereTheyKeepTooMuch() {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", ring(4_000_000, 1));
      Entry entry = bucket.entryForWrite("e");
      write(entry, 0, 2, 150_000);
      try (RecordBody first = entry.find(0).open();
          RecordBody second = entry.find(1).open()) {
        var part = ByteBuffer.allocate(RecordBody.CHUNK);
        first.read(0, part);
        second.read(0, part.clear());
        write(entry, 2, 12, 500_000);
        assertThatThrownBy(() -> first.read(RecordBody.CHUNK, part.clear()))
            .isInstanceOf(PannierException.NotFound.class);
        second.read(RecordBody.CHUNK, part.clear());
        assertThat(part.position()).isEqualTo(RecordBody.CHUNK);
      }
      settle();
      assertThat(entry.info().recordCount()).isEqualTo(7);
    }
    assertThat(stores.events)
        .singleElement()
        .asString()
        .startsWith("NOTE reader of an evicted block was cut off: b/1/1/");
    assertThat(disk.openHandles()).isZero();
  }
}
