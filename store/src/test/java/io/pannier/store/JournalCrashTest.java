package io.pannier.store;

import static io.pannier.store.JournalFixture.KIND;
import static io.pannier.store.JournalFixture.content;
import static io.pannier.store.JournalFixture.inspect;
import static io.pannier.store.JournalFixture.makeFolder;
import static io.pannier.store.JournalFixture.newJournal;
import static io.pannier.store.JournalFixture.open;
import static io.pannier.store.JournalFixture.range;
import static io.pannier.store.JournalFixture.snapshot;
import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFullException;
import io.pannier.store.disk.DiskOperation;
import io.pannier.store.disk.Fault;
import io.pannier.store.disk.FaultyDisk;
import io.pannier.store.disk.MemoryDisk;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A crash or a failure at every step of a life of a journal. What must hold whatever happens: what
 * a start finds is a prefix of what was accepted, at least up to the last sync, at most followed by
 * the frames whose append failed and left the journal broken.
 */
class JournalCrashTest {
  private static final int STEPS = 25;

  /** One life of a journal, and what is known about it from outside. */
  private static final class Life {
    final Random random;
    final List<Integer> accepted = new ArrayList<>();
    List<Integer> unknown = List.of();
    int durable;
    int nextNumber;
    boolean created;

    Life(long seed) {
      random = new Random(seed);
    }

    /**
     * Ends with an exception when the power is lost; lives through other failures as the engine has
     * to.
     */
    void run(Disk disk) throws IOException {
      List<Integer> initial = range(0, random.nextInt(8));
      nextNumber = initial.size();
      unknown = initial;
      try (Journal journal = newJournal(disk, random.nextLong(), initial)) {
        accepted.addAll(initial);
        unknown = List.of();
        durable = accepted.size();
        created = true;
        for (int step = 0; step < STEPS; step++) {
          step(journal);
        }
      }
    }

    void step(Journal journal) {
      if (journal.needsRewrite() && random.nextInt(3) > 0) {
        compact(journal);
        return;
      }
      switch (random.nextInt(12)) {
        case 0, 1, 2, 3, 4 -> append(journal, 1);
        case 5, 6 -> append(journal, 1 + random.nextInt(4));
        case 7 -> compact(journal);
        case 8 -> journal.rest();
        default -> sync(journal);
      }
    }

    private void append(Journal journal, int count) {
      var batch = new ArrayList<Journal.Frame>();
      List<Integer> numbers = range(nextNumber, nextNumber + count);
      nextNumber += count;
      for (int number : numbers) {
        batch.add(new Journal.Frame(KIND, content(number)));
      }
      boolean wasBroken = journal.isBroken();
      try {
        if (count == 1) {
          journal.append(KIND, batch.getFirst().content());
        } else {
          journal.appendAll(batch);
        }
        assertThat(wasBroken).isFalse();
        accepted.addAll(numbers);
      } catch (IOException e) {
        if (journal.isBroken() && !wasBroken) {
          assertThat(e).isNotInstanceOf(DiskFullException.class);
          unknown = numbers;
        }
      }
    }

    void sync(Journal journal) {
      int before = accepted.size();
      try {
        journal.sync();
        durable = before;
      } catch (IOException _) {
        // the next step may compact
      }
    }

    void compact(Journal journal) {
      try {
        journal.compact(snapshot(accepted));
        durable = accepted.size();
        unknown = List.of();
      } catch (IOException _) {
        // the old generation goes on, or nothing does
      }
    }

    void check(List<Integer> found, String what) {
      var all = new ArrayList<>(accepted);
      all.addAll(unknown);
      assertThat(found.size()).as(what).isBetween(durable, all.size());
      assertThat(found).as(what).isEqualTo(all.subList(0, found.size()));
    }

    /** What was found is what counts from now on. */
    void goOnWith(List<Integer> found) {
      accepted.clear();
      accepted.addAll(found);
      unknown = List.of();
      durable = 0;
    }
  }

  private static MemoryDisk newDisk() throws IOException {
    var disk = new MemoryDisk();
    makeFolder(disk);
    return disk;
  }

  /** Opens after a crash, perhaps with another crash on the way, and goes on for a while. */
  private static void restart(MemoryDisk crashed, Life life, Random random, String what)
      throws IOException {
    MemoryDisk disk = crashed;
    for (int start = 0; start < 4; start++) {
      var faulty =
          new FaultyDisk(disk, random, Fault.at(1 + random.nextInt(12), Fault.Kind.POWER_LOSS));
      if (start == 3) {
        faulty.heal();
      }
      var found = new ArrayList<Integer>();
      if (!life.created && !Journal.exists(disk, JournalFixture.FOLDER, JournalFixture.PREFIX)) {
        return;
      }
      try (Journal journal = open(faulty, random.nextLong(), found)) {
        life.check(found, what + " start " + start);
        life.created = true;
        life.goOnWith(found);
        // What an unclean start has to do: see docs/format.md, Order of writing, 7
        life.compact(journal);
        if (life.durable == found.size()) {
          for (int step = 0; step < 6; step++) {
            life.step(journal);
          }
        }
      } catch (IOException e) {
        assertThat(faulty.fired()).as(what).isTrue();
      }
      assertThat(disk.openHandles()).as(what).isZero();
      if (!faulty.fired()) {
        JournalReport report = inspect(disk);
        assertThat(report.isLost()).as(what).isFalse();
      }
      disk = random.nextInt(4) == 0 ? disk.kill() : disk.crash(random);
    }
    if (life.created) {
      var found = new ArrayList<Integer>();
      open(disk, 1, found).close();
      life.check(found, what + " at last");
    }
  }

  private static void loseThePowerAtEveryStep(int firstSeed, int seeds) throws IOException {
    for (int seed = firstSeed; seed < firstSeed + seeds; seed++) {
      boolean fired = true;
      for (int at = 1; fired; at++) {
        var random = new Random(seed * 1000L + at);
        MemoryDisk disk = newDisk();
        var faulty = new FaultyDisk(disk, random, Fault.at(at, Fault.Kind.POWER_LOSS));
        var life = new Life(seed);
        try {
          life.run(faulty);
        } catch (IOException e) {
          assertThat(faulty.fired()).isTrue();
        }
        fired = faulty.fired();
        String what = "seed " + seed + " step " + at;
        assertThat(disk.openHandles()).as(what).isZero();
        restart(random.nextBoolean() ? disk.kill() : disk.crash(random), life, random, what);
      }
    }
  }

  /** A failure, then life goes on, then a crash. */
  private static void failAtEveryStep(
      Fault.Kind kind, Set<DiskOperation> among, boolean lasting, int seeds) throws IOException {
    for (int seed = 0; seed < seeds; seed++) {
      boolean fired = true;
      for (int at = 1; fired; at++) {
        String what = kind + (lasting ? " from " : " at ") + at + " seed " + seed;
        var random = new Random(seed * 1000L + at);
        MemoryDisk disk = newDisk();
        boolean direct = kind == Fault.Kind.SYNC_FAIL || random.nextBoolean();
        var faulty =
            new FaultyDisk(
                direct ? disk : HookedDisk.writingThrough(disk),
                random,
                new Fault(kind, at, lasting, among));
        var life = new Life(seed);
        try {
          life.run(faulty);
        } catch (IOException e) {
          assertThat(faulty.fired()).as(what).isTrue();
          assertThat(life.created).as(what).isFalse();
        }
        fired = faulty.fired();
        assertThat(disk.openHandles()).as(what).isZero();
        restart(random.nextBoolean() ? disk.kill() : disk.crash(random), life, random, what);
      }
    }
  }

  /** Power is lost while life goes on with one copy, or with none. */
  private static void failAndLoseThePower(Fault.Kind kind, Set<DiskOperation> among, int seeds)
      throws IOException {
    for (int seed = 0; seed < seeds; seed++) {
      var random = new Random(seed);
      MemoryDisk disk = newDisk();
      var lower =
          new FaultyDisk(
              random.nextBoolean() ? disk : HookedDisk.writingThrough(disk),
              random,
              Fault.at(10 + random.nextInt(60), Fault.Kind.POWER_LOSS));
      boolean syncs = kind == Fault.Kind.SYNC_FAIL;
      var upper =
          new FaultyDisk(
              syncs ? disk : lower,
              random,
              new Fault(kind, 6 + random.nextInt(20), random.nextInt(3) == 0, among));
      var life = new Life(seed);
      try {
        life.run(upper);
      } catch (IOException e) {
        assertThat(upper.fired() || lower.fired()).isTrue();
      }
      restart(disk.crash(random), life, random, kind + " seed " + seed);
    }
  }

  @Test
  void syncedFramesSurviveAPowerLossAtEveryStep() throws IOException {
    loseThePowerAtEveryStep(0, 40);
  }

  @Test
  void anyFailureCostsNothingThatWasAccepted() throws IOException {
    failAtEveryStep(Fault.Kind.FAIL, DiskOperation.MUTATIONS, false, 12);
    failAtEveryStep(Fault.Kind.FAIL, DiskOperation.MUTATIONS, true, 6);
    failAtEveryStep(Fault.Kind.TEAR, Set.of(DiskOperation.APPEND), false, 12);
    failAtEveryStep(Fault.Kind.TEAR, Set.of(DiskOperation.APPEND), true, 6);
  }

  @Test
  void namesThatFailCostNothingThatWasAccepted() throws IOException {
    var names = Set.of(DiskOperation.RENAME, DiskOperation.DELETE, DiskOperation.SYNC_FOLDER);
    failAtEveryStep(Fault.Kind.FAIL, names, false, 20);
    failAtEveryStep(Fault.Kind.FAIL, names, true, 20);
    failAtEveryStep(Fault.Kind.FAIL, Set.of(DiskOperation.SYNC_FOLDER), true, 20);
  }

  @Test
  void cutsThatFailCostNothingThatWasAccepted() throws IOException {
    var cuts = Set.of(DiskOperation.APPEND, DiskOperation.TRUNCATE);
    failAtEveryStep(Fault.Kind.FAIL, cuts, false, 20);
    failAtEveryStep(Fault.Kind.FAIL, cuts, true, 20);
    failAtEveryStep(Fault.Kind.FAIL, Set.of(DiskOperation.OPEN, DiskOperation.LIST), true, 20);
  }

  @Test
  void aFullDeviceCostsNothingThatWasAccepted() throws IOException {
    failAtEveryStep(Fault.Kind.DISK_FULL, DiskOperation.GROWTH, false, 12);
    failAtEveryStep(Fault.Kind.DISK_FULL, DiskOperation.GROWTH, true, 12);
  }

  @Test
  void failedSyncsCostNothingThatWasAccepted() throws IOException {
    failAtEveryStep(Fault.Kind.SYNC_FAIL, DiskOperation.SYNCS, false, 20);
    failAtEveryStep(Fault.Kind.SYNC_FAIL, DiskOperation.SYNCS, true, 10);
  }

  @Test
  void failuresBeforeAPowerLossCostNothingThatWasSynced() throws IOException {
    failAndLoseThePower(Fault.Kind.FAIL, DiskOperation.MUTATIONS, 500);
    failAndLoseThePower(Fault.Kind.TEAR, Set.of(DiskOperation.APPEND), 500);
    failAndLoseThePower(Fault.Kind.DISK_FULL, DiskOperation.GROWTH, 500);
    failAndLoseThePower(Fault.Kind.SYNC_FAIL, DiskOperation.SYNCS, 500);
  }

  @Test
  void theLastBytesOfADeviceAreEnough() throws IOException {
    for (int capacity = 700; capacity < 6000; capacity += 8) {
      var disk = new MemoryDisk(capacity);
      makeFolder(disk);
      var life = new Life(capacity);
      try {
        life.run(disk);
      } catch (DiskFullException full) {
        assertThat(life.created).isFalse();
        continue;
      }
      var found = new ArrayList<Integer>();
      open(disk, 1, found).close();
      assertThat(found).as("capacity %s", capacity).isEqualTo(life.accepted);
      assertThat(inspect(disk).isSound()).as("capacity %s", capacity).isTrue();
    }
  }

  @Test
  void aKilledProcessLosesNothingThatWasAccepted() throws IOException {
    for (int seed = 0; seed < 200; seed++) {
      var random = new Random(seed);
      MemoryDisk disk = newDisk();
      var faulty =
          new FaultyDisk(disk, random, Fault.at(8 + random.nextInt(60), Fault.Kind.POWER_LOSS));
      var life = new Life(seed);
      try {
        life.run(faulty);
      } catch (IOException e) {
        assertThat(faulty.fired()).isTrue();
      }
      life.durable = life.accepted.size();
      if (!life.created) {
        continue;
      }
      var found = new ArrayList<Integer>();
      open(disk.kill(), 1, found).close();
      life.check(found, "seed " + seed);
    }
  }

  @Test
  @Tag("slow")
  void syncedFramesSurviveAPowerLossAtEveryStepOfManyLives() throws IOException {
    loseThePowerAtEveryStep(1000, 1500);
    failAndLoseThePower(Fault.Kind.FAIL, DiskOperation.MUTATIONS, 20_000);
    failAndLoseThePower(Fault.Kind.SYNC_FAIL, DiskOperation.SYNCS, 20_000);
  }
}
