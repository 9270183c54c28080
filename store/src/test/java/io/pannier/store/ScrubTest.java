package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.QuotaType;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.MemoryDisk;
import io.pannier.store.disk.RealDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damage in any file of a store in use is found, and what is not damage is not called so. */
class ScrubTest {
  private static final BucketSettings SMALL_BLOCKS =
      new BucketSettings(QuotaType.NONE, 0, 64_000_000, 8, null);

  private final TestStores stores = new TestStores(5);
  private final MemoryDisk disk = new MemoryDisk();

  private Store filled() {
    Store store = stores.open(disk);
    Bucket bucket = store.createBucket("one", SMALL_BLOCKS);
    for (int i = 0; i < 20; i++) {
      bucket.entryForWrite("a").write(TestStores.record(i, "body " + i, "n", "" + i));
      stores.scheduler.runDue();
    }
    bucket.entryForWrite("b").write(TestStores.record(1, "x".repeat(200_000)));
    bucket.entry("a").updateLabels(3, Labels.of("n", "changed"));
    bucket.entry("a").remove(4);
    store.documents().save("tokens", new byte[] {1, 2, 3});
    stores.scheduler.runDue();
    stores.scheduler.advanceMillis(10_000);
    return store;
  }

  private static Scrub.Report pass(Scrub scrub) {
    scrub.begin();
    while (scrub.step()) {
      // The next one.
    }
    return scrub.report();
  }

  @Test
  void everyFlippedBitIsFoundAndNothingElse() throws IOException {
    try (Store store = filled()) {
      var scrub = new Scrub(store, bytes -> {});
      assertThat(pass(scrub).last()).isEmpty();
      assertThat(LiveCheck.run(store, Verifier.Progress.NONE).findings()).isEmpty();
      List<String> files =
          List.of(
              "FORMAT",
              "FORMAT.copy",
              "store-1.a",
              "store-1.b",
              "b/1/journal-1.a",
              "b/1/journal-1.b",
              "c/tokens.a",
              "c/tokens.b",
              "b/1/1/1.blk",
              "b/1/1/1.chg",
              "b/1/1/2.blk",
              "b/1/1/3.blk",
              "b/1/2/1.blk");
      for (String file : files) {
        long length = length(file);
        for (long at = 0; at < length; at += Math.max(1, length / 40)) {
          disk.flip(file, at, 0x04);
          var found = pass(scrub);
          assertThat(found.last())
              .as("flip at %s of %s", at, file)
              .isNotEmpty()
              .allMatch(finding ->
                  finding.path().equals(file)
                      // A journal is named by its generation where both copies are looked at,
                      // a block where its change log tells that something is wrong with it.
                      || file.startsWith(finding.path())
                      || finding.path().equals(file.replace(".chg", ".blk")));
          assertThat(found.stats().last().orElseThrow().damaged()).isPositive();
          disk.flip(file, at, 0x04);
        }
      }
      assertThat(pass(scrub).last()).isEmpty();
      assertThat(stores.events).anyMatch(event -> event.contains("scrub found damage"));
    }
  }

  private long length(String file) throws IOException {
    try (MemoryDisk look = disk.anotherProcess();
        DiskFile open = look.open(file)) {
      return open.size();
    }
  }

  @Test
  void whatGoesOnMeanwhileIsNoDamage() {
    try (Store store = filled()) {
      Bucket ring =
          store.createBucket(
              "ring", new BucketSettings(QuotaType.FIFO, 40_000, 64_000_000, 8, null));
      var scrub = new Scrub(store, bytes -> {});
      scrub.begin();
      int time = 100;
      for (int step = 0; scrub.step() && step < 500; step++) {
        Entry entry = ring.entryForWrite("r" + step % 3);
        for (int i = 0; i < 5; i++) {
          entry.write(TestStores.record(time++, "body ".repeat(20)));
          stores.scheduler.runDue();
        }
        Entry a = store.bucket("one").entryForWrite("a");
        a.write(TestStores.record(time++, "more"));
        a.updateLabels(time - 1, Labels.of("step", "" + step));
        if (step % 2 == 0) {
          a.remove(time - 1);
        }
        stores.scheduler.runDue();
        stores.scheduler.advanceMillis(200);
        assertThat(scrub.report().current()).isEmpty();
      }
      assertThat(LiveCheck.run(store, Verifier.Progress.NONE).findings()).isEmpty();
    }
  }

  @Test
  void aPassGoesOnWhereTheLastStartLeftIt() {
    long blocks;
    try (Store store = filled()) {
      blocks = pass(new Scrub(store, bytes -> {})).stats().last().orElseThrow().blocks();
      var begun = new Scrub(store, bytes -> {});
      begun.begin();
      assertThat(begun.step()).isTrue();
      assertThat(begun.step()).isTrue();
      begun.save();
      assertThat(begun.stats().current().orElseThrow().number()).isEqualTo(2);
    }
    var read = new long[1];
    try (Store store = new TestStores(6).open(disk.kill())) {
      var again = new Scrub(store, bytes -> read[0] += bytes);
      assertThat(again.stats().current().orElseThrow().blocks()).isEqualTo(1);
      var report = pass(again);
      assertThat(report.stats().last().orElseThrow().blocks()).isEqualTo(blocks);
      assertThat(report.stats().last().orElseThrow().number()).isEqualTo(2);
      assertThat(read[0]).isGreaterThan(200_000);
    }
  }

  @Test
  void whoSetsThePaceIsAskedBeforeEachPieceAndMayStop() {
    try (Store store = filled()) {
      var read = new long[1];
      var scrub =
          new Scrub(
              store,
              bytes -> {
                read[0] += bytes;
                if (read[0] > 3_000) {
                  throw new Scrub.Stopped();
                }
              });
      scrub.begin();
      assertThatThrownBy(
              () -> {
                while (scrub.step()) {
                  assertThat(read[0]).isLessThanOrEqualTo(3_000);
                }
              })
          .isInstanceOf(Scrub.Stopped.class);
      // Nothing is taken for read that was not.
      assertThat(scrub.stats().current().orElseThrow().damaged()).isZero();
    }
  }

  @Test
  void whatTheDeviceHoldsIsReadRatherThanTheCache(@TempDir Path folder) throws IOException {
    byte[] body = new byte[3_000_001];
    new java.util.Random(1).nextBytes(body);
    try (Store store = new TestStores(3).open(new RealDisk(folder))) {
      Entry entry = store.createBucket("one", BucketSettings.DEFAULT).entryForWrite("a");
      entry.write(new NewRecord(5, "", Labels.EMPTY, ByteBuffer.wrap(body)));
      var scrub = new Scrub(store, bytes -> {});
      assertThat(pass(scrub).last()).isEmpty();
      assertThat(scrub.stats().last().orElseThrow().bytes()).isGreaterThan(3_000_000);
      Path file = folder.resolve("b/1/1/1.blk");
      byte[] bytes = Files.readAllBytes(file);
      bytes[2_500_000] ^= 1;
      Files.write(file, bytes);
      assertThat(pass(scrub).last()).hasSize(1);
    }
  }
}
