package io.pannier.store.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class FaultyDiskTest extends DiskContract {
  private static final int SEEDS = 200;

  private MemoryDisk memory = new MemoryDisk();
  private FaultyDisk faulty = new FaultyDisk(memory, new SplittableRandom(1));

  @Override
  Disk makeDisk() {
    return seeded(1);
  }

  @Override
  Disk anotherProcess() {
    return new FaultyDisk(memory.anotherProcess(), new SplittableRandom(2));
  }

  private FaultyDisk seeded(long seed) {
    memory = new MemoryDisk();
    faulty = new FaultyDisk(memory, new SplittableRandom(seed));
    return faulty;
  }

  @Test
  void nthMutatingCallFailsAndOnlyThatOne() throws IOException {
    DiskFile file = create("a");
    faulty.arm(Fault.at(2, Fault.Kind.FAIL));
    file.append(bytes("1"));
    assertThat(file.read(ByteBuffer.allocate(1), 0)).as("reads are not counted").isEqualTo(1);
    assertThat(faulty.fired()).isFalse();
    assertThatIOException().isThrownBy(() -> file.append(bytes("2")));
    assertThat(faulty.fired()).isTrue();
    file.append(bytes("3"));
    assertThat(text(file)).isEqualTo("13");
    assertThat(faulty.calls().of(DiskOperation.APPEND)).isEqualTo(3);
  }

  @Test
  void failuresLastUntilHealed() throws IOException {
    faulty.arm(Fault.from(2, Fault.Kind.DISK_FULL));
    DiskFile file = create("a");
    assertThatExceptionOfType(DiskFullException.class).isThrownBy(() -> file.append(bytes("12")));
    assertThatExceptionOfType(DiskFullException.class).isThrownBy(() -> disk().create("b"));
    assertThatExceptionOfType(DiskFullException.class).isThrownBy(() -> disk().makeFolder("b"));
    disk().delete("b");
    faulty.heal();
    file.append(bytes("34"));
    assertThat(text(file)).isEqualTo("34");
    assertThat(disk().list("")).containsExactly("a");
  }

  @Test
  void readsFailWhenTheyAreCounted() throws IOException {
    DiskFile file = create("a");
    file.append(bytes("x"));
    faulty.arm(Fault.at(2, Fault.Kind.FAIL).among(DiskOperation.READS));
    disk().list("");
    assertThatIOException().isThrownBy(() -> file.read(ByteBuffer.allocate(1), 0));
    assertThat(text(file)).isEqualTo("x");
  }

  @Test
  void tornAppendLeavesAPartThatTruncateRemoves() throws IOException {
    Set<String> found = new HashSet<>();
    for (int seed = 0; seed < SEEDS; seed++) {
      seeded(seed);
      faulty.arm(Fault.at(2, Fault.Kind.TEAR));
      DiskFile file = faulty.create("a");
      file.append(bytes("ok "));
      assertThatIOException()
          .isThrownBy(() -> file.append(new ByteBuffer[] {bytes("ab"), bytes("cd")}));
      assertThat(file.size()).isEqualTo(3);
      found.add(text(file));
      file.truncate(3);
      assertThat(text(file)).isEqualTo("ok ");
    }
    assertThat(found).containsExactlyInAnyOrder("ok ", "ok a", "ok ab", "ok abc");
  }

  @Test
  void directAppendIsTornLikeAnyOther() throws IOException {
    byte[] content = noise(3 * PAGE);
    Set<Long> found = new HashSet<>();
    for (int seed = 0; seed < SEEDS; seed++) {
      seeded(seed);
      faulty.arm(Fault.at(2, Fault.Kind.TEAR));
      DiskFile file = faulty.create("a");
      file.append(ByteBuffer.wrap(content, 0, PAGE));
      assertThatIOException().isThrownBy(() -> file.appendDirect(aligned(content, PAGE, 2 * PAGE)));
      assertThat(file.size()).isEqualTo(PAGE);
      try (DiskFile below = memory.open("a")) {
        found.add(below.size());
      }
      file.appendDirect(aligned(content, PAGE, 2 * PAGE));
      assertThat(read(file, 0, 4 * PAGE)).as("seed %d", seed).isEqualTo(ByteBuffer.wrap(content));
      file.close();
      assertThat(memory.openHandles()).isZero();
    }
    assertThat(found).allMatch(size -> size >= PAGE && size < 3 * PAGE).hasSizeGreaterThan(3);
  }

  @Test
  void appendAfterATornOneTakesItsPlace() throws IOException {
    for (int seed = 0; seed < SEEDS; seed++) {
      seeded(seed);
      faulty.arm(Fault.at(1, Fault.Kind.TEAR));
      DiskFile file = faulty.create("a");
      assertThatIOException().isThrownBy(() -> file.append(bytes("abcd")));
      file.append(bytes("x"));
      assertThat(file.size()).isEqualTo(1);
      assertThat(text(file)).as("seed %d", seed).isEqualTo("x");
    }
  }

  @Test
  void failedSyncKeepsOrLosesWhatItShouldHaveWritten() throws IOException {
    Set<String> bySync = new HashSet<>();
    Set<String> bySyncAll = new HashSet<>();
    for (int seed = 0; seed < SEEDS; seed++) {
      for (boolean all : new boolean[] {false, true}) {
        seeded(seed);
        faulty.arm(Fault.at(1, Fault.Kind.SYNC_FAIL));
        DiskFile file = faulty.create("a");
        file.append(bytes("ab"));
        assertThatIOException()
            .isThrownBy(() -> {
              if (all) {
                faulty.syncAll();
              } else {
                file.sync();
              }
            });
        faulty.syncAll();
        try (DiskFile found = memory.crash(new SplittableRandom(seed)).open("a")) {
          (all ? bySyncAll : bySync).add(text(found));
        }
      }
    }
    assertThat(bySync).containsExactlyInAnyOrder("ab", "\0\0");
    assertThat(bySyncAll).containsExactlyInAnyOrder("ab", "\0\0");
  }

  @Test
  void shortReadReturnsLessThanThereIs() throws IOException {
    DiskFile file = create("a");
    file.append(bytes("0123456789"));
    faulty.arm(Fault.from(1, Fault.Kind.SHORT_READ));
    for (int i = 0; i < 100; i++) {
      ByteBuffer target = ByteBuffer.allocate(20);
      assertThat(file.read(target, 4)).isBetween(0, 5).isEqualTo(target.position());
      assertThat(target.limit()).isEqualTo(20);
    }
  }

  @Test
  void lossOfPowerEndsEverything() throws IOException {
    DiskFile file = create("a");
    faulty.arm(Fault.at(1, Fault.Kind.POWER_LOSS));
    assertThatExceptionOfType(PowerLossException.class).isThrownBy(() -> file.append(bytes("x")));
    assertThatExceptionOfType(PowerLossException.class)
        .isThrownBy(() -> file.read(ByteBuffer.allocate(1), 0));
    assertThatExceptionOfType(PowerLossException.class).isThrownBy(() -> disk().list(""));
    faulty.heal();
    assertThatExceptionOfType(PowerLossException.class).isThrownBy(file::sync);
    file.close();
  }

  @Test
  void powerIsLostBeforeOrAfterTheEffectOfACall() throws IOException {
    Set<Boolean> renamed = new HashSet<>();
    for (int seed = 0; seed < SEEDS; seed++) {
      seeded(seed);
      faulty.create("a").close();
      faulty.arm(Fault.at(1, Fault.Kind.POWER_LOSS));
      assertThatExceptionOfType(PowerLossException.class).isThrownBy(() -> faulty.rename("a", "b"));
      MemoryDisk next = memory.kill();
      assertThat(next.exists("a")).as("seed %d", seed).isNotEqualTo(next.exists("b"));
      renamed.add(next.exists("b"));
    }
    assertThat(renamed).hasSize(2);
  }

  /** The loop that the engine's crash tests are made of, around the smallest possible engine. */
  @Test
  void powerLossAtEveryStepFindsWhatWasAcknowledged() throws IOException {
    long step = 0;
    do {
      step++;
      for (int seed = 0; seed < 20; seed++) {
        seeded(seed);
        faulty.arm(Fault.at(step, Fault.Kind.POWER_LOSS));
        int acknowledged = appendDurably(faulty, 5);
        MemoryDisk next = memory.crash(new SplittableRandom(seed));
        try (DiskFile file = next.exists("log") ? next.open("log") : next.create("log")) {
          assertThat(text(file))
              .as("step %d, seed %d", step, seed)
              .startsWith("record;".repeat(acknowledged));
        }
      }
    } while (faulty.fired());
    assertThat(step).isEqualTo(13); // 12 mutating calls, and one round that none of them fails
  }

  private static int appendDurably(Disk disk, int count) {
    int acknowledged = 0;
    try (DiskFile file = disk.create("log")) {
      disk.syncFolder("");
      for (int i = 0; i < count; i++) {
        file.append(bytes("record;"));
        file.sync();
        acknowledged++;
      }
    } catch (IOException _) {
      // that is what the test is about
    }
    return acknowledged;
  }
}
