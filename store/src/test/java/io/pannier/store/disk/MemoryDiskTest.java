package io.pannier.store.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class MemoryDiskTest extends DiskContract {
  private static final int SEEDS = 300;

  private MemoryDisk memory = new MemoryDisk();

  @Override
  Disk makeDisk() {
    memory = new MemoryDisk();
    return memory;
  }

  @Override
  Disk anotherProcess() {
    return memory.anotherProcess();
  }

  // --- kill

  @Test
  void killKeepsEverythingWritten() throws IOException {
    disk().makeFolder("f");
    create("f/a").append(bytes("unsynced"));
    MemoryDisk next = memory.kill();
    assertThat(content(next, "f/a")).isEqualTo("unsynced");
  }

  @Test
  void killDoesNotMakeAnythingDurable() throws IOException {
    create("a").append(bytes("unsynced"));
    MemoryDisk next = memory.kill().crash(random(1), CrashMode.DROP);
    assertThat(next.list("")).isEmpty();
  }

  @Test
  void killedDiskAndItsFilesFailInEveryUseButClosing() throws IOException {
    DiskFile file = create("a");
    memory.kill();
    assertThatExceptionOfType(IOException.class).isThrownBy(() -> disk().open("a"));
    assertThatExceptionOfType(IOException.class).isThrownBy(() -> disk().exists("a"));
    assertThatExceptionOfType(IOException.class).isThrownBy(() -> disk().syncAll());
    assertThatExceptionOfType(IOException.class).isThrownBy(() -> file.append(bytes("x")));
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() -> file.read(ByteBuffer.allocate(1), 0));
    assertThatExceptionOfType(IOException.class).isThrownBy(file::sync);
    file.close();
  }

  @Test
  void killAndCrashReleaseTheLock() throws IOException {
    assertThat(memory.tryLock("lock")).isTrue();
    MemoryDisk next = memory.kill();
    assertThat(next.tryLock("lock")).isTrue();
    assertThat(next.crash(random(1)).tryLock("lock")).isTrue();
  }

  @Test
  void closedDiskStartsAgainByKill() throws IOException {
    create("a").append(bytes("x"));
    memory.close();
    assertThatExceptionOfType(IOException.class).isThrownBy(() -> memory.open("a"));
    assertThat(content(memory.kill(), "a")).isEqualTo("x");
  }

  // --- loss of power: content

  @Test
  void whatWentPastTheCacheIsNotDurableBeforeASync() throws IOException {
    DiskFile file = durableFile("a", "x".repeat(PAGE));
    file.appendDirect(aligned(noise(PAGE), 0, PAGE));
    assertThat(content(memory.crash(random(1), CrashMode.DROP), "a")).hasSize(PAGE);
  }

  @Test
  void directAppendHoldsASecondHandleUntilTheNextAppendOrCut() throws IOException {
    DiskFile file = create("a");
    ByteBuffer page = aligned(noise(PAGE), 0, PAGE);
    file.appendDirect(page.rewind());
    file.appendDirect(page.rewind());
    assertThat(memory.openHandles()).isEqualTo(2);
    file.append(bytes("x"));
    assertThat(memory.openHandles()).isEqualTo(1);
    file.truncate(0);
    file.appendDirect(page.rewind());
    assertThat(memory.openHandles()).isEqualTo(2);
    file.truncate(0);
    assertThat(memory.openHandles()).isEqualTo(1);
    file.appendDirect(page.rewind());
    file.close();
    assertThat(memory.openHandles()).isZero();
  }

  @Test
  void syncedContentUnderASyncedNameSurvivesEveryCrash() throws IOException {
    DiskFile file = durableFile("a", "durable");
    file.append(bytes(" and more"));
    for (int seed = 0; seed < SEEDS; seed++) {
      assertThat(content(memory.crash(random(seed)), "a"))
          .as("seed %d", seed)
          .startsWith("durable");
    }
  }

  @Test
  void unsyncedContentIsKeptOrDroppedAsAsked() throws IOException {
    DiskFile file = durableFile("a", "durable");
    file.append(bytes(" and more"));
    assertThat(content(memory.crash(random(1), CrashMode.KEEP), "a")).isEqualTo("durable and more");
    assertThat(content(memory.crash(random(1), CrashMode.DROP), "a")).isEqualTo("durable");
  }

  @Test
  void tornContentIsCutAtEveryByteForSomeSeed() throws IOException {
    DiskFile file = durableFile("a", "ab");
    file.append(bytes("cdef"));
    Set<String> found = new HashSet<>();
    for (int seed = 0; seed < SEEDS; seed++) {
      found.add(content(memory.crash(random(seed), CrashMode.TEAR), "a"));
    }
    assertThat(found).containsExactlyInAnyOrder("ab", "abc", "abcd", "abcde", "abcdef");
  }

  @Test
  void reorderedContentHasHolesOfSectorsAndNeverTouchesSyncedBytes() throws IOException {
    byte[] durable = noise(1000);
    byte[] unsynced = noise(20_000);
    DiskFile file = create("a");
    file.append(ByteBuffer.wrap(durable));
    file.sync();
    disk().syncFolder("");
    file.append(ByteBuffer.wrap(unsynced));
    boolean holeBeforeData = false;
    boolean shorter = false;
    for (int seed = 0; seed < SEEDS; seed++) {
      MemoryDisk next = memory.crash(random(seed), CrashMode.REORDER);
      try (DiskFile found = next.open("a")) {
        assertThat(read(found, 0, 1000).array()).as("seed %d", seed).isEqualTo(durable);
        shorter |= found.size() < 21_000;
        holeBeforeData |= holeBeforeData(read(found, 0, (int) found.size()), unsynced, seed);
      }
    }
    assertThat(holeBeforeData).isTrue();
    assertThat(shorter).isTrue();
  }

  /** Every sector is there or zeros; tells whether one is missing in front of one that is there. */
  private static boolean holeBeforeData(ByteBuffer found, byte[] unsynced, int seed) {
    boolean hole = false;
    boolean dataBehind = false;
    int start = 1000;
    while (start < found.limit()) {
      int end = Math.min((start / 512 + 1) * 512, found.limit()); // tidy: offsets in a file
      var sector = new byte[end - start];
      var expected = new byte[end - start];
      found.get(start, sector);
      System.arraycopy(unsynced, start - 1000, expected, 0, expected.length);
      if (java.util.Arrays.equals(sector, expected)) {
        dataBehind |= hole;
      } else {
        assertThat(sector).as("seed %d at %d", seed, start).containsOnly(0);
        hole = true;
      }
      start = end;
    }
    return dataBehind;
  }

  @Test
  void unsyncedCutOfSyncedContentMayBeLost() throws IOException {
    DiskFile file = durableFile("a", "abcdef");
    file.truncate(2);
    file.append(bytes("XY"));
    assertThat(content(memory.crash(random(1), CrashMode.DROP), "a")).isEqualTo("abcdef");
    assertThat(content(memory.crash(random(1), CrashMode.KEEP), "a")).isEqualTo("abXY");
    Set<String> found = new HashSet<>();
    for (int seed = 0; seed < SEEDS; seed++) {
      found.add(content(memory.crash(random(seed), CrashMode.TEAR), "a"));
    }
    assertThat(found).containsExactlyInAnyOrder("abcdef", "ab", "abX", "abXY");
    MemoryDisk next = memory.kill();
    try (DiskFile again = next.open("a")) {
      again.truncate(1);
      assertThat(content(next.crash(random(1), CrashMode.DROP), "a")).isEqualTo("abcdef");
    }
  }

  @Test
  void syncedCutIsDurable() throws IOException {
    DiskFile file = durableFile("a", "abcdef");
    file.truncate(2);
    file.sync();
    assertThat(content(memory.crash(random(1)), "a")).isEqualTo("ab");
  }

  @Test
  void syncAllMakesContentAndNamesDurable() throws IOException {
    disk().makeFolder("f");
    disk().makeFolder("f/g");
    create("f/g/a").append(bytes("x"));
    create("b").append(bytes("y"));
    disk().rename("b", "f/c");
    disk().syncAll();
    MemoryDisk next = memory.crash(random(1), CrashMode.DROP);
    assertThat(content(next, "f/g/a")).isEqualTo("x");
    assertThat(content(next, "f/c")).isEqualTo("y");
    assertThat(next.list("")).containsExactly("f");
  }

  // --- loss of power: names

  @Test
  void syncedContentWithoutASyncedNameIsGone() throws IOException {
    DiskFile file = create("a");
    file.append(bytes("x"));
    file.sync();
    assertThat(memory.crash(random(1), CrashMode.DROP).list("")).isEmpty();
  }

  @Test
  void folderWhoseNameIsNotSyncedTakesItsFilesWithIt() throws IOException {
    disk().makeFolder("f");
    create("f/a").append(bytes("x"));
    disk().syncFolder("f");
    assertThat(memory.crash(random(1), CrashMode.DROP).list("")).isEmpty();
  }

  @Test
  void eachCrashOutcomeOfAnUnsyncedReplacementIsOldOrNewButNeverNothing() throws IOException {
    durableFile("settings", "old");
    DiskFile next = create("settings.new");
    next.append(bytes("new"));
    next.sync();
    disk().rename("settings.new", "settings");
    Set<String> found = new HashSet<>();
    for (int seed = 0; seed < SEEDS; seed++) {
      MemoryDisk after = memory.crash(random(seed));
      found.add(content(after, "settings") + " " + after.exists("settings.new"));
    }
    assertThat(found).containsExactlyInAnyOrder("old false", "old true", "new false");
  }

  @Test
  void renameIsAtomicAcrossFolders() throws IOException {
    disk().makeFolder("f");
    disk().makeFolder("g");
    create("f/a").append(bytes("x"));
    disk().syncAll();
    disk().rename("f/a", "g/b");
    Set<String> found = new HashSet<>();
    for (int seed = 0; seed < SEEDS; seed++) {
      MemoryDisk after = memory.crash(random(seed));
      found.add(after.list("f") + " " + after.list("g"));
    }
    assertThat(found).containsExactlyInAnyOrder("[a] []", "[] [b]");
    MemoryDisk kept = memory.kill();
    kept.syncFolder("f");
    assertThat(kept.crash(random(1), CrashMode.DROP).list("f"))
        .as("it is the folder of the new name that must be synced")
        .containsExactly("a");
  }

  @Test
  void unsyncedNamesSurviveIndependentlyOfOneAnotherWhenReordered() throws IOException {
    durableFile("gone", "");
    create("one");
    create("two");
    disk().delete("gone");
    Set<Set<String>> reordered = new HashSet<>();
    Set<Set<String>> torn = new HashSet<>();
    for (int seed = 0; seed < SEEDS; seed++) {
      reordered.add(Set.copyOf(memory.crash(random(seed), CrashMode.REORDER).list("")));
      torn.add(Set.copyOf(memory.crash(random(seed), CrashMode.TEAR).list("")));
    }
    assertThat(reordered).hasSize(8);
    assertThat(torn)
        .containsExactlyInAnyOrder(
            Set.of("gone"),
            Set.of("gone", "one"),
            Set.of("gone", "one", "two"),
            Set.of("one", "two"));
  }

  @Test
  void syncedDeletionIsFinalWhereverTheFileWasBefore() throws IOException {
    disk().makeFolder("f");
    disk().makeFolder("g");
    disk().syncFolder("");
    create("f/a");
    disk().rename("f/a", "g/b");
    disk().delete("g/b");
    disk().syncFolder("g");
    for (int seed = 0; seed < SEEDS; seed++) {
      MemoryDisk after = memory.crash(random(seed));
      assertThat(after.list("f")).as("seed %d", seed).isEmpty();
      assertThat(after.list("g")).as("seed %d", seed).isEmpty();
    }
  }

  @Test
  void deletedFolderComesBackWhenAFileOfItDoes() throws IOException {
    disk().makeFolder("f");
    create("f/a").append(bytes("x"));
    disk().syncAll();
    disk().delete("f/a");
    disk().delete("f");
    Set<String> found = new HashSet<>();
    for (int seed = 0; seed < SEEDS; seed++) {
      MemoryDisk after = memory.crash(random(seed));
      found.add(after.exists("f") ? "f " + after.list("f") : "nothing");
    }
    assertThat(found).containsExactlyInAnyOrder("f [a]", "f []", "nothing");
  }

  @Test
  void sameCallsAndSeedGiveTheSameDisk() throws IOException {
    for (int i = 0; i < 20; i++) {
      create("a" + i).append(ByteBuffer.wrap(noise(3000)));
    }
    for (int seed = 0; seed < 20; seed++) {
      assertThat(everything(memory.crash(random(seed))))
          .isEqualTo(everything(memory.crash(random(seed))));
    }
  }

  @Test
  void secondCrashTakesNothingMore() throws IOException {
    for (int i = 0; i < 20; i++) {
      create("a" + i).append(ByteBuffer.wrap(noise(3000)));
    }
    MemoryDisk once = memory.crash(random(5));
    assertThat(everything(once.crash(random(6)))).isEqualTo(everything(once.kill()));
  }

  // --- failed syncs

  @Test
  void whatAFailedSyncLostNoLaterSyncBringsBack() throws IOException {
    Set<String> found = new HashSet<>();
    for (int seed = 0; seed < SEEDS; seed++) {
      var fresh = new MemoryDisk();
      try (DiskFile file = fresh.create("a")) {
        fresh.syncFolder("");
        file.append(bytes("ab"));
        file.sync();
        file.append(bytes("cd"));
        fresh.loseUnsynced(random(seed));
        String seen = text(file);
        file.append(bytes("ef"));
        String told = syncs(file) ? "" : "told: ";
        assertThat(syncs(file)).isTrue();
        found.add(told + seen + " " + content(fresh.crash(random(seed)), "a"));
      }
    }
    assertThat(found)
        .containsExactlyInAnyOrder("abcd abcdef", "told: abcd ab\0\0ef", "told: ab\0\0 ab\0\0ef");
  }

  private static boolean syncs(DiskFile file) {
    try {
      file.sync();
      return true;
    } catch (IOException failed) {
      return false;
    }
  }

  /** What {@code errseq_t} of Linux does. */
  @Test
  void aFailedWriteIsToldToEachHandleOnceAndForgottenWithTheLast() throws IOException {
    int lost = 0;
    for (int seed = 0; seed < SEEDS; seed++) {
      var fresh = new MemoryDisk();
      DiskFile writer = fresh.create("a");
      DiskFile before = fresh.open("a");
      writer.append(bytes("ab"));
      fresh.failWriteBack(random(seed));
      DiskFile first = fresh.open("a");
      boolean whole = syncs(first);
      lost += whole ? 0 : 1;
      assertThat(syncs(first)).isTrue();
      try (DiskFile second = fresh.open("a")) {
        assertThat(syncs(second)).as("a new handle, when one was told already").isTrue();
      }
      assertThat(syncs(writer)).isEqualTo(whole);
      assertThat(syncs(before)).isEqualTo(whole);
      assertThatThrownBy(fresh::syncAll).isInstanceOf(IOException.class);
      fresh.syncAll();
      writer.append(bytes("cd"));
      fresh.failWriteBack(random(seed));
      writer.close();
      before.close();
      first.close();
      try (DiskFile later = fresh.open("a")) {
        assertThat(syncs(later)).as("nobody kept the file in memory").isTrue();
      }
      assertThatThrownBy(fresh::syncAll).isInstanceOf(IOException.class);
    }
    assertThat(lost).isBetween(1, SEEDS - 1);
  }

  // --- room

  @Test
  void fullDiskTakesAPartAndSaysSo() throws IOException {
    var small = new MemoryDisk(10);
    DiskFile file = small.create("a");
    file.append(bytes("1234567"));
    assertThatExceptionOfType(DiskFullException.class)
        .isThrownBy(() -> file.append(new ByteBuffer[] {bytes("ab"), bytes("cd")}));
    assertThat(file.size()).isEqualTo(7);
    assertThat(text(file)).isEqualTo("1234567abc");
    assertThatExceptionOfType(DiskFullException.class).isThrownBy(() -> small.create("b"));
    assertThatExceptionOfType(DiskFullException.class).isThrownBy(() -> small.makeFolder("b"));
    file.truncate(7);
    assertThat(text(file)).isEqualTo("1234567");
    assertThat(small.usableBytes()).isEqualTo(3);
  }

  @Test
  void appendAfterAFailedOneTakesItsPlace() throws IOException {
    var small = new MemoryDisk(10);
    DiskFile file = small.create("a");
    file.append(bytes("1234567"));
    assertThatExceptionOfType(DiskFullException.class).isThrownBy(() -> file.append(bytes("abcd")));
    file.append(bytes("x"));
    assertThat(file.size()).isEqualTo(8);
    assertThat(text(file)).isEqualTo("1234567x");
  }

  @Test
  void deletedFileTakesRoomUntilItsLastHandleIsClosed() throws IOException {
    var small = new MemoryDisk(10);
    DiskFile file = small.create("a");
    DiskFile reader = small.open("a");
    file.append(bytes("1234567"));
    small.delete("a");
    file.close();
    assertThat(small.usableBytes()).isEqualTo(3);
    reader.close();
    assertThat(small.usableBytes()).isEqualTo(10);
    assertThat(small.openHandles()).isZero();
  }

  @Test
  void roomIsCountedAnewAfterKillAndCrash() throws IOException {
    var small = new MemoryDisk(10);
    DiskFile file = small.create("a");
    file.append(bytes("1234567"));
    small.create("b").append(bytes("1"));
    small.delete("b");
    assertThat(small.usableBytes()).isEqualTo(2);
    assertThat(small.kill().usableBytes()).isEqualTo(3);
    assertThat(small.crash(random(1), CrashMode.DROP).usableBytes()).isEqualTo(10);
  }

  @Test
  void allocationThatDoesNotFitLeavesNothingBehind() throws IOException {
    var small = new MemoryDisk(10);
    assertThatExceptionOfType(DiskFullException.class)
        .isThrownBy(() -> small.allocate("ballast", 11));
    assertThat(small.list("")).isEmpty();
    small.allocate("ballast", 10);
    assertThat(small.usableBytes()).isZero();
    small.delete("ballast");
    assertThat(small.usableBytes()).isEqualTo(10);
  }

  // --- the rest

  @Test
  void secondAppenderIsAMistakeOfTheTest() throws IOException {
    DiskFile first = create("a");
    DiskFile second = open("a");
    first.append(bytes("x"));
    assertThatIllegalStateException().isThrownBy(() -> second.append(bytes("y")));
  }

  @Test
  void flippedBitsAreRead() throws IOException {
    create("a").append(bytes("abc"));
    memory.flip("a", 1, 1);
    assertThat(content(memory, "a")).isEqualTo("acc");
  }

  private DiskFile durableFile(String path, String content) throws IOException {
    DiskFile file = create(path);
    file.append(bytes(content));
    file.sync();
    disk().syncFolder("");
    return file;
  }

  private static String content(Disk disk, String path) throws IOException {
    try (DiskFile file = disk.open(path)) {
      return text(file);
    }
  }

  private static String everything(MemoryDisk disk) throws IOException {
    var all = new StringBuilder();
    List<String> names = disk.list("");
    names.sort(null);
    for (String name : names) {
      try (DiskFile file = disk.open(name)) {
        all.append(name).append(java.util.Arrays.hashCode(read(file, 0, 5000).array()));
        all.append(' ').append(file.size()).append('\n');
      } catch (NoSuchFileException missing) {
        throw new AssertionError(missing);
      }
    }
    return all.toString();
  }

  private static SplittableRandom random(long seed) {
    return new SplittableRandom(seed);
  }
}
