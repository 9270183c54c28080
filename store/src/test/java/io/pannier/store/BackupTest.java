package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.MemoryDisk;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import org.junit.jupiter.api.Test;

/** What was acknowledged before a backup is in it, and comes back from it. */
class BackupTest {
  private static final BucketSettings SMALL_BLOCKS =
      new BucketSettings(QuotaType.NONE, 0, 64_000_000, 8, null);

  private final TestStores stores = new TestStores(5);
  private final MemoryDisk disk = new MemoryDisk();
  private final MemoryDisk target = new MemoryDisk();
  private final Store store = stores.open(disk);

  private static NewRecord record(long time, String body, String... labels) {
    return TestStores.record(time, body, labels);
  }

  private void fill(Bucket bucket, String entry, int from, int to) {
    for (int i = from; i < to; i++) {
      bucket.entryForWrite(entry).write(record(i * 10L, "body " + i, "n", "" + i));
      stores.scheduler.runDue();
    }
    settle();
  }

  private void settle() {
    stores.scheduler.runDue();
    stores.scheduler.advanceMillis(300);
  }

  private MemoryDisk again() {
    return target.anotherProcess();
  }

  private BackupRun.Report back() throws IOException {
    return Backups.run(store, again());
  }

  private NavigableMap<String, String> restored(int point) throws IOException {
    return restored(point, BackupSelection.ALL);
  }

  private NavigableMap<String, String> restored(int point, BackupSelection selection)
      throws IOException {
    var into = new MemoryDisk();
    assertThat(Backups.restore(again(), point, selection, into).damage()).isEmpty();
    var made = into.kill();
    assertThat(Backups.damage(made)).isEmpty();
    try (Store there = new TestStores(6).open(made)) {
      return Backups.content(there);
    }
  }

  @Test
  void aRestoredStoreIsTheSameStoreWithEverythingInIt() throws IOException {
    Bucket one = store.createBucket("one", SMALL_BLOCKS);
    fill(one, "a/b", 0, 50);
    one.entry("a/b").updateLabels(30, Labels.of("n", "changed", "more", "x"));
    one.entry("a/b").remove(40);
    fill(one, "with-other_letters/B", 0, 3);
    one.entryForWrite("a/b/$meta").write(record(1, "{}", "key", "schema"));
    Bucket two =
        store.createBucket("two", new BucketSettings(QuotaType.FIFO, 1 << 20, 4096, 5, null));
    fill(two, "c", 0, 30);
    store.removeBucket("two");
    Bucket three = store.createBucket("three", BucketSettings.DEFAULT);
    fill(three, "empty", 0, 0);
    store.documents().save("tokens", "{\"a\": 1}".getBytes(StandardCharsets.UTF_8));
    store.documents().save("nothing", new byte[0]);
    var expected = Backups.content(store);

    var report = back();

    assertThat(report.point()).isEqualTo(1);
    assertThat(report.damage()).isEmpty();
    assertThat(report.records()).isEqualTo(expected.size());
    var into = new MemoryDisk();
    var made = Backups.restore(again(), 1, BackupSelection.ALL, into);
    assertThat(made.damage()).isEmpty();
    assertThat(made.documents()).isEqualTo(2);
    var folder = into.kill();
    assertThat(Backups.damage(folder)).isEmpty();
    try (Store there = new TestStores(6).open(folder)) {
      assertThat(Backups.content(there)).isEqualTo(expected);
      assertThat(there.id()).isEqualTo(store.id());
      assertThat(there.bucket("one").id()).isEqualTo(one.id());
      assertThat(there.bucket("one").settings()).isEqualTo(SMALL_BLOCKS);
      assertThat(there.bucket("one").entry("a/b").lastSequence())
          .isEqualTo(one.entry("a/b").lastSequence());
      assertThat(there.documents().load("tokens")).hasValue(store.documents().load("tokens").get());
      assertThat(there.documents().load("nothing")).hasValue(new byte[0]);
      // Ids are never given twice, also that of the bucket that was removed.
      assertThat(there.createBucket("four", BucketSettings.DEFAULT).id()).isGreaterThan(three.id());
      fill(there.bucket("one"), "a/b", 50, 60);
      assertThatThrownBy(() -> there.bucket("one").entry("a/b").write(record(30, "twice")))
          .isInstanceOf(PannierException.Conflict.class);
    }
  }

  @Test
  void aSecondBackupBringsOnlyWhatIsNew() throws IOException {
    Bucket bucket = store.createBucket("one", SMALL_BLOCKS);
    fill(bucket, "a", 0, 100);
    var first = back();
    assertThat(first.reusedBytes()).isZero();

    assertThat(back().fetchedBytes()).isZero();

    Entry entry = bucket.entry("a");
    long before = bucket.diskBytes();
    entry.write(record(5_000, "one more"));
    entry.updateLabels(70, Labels.of("n", "x"));
    entry.remove(110);
    long grown = bucket.diskBytes() - before;
    var third = back();
    assertThat(third.fetchedBytes()).isEqualTo(grown);
    assertThat(third.fetchedBlocks()).isEqualTo(3);
    var now = Backups.content(store);
    assertThat(restored(3)).isEqualTo(now);
    assertThat(restored(1)).isEqualTo(restored(2)).hasSize(100);

    entry.remove(120);
    assertThat(back().fetchedBytes()).isLessThan(200);
    assertThat(restored(4)).hasSize(99).isEqualTo(Backups.content(store));
  }

  @Test
  void theBlockThatIsWrittenToIsCopiedAsFarAsItWas() throws IOException {
    Bucket bucket = store.createBucket("one", BucketSettings.DEFAULT);
    for (int run = 1; run <= 40; run++) {
      fill(bucket, "a", run * 10, run * 10 + 10);
      assertThat(back().point()).isEqualTo(run);
    }
    for (int point : new int[] {1, 7, 31, 32, 33, 34, 40}) {
      assertThat(restored(point)).hasSize(10 * point);
    }
  }

  @Test
  void aBlockOfAnotherHistoryIsNotGoneOnFrom() throws IOException {
    Bucket bucket = store.createBucket("one", BucketSettings.DEFAULT);
    fill(bucket, "a", 0, 10);
    back();
    bucket.entry("a").write(record(1_000, "in the first life"));
    bucket.entry("a").updateLabels(10, Labels.of("n", "first"));
    back();
    var into = new MemoryDisk();
    Backups.restore(again(), 1, BackupSelection.ALL, into);
    // As long as the other, and not the same.
    try (Store there = new TestStores(6, stores.clock).open(into.kill())) {
      there.bucket("one").entry("a").write(record(1_000, "in the other life"));
      there.bucket("one").entry("a").updateLabels(10, Labels.of("n", "other"));
      assertThat(Backups.run(there, again()).point()).isEqualTo(3);
      assertThat(restored(3)).isEqualTo(Backups.content(there));
    }
    assertThat(restored(2)).isEqualTo(Backups.content(store));
  }

  @Test
  void whatIsWrittenChangedAndRemovedMeanwhileDoesNotTearIt() throws IOException {
    Bucket bucket = store.createBucket("one", SMALL_BLOCKS);
    fill(bucket, "a", 0, 40);
    var expected = Backups.content(store);
    var meddling =
        new MeddlingSource(
            BackupSource.of(store.snapshot(BackupSelection.ALL)),
            () -> {
              fill(bucket, "a", 40, 60);
              bucket.entry("a").removeRange(TimeRange.of(80, 160));
              bucket.entry("a").updateLabels(200, Labels.of("n", "late"));
              bucket.entry("a").removeRange(TimeRange.of(250, 300), record -> true);
              bucket.renameEntry("a", "renamed");
              store.renameBucket("one", "other");
              store.createBucket("one", BucketSettings.DEFAULT);
              settle();
            });
    BackupRun.Report report;
    try (meddling;
        var folder = BackupFolder.toWrite(again())) {
      report = BackupRun.run(folder, meddling, BackupRun.Progress.NONE);
    }
    settle();
    assertThat(report.lostBlocks()).isZero();
    assertThat(restored(1)).isEqualTo(expected);
    // What was kept for it is deleted.
    try (MemoryDisk look = disk.anotherProcess()) {
      assertThat(look.list("b/" + bucket.id() + "/1")).doesNotContain("2.blk");
    }
    back();
    assertThat(restored(2)).isEqualTo(Backups.content(store)).isNotEqualTo(expected);
  }

  /** Does something between the listing and the first block. */
  private static final class MeddlingSource implements BackupSource {
    private final BackupSource source;
    private final Runnable act;
    private boolean done;

    MeddlingSource(BackupSource source, Runnable act) {
      this.source = source;
      this.act = act;
    }

    @Override
    public void list(java.util.function.Consumer<String> sink) throws IOException {
      source.list(sink);
    }

    @Override
    public java.util.Optional<Bytes> open(Snapshot.Wanted wanted) throws IOException {
      if (!done) {
        done = true;
        act.run();
      }
      return source.open(wanted);
    }

    @Override
    public void close() {
      source.close();
    }
  }

  @Test
  void aRingGoesOnEvictingAndWhatIsGoneIsNoted() throws IOException {
    Bucket ring =
        store.createBucket("ring", new BucketSettings(QuotaType.FIFO, 60_000, 64_000_000, 8, null));
    fill(ring, "a", 0, 300);
    var before = Backups.content(store);
    var source =
        new MeddlingSource(
            BackupSource.of(store.snapshot(BackupSelection.ALL)), () -> fill(ring, "a", 300, 400));
    BackupRun.Report report;
    try (source;
        var folder = BackupFolder.toWrite(again())) {
      report = BackupRun.run(folder, source, BackupRun.Progress.NONE);
    }
    assertThat(ring.diskBytes()).isLessThanOrEqualTo(60_000);
    assertThat(report.lostBlocks()).isPositive();
    var after = restored(1);
    assertThat(before.entrySet()).containsAll(after.entrySet());
    assertThat(after).hasSize((int) (before.size() - report.lostRecords()));
    // Of what both hold nothing is missing.
    var still = Backups.content(store);
    still.keySet().retainAll(before.keySet());
    assertThat(after.entrySet()).containsAll(still.entrySet());
  }

  @Test
  void blocksAreNotRewrittenWhileASnapshotNeedsThemAndAreAfterwards() throws IOException {
    Bucket bucket = store.createBucket("one", SMALL_BLOCKS);
    fill(bucket, "a", 0, 20);
    var snapshot = store.snapshot(BackupSelection.ALL);
    snapshot.list(line -> {});
    bucket.entry("a").removeAll(new long[] {0, 10, 20, 30}, new PannierException[4]);
    settle();
    assertThat(disk.anotherProcess().exists("b/1/1/1.blk")).isTrue();
    snapshot.close();
    settle();
    assertThat(disk.anotherProcess().exists("b/1/1/1.blk")).isFalse();
    assertThat(Backups.content(store)).hasSize(16);
  }

  @Test
  void oneBucketAndOneHourOfIt() throws IOException {
    Bucket one = store.createBucket("one", SMALL_BLOCKS);
    fill(one, "a", 0, 100);
    one.entry("a").updateLabels(250, Labels.of("n", "changed"));
    one.entryForWrite("a/$meta").write(record(1, "{}", "key", "schema"));
    fill(store.createBucket("two", SMALL_BLOCKS), "b", 0, 100);
    var selection = new BackupSelection(List.of("one"), TimeRange.of(205, 305));
    var report = Backups.run(store, again(), selection);
    assertThat(report.buckets()).isEqualTo(1);
    assertThat(report.blocks()).isBetween(3L, 4L);
    var found = restored(1);
    assertThat(found).hasSize(11);
    assertThat(found.firstKey()).isEqualTo("one/a/$meta@1");
    assertThat(found.get("one/a@250")).contains("changed");
    assertThat(found).containsKeys("one/a@210", "one/a@300").doesNotContainKeys("one/a@200");
    // A narrower one of a point that has more, and all of it beside.
    back();
    assertThat(restored(2, new BackupSelection(List.of("two"), TimeRange.of(0, 20)))).hasSize(2);
    assertThat(restored(2)).hasSize(201);
    assertThatThrownBy(() -> restored(1, new BackupSelection(List.of("two"), TimeRange.all())))
        .hasMessageContaining("'two' is not in restore point 1");
    assertThatThrownBy(() ->
            Backups.run(store, again(), new BackupSelection(List.of("nobody"), TimeRange.all())))
        .isInstanceOf(PannierException.NotFound.class);
  }

  @Test
  void pruningTakesOldPointsAndWhatOnlyTheyNeed() throws IOException {
    Bucket bucket = store.createBucket("one", SMALL_BLOCKS);
    fill(bucket, "a", 0, 40);
    back();
    store.removeBucket("one");
    settle();
    fill(store.createBucket("one", SMALL_BLOCKS), "a", 100, 120);
    back();
    back();
    BackupFolder.Pruned pruned;
    try (var folder = BackupFolder.toWrite(again())) {
      pruned = folder.prune(2);
    }
    assertThat(pruned.points()).containsExactly(1);
    assertThat(pruned.bytes()).isPositive();
    List<BackupCheck.Point> left;
    try (var folder = BackupFolder.toRead(again())) {
      left = BackupCheck.points(folder);
    }
    assertThat(left)
        .extracting(BackupCheck.Point::number, BackupCheck.Point::records)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple(2, 20L),
            org.assertj.core.groups.Tuple.tuple(3, 20L));
    assertThat(verify().findings()).isEmpty();
    assertThat(restored(2)).isEqualTo(restored(3)).hasSize(20);
    assertThat(back().point()).isEqualTo(4);
  }

  private Verification verify() throws IOException {
    try (var folder = BackupFolder.toRead(again())) {
      return BackupCheck.verify(folder, BackupRun.Progress.NONE);
    }
  }

  @Test
  void everyDamagedFileIsNamedAndTheRestComesBack() throws IOException {
    Bucket bucket = store.createBucket("one", SMALL_BLOCKS);
    fill(bucket, "a", 0, 40);
    bucket.entry("a").updateLabels(50, Labels.of("n", "changed"));
    store.documents().save("tokens", new byte[] {1, 2, 3});
    back();
    assertThat(verify().findings()).isEmpty();
    var whole = Backups.content(store);
    List<String> files = files();
    assertThat(files).hasSize(9);
    for (String file : files) {
      long length = length(file);
      for (long at : new long[] {0, length / 2, length - 1}) {
        target.flip(file, at, 0x10);
        assertThat(verify().findings())
            .filteredOn(found -> found.kind() == Verification.Kind.DAMAGE)
            .extracting(Verification.Finding::path)
            .contains(file);
        var into = new MemoryDisk();
        var report = Backups.restore(again(), 1, BackupSelection.ALL, into);
        if (file.startsWith("points/")) {
          assertThat(report.damage()).isEmpty();
        } else {
          assertThat(report.damage()).extracting(Verification.Finding::path).contains(file);
        }
        try (Store there = new TestStores(6).open(into.kill())) {
          assertThat(readable(there)).isSubsetOf(whole.values());
          assertThat(readable(there).size()).isGreaterThanOrEqualTo(whole.size() - 8);
        }
        target.flip(file, at, 0x10);
      }
    }
    for (String file : files) {
      if (file.startsWith("pieces/")) {
        var missing = target.kill();
        missing.delete(file);
        var into = new MemoryDisk();
        var report = Backups.restore(missing, 1, BackupSelection.ALL, into);
        assertThat(report.damage()).extracting(Verification.Finding::path).containsExactly(file);
        assertThat(Backups.damage(into.kill())).isEmpty();
      }
    }
  }

  private static List<String> readable(Store store) {
    var found = new ArrayList<String>();
    for (StoredRecord record : store.bucket("one").entry("a").scan(TimeRange.all(), 1_000)) {
      try {
        record.requireIntact();
        found.add(record.labels() + " " + record.contentType() + " " + TestStores.text(record));
      } catch (PannierException.Damaged damaged) {
        assertThat(damaged).isNotNull();
      }
    }
    return found;
  }

  private List<String> files() throws IOException {
    MemoryDisk look = again();
    var files = new ArrayList<String>();
    for (String folder : look.list("pieces")) {
      for (String name : look.list("pieces/" + folder)) {
        files.add("pieces/" + folder + "/" + name);
      }
    }
    for (String name : look.list("points")) {
      files.add("points/" + name);
    }
    return files;
  }

  private long length(String file) throws IOException {
    try (DiskFile open = again().open(file)) {
      return open.size();
    }
  }

  @Test
  void damageInTheStoreIsToldByTheBackupAndCopiedAsItIs() throws IOException {
    Bucket bucket = store.createBucket("one", SMALL_BLOCKS);
    fill(bucket, "a", 0, 20);
    disk.flip("b/1/1/1.blk", 180, 1);
    var report = back();
    assertThat(report.damage()).isNotEmpty();
    assertThat(report.damage().getFirst().path()).isEqualTo("b/1/1/1.blk");
    assertThat(report.records()).isEqualTo(20);
    // The pieces are what was copied; the damage is that of the store.
    assertThat(verify().findings())
        .extracting(Verification.Finding::path)
        .containsOnly("b/1/1/1.blk");
  }

  @Test
  void foreignFoldersAreRefused() throws IOException {
    back();
    assertThatThrownBy(() -> Backups.run(store, disk.anotherProcess()))
        .isInstanceOf(StoreRefused.class)
        .hasMessageContaining("is no backup");
    assertThatThrownBy(() -> BackupFolder.toRead(new MemoryDisk()))
        .isInstanceOf(StoreRefused.class);
    assertThatThrownBy(
            () -> Backups.restore(again(), 1, BackupSelection.ALL, disk.anotherProcess()))
        .isInstanceOf(StoreRefused.class);
    assertThatThrownBy(() -> Backups.restore(again(), 2, BackupSelection.ALL, new MemoryDisk()))
        .isInstanceOf(BackupDamaged.class);
    try (var folder = BackupFolder.toWrite(again())) {
      assertThatThrownBy(() -> BackupFolder.toRead(again())).isInstanceOf(StoreRefused.class);
      assertThat(folder.points()).containsExactly(1);
    }
  }

  @Test
  void aSnapshotIsReadInItsOrder() {
    fill(store.createBucket("one", SMALL_BLOCKS), "a", 0, 40);
    try (var snapshot = store.snapshot(BackupSelection.ALL)) {
      snapshot.list(line -> {});
      var second = new Snapshot.Wanted(1, 100, 0, List.of(), List.of());
      var bytes = snapshot.open(second);
      bytes.close();
      assertThat(bytes.length()).isEqualTo(100);
      assertThatThrownBy(() -> snapshot.open(new Snapshot.Wanted(0, 100, 0, List.of(), List.of())))
          .isInstanceOf(PannierException.Invalid.class);
      assertThatThrownBy(
              () -> snapshot.open(new Snapshot.Wanted(1, 1L << 40, 0, List.of(), List.of())))
          .isInstanceOf(PannierException.Invalid.class);
    }
  }
}
