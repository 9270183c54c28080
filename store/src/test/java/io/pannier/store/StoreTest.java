package io.pannier.store;

import static io.pannier.store.TestStores.record;
import static io.pannier.store.TestStores.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.MemoryDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The store through its public door, one behaviour a test. */
class StoreTest {
  private final MemoryDisk disk = new MemoryDisk();
  private final TestStores stores = new TestStores(1);

  private static BucketSettings blocksOf(long records) {
    return new BucketSettings(QuotaType.NONE, 0, 64_000_000, records, null);
  }

  private static List<String> texts(Entry entry) {
    return entry.scan(TimeRange.all(), 10_000).stream().map(TestStores::text).toList();
  }

  @Test
  void whatWasWrittenIsReadBack() {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("cams", BucketSettings.DEFAULT);
      Entry entry = bucket.entryForWrite("front/left");
      entry.write(record(1000, "one", "a", "1"));
      assertThat(entry.tryWrite(record(2000, "two"))).isTrue();
      assertThat(text(entry.find(1000))).isEqualTo("one");
      assertThat(entry.find(1000).labels()).isEqualTo(Labels.of("a", "1"));
      assertThat(text(entry.latest())).isEqualTo("two");
      assertThat(bucket.entryInfos())
          .extracting(EntryInfo::name)
          .containsExactly("front", "front/left");
      assertThatThrownBy(() -> entry.write(record(1000, "x")))
          .isInstanceOf(PannierException.Conflict.class);
    }
    assertThat(stores.events).isEmpty();
  }

  @Test
  void everythingIsThereAfterACleanRestart() {
    try (Store store = stores.open(disk)) {
      Entry entry = store.createBucket("b", blocksOf(3)).entryForWrite("e");
      for (int i = 0; i < 10; i++) {
        entry.write(record(i * 10, "r" + i, "n", "" + i));
      }
      stores.scheduler.advanceMillis(20_000);
      entry.remove(30);
      entry.updateLabels(40, Labels.of("n", "", "m", "x"));
    }
    try (Store store = stores.open(disk.kill())) {
      Entry entry = store.bucket("b").entry("e");
      assertThat(texts(entry))
          .containsExactly("r0", "r1", "r2", "r4", "r5", "r6", "r7", "r8", "r9");
      assertThat(entry.find(40).labels()).isEqualTo(Labels.of("m", "x"));
      assertThat(entry.info().recordCount()).isEqualTo(9);
      entry.write(record(1, "belated"));
      assertThat(texts(entry)).startsWith("r0", "belated", "r1");
    }
    assertThat(stores.events).isEmpty();
  }

  @Test
  void everythingIsThereAfterAKill() {
    Store store = stores.open(disk);
    Entry entry = store.createBucket("b", blocksOf(3)).entryForWrite("e");
    for (int i = 0; i < 10; i++) {
      entry.write(record(i * 10, "r" + i, "n", "" + i));
      stores.scheduler.runDue();
    }
    entry.remove(30);
    entry.remove(90);
    entry.updateLabels(40, Labels.of("n", "", "m", "x"));
    var again = new TestStores(2);
    try (Store after = again.open(disk.kill())) {
      Entry found = after.bucket("b").entry("e");
      assertThat(texts(found)).containsExactly("r0", "r1", "r2", "r4", "r5", "r6", "r7", "r8");
      assertThat(found.find(40).labels()).isEqualTo(Labels.of("m", "x"));
      assertThat(found.info().latestRecord()).isEqualTo(80);
    }
    assertThat(again.events).isEmpty();
  }

  @Test
  void aLargeUploadIsInvisibleUntilItIsCommitted() {
    try (Store store = stores.open(disk)) {
      Entry entry = store.createBucket("b", BucketSettings.DEFAULT).entryForWrite("e");
      byte[] body = new byte[200_000];
      new java.util.SplittableRandom(7).nextBytes(body);
      try (Upload upload = entry.beginUpload(5, "image/png", Labels.EMPTY, body.length)) {
        upload.write(ByteBuffer.wrap(body, 0, 100_001));
        entry.write(record(6, "beside"));
        assertThatThrownBy(() -> entry.find(5)).isInstanceOf(PannierException.TooEarly.class);
        upload.write(ByteBuffer.wrap(body, 100_001, 99_999));
        upload.commit();
      }
      assertThat(TestStores.bytes(entry.find(5))).isEqualTo(body);
      try (Upload upload = entry.beginUpload(7, "", Labels.EMPTY, 1_000_000)) {
        upload.write(ByteBuffer.wrap(body));
      }
      assertThatThrownBy(() -> entry.find(7)).isInstanceOf(PannierException.NotFound.class);
      assertThat(entry.info().recordCount()).isEqualTo(2);
    }
    assertThat(stores.events).isEmpty();
  }

  @Test
  void fifoKeepsTheQuotaAndTheNewest() {
    try (Store store = stores.open(disk)) {
      Bucket bucket =
          store.createBucket("b", new BucketSettings(QuotaType.FIFO, 100_000, 10_000, 1024, null));
      Entry entry = bucket.entryForWrite("e");
      for (int i = 0; i < 500; i++) {
        entry.write(record(i, "x".repeat(1000)));
        assertThat(bucket.diskBytes()).isLessThanOrEqualTo(100_000);
        stores.scheduler.runDue();
      }
      assertThat(entry.find(499).length()).isEqualTo(1000);
      assertThat(entry.info().recordCount()).isGreaterThan(60);
      assertThatThrownBy(() -> entry.find(0)).isInstanceOf(PannierException.NotFound.class);
      assertThatThrownBy(() -> entry.write(record(1000, "x".repeat(100_001))))
          .isInstanceOf(PannierException.BadRequest.class);
      assertThat(entry.info().recordCount()).isGreaterThan(60);
    }
    assertThat(stores.events).isEmpty();
  }

  @Test
  void deadBlocksAreRewritten() {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", blocksOf(100));
      Entry entry = bucket.entryForWrite("e");
      for (int i = 0; i < 250; i++) {
        entry.write(record(i, "x".repeat(1000)));
      }
      stores.scheduler.advanceMillis(10_000);
      long before = bucket.diskBytes();
      for (int i = 0; i < 100; i += 2) {
        entry.remove(i);
        entry.updateLabels(i + 1, Labels.of("k", "v" + i));
      }
      stores.scheduler.advanceMillis(10_000);
      assertThat(bucket.diskBytes()).isLessThan(before - 40_000);
      assertThat(entry.find(1).labels()).isEqualTo(Labels.of("k", "v0"));
      assertThat(entry.scan(TimeRange.all(), 1000)).hasSize(200);
      store.removeBucket("b");
      stores.scheduler.advanceMillis(1000);
    }
    assertThat(stores.events).isEmpty();
  }

  /**
   * Changes that come while a block is being copied are in the copy, also the first ones of a
   * block, and also when they take all of it.
   */
  @Test
  void aBlockWithADamagedRecordIsKeptUntilThatIsRemoved() throws IOException {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", blocksOf(10));
      Entry entry = bucket.entryForWrite("e");
      for (int i = 0; i < 11; i++) {
        entry.write(record(i, ("" + i).repeat(1_000)));
        stores.scheduler.runDue();
      }
      stores.scheduler.advanceMillis(20_000);
      long length = entry.find(9).length();
      // Behind nine frames: the header of the last one.
      disk.flip("b/1/1/1.blk", 64 + 9 * (length + 80) + 20, 1);
      for (int i = 0; i < 6; i++) {
        entry.remove(i);
      }
      stores.scheduler.advanceMillis(20_000);
      assertThat(disk.exists("b/1/1/1.blk")).isTrue();
      assertThat(text(entry.find(8))).isEqualTo("8".repeat(1_000));
      assertThatThrownBy(() -> text(entry.find(9))).isInstanceOf(PannierException.Damaged.class);
      var described = new ArrayList<String>();
      Describer.describe(disk.anotherProcess(), "b/1/1/1.blk", line -> described.add(line.kind()));
      assertThat(described).contains("damaged", "kept");
      stores.events.clear();
      entry.remove(9);
      stores.scheduler.advanceMillis(20_000);
      assertThat(disk.exists("b/1/1/1.blk")).isFalse();
      assertThat(bucket.diskBytes()).isLessThan(6_000);
      assertThat(text(entry.find(8))).isEqualTo("8".repeat(1_000));
    }
    assertThat(stores.events).isEmpty();
  }

  @Test
  void whatChangesDuringARewriteIsNotLost() {
    for (int before = 0; before < 2; before++) {
      for (boolean all : new boolean[] {false, true}) {
        var memory = new MemoryDisk();
        var during = new Runnable[1];
        Disk hooked =
            HookedDisk.of(
                memory,
                (method, file) -> {
                  Runnable run = during[0];
                  if (method.equals("sync") && run != null) {
                    during[0] = null;
                    run.run();
                  }
                });
        MemoryDisk last = memory;
        Store store = stores.open(hooked);
        Entry entry = store.createBucket("b", blocksOf(4)).entryForWrite("e");
        for (int i = 0; i < 5; i++) {
          entry.write(record(i, "r" + i, "n", "" + i));
        }
        stores.scheduler.advanceMillis(20_000);
        if (before > 0) {
          entry.updateLabels(1, Labels.of("before", "x"));
          stores.scheduler.advanceMillis(20_000);
        }
        Block block = entry.closed.get(0);
        during[0] =
            () -> {
              entry.updateLabels(1, Labels.of("m", "x"));
              entry.remove(0);
              entry.remove(3);
              if (all) {
                entry.remove(1);
                entry.remove(2);
              }
            };
        Rewriter.rewrite(block);
        assertThat(block.gone).isTrue();
        assertThat(during[0]).isNull();
        for (int round = 0; round < 2; round++) {
          Entry found = store.bucket("b").entry("e");
          assertThat(texts(found))
              .containsExactly(all ? new String[] {"r4"} : new String[] {"r1", "r2", "r4"});
          assertThat(found.info().oldestRecord()).isEqualTo(all ? 4 : 1);
          assertThat(found.info().recordCount()).isEqualTo(all ? 1 : 3);
          if (!all) {
            assertThat(found.find(1).labels().get("m")).isEqualTo("x");
            assertThat(found.find(1).labels().get("before")).isEqualTo(before > 0 ? "x" : null);
          }
          stores.scheduler.advanceMillis(20_000);
          assertThat(store.bucket("b").diskBytes()).isEqualTo(ModelTest.bytesBelow(last, "b/1"));
          if (round == 0) {
            store.close();
            last = memory.kill();
            store = stores.open(last);
          }
        }
        store.close();
        assertThat(stores.events).isEmpty();
      }
    }
  }
}
