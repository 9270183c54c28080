package io.pannier.store;

import static io.pannier.store.TestStores.record;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.QuotaType;
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
  private final MemoryDisk disk = new MemoryDisk();
  private final TestStores stores = new TestStores(1);

  private static BucketSettings blocksOf(long records) {
    return new BucketSettings(QuotaType.NONE, 0, 64_000_000, records, null);
  }

  /** A store that has everything a store can have, in few bytes. */
  private void fill(Store store) {
    Bucket bucket = store.createBucket("first", blocksOf(4));
    Entry entry = bucket.entryForWrite("a/b");
    for (int i = 0; i < 10; i++) {
      entry.write(record(100 + 10 * i, "body " + i, "n", "" + i, i % 2 == 0 ? "even" : "odd", "true"));
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

  private MemoryDisk stoppedStore() {
    try (Store store = stores.open(disk)) {
      fill(store);
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
    assertThat(found.entries()).isEqualTo(6);
    assertThat(found.records()).isEqualTo(13);
    assertThat(found.bytes()).isGreaterThan(150_000);
  }

  @Test
  void anEmptyStoreIsClean() {
    stores.open(disk).close();
    assertThat(verify(disk.kill()).findings()).isEmpty();
  }

  @Test
  void lookingWritesNothing() throws IOException {
    var counting = new CountingDisk(stoppedStore());
    Verifier.run(counting, Verifier.Progress.NONE);
    assertThat(counting.counts().calls()).doesNotContainKeys(DiskOperation.MUTATIONS.toArray(DiskOperation[]::new));
  }

  @Test
  void aFolderInUseIsRefusedUnlessToldOtherwise() throws IOException {
    try (Store store = stores.open(disk)) {
      fill(store);
      MemoryDisk looking = disk.anotherProcess();
      assertThatThrownBy(() -> Verifier.run(looking, Verifier.Progress.NONE))
          .isInstanceOf(StoreRefused.class)
          .hasMessageContaining("test");
      assertThat(Verifier.runInUse(looking, Verifier.Progress.NONE).isClean()).isTrue();
    }
  }

  @Test
  void aFolderThatIsNoStoreIsRefused() {
    assertThatThrownBy(() -> Verifier.run(disk, Verifier.Progress.NONE)).isInstanceOf(StoreRefused.class);
  }

  @Test
  void everyFlippedBitIsFoundInItsFileAndNowhereElse() throws IOException {
    MemoryDisk stopped = stoppedStore();
    var random = new SplittableRandom(3);
    for (String path : files(stopped, "")) {
      if (Set.of("LOCK", "LOCK.holder", "ballast").contains(path)) {
        continue;
      }
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
    for (String path : files(stoppedStore(), "")) {
      if (path.startsWith("LOCK") || path.equals("ballast")) {
        continue;
      }
      var again = new TestStores(1);
      var fresh = new MemoryDisk();
      try (Store store = again.open(fresh)) {
        new VerifierTest().fillOther(store, again);
      }
      MemoryDisk stopped = fresh.kill();
      if (!stopped.exists(path)) {
        continue;
      }
      cut(stopped, path, 8);
      assertThat(verify(stopped).findings())
          .as(path)
          .isNotEmpty()
          .allMatch(finding -> finding.kind() == Kind.DAMAGE && finding.path().equals(path));
    }
  }

  private void fillOther(Store store, TestStores other) {
    stores.scheduler.runDue();
    var filler = new VerifierTest(other);
    filler.fill(store);
  }

  VerifierTest() {
    this(new TestStores(1));
  }

  private VerifierTest(TestStores stores) {
    this.stores.limits(TestStores.small());
  }
}
