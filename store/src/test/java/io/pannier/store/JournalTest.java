package io.pannier.store;

import static io.pannier.store.JournalFixture.CLOCK;
import static io.pannier.store.JournalFixture.FOLDER;
import static io.pannier.store.JournalFixture.IDENTITY;
import static io.pannier.store.JournalFixture.KIND;
import static io.pannier.store.JournalFixture.PREFIX;
import static io.pannier.store.JournalFixture.SNAPSHOT_END;
import static io.pannier.store.JournalFixture.bytes;
import static io.pannier.store.JournalFixture.content;
import static io.pannier.store.JournalFixture.inspect;
import static io.pannier.store.JournalFixture.makeFolder;
import static io.pannier.store.JournalFixture.newJournal;
import static io.pannier.store.JournalFixture.open;
import static io.pannier.store.JournalFixture.path;
import static io.pannier.store.JournalFixture.range;
import static io.pannier.store.JournalFixture.replay;
import static io.pannier.store.JournalFixture.snapshot;
import static io.pannier.store.JournalFixture.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.PannierException;
import io.pannier.store.disk.CountingDisk;
import io.pannier.store.disk.DiskFullException;
import io.pannier.store.disk.DiskOperation;
import io.pannier.store.disk.Fault;
import io.pannier.store.disk.FaultyDisk;
import io.pannier.store.disk.MemoryDisk;
import io.pannier.store.disk.RealDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JournalTest {
  private static final String A = path(1, ".a");
  private static final String B = path(1, ".b");

  private final MemoryDisk disk = new MemoryDisk();

  @BeforeEach
  void folder() throws IOException {
    makeFolder(disk);
  }

  @AfterEach
  void noHandleStaysOpen() {
    assertThat(disk.openHandles()).isZero();
  }

  /** Numbers 0 to 9 as the snapshot, 10 to 29 as the log, synced after each. */
  private void writeThirty() throws IOException {
    try (Journal journal = newJournal(disk, 1, range(0, 10))) {
      for (int number = 10; number < 30; number++) {
        journal.append(KIND, content(number));
        journal.sync();
      }
    }
  }

  @Test
  void whatWasAppendedIsReplayedInOrder() throws IOException {
    writeThirty();
    var replayed = new ArrayList<Integer>();
    try (Journal journal = open(disk, 2, replayed)) {
      assertThat(replayed).isEqualTo(range(0, 30));
      assertThat(journal.needsRewrite()).isFalse();
      assertThat(journal.findings()).isEmpty();
      journal.appendAll(
          List.of(new Journal.Frame(KIND, content(30)), new Journal.Frame(KIND, content(31))));
      journal.append(KIND, content(32));
    }
    assertThat(replay(disk)).isEqualTo(range(0, 33));
    assertThat(bytes(disk, A)).isEqualTo(bytes(disk, B));
    assertThat(inspect(disk).isSound()).isTrue();
    assertThat(inspect(disk).frames()).isEqualTo(34);
  }

  @Test
  void bytesAreThoseOfTheFormat() throws IOException {
    try (Journal journal = newJournal(disk, 1, List.of())) {
      journal.append(0xfedc, ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5}).position(1));
      journal.sync();
      journal.append(1, ByteBuffer.allocate(0));
    }
    var bytes = ByteBuffer.wrap(bytes(disk, A)).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(bytes.capacity()).isEqualTo(64 + 32 + 32 + 24);
    assertThat(new String(bytes.array(), 96, 4, StandardCharsets.US_ASCII)).isEqualTo("PNJF");
    assertThat(bytes.getShort(100)).isEqualTo((short) 0xfedc);
    assertThat(bytes.getShort(102)).isZero();
    assertThat(bytes.getInt(104)).isEqualTo(4);
    assertThat(bytes.getInt(112)).isEqualTo(1); // number
    assertThat(bytes.getInt(116)).isEqualTo(1); // the snapshot is durable
    assertThat(bytes.getInt(120)).isEqualTo(0x05040302);
    assertThat(bytes.getInt(124)).isZero();
    long salt = bytes.getLong(32);
    assertThat(bytes.getInt(108))
        .isEqualTo(new Checksum().add(salt).add(bytes, 96, 12).add(bytes, 112, 12).value());
    assertThat(bytes.getInt(128 + 16)).isEqualTo(2);
    assertThat(bytes.getInt(128 + 20)).isEqualTo(2);
  }

  @Test
  void anAppendCostsOneWritePerCopyAndASyncOnePerCopy() throws IOException {
    var counting = new CountingDisk(disk);
    try (Journal journal = newJournal(counting, 1, range(0, 10))) {
      var before = counting.counts();
      journal.append(KIND, ByteBuffer.allocate(8));
      assertThat(counting.counts().minus(before)).hasToString("append 2 (64 B)");
      before = counting.counts();
      journal.appendAll(
          List.of(
              new Journal.Frame(KIND, ByteBuffer.allocate(8)),
              new Journal.Frame(KIND, ByteBuffer.allocate(40_000))));
      assertThat(counting.counts().minus(before)).hasToString("append 2 (80112 B)");
      before = counting.counts();
      journal.sync();
      journal.sync();
      assertThat(counting.counts().minus(before)).hasToString("sync 2");
      before = counting.counts();
      journal.compact(snapshot(range(0, 10)));
      assertThat(counting.counts().minus(before).of(DiskOperation.APPEND)).isEqualTo(2);
      assertThat(counting.counts().minus(before).of(DiskOperation.SYNC)).isEqualTo(2);
      assertThat(counting.counts().minus(before).of(DiskOperation.SYNC_FOLDER)).isEqualTo(1);
    }
  }

  @Test
  void compactionReplacesTheLogBySnapshotAndGoesOn() throws IOException {
    writeThirty();
    try (Journal journal = open(disk, 2, new ArrayList<>())) {
      assertThat(journal.wantsCompaction()).isFalse();
      int number = 30;
      while (!journal.wantsCompaction()) {
        journal.append(KIND, content(number++));
      }
      assertThat(journal.bytes()).isGreaterThan(2 * Journal.COMPACTION_BYTES_MIN);
      journal.compact(snapshot(List.of(3, 4, 5)));
      assertThat(journal.wantsCompaction()).isFalse();
      journal.append(KIND, content(6));
    }
    assertThat(disk.list(FOLDER)).containsExactlyInAnyOrder("journal-2.a", "journal-2.b");
    assertThat(replay(disk)).containsExactly(3, 4, 5, 6);
  }

  @Test
  void largeSnapshotsAndLargestFramesPass() throws IOException {
    var largest = ByteBuffer.allocate(Journal.CONTENT_BYTES_MAX);
    new Random(1).nextBytes(largest.array());
    try (Journal journal = newJournal(disk, 1, range(0, 5000))) {
      journal.append(1, largest);
      assertThatThrownBy(() -> journal.append(1, ByteBuffer.allocate(1 << 20)))
          .isInstanceOf(IllegalArgumentException.class);
      journal.append(KIND, content(5000));
    }
    var found = new AtomicInteger();
    JournalReport report =
        Journal.inspect(
            disk,
            FOLDER,
            PREFIX,
            IDENTITY,
            SNAPSHOT_END,
            (_, _, kind, content) -> {
              if (kind == 1 && content.equals(largest)) {
                found.incrementAndGet();
              }
            });
    assertThat(found).hasValue(1);
    assertThat(report.isSound()).isTrue();
    assertThat(replay(disk)).isEqualTo(range(0, 5001));
  }

  @Test
  void aSnapshotEndsWithItsEnd() throws IOException {
    try (Journal journal = newJournal(disk, 1, range(0, 3))) {
      assertThatThrownBy(() -> journal.compact(sink -> sink.frame(KIND, content(1))))
          .isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() ->
              journal.compact(sink -> {
                sink.frame(SNAPSHOT_END, content(1));
                sink.frame(KIND, content(1));
              }))
          .isInstanceOf(IllegalStateException.class);
      journal.append(KIND, content(3));
    }
    assertThat(replay(disk)).isEqualTo(range(0, 4));
    assertThat(disk.list(FOLDER)).containsExactlyInAnyOrder("journal-1.a", "journal-1.b");
  }

  @Test
  void aJournalIsCreatedOnceAndOpenedOnlyWhenThere() throws IOException {
    assertThat(Journal.exists(disk, FOLDER, PREFIX)).isFalse();
    assertThatThrownBy(() -> replay(disk)).isInstanceOf(NoSuchFileException.class);
    write(disk, A + ".new", new byte[] {1}, 1);
    assertThat(Journal.exists(disk, FOLDER, PREFIX)).isFalse();
    newJournal(disk, 1, List.of(1)).close();
    assertThat(Journal.exists(disk, FOLDER, PREFIX)).isTrue();
    assertThatThrownBy(() -> newJournal(disk, 1, List.of(1)))
        .isInstanceOf(FileAlreadyExistsException.class);
    assertThat(replay(disk)).containsExactly(1);
  }

  @Test
  void everyFlippedBitInOneCopyLosesNothing() throws IOException {
    writeThirty();
    for (String path : List.of(A, B)) {
      byte[] whole = bytes(disk, path);
      for (int at = 0; at < whole.length; at++) {
        int mask = 1 << at % 8;
        disk.flip(path, at, mask);
        var replayed = new ArrayList<Integer>();
        try (Journal journal = open(disk, 2, replayed)) {
          assertThat(replayed).as("%s at %s", path, at).isEqualTo(range(0, 30));
          if (path.equals(A)) {
            assertThat(journal.needsRewrite()).as("%s at %s", path, at).isTrue();
          }
        }
        if (at % 7 == 0) {
          JournalReport report = inspect(disk);
          assertThat(report.isSound()).as("%s at %s", path, at).isFalse();
          assertThat(report.isLost()).isFalse();
        }
        disk.flip(path, at, mask);
      }
    }
    assertThat(inspect(disk).isSound()).isTrue();
  }

  @Test
  void damageAllOverBothCopiesLosesNothingAsLongAsOneHasEachFrame() throws IOException {
    writeThirty();
    var random = new Random(3);
    List<Long> offsets = inspectOffsets();
    for (long offset : offsets) {
      disk.flip(random.nextBoolean() ? A : B, offset + random.nextInt(28), 0x10);
    }
    disk.flip(A, 20, 1);
    var replayed = new ArrayList<Integer>();
    try (Journal journal = open(disk, 2, replayed)) {
      assertThat(replayed).isEqualTo(range(0, 30));
      assertThatThrownBy(() -> journal.append(KIND, content(30)))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("written anew");
      assertThatThrownBy(journal::sync).isInstanceOf(IOException.class);
      journal.compact(snapshot(replayed));
      journal.append(KIND, content(30));
      journal.sync();
    }
    assertThat(replay(disk)).isEqualTo(range(0, 31));
    assertThat(inspect(disk).isSound()).isTrue();
    assertThat(disk.list(FOLDER)).hasSize(2);
  }

  @Test
  void aTailTornAtAnyLengthOfOneCopyLosesNothing() throws IOException {
    writeThirty();
    for (String path : List.of(A, B)) {
      byte[] whole = bytes(disk, path);
      for (int length = 0; length < whole.length; length++) {
        write(disk, path, whole, length);
        var replayed = new ArrayList<Integer>();
        try (Journal journal = open(disk, 2, replayed)) {
          assertThat(replayed).as("%s cut at %s", path, length).isEqualTo(range(0, 30));
          assertThat(journal.needsRewrite()).isTrue();
          assertThat(journal.findings()).hasSize(1);
        }
      }
      write(disk, path, whole, whole.length);
    }
  }

  @Test
  void aTailTornAtAnyLengthOfBothCopiesLeavesThePrefix() throws IOException {
    writeThirty();
    byte[] whole = bytes(disk, A);
    var ends = new ArrayList<Integer>();
    Journal.inspect(
        disk,
        FOLDER,
        PREFIX,
        IDENTITY,
        SNAPSHOT_END,
        (offset, _, _, content) ->
            ends.add((int) (offset + JournalCopy.frameBytes(content.remaining()))));
    int snapshotEnd = ends.get(10);
    for (int length = 0; length < whole.length; length++) {
      int cut = length;
      write(disk, A, whole, length);
      write(disk, B, whole, length);
      if (length < snapshotEnd) {
        assertThatThrownBy(() -> replay(disk))
            .as("cut at %s", length)
            .isInstanceOf(PannierException.Damaged.class)
            .hasMessageContaining("b/7/journal-1");
      } else {
        int frames = (int) ends.stream().filter(end -> end <= cut).count();
        assertThat(replay(disk)).as("cut at %s", length).isEqualTo(range(0, frames - 1));
      }
    }
  }

  @Test
  void differentLengthsOfGarbageBehindTheEndAreCutOff() throws IOException {
    writeThirty();
    var random = new Random(4);
    byte[] whole = bytes(disk, A);
    for (int i = 0; i < 200; i++) {
      for (String path : List.of(A, B)) {
        var longer = new byte[whole.length + random.nextInt(300)];
        random.nextBytes(longer);
        System.arraycopy(whole, 0, longer, 0, whole.length);
        write(disk, path, longer, longer.length);
      }
      var replayed = new ArrayList<Integer>();
      try (Journal journal = open(disk, 2, replayed)) {
        assertThat(replayed).isEqualTo(range(0, 30));
        if (journal.needsRewrite()) {
          journal.compact(snapshot(replayed));
        }
        journal.append(KIND, content(30));
      }
      assertThat(replay(disk)).isEqualTo(range(0, 31));
      disk.list(FOLDER).forEach(this::delete);
      write(disk, A, whole, whole.length);
    }
  }

  @Test
  void framesGoneFromBothCopiesAreNamed() throws IOException {
    writeThirty();
    byte[] whole = bytes(disk, A);
    List<Long> offsets = inspectOffsets();
    for (int frame : new int[] {12, 13, 20}) {
      for (String path : List.of(A, B)) {
        disk.flip(path, offsets.get(frame), 1);
      }
    }
    List<String> names = disk.list(FOLDER);
    assertThatThrownBy(() -> replay(disk))
        .isInstanceOf(PannierException.Damaged.class)
        .hasMessage("journal b/7/journal-1: frames 12-13, 20 are unreadable in both copies");
    assertThat(disk.list(FOLDER)).isEqualTo(names);
    JournalReport report = inspect(disk);
    assertThat(report.isLost()).isTrue();
    assertThat(report.problems())
        .contains("b/7/journal-1: frames 12-13, 20 are unreadable in both copies")
        .anyMatch(problem -> problem.startsWith("b/7/journal-1.a: bytes "));
    write(disk, A, whole, 64);
    write(disk, B, whole, 64);
    assertThatThrownBy(() -> replay(disk))
        .hasMessage("journal b/7/journal-1: the snapshot is unreadable from frame 0 on");
    write(disk, A, whole, 63);
    write(disk, B, whole, 63);
    assertThatThrownBy(() -> replay(disk))
        .hasMessage("journal b/7/journal-1: the headers of both copies are unreadable");
  }

  @Test
  void aHoleThatAPowerLossMayLeaveIsATornTail() throws IOException {
    var offsets = new ArrayList<Long>();
    try (Journal journal = newJournal(disk, 1, range(0, 10))) {
      for (int number = 10; number < 20; number++) {
        journal.append(KIND, content(number));
      }
      journal.sync();
      for (int number = 20; number < 30; number++) {
        journal.append(KIND, content(number)); // never synced
      }
    }
    Journal.inspect(
        disk, FOLDER, PREFIX, IDENTITY, SNAPSHOT_END, (offset, _, _, _) -> offsets.add(offset));
    int hole = 24; // number 23, for the end of the snapshot is frame 10
    disk.flip(A, offsets.get(hole), 1);
    disk.flip(B, offsets.get(hole), 1);
    var replayed = new ArrayList<Integer>();
    try (Journal journal = open(disk, 2, replayed)) {
      assertThat(replayed).isEqualTo(range(0, 23));
      assertThat(journal.needsRewrite()).isTrue();
      assertThat(journal.findings()).anyMatch(text -> text.contains("6 frames behind a hole"));
      journal.compact(snapshot(replayed));
    }
    assertThat(replay(disk)).isEqualTo(range(0, 23));
  }

  @Test
  void framesOfAnotherGenerationOrJournalAreNotTaken() throws IOException {
    writeThirty();
    byte[] old = bytes(disk, A);
    try (Journal journal = open(disk, 2, new ArrayList<>())) {
      journal.compact(snapshot(range(0, 3)));
    }
    byte[] fresh = bytes(disk, path(2, ".a"));
    var mixed = new byte[old.length];
    System.arraycopy(old, 0, mixed, 0, old.length);
    System.arraycopy(fresh, 0, mixed, 0, fresh.length);
    write(disk, path(2, ".a"), mixed, mixed.length);
    assertThat(replay(disk)).isEqualTo(range(0, 3));
    write(
        disk,
        path(2, ".a"),
        old,
        old.length); // a copy of the older generation under the newer name
    assertThat(replay(disk)).isEqualTo(range(0, 3));
    assertThat(inspect(disk).problems())
        .contains("b/7/journal-2.a: the header is that of another file");
    assertThatThrownBy(() ->
            Journal.open(
                disk,
                FOLDER,
                PREFIX,
                new Journal.Identity(new UUID(1, 2), 7),
                new Random(1),
                CLOCK,
                SNAPSHOT_END,
                (_, _) -> {}))
        .isInstanceOf(PannierException.Damaged.class);
  }

  @Test
  void aNewerVersionIsRefused() throws IOException {
    writeThirty();
    var bytes = ByteBuffer.wrap(bytes(disk, B)).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(8, 2).putInt(60, Checksum.of(bytes, 0, 60));
    write(disk, B, bytes.array(), bytes.capacity());
    assertThatThrownBy(() -> replay(disk))
        .isInstanceOf(StoreRefused.class)
        .hasMessageContaining("newer");
  }

  @Test
  void leftoversOfOtherGenerationsGoAndNothingElseDoes() throws IOException {
    writeThirty();
    byte[] old = bytes(disk, A);
    try (Journal journal = open(disk, 2, new ArrayList<>())) {
      journal.compact(snapshot(range(0, 3)));
    }
    write(disk, A, old, old.length);
    write(disk, path(3, ".a.new"), old, 70);
    write(disk, path(3, ".b.new"), old, 0);
    var others = List.of("journal-02.a", "journal-1.c", "journal-.a", "12", "journal-9999999999.a");
    for (String other : others) {
      write(disk, FOLDER + "/" + other, old, 5);
    }
    assertThat(inspect(disk).leftovers())
        .containsExactly("b/7/journal-1.a", "b/7/journal-3.a.new", "b/7/journal-3.b.new");
    assertThat(replay(disk)).isEqualTo(range(0, 3));
    var expected = new ArrayList<>(others);
    expected.addAll(List.of("journal-2.a", "journal-2.b"));
    assertThat(disk.list(FOLDER)).containsExactlyInAnyOrderElementsOf(expected);
  }

  @Test
  void oneMissingCopyIsReplacedAndAppendsWorkBefore() throws IOException {
    for (String path : List.of(A, B)) {
      disk.list(FOLDER).forEach(this::delete);
      writeThirty();
      disk.delete(path);
      var replayed = new ArrayList<Integer>();
      try (Journal journal = open(disk, 2, replayed)) {
        assertThat(replayed).isEqualTo(range(0, 30));
        assertThat(journal.needsRewrite()).isTrue();
        journal.append(KIND, content(30)); // a full device must be able to go on with one copy
        journal.sync();
        replayed.add(30);
        assertThat(replay(disk)).isEqualTo(range(0, 31));
        journal.compact(snapshot(replayed));
        assertThat(journal.needsRewrite()).isFalse();
      }
      assertThat(replay(disk)).isEqualTo(range(0, 31));
    }
  }

  @Test
  void aCopyThatFailsAloneIsLeftBehindUntilTheNextCompaction() throws IOException {
    for (int failing = 1; failing <= 2; failing++) {
      disk.list(FOLDER).forEach(this::delete);
      var faulty = new FaultyDisk(disk, new Random(failing));
      try (Journal journal = newJournal(faulty, 1, range(0, 10))) {
        faulty.arm(Fault.at(failing, Fault.Kind.TEAR));
        for (int number = 10; number < 20; number++) {
          journal.append(KIND, content(number));
        }
        assertThat(journal.needsRewrite()).isTrue();
        journal.sync();
        assertThat(replay(disk)).isEqualTo(range(0, 20));
        journal.compact(snapshot(range(0, 20)));
        assertThat(journal.needsRewrite()).isFalse();
      }
      assertThat(inspect(disk).isSound()).isTrue();
    }
  }

  @Test
  void aSyncThatFailsInBothCopiesIsHealedByACompactionOnly() throws IOException {
    var faulty = new FaultyDisk(disk, new Random(1));
    try (Journal journal = newJournal(faulty, 1, range(0, 10))) {
      journal.append(KIND, content(10));
      faulty.arm(Fault.from(1, Fault.Kind.SYNC_FAIL));
      assertThatThrownBy(journal::sync).isInstanceOf(IOException.class);
      faulty.heal();
      assertThatThrownBy(journal::sync).isInstanceOf(IOException.class);
      assertThatThrownBy(journal::mark).isInstanceOf(IOException.class);
      assertThatThrownBy(() -> journal.append(KIND, content(11))).isInstanceOf(IOException.class);
      journal.compact(snapshot(range(0, 11)));
      journal.sync();
    }
    assertThat(replay(disk.crash(new Random(2)))).isEqualTo(range(0, 11));
  }

  @Test
  void aFullDeviceRefusesTheFrameAndLeavesBothCopiesEqual() throws IOException {
    for (int failing = 1; failing <= 2; failing++) {
      for (int seed = 0; seed < 20; seed++) {
        disk.list(FOLDER).forEach(this::delete);
        var faulty = new FaultyDisk(disk, new Random(seed));
        try (Journal journal = newJournal(faulty, 1, range(0, 10))) {
          faulty.arm(Fault.at(failing, Fault.Kind.DISK_FULL));
          var batch =
              List.of(
                  new Journal.Frame(KIND, content(50)),
                  new Journal.Frame(KIND, content(51)),
                  new Journal.Frame(KIND, content(52)));
          assertThatThrownBy(() -> journal.appendAll(batch)).isInstanceOf(DiskFullException.class);
          assertThat(journal.needsRewrite()).isFalse();
          assertThat(replay(disk)).isEqualTo(range(0, 10));
          journal.append(KIND, content(10));
          assertThat(bytes(disk, A)).isEqualTo(bytes(disk, B));
        }
        assertThat(replay(disk)).isEqualTo(range(0, 11));
      }
    }
  }

  private static final List<Journal.Frame> BATCH =
      List.of(
          new Journal.Frame(KIND, content(50)),
          new Journal.Frame(KIND, content(51)),
          new Journal.Frame(KIND, content(52)));

  @Test
  void aRefusedFrameDoesNotComeBackAfterAPowerLoss() throws IOException {
    for (int seed = 0; seed < 200; seed++) {
      var memory = new MemoryDisk();
      makeFolder(memory);
      var faulty = new FaultyDisk(HookedDisk.writingThrough(memory), new Random(seed));
      Journal journal = newJournal(faulty, 1, range(0, 10));
      faulty.arm(Fault.at(1 + seed % 2, Fault.Kind.DISK_FULL));
      assertThatThrownBy(() -> journal.appendAll(BATCH)).isInstanceOf(DiskFullException.class);
      assertThat(journal.needsRewrite()).isFalse();
      assertThat(replay(memory.crash(new Random(seed))))
          .as("seed %s", seed)
          .isEqualTo(range(0, 10));
    }
  }

  @Test
  void aCopyFromWhichARefusedFrameCannotBeCutIsDeletedForGood() throws IOException {
    for (int seed = 0; seed < 200; seed++) {
      var memory = new MemoryDisk();
      makeFolder(memory);
      var full = new FaultyDisk(HookedDisk.writingThrough(memory), new Random(seed));
      var faulty = new FaultyDisk(full, new Random(seed));
      Journal journal = newJournal(faulty, 1, range(0, 10));
      full.arm(Fault.at(1 + seed % 2, Fault.Kind.DISK_FULL));
      faulty.arm(Fault.at(1, Fault.Kind.FAIL).among(Set.of(DiskOperation.TRUNCATE)));
      assertThatThrownBy(() -> journal.appendAll(BATCH)).isInstanceOf(DiskFullException.class);
      assertThat(journal.isBroken()).isFalse();
      assertThat(journal.needsRewrite()).isTrue();
      assertThat(replay(memory.crash(new Random(seed))))
          .as("seed %s", seed)
          .isEqualTo(range(0, 10));
    }
  }

  @Test
  void theLastCopyIsNotDeletedToGetRidOfARefusedFrame() throws IOException {
    var faulty = new FaultyDisk(disk, new Random(1));
    try (Journal journal = newJournal(faulty, 1, range(0, 10))) {
      faulty.arm(
          new Fault(
              Fault.Kind.FAIL, 2, true, Set.of(DiskOperation.APPEND, DiskOperation.TRUNCATE)));
      journal.append(KIND, content(10)); // only in the first copy
      assertThatThrownBy(() -> journal.append(KIND, content(11))).isInstanceOf(IOException.class);
      assertThat(journal.isBroken()).isTrue();
      faulty.heal();
      assertThatThrownBy(() -> journal.append(KIND, content(11)))
          .hasMessageContaining("written anew");
      assertThat(replay(disk)).isEqualTo(range(0, 11));
      journal.compact(snapshot(range(0, 11)));
      journal.append(KIND, content(11));
    }
    assertThat(replay(disk)).isEqualTo(range(0, 12));
  }

  @Test
  void nothingIsAppendedBesideTheRemainsOfDroppedFrames() throws IOException {
    try (Journal journal = newJournal(disk, 1, range(0, 10))) {
      journal.append(KIND, content(10));
      journal.append(KIND, content(11));
      journal.append(KIND, content(12));
    }
    byte[] whole = bytes(disk, A);
    List<Long> offsets = inspectOffsets();
    long lost = offsets.get(offsets.size() - 3);
    for (String path : List.of(A, B)) {
      write(disk, A, whole, whole.length);
      write(disk, B, whole, whole.length);
      write(disk, path, whole, (int) lost);
      disk.flip(path.equals(A) ? B : A, lost, 1);
      var replayed = new ArrayList<Integer>();
      try (Journal journal = open(disk, 2, replayed)) {
        assertThat(replayed).isEqualTo(range(0, 10));
        assertThat(journal.isBroken()).isTrue();
      }
    }
  }

  private List<Long> inspectOffsets() throws IOException {
    var offsets = new ArrayList<Long>();
    Journal.inspect(
        disk, FOLDER, PREFIX, IDENTITY, SNAPSHOT_END, (offset, _, _, _) -> offsets.add(offset));
    return offsets;
  }

  @Test
  void framesThatArriveDuringASyncDoNotCountAsDurable() throws IOException {
    var opened = new ArrayList<Journal>();
    var hooked =
        HookedDisk.of(
            disk,
            (method, _) -> {
              if (method.equals("sync") && !opened.isEmpty()) {
                opened.removeFirst().append(KIND, content(11));
              }
            });
    try (Journal journal = newJournal(hooked, 1, range(0, 10))) {
      journal.append(KIND, content(10));
      opened.add(journal);
      journal.sync();
      assertThat(opened).isEmpty();
      journal.append(KIND, ByteBuffer.allocate(0));
    }
    byte[] whole = bytes(disk, A);
    var last = ByteBuffer.wrap(whole, whole.length - 24, 24).slice().order(ByteOrder.LITTLE_ENDIAN);
    assertThat(last.getInt(16)).isEqualTo(13);
    assertThat(last.getInt(20)).isEqualTo(12);
  }

  @Test
  void restingClosesTheFilesAndTheNextUseOpensThem() throws IOException {
    Journal journal = newJournal(disk, 1, range(0, 10));
    assertThat(disk.openHandles()).isEqualTo(2);
    journal.append(KIND, content(10));
    journal.rest();
    assertThat(disk.openHandles()).isZero();
    journal.sync();
    journal.rest();
    journal.append(KIND, content(11));
    journal.sync();
    journal.close();
    assertThatThrownBy(() -> journal.append(KIND, content(12))).hasMessageContaining("closed");
    assertThat(replay(disk.crash(new Random(1)))).isEqualTo(range(0, 12));
  }

  @Test
  void aSyncOfTheWholeDiskCounts() throws IOException {
    var counting = new CountingDisk(disk);
    try (Journal journal = newJournal(counting, 1, range(0, 10))) {
      journal.append(KIND, content(10));
      Journal.Mark mark = journal.mark();
      journal.append(KIND, content(11));
      counting.syncAll();
      journal.synced(mark);
      var before = counting.counts();
      journal.sync();
      journal.sync();
      assertThat(counting.counts().minus(before)).hasToString("sync 2");
      journal.syncFailed();
      assertThat(journal.needsRewrite()).isTrue();
      assertThatThrownBy(journal::mark).isInstanceOf(IOException.class);
      journal.compact(snapshot(range(0, 12)));
      journal.mark();
    }
  }

  @Test
  void unreadablePartsOfOneCopyLoseNothing() throws IOException {
    writeThirty();
    for (int failing = 1; failing < 8; failing++) {
      var faulty =
          new FaultyDisk(
              disk,
              new Random(1),
              Fault.at(failing, Fault.Kind.FAIL).among(Set.of(DiskOperation.READ)));
      assertThat(replay(faulty)).isEqualTo(range(0, 30));
      var shortly = new FaultyDisk(disk, new Random(1), Fault.at(failing, Fault.Kind.SHORT_READ));
      assertThat(replay(shortly)).isEqualTo(range(0, 30));
    }
    var dead =
        new FaultyDisk(
            disk, new Random(1), Fault.from(3, Fault.Kind.FAIL).among(Set.of(DiskOperation.READ)));
    assertThatThrownBy(() -> replay(dead)).isInstanceOf(IOException.class);
  }

  @Test
  void manyThreadsAppendAndSyncWhileItIsCompacted() throws Exception {
    var state = new ArrayList<Integer>();
    var guard = new Object();
    try (Journal journal = newJournal(disk, 1, List.of())) {
      var threads =
          Stream.of(0, 1, 2, 3)
              .map(thread ->
                  Thread.ofPlatform()
                      .start(() -> {
                        try {
                          for (int i = 0; i < 500; i++) {
                            int number = thread * 500 + i;
                            synchronized (guard) {
                              journal.append(KIND, content(number));
                              state.add(number);
                            }
                            if (i % 10 == 0) {
                              journal.sync();
                            }
                            if (journal.wantsCompaction()) {
                              synchronized (guard) {
                                journal.compact(snapshot(state));
                              }
                            }
                          }
                        } catch (IOException e) {
                          throw new AssertionError(e);
                        }
                      }))
              .toList();
      for (Thread thread : threads) {
        thread.join();
      }
      journal.sync();
    }
    assertThat(state).hasSize(2000);
    assertThat(replay(disk.crash(new Random(1)))).isEqualTo(state);
  }

  @Test
  @Tag("slow")
  void aMillionFramesAreReplayedInLittleTimeAndMemory(@TempDir Path folder) throws IOException {
    try (var real = new RealDisk(folder)) {
      makeFolder(real);
      var content = ByteBuffer.allocate(64);
      long started;
      try (Journal journal = newJournal(real, 1, List.of())) {
        var batch = new ArrayList<Journal.Frame>();
        for (int i = 0; i < 1000; i++) {
          batch.add(new Journal.Frame(1, content));
        }
        for (int i = 0; i < 1000; i++) {
          journal.appendAll(batch);
        }
        started = System.nanoTime();
        for (int i = 0; i < 10_000; i++) {
          journal.append(1, content);
        }
        System.out.printf("append: %.1f µs%n", (System.nanoTime() - started) / 1e3 / 10_000);
      }
      for (int round = 0; round < 4; round++) {
        var count = new AtomicInteger();
        started = System.nanoTime();
        Journal.open(
                real,
                FOLDER,
                PREFIX,
                IDENTITY,
                new Random(1),
                CLOCK,
                SNAPSHOT_END,
                (_, frame) -> count.addAndGet(frame.remaining() == 64 ? 1 : 0))
            .close();
        long millis = (System.nanoTime() - started) / 1_000_000;
        System.out.println("replay of a million frames: " + millis + " ms");
        assertThat(count).hasValue(1_010_000);
        assertThat(millis).isLessThan(1000);
      }
    }
  }

  private void delete(String name) {
    try {
      disk.delete(FOLDER + "/" + name);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
