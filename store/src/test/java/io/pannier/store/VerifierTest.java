package io.pannier.store;

import static io.pannier.store.TestStores.record;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.QuotaType;
import io.pannier.store.Verification.Finding;
import io.pannier.store.Verification.Kind;
import io.pannier.store.disk.CountingDisk;
import io.pannier.store.disk.CrashMode;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.DiskOperation;
import io.pannier.store.disk.MemoryDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** A clean store is clean, and whatever is damaged is found, once, in its place. */
class VerifierTest {
  private static BucketSettings blocksOf(long records) {
    return new BucketSettings(QuotaType.NONE, 0, 64_000_000, records, null);
  }

  /** A store that has everything a store can have, in few bytes. */
  private static void fill(Store store, TestStores stores) {
    Bucket bucket = store.createBucket("first", blocksOf(4));
    Entry entry = bucket.entryForWrite("a/b");
    for (int i = 0; i < 10; i++) {
      entry.write(
          record(100 + 10 * i, "body " + i, "n", "" + i, i % 2 == 0 ? "even" : "odd", "true"));
    }
    stores.scheduler.advanceMillis(20_000);
    entry.write(record(55, "belated"));
    entry.remove(110);
    entry.updateLabels(120, Labels.of("n", "", "more", "x"));
    entry.updateLabels(180, Labels.of("late", "1"));
    Entry big = bucket.entryForWrite("big");
    try (Upload upload = big.beginUpload(7, "image/png", Labels.of("k", "v"), 150_000)) {
      upload.write(ByteBuffer.allocate(150_000));
      upload.commit();
    }
    bucket.entryForWrite("a/b/$meta").write(record(1, "{}", "key", "schema"));
    bucket.renameEntry("a/b", "c");
    store.createBucket("second", BucketSettings.DEFAULT).entryForWrite("e").write(record(1, ""));
    stores.scheduler.advanceMillis(20_000);
  }

  private static MemoryDisk stoppedStore() {
    var disk = new MemoryDisk();
    var stores = new TestStores(1);
    try (Store store = stores.open(disk)) {
      fill(store, stores);
    }
    assertThat(stores.events).isEmpty();
    return disk.kill();
  }

  private static Verification verify(MemoryDisk stopped) {
    try (Disk looking = stopped.anotherProcess()) {
      return Verifier.run(looking, Verifier.Progress.NONE);
    } catch (IOException failed) {
      throw new java.io.UncheckedIOException(failed);
    }
  }

  /** Every file that a verification answers for. */
  private static List<String> stored(Disk disk) throws IOException {
    return files(disk, "").stream()
        .filter(path -> !Set.of("LOCK", "LOCK.holder", "ballast").contains(path))
        .toList();
  }

  private static List<String> files(Disk disk, String folder) throws IOException {
    var files = new ArrayList<String>();
    for (String name : disk.list(folder).stream().sorted().toList()) {
      String path = folder.isEmpty() ? name : folder + "/" + name;
      if (path.startsWith("b") && !name.contains(".") && !name.equals("ballast")) {
        files.addAll(files(disk, path));
      } else {
        files.add(path);
      }
    }
    return files;
  }

  private static long size(Disk disk, String path) throws IOException {
    try (DiskFile file = disk.open(path)) {
      return file.size();
    }
  }

  private static void append(Disk disk, String path, int bytes) throws IOException {
    try (DiskFile file = disk.open(path)) {
      file.append(ByteBuffer.allocate(bytes));
    }
  }

  private static void cut(Disk disk, String path, int bytes) throws IOException {
    try (DiskFile file = disk.open(path)) {
      file.truncate(file.size() - bytes);
    }
  }

  @Test
  void aStoreAfterACleanStopIsClean() {
    Verification found = verify(stoppedStore());
    assertThat(found.findings()).isEmpty();
    assertThat(found.isClean()).isTrue();
    assertThat(found.buckets()).isEqualTo(2);
    assertThat(found.entries()).isEqualTo(5);
    assertThat(found.records()).isEqualTo(13);
    assertThat(found.bytes()).isGreaterThan(150_000);
  }

  @Test
  void anEmptyStoreIsClean() {
    var disk = new MemoryDisk();
    new TestStores(1).open(disk).close();
    assertThat(verify(disk.kill()).findings()).isEmpty();
  }

  @Test
  void aStopIsCleanAlsoWhenTheLastAccountingMakesTheJournalLong() throws IOException {
    var disk = new MemoryDisk();
    var stores = new TestStores(1);
    try (Store store = stores.open(disk)) {
      Entry entry = store.createBucket("b", blocksOf(1)).entryForWrite("e");
      for (int i = 0; i < 450; i++) {
        entry.write(record(i, "r"));
        stores.scheduler.runDue();
      }
    }
    var frames = new ArrayList<String>();
    Describer.describe(disk.kill(), "./b/1", line -> frames.add(line.kind()));
    assertThat(frames).endsWith("clean-stop");
  }

  @Test
  void lookingWritesNothing() throws IOException {
    var counting = new CountingDisk(stoppedStore());
    Verifier.run(counting, Verifier.Progress.NONE);
    assertThat(counting.counts().calls())
        .doesNotContainKeys(DiskOperation.MUTATIONS.toArray(DiskOperation[]::new));
  }

  @Test
  void aFolderInUseIsRefusedUnlessToldOtherwise() throws IOException {
    var disk = new MemoryDisk();
    var stores = new TestStores(1);
    try (Store store = stores.open(disk)) {
      fill(store, stores);
      MemoryDisk looking = disk.anotherProcess();
      assertThatThrownBy(() -> Verifier.run(looking, Verifier.Progress.NONE))
          .isInstanceOf(StoreRefused.class)
          .hasMessageContaining("test");
      assertThat(Verifier.runInUse(looking, Verifier.Progress.NONE).isClean()).isTrue();
    }
  }

  @Test
  void aFolderThatIsNoStoreIsRefused() {
    assertThatThrownBy(() -> Verifier.run(new MemoryDisk(), Verifier.Progress.NONE))
        .isInstanceOf(StoreRefused.class);
  }

  @Test
  void everyFlippedBitIsFoundInItsFileAndNowhereElse() throws IOException {
    MemoryDisk stopped = stoppedStore();
    var random = new SplittableRandom(3);
    for (String path : stored(stopped)) {
      long size = size(stopped, path);
      for (long at = 0; at < size; at += 1 + random.nextLong(size > 100_000 ? 10_000 : 24)) {
        int mask = 1 << random.nextInt(8);
        stopped.flip(path, at, mask);
        Verification found = verify(stopped);
        assertThat(found.findings())
            .as("%s at %d", path, at)
            .isNotEmpty()
            .allMatch(finding -> finding.kind() == Kind.DAMAGE)
            .allMatch(finding -> finding.path().equals(path));
        stopped.flip(path, at, mask);
      }
    }
    assertThat(verify(stopped).findings()).isEmpty();
  }

  @Test
  void whatEndsTooEarlyIsFound() throws IOException {
    for (String path : stored(stoppedStore())) {
      MemoryDisk stopped = stoppedStore();
      cut(stopped, path, 8);
      assertFoundIn(path, stopped);
    }
  }

  @Test
  void whatIsMissingIsFound() throws IOException {
    for (String path : stored(stoppedStore())) {
      MemoryDisk stopped = stoppedStore();
      stopped.delete(path);
      if (path.startsWith("FORMAT")) {
        assertThat(verify(stopped).findings()).extracting(Finding::kind).containsExactly(Kind.NOTE);
      } else {
        assertFoundIn(path, stopped);
      }
    }
  }

  @Test
  void bytesBehindTheEndOfABlockAreFound() throws IOException {
    for (String path : stored(stoppedStore())) {
      if (path.endsWith(".blk")) {
        MemoryDisk stopped = stoppedStore();
        append(stopped, path, 64);
        assertFoundIn(path, stopped);
      }
    }
  }

  @Test
  void aBlockInThePlaceOfAnotherIsFound() throws IOException {
    MemoryDisk stopped = stoppedStore();
    stopped.rename("b/1/2/1.blk", "b/1/2/2.blk");
    assertThat(verify(stopped).findings())
        .allMatch(finding -> finding.kind() == Kind.DAMAGE)
        .extracting(Finding::path)
        .contains("b/1/2/1.blk", "b/1/2/2.blk");
  }

  @Test
  void filesThatBelongToNothingAreOrphans() throws IOException {
    MemoryDisk stopped = stoppedStore();
    for (String path : List.of("b/1/2/99.blk", "b/1/2/1.chg.new", "b/1/notes.txt", "b/other")) {
      stopped.create(path).close();
    }
    stopped.makeFolder("b/7");
    Verification found = verify(stopped);
    assertThat(found.isClean()).isTrue();
    assertThat(found.findings()).allMatch(finding -> finding.kind() == Kind.ORPHAN);
    assertThat(found.findings())
        .extracting(Finding::path)
        .containsExactlyInAnyOrder(
            "b/1/2/99.blk", "b/1/2/1.chg.new", "b/1/notes.txt", "b/other", "b/7");
  }

  @Test
  void oneDamagedBucketJournalDoesNotHideTheOthers() throws IOException {
    MemoryDisk stopped = stoppedStore();
    for (String copy : List.of("a", "b")) {
      for (int at = 0; at < 200; at++) {
        stopped.flip("b/1/journal-1." + copy, at, 0xff);
      }
    }
    Verification found = verify(stopped);
    assertThat(found.isClean()).isFalse();
    assertThat(found.findings()).allMatch(finding -> finding.path().startsWith("b/1"));
    assertThat(found.buckets()).isEqualTo(2);
    assertThat(found.records()).isEqualTo(1);
  }

  @Test
  void whatAPowerCutTakesIsNoDamage() throws IOException {
    for (int seed = 0; seed < 60; seed++) {
      var random = new SplittableRandom(seed);
      var here = new MemoryDisk();
      var cut = new TestStores(seed);
      Store store = cut.open(here);
      fill(store, cut);
      Entry entry = store.bucket("first").entry("c");
      for (int i = 0; i < 5; i++) {
        entry.write(record(1000 + i, "unsynced"));
        if (i == 2) {
          entry.remove(1001);
        }
        if (random.nextInt(3) == 0) {
          cut.scheduler.runDue();
        }
      }
      MemoryDisk after = here.crash(random);
      assertThat(verify(after).findings())
          .as("seed %d", seed)
          .noneMatch(finding -> finding.kind() == Kind.DAMAGE);
      new TestStores(seed + 100).open(after.kill()).close();
    }
  }

  @Test
  void recordedHolesArePastLosses() throws IOException {
    int losses = 0;
    for (int seed = 0; seed < 200; seed++) {
      var here = new MemoryDisk();
      var cut = new TestStores(seed);
      Store store = cut.open(here);
      Entry entry = store.createBucket("b", blocksOf(1000)).entryForWrite("e");
      entry.write(record(1, "synced"));
      cut.scheduler.advanceMillis(20_000);
      for (int i = 0; i < 30; i++) {
        entry.write(record(100 + i, "x".repeat(1000)));
      }
      MemoryDisk after = here.crash(new SplittableRandom(seed), CrashMode.REORDER);
      var again = new TestStores(seed + 1000);
      Store found = again.open(after);
      again.scheduler.advanceMillis(20_000);
      found.close();
      MemoryDisk stopped = after.kill();
      Verification result = verify(stopped);
      assertThat(result.findings())
          .as("seed %d", seed)
          .allMatch(finding -> finding.kind() == Kind.PAST_LOSS);
      losses += result.findings().isEmpty() ? 0 : 1;
    }
    assertThat(losses).isPositive();
  }

  private static void assertFoundIn(String path, MemoryDisk stopped) {
    assertThat(verify(stopped).findings())
        .as(path)
        .isNotEmpty()
        .allMatch(finding -> finding.kind() == Kind.DAMAGE && finding.path().equals(path));
  }
}
