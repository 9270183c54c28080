package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.disk.Fault;
import io.pannier.store.disk.FaultyDisk;
import io.pannier.store.disk.MemoryDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Whatever call a backup or a restore is cut short at, there is all of it or nothing. */
class BackupCrashTest {
  private static final BucketSettings SMALL_BLOCKS =
      new BucketSettings(QuotaType.NONE, 0, 64_000_000, 4, null);

  private final TestStores stores = new TestStores(5);
  private final Store store = stores.open(new MemoryDisk());
  private final MemoryDisk base = new MemoryDisk();
  private final NavigableMap<String, String> first;
  private final NavigableMap<String, String> second;

  BackupCrashTest() throws IOException {
    Entry entry = store.createBucket("one", SMALL_BLOCKS).entryForWrite("a");
    write(entry, 0, 10);
    store.documents().save("tokens", new byte[] {1, 2});
    first = Backups.content(store);
    Backups.run(store, base.anotherProcess());
    write(entry, 10, 16);
    entry.updateLabels(3, Labels.of("n", "changed"));
    entry.remove(5);
    write(store.createBucket("two", SMALL_BLOCKS).entryForWrite("b"), 0, 6);
    second = Backups.content(store);
  }

  private void write(Entry entry, int from, int to) {
    for (int i = from; i < to; i++) {
      entry.write(TestStores.record(i, "body " + i, "n", "" + i));
      stores.scheduler.runDue();
    }
  }

  private static NavigableMap<String, String> restored(MemoryDisk backup, int point)
      throws IOException {
    var into = new MemoryDisk();
    assertThat(Backups.restore(backup.anotherProcess(), point, BackupSelection.ALL, into).damage())
        .isEmpty();
    try (Store there = new TestStores(6).open(into.kill())) {
      return Backups.content(there);
    }
  }

  private static boolean struck(FaultyDisk faulty, int at, int least) {
    if (!faulty.fired()) {
      assertThat(at).isGreaterThan(least);
      return false;
    }
    return true;
  }

  @Test
  void aBackupThatLosesItsPowerLeavesWholePointsOnly() throws IOException {
    for (int at = 1; ; at++) {
      MemoryDisk target = base.kill();
      var faulty = new FaultyDisk(target, new Random(at), Fault.at(at, Fault.Kind.POWER_LOSS));
      cutShort(() -> Backups.run(store, faulty));
      MemoryDisk after = target.crash(new Random(at));
      assertGoesOn(after);
      if (!struck(faulty, at, 30)) {
        return;
      }
    }
  }

  @Test
  void aBackupThatFailsOrFindsTheDeviceFullLeavesWholePointsOnly() throws IOException {
    for (Fault.Kind kind :
        List.of(Fault.Kind.FAIL, Fault.Kind.DISK_FULL, Fault.Kind.TEAR, Fault.Kind.SYNC_FAIL)) {
      for (int at = 1; ; at++) {
        MemoryDisk target = base.kill();
        var faulty = new FaultyDisk(target, new Random(at), Fault.at(at, kind));
        cutShort(() -> Backups.run(store, faulty));
        assertGoesOn(target.kill());
        if (!struck(faulty, at, 2)) {
          break;
        }
      }
    }
  }

  private void assertGoesOn(MemoryDisk backup) throws IOException {
    List<Integer> points;
    try (var folder = BackupFolder.toRead(backup.anotherProcess())) {
      points = folder.points();
    }
    assertThat(points).first().isEqualTo(1);
    assertThat(restored(backup, 1)).isEqualTo(first);
    for (int point : points.subList(1, points.size())) {
      assertThat(restored(backup, point)).isEqualTo(second);
    }
    int next = Backups.run(store, backup.anotherProcess()).point();
    assertThat(restored(backup, next)).isEqualTo(second);
    try (var folder = BackupFolder.toRead(backup.anotherProcess())) {
      assertThat(BackupCheck.verify(folder, BackupRun.Progress.NONE).isClean()).isTrue();
    }
  }

  private interface Work {
    void run() throws IOException;
  }

  private static void cutShort(Work work) {
    try {
      work.run();
    } catch (IOException | PannierException lost) {
      assertThat(lost).isNotNull();
    }
  }

  @Test
  void aBackupThatWasCutShortIsGoneOnWith() throws IOException {
    MemoryDisk target = base.kill();
    var whole = Backups.run(store, base.kill());
    // Everything was brought, and then the manifest could not get its name.
    var faulty = new FaultyDisk(target, new Random(1));
    try (var folder = BackupFolder.toWrite(faulty);
        var source = BackupSource.of(store.snapshot(BackupSelection.ALL))) {
      cutShort(() ->
          BackupRun.run(
              folder,
              source,
              (done, planned) -> {
                if (done > planned / 2) {
                  faulty.arm(Fault.from(1, Fault.Kind.DISK_FULL));
                }
              }));
      faulty.heal();
    }
    var resumed = Backups.run(store, target.anotherProcess());
    assertThat(resumed.point()).isEqualTo(2);
    assertThat(resumed.fetchedBytes()).isLessThanOrEqualTo(whole.fetchedBytes());
    assertThat(restored(target, 2)).isEqualTo(second);
  }

  @Test
  void aRestoreThatLosesItsPowerIsNoStoreAndCanBeRepeated() throws IOException {
    Backups.run(store, base.anotherProcess());
    for (int at = 1; ; at++) {
      var into = new MemoryDisk();
      var faulty = new FaultyDisk(into, new Random(at), Fault.at(at, Fault.Kind.POWER_LOSS));
      cutShort(() -> Backups.restore(base.anotherProcess(), 2, BackupSelection.ALL, faulty));
      MemoryDisk after = into.crash(new Random(at));
      boolean isMarked = after.exists(StoreFormat.RESTORING);
      if (isMarked) {
        assertThatThrownBy(() -> new TestStores(6).open(after.anotherProcess()))
            .isInstanceOf(StoreRefused.class)
            .hasMessageContaining("cut short");
      }
      MemoryDisk again = after.kill();
      if (isMarked || !again.exists(StoreFormat.FILE)) {
        Backups.restore(base.anotherProcess(), 2, BackupSelection.ALL, again);
      }
      MemoryDisk made = again.kill();
      assertThat(Backups.damage(made)).isEmpty();
      try (Store there = new TestStores(6).open(made)) {
        assertThat(Backups.content(there)).isEqualTo(second);
      }
      if (!struck(faulty, at, 60)) {
        return;
      }
    }
  }

  // ---------------------------------------------------------------- into a running store

  /** Puts bucket "one" of the newest point into a store, as a server does. */
  private void importInto(Store into, String name) throws IOException {
    try (var folder = BackupFolder.toRead(base.anotherProcess())) {
      int point = folder.points().getLast();
      var lines = new ArrayList<Backup.Line>();
      folder.read(point, lines::add);
      BucketImport bucket = null;
      try {
        for (Backup.Line line : lines) {
          switch (line) {
            case Backup.OfBucket of -> {
              if (bucket != null) {
                bucket.complete();
                bucket.publish();
                return;
              }
              bucket = into.restoreBucket(name, of.settings(), of.nextEntry(), TimeRange.all());
            }
            case Backup.OfEntry entry ->
                java.util.Objects.requireNonNull(bucket).add(entry, target -> {});
            case Backup.KeptBlock block -> {
              try (var bytes =
                  new PieceReader(
                      folder, BackupFolder.pieces(block), new Findings(Verifier.Progress.NONE))) {
                java.util.Objects.requireNonNull(bucket)
                    .add(
                        new Backup.OfBlock(block.state(), 0, ""),
                        (ByteBuffer target) -> bytes.read(target));
              }
            }
            default -> {}
          }
        }
      } finally {
        if (bucket != null) {
          bucket.close();
        }
      }
    }
  }

  private NavigableMap<String, String> renamed(String name) {
    var found = new TreeMap<String, String>();
    second.forEach((key, value) -> {
      if (key.startsWith("one/")) {
        found.put(name + key.substring(3), value);
      }
    });
    return found;
  }

  @Test
  void aBucketIsRestoredIntoARunningStoreUnderAnotherName() throws IOException {
    Backups.run(store, base.anotherProcess());
    importInto(store, "back");
    assertThat(Backups.content(store.bucket("back"), "back")).isEqualTo(renamed("back"));
    assertThatThrownBy(() -> importInto(store, "back"))
        .isInstanceOf(PannierException.Conflict.class);
    assertThatThrownBy(() -> importInto(store, "$system"))
        .isInstanceOf(PannierException.Invalid.class);
    Entry entry = store.bucket("back").entry("a");
    entry.write(TestStores.record(100, "goes on"));
    entry.remove(3);
    store.removeBucket("back");
    stores.scheduler.runDue();
    assertThat(Backups.content(store)).isEqualTo(second);
  }

  @Test
  void aRestoreIntoARunningStoreThatLosesItsPowerLeavesNothing() throws IOException {
    Backups.run(store, base.anotherProcess());
    boolean sawNone = false;
    boolean sawAll = false;
    for (int at = 1; ; at++) {
      var memory = new MemoryDisk();
      var faulty = new FaultyDisk(memory, new Random(at));
      var running = new TestStores(7).ticking();
      Store into = running.open(faulty);
      write(into.createBucket("mine", SMALL_BLOCKS).entryForWrite("x"), 0, 3);
      running.scheduler.runDue();
      running.scheduler.advanceMillis(500);
      faulty.arm(Fault.at(at, Fault.Kind.POWER_LOSS));
      boolean done = false;
      try {
        importInto(into, "back");
        done = true;
      } catch (PannierException lost) {
        assertThat(lost).isNotNull();
      }
      MemoryDisk after = memory.crash(new Random(at));
      var restarted = new TestStores(8).ticking();
      try (Store again = restarted.open(after)) {
        restarted.scheduler.runDue();
        restarted.scheduler.advanceMillis(3_000);
        var expected = renamed("back");
        if (again.findBucket("back").isPresent()) {
          assertThat(Backups.content(again.bucket("back"), "back")).isEqualTo(expected);
          sawAll = true;
        } else {
          assertThat(done).isFalse();
          importInto(again, "back");
          assertThat(Backups.content(again.bucket("back"), "back")).isEqualTo(expected);
          sawNone = true;
        }
        assertThat(Backups.content(again.bucket("mine"), "mine")).hasSize(3);
      }
      assertThat(Backups.damage(after.kill())).isEmpty();
      if (!struck(faulty, at, 20)) {
        assertThat(sawNone).isTrue();
        assertThat(sawAll).isTrue();
        return;
      }
    }
  }

  @Test
  void aRestoreIntoARunningStoreThatFailsLeavesTheNameFree() throws IOException {
    Backups.run(store, base.anotherProcess());
    for (Fault.Kind kind : List.of(Fault.Kind.FAIL, Fault.Kind.DISK_FULL)) {
      for (int at = 1; ; at++) {
        var memory = new MemoryDisk();
        var faulty = new FaultyDisk(memory, new Random(at));
        var running = new TestStores(7).ticking();
        Store into = running.open(faulty);
        faulty.arm(Fault.at(at, kind));
        boolean done = false;
        try {
          importInto(into, "back");
          done = true;
        } catch (PannierException failed) {
          assertThat(failed).isNotNull();
        }
        faulty.heal();
        running.scheduler.runDue();
        running.scheduler.advanceMillis(3_000);
        assertThat(into.findBucket("back").isPresent()).isEqualTo(done);
        if (!done) {
          importInto(into, "back");
        }
        assertThat(Backups.content(into.bucket("back"), "back")).isEqualTo(renamed("back"));
        into.close();
        assertThat(Backups.damage(memory.kill())).isEmpty();
        if (!struck(faulty, at, 5)) {
          break;
        }
      }
    }
  }
}
