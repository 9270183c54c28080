package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.pannier.model.Clock;
import io.pannier.store.disk.CountingDisk;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.DiskOperation;
import io.pannier.store.disk.Fault;
import io.pannier.store.disk.FaultyDisk;
import io.pannier.store.disk.MemoryDisk;
import io.pannier.store.disk.RealDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoreFormatTest {
  private static final Clock CLOCK =
      new Clock() {
        @Override
        public long wallMicros() {
          return 1_700_000_000_000_000L;
        }

        @Override
        public long monotonicNanos() {
          return 0;
        }
      };

  private final MemoryDisk disk = new MemoryDisk();
  private final Random ids = new Random(5);

  @Test
  void anEmptyFolderBecomesAStoreAndKeepsItsId() throws Exception {
    for (String name : new String[] {"ballast", ".gitkeep"}) {
      write(disk, name, bytes("x"));
    }
    disk.makeFolder("lost+found");
    FolderLock.take(disk, "robot1 pid 7");
    UUID id = open(disk);
    assertThat(id.version()).isEqualTo(4);
    assertThat(open(disk)).isEqualTo(id);
    assertThat(StoreFormat.read(disk)).isEqualTo(id);
    assertThat(open(disk.crash(new Random(1)))).isEqualTo(id);
  }

  @Test
  void aFolderWithOtherThingsIsForeignAndStaysUntouched() throws Exception {
    write(disk, "holiday.jpg", bytes("x"));
    var counting = new CountingDisk(disk);
    assertRefused(counting, StoreRefused.Reason.FOREIGN, "not a Pannier store", "holiday.jpg");
    assertThat(counting.counts().calls().keySet())
        .doesNotContainAnyElementsOf(DiskOperation.MUTATIONS);
    assertThatThrownBy(() -> StoreFormat.read(disk)).isInstanceOf(StoreRefused.class);
  }

  @Test
  void anotherProgramsFormatFileIsForeign() throws Exception {
    write(disk, "FORMAT", bytes("v2 of something"));
    assertRefused(disk, StoreRefused.Reason.FOREIGN, "not a Pannier store", "FORMAT");
  }

  @Test
  void newerOlderAndDamagedHaveTheirOwnMessages() throws Exception {
    open(disk);
    patch("FORMAT", 8, 2);
    assertRefused(disk, StoreRefused.Reason.TOO_NEW, "newer Pannier", "version 2");
    patch("FORMAT", 8, 0);
    assertRefused(disk, StoreRefused.Reason.TOO_OLD, "older Pannier", "version 0");
    patch("FORMAT", 8, 1);
    patch("FORMAT.copy", 12, 4);
    assertRefused(disk, StoreRefused.Reason.TOO_NEW, "newer Pannier", "unknown flags 0x4");
    patch("FORMAT.copy", 12, 0);
    disk.flip("FORMAT", 30, 1);
    disk.flip("FORMAT.copy", 40, 1);
    assertRefused(disk, StoreRefused.Reason.DAMAGED, "is damaged", "neither FORMAT nor");
  }

  @Test
  void flagsForWritersKeepAServerAwayButNotATool() throws Exception {
    UUID id = open(disk);
    patch("FORMAT", 16, 1);
    patch("FORMAT.copy", 16, 1);
    assertRefused(disk, StoreRefused.Reason.TOO_NEW, "newer Pannier", "unknown flags 0x1");
    assertThat(StoreFormat.read(disk)).isEqualTo(id);
  }

  @Test
  void twoStoresInOneFolderAreRefused() throws Exception {
    open(disk);
    patch("FORMAT.copy", 24, 12345);
    assertRefused(disk, StoreRefused.Reason.DAMAGED, "parts of two stores", "FORMAT.copy");
  }

  @Test
  void aMissingOrDamagedCopyIsWrittenAgain() throws Exception {
    UUID id = open(disk);
    for (String name : new String[] {"FORMAT", "FORMAT.copy"}) {
      byte[] before = content(name);
      for (int i = 0; i < StoreFormat.BYTES; i++) {
        disk.flip(name, i, 0x40);
        assertThat(open(disk)).isEqualTo(id);
        assertThat(content(name)).isEqualTo(before);
      }
      disk.delete(name);
      assertThat(open(disk)).isEqualTo(id);
      assertThat(content(name)).isEqualTo(before);
      try (DiskFile file = disk.open(name)) {
        file.truncate(63);
      }
      assertThat(open(disk)).isEqualTo(id);
      assertThat(content(name)).isEqualTo(before);
    }
  }

  @Test
  void aFullDeviceDoesNotKeepAStoreWithOneCopyShut() throws Exception {
    UUID id = open(disk);
    disk.flip("FORMAT", 3, 1);
    var full = new FaultyDisk(disk, new Random(1), Fault.from(1, Fault.Kind.DISK_FULL));
    assertThat(open(full)).isEqualTo(id);
  }

  @Test
  void anUnreadableFormatIsNeverTakenForNone() throws Exception {
    open(disk);
    var unreadable =
        new FaultyDisk(
            disk, new Random(1), Fault.from(1, Fault.Kind.FAIL).among(Set.of(DiskOperation.READ)));
    assertThatThrownBy(() -> open(unreadable)).isInstanceOf(IOException.class);
    var shortly = new FaultyDisk(disk, new Random(1), Fault.at(1, Fault.Kind.SHORT_READ));
    assertThat(open(shortly)).isEqualTo(StoreFormat.read(disk));
  }

  @Test
  void aPowerLossAtAnyStepLeavesAFolderThatOpens() throws Exception {
    for (int seed = 0; seed < 40; seed++) {
      boolean fired = true;
      for (int at = 1; fired; at++) {
        var memory = new MemoryDisk();
        var random = new Random(seed);
        var faulty = new FaultyDisk(memory, random, Fault.at(at, Fault.Kind.POWER_LOSS));
        UUID id = null;
        try {
          id = open(faulty);
        } catch (IOException expected) {
          assertThat(faulty.fired()).isTrue();
        }
        fired = faulty.fired();
        MemoryDisk next = memory.crash(random);
        UUID found = open(next);
        if (id != null) {
          assertThat(found).as("seed %s step %s", seed, at).isEqualTo(id);
        }
        assertThat(open(next.crash(random))).as("seed %s step %s", seed, at).isEqualTo(found);
      }
    }
  }

  @Test
  void aSecondProcessIsRefusedWithTheNameOfTheFirst() throws Exception {
    FolderLock.take(disk, "robot1 pid 4711 boot 1e2f");
    MemoryDisk second = disk.anotherProcess();
    assertThatThrownBy(() -> FolderLock.take(second, "robot1 pid 4712 boot 1e2f"))
        .isInstanceOf(StoreRefused.class)
        .hasMessage("The data folder is in use by robot1 pid 4711 boot 1e2f. Stop it first.");
    disk.close();
    FolderLock.take(second, "robot1 pid 4712 boot 1e2f");
    assertThat(FolderLock.holder(second)).contains("robot1 pid 4712 boot 1e2f");
    assertThat(disk.openHandles()).isZero();
  }

  @Test
  void theLockHoldsOnARealDiskWhoeverReadsTheNote(@TempDir Path folder) throws Exception {
    try (var first = new RealDisk(folder);
        var second = new RealDisk(folder)) {
      FolderLock.take(first, "first");
      for (int i = 0; i < 3; i++) {
        assertThatThrownBy(() -> FolderLock.take(second, "second")).hasMessageContaining("first");
      }
      UUID id = open(first);
      assertThat(StoreFormat.read(second)).isEqualTo(id);
    }
  }

  @Test
  void aDeviceThatTakesNoNoteIsLockedAllTheSame() throws Exception {
    FolderLock.take(disk, "old holder");
    MemoryDisk next = disk.kill();
    var full = new FaultyDisk(next, new Random(1), Fault.from(1, Fault.Kind.DISK_FULL));
    FolderLock.take(full, "new holder");
    assertThatThrownBy(() -> FolderLock.take(next.anotherProcess(), "third"))
        .hasMessage("The data folder is in use by another process. Stop it first.");
  }

  private UUID open(Disk disk) throws IOException {
    return StoreFormat.openOrCreate(disk, ids, CLOCK);
  }

  private void assertRefused(Disk disk, StoreRefused.Reason reason, String... texts) {
    var refused = catchThrowableOfType(StoreRefused.class, () -> open(disk));
    assertThat(refused).hasMessageContainingAll(texts);
    assertThat(refused.reason()).isEqualTo(reason);
  }

  private static ByteBuffer bytes(String text) {
    return StandardCharsets.UTF_8.encode(text);
  }

  private static void write(Disk disk, String name, ByteBuffer content) throws IOException {
    try (DiskFile file = disk.create(name)) {
      file.append(content);
    }
  }

  private byte[] content(String name) throws IOException {
    try (DiskFile file = disk.open(name)) {
      var bytes = ByteBuffer.allocate((int) file.size());
      file.read(bytes, 0);
      return bytes.array();
    }
  }

  private void patch(String name, int at, int value) throws IOException {
    var bytes = ByteBuffer.wrap(content(name)).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(at, value);
    bytes.putInt(60, Checksum.of(bytes, 0, 60));
    disk.delete(name);
    write(disk, name, bytes);
  }
}
