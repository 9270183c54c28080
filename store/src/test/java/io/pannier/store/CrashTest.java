package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.ReferenceModel.End;
import io.pannier.store.ReferenceModel.FoundEntry;
import io.pannier.store.disk.CrashMode;
import io.pannier.store.disk.Fault;
import io.pannier.store.disk.FaultyDisk;
import io.pannier.store.disk.MemoryDisk;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.LongConsumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A store that dies or whose device fails at any call, over random workloads. What must hold after
 * each new start is said by {@link ReferenceModel}.
 *
 * <p>A failure names seed and call; {@code -Dcrash.seed=S} runs that seed alone, {@code
 * -Dcrash.at=N} that call alone, {@code -Dcrash.first} and {@code -Dcrash.seeds} a range. What is
 * told then ends with the steps that led there.
 */
class CrashTest {
  private static final int STEPS = 45;
  private static final CrashMode[][] CRASHES = {
    {CrashMode.DROP},
    {CrashMode.KEEP},
    {CrashMode.TEAR},
    {CrashMode.REORDER},
    {},
    {CrashMode.REORDER, CrashMode.DROP},
    {CrashMode.TEAR, CrashMode.KEEP, CrashMode.DROP},
  };

  /** One process on one disk, and what it was asked for. */
  private static final class Life {
    final Machine machine;
    final FaultyDisk disk;
    final MemoryDisk memory;
    ReferenceModel model = new ReferenceModel();
    Workload workload;
    Store store;
    boolean powerLost;

    Life(MemoryDisk memory, long seed) {
      this.memory = memory;
      machine = new Machine(seed);
      disk = new FaultyDisk(memory, new SplittableRandom(seed));
    }

    boolean open() {
      try {
        store = machine.open(disk);
        return true;
      } catch (PannierException failed) {
        if (!disk.fired()) {
          throw failed;
        }
        return false;
      }
    }

    boolean stopped() {
      return powerLost && disk.fired();
    }

    void work(long seed, boolean lenient, int steps) {
      workload = new Workload(machine, store, model, seed, this::stopped, disk::fired, lenient);
      try {
        workload.run(steps);
      } catch (PannierException lost) {
        if (!stopped()) {
          throw lost;
        }
      }
    }
  }

  // ---------------------------------------------------------------- what is tried

  @Test
  void aWorkloadWithoutFailures() {
    forSeeds(
        1,
        60,
        seed -> {
          var life = new Life(new MemoryDisk(), seed);
          assertThat(life.open()).isTrue();
          trace(
              life,
              () -> {
                life.work(seed, false, 4 * STEPS);
                assertThat(life.model.complaints(Workload.observe(life.store), End.KILL)).isEmpty();
                assertThat(
                        life.machine.told(
                            StoreEvents.Kind.FAILURE,
                            StoreEvents.Kind.DAMAGE,
                            StoreEvents.Kind.LOSS))
                    .isEmpty();
                life.workload.finish();
                life.store.close();
                checkStart(life.memory.kill(), life.model, End.KILL, seed);
              });
        });
  }

  @Test
  void deathAtAnyCall() {
    forSeeds(1, 24, seed -> eachCall(seed, 43, at -> dieAt(seed, at)));
  }

  @Test
  void deathWhileStartingAgain() {
    forSeeds(1, 8, seed -> eachCall(seed, 211, at -> dieTwiceAt(seed, at, 5)));
  }

  @Test
  void aFailureAtAnyCall() {
    forSeeds(
        1,
        16,
        seed -> {
          for (Fault.Kind kind : FAILURES) {
            eachCall(seed, 67, at -> failAt(seed, at, kind, false));
          }
        });
  }

  @Test
  void aLastingFailureFromAnyCall() {
    forSeeds(
        1,
        8,
        seed -> {
          for (Fault.Kind kind : FAILURES) {
            eachCall(seed, 83, at -> failAt(seed, at, kind, true));
          }
        });
  }

  /** Calls that once went wrong: seeds of the long test, found one by one. */
  @Test
  void whatOnceWentWrong() {
    // A hole was told of again at the next start.
    dieAt(5003, 207);
    // The removal of a record was lost, and a rewrite had vouched for the one that took its place.
    dieAt(5074, 209);
    // Records of an entry whose making was lost came back in another entry of the same id.
    dieAt(1161, 104);
    // A change log of which only the header was vouched for was begun anew and torn: its block
    // answered 500.
    dieAt(1296, 169);
    // The journal could not be told that a block came to nothing.
    failAt(5000, 12, Fault.Kind.TEAR, true);
    // A change log was accounted for although the sync of its folder had failed.
    failAt(5024, 194, Fault.Kind.FAIL, false);
    failAt(5081, 53, Fault.Kind.SYNC_FAIL, false);
    // A record was read in a block whose sync had failed and which an upload still had.
    failAt(5002, 24, Fault.Kind.SYNC_FAIL, false);
  }

  @Test
  @Tag("slow")
  void everything() {
    forSeeds(
        Integer.getInteger("crash.first", 1_000),
        Integer.getInteger("crash.seeds", 300),
        seed -> {
          eachCall(seed, 1, at -> dieAt(seed, at));
          eachCall(seed, 37, at -> dieTwiceAt(seed, at, 1));
          for (Fault.Kind kind : FAILURES) {
            eachCall(seed, 3, at -> failAt(seed, at, kind, false));
            eachCall(seed, 7, at -> failAt(seed, at, kind, true));
          }
        });
  }

  private static final Fault.Kind[] FAILURES = {
    Fault.Kind.FAIL,
    Fault.Kind.TEAR,
    Fault.Kind.DISK_FULL,
    Fault.Kind.SYNC_FAIL,
    Fault.Kind.SHORT_READ
  };

  private static void forSeeds(int first, int count, LongConsumer test) {
    Long only = Long.getLong("crash.seed");
    for (long seed = only == null ? first : only;
        seed < (only == null ? first + count : only + 1);
        seed++) {
      test.accept(seed);
    }
  }

  /** A try of one call; false when the workload ended before it. */
  private interface Try {
    boolean at(long call);
  }

  private static void eachCall(long seed, int stride, Try test) {
    Long only = Long.getLong("crash.at");
    if (only != null) {
      assertThat(test.at(only)).as("whether call " + only + " happens").isIn(true, false);
      return;
    }
    long at = 1L + Math.floorMod(seed * 7919, stride);
    while (test.at(at)) {
      at += stride;
    }
  }

  /** Power loss and kill at a call, once in the first and once in a second life. */
  private static boolean dieAt(long seed, long at) {
    Life life = lifeThatDies(seed, at);
    if (life == null) {
      return false;
    }
    trace(
        life,
        "seed " + seed + " call " + at,
        () -> {
          checkStart(life.memory.kill(), life.model, End.KILL, seed + 1);
          for (int i = 0; i < CRASHES.length; i++) {
            CrashMode[] modes = CRASHES[i];
            trace(
                life,
                "crash " + i + " " + List.of(modes),
                () ->
                    checkStart(
                        life.memory.crash(new SplittableRandom(seed ^ at), modes),
                        life.model,
                        End.POWER_LOSS,
                        seed + 1));
          }
          secondLife(life, seed, at);
        });
    return true;
  }

  private static Life lifeThatDies(long seed, long at) {
    var life = new Life(new MemoryDisk(), seed);
    life.powerLost = true;
    life.disk.arm(Fault.at(at, Fault.Kind.POWER_LOSS));
    if (life.open()) {
      trace(life, "seed " + seed + " call " + at, () -> life.work(seed, false, STEPS));
    }
    return life.disk.fired() ? life : null;
  }

  private static void secondLife(Life first, long seed, long at) {
    var random = new SplittableRandom(seed * 1_000_003 + at);
    boolean kill = random.nextInt(3) == 0;
    MemoryDisk image = kill ? first.memory.kill() : first.memory.crash(random);
    var life = new Life(image, seed + 77);
    assertThat(life.open()).isTrue();
    var found = Workload.observe(life.store);
    life.model = ReferenceModel.of(found, quotas(life.store));
    var answer = new ArrayList<Boolean>();
    life.store.whenDurable(problem -> answer.add(problem.isEmpty()));
    life.machine.scheduler.runDue();
    assertThat(answer).containsExactly(true);
    life.powerLost = true;
    life.disk.arm(Fault.at(1 + random.nextInt(300), Fault.Kind.POWER_LOSS));
    trace(
        life,
        "second life",
        () -> {
          life.work(seed + 5, false, STEPS / 2);
          checkStart(image.kill(), life.model, End.KILL, seed + 2);
          for (CrashMode[] modes : CRASHES) {
            trace(
                life,
                "second crash " + List.of(modes),
                () ->
                    checkStart(
                        image.crash(new SplittableRandom(seed ^ at), modes),
                        life.model,
                        End.POWER_LOSS,
                        seed + 3));
          }
        });
  }

  /** Dies at a call, and again at each call of the start that follows. */
  private static boolean dieTwiceAt(long seed, long at, int stride) {
    Life life = lifeThatDies(seed, at);
    if (life == null) {
      return false;
    }
    for (int i = 0; i < 3; i++) {
      int mode = i;
      boolean again = true;
      for (long k = 1; again; k += stride) {
        long call = k;
        var second =
            new Life(
                mode == 0
                    ? life.memory.kill()
                    : life.memory.crash(new SplittableRandom(seed ^ mode)),
                seed + 11);
        second.powerLost = true;
        second.disk.arm(Fault.at(call, Fault.Kind.POWER_LOSS));
        trace(
            life,
            "seed " + seed + " call " + at + " mode " + mode + " again at " + call,
            () -> {
              if (second.open()) {
                second.machine.scheduler.advanceMillis(8_000);
              }
              End end = mode == 0 ? End.KILL : End.POWER_LOSS;
              checkStart(second.memory.kill(), life.model, end, seed + 12);
              checkStart(
                  second.memory.crash(new SplittableRandom(seed ^ call)),
                  life.model,
                  End.POWER_LOSS,
                  seed + 13);
            });
        again = second.disk.fired();
      }
    }
    return true;
  }

  private static boolean failAt(long seed, long at, Fault.Kind kind, boolean lasting) {
    var memory = new MemoryDisk();
    var life = new Life(memory, seed);
    assertThat(life.open()).isTrue();
    life.disk.arm(lasting ? Fault.from(at, kind) : Fault.at(at, kind));
    trace(
        life,
        "seed " + seed + " " + kind + (lasting ? " from call " : " at call ") + at,
        () -> {
          life.work(seed, lasting, STEPS);
          life.disk.heal();
          // What a ring gave up while nothing could be read.
          life.workload.noteEvictions();
          // A device that cannot sync may lose what the kernel took, without a loss of power.
          End end = kind == Fault.Kind.SYNC_FAIL ? End.POWER_LOSS : End.KILL;
          if (kind == Fault.Kind.SYNC_FAIL && !lasting) {
            // Until an upload gives its block back, what a failed sync took from it answers 500.
            life.workload.finish();
            life.machine.scheduler.advanceMillis(1_500);
          }
          if (!lasting) {
            var seen = Workload.observe(life.store);
            assertThat(life.model.complaints(seen, end)).isEmpty();
          }
          if (at % 3 == 0) {
            life.workload.finish();
            life.store.close();
          } else if (at % 3 == 1) {
            life.machine.scheduler.advanceMillis(8_000);
            life.workload.noteEvictions();
          }
          if (kind != Fault.Kind.SYNC_FAIL) {
            assertThat(life.machine.told(StoreEvents.Kind.DAMAGE)).isEmpty();
          }
          checkStart(memory.kill(), life.model, end, seed + 1);
          for (CrashMode[] modes : CRASHES) {
            checkStart(
                memory.crash(new SplittableRandom(seed ^ at), modes),
                life.model,
                End.POWER_LOSS,
                seed + 2);
          }
        });
    return life.disk.fired();
  }

  // ---------------------------------------------------------------- what must hold

  private static Map<String, QuotaType> quotas(Store store) {
    var quotas = new HashMap<String, QuotaType>();
    store.buckets().forEach(bucket -> quotas.put(bucket.name(), bucket.settings().quotaType()));
    return quotas;
  }

  /** Opens the disk, looks, works a little, and stops and starts cleanly. */
  private static void checkStart(MemoryDisk disk, ReferenceModel model, End end, long seed) {
    var machine = new Machine(seed);
    Store store = machine.open(disk);
    try {
      Map<String, Map<String, FoundEntry>> found = Workload.observe(store);
      assertThat(model.complaints(found, end)).isEmpty();
      machine.scheduler.advanceMillis(12_000);
      Map<String, Map<String, FoundEntry>> later = Workload.observe(store);
      assertThat(later).isEqualTo(withoutWhatRingsGaveUp(found, later, quotas(store)));
      checkFiles(disk, store);
      Map<String, Map<String, FoundEntry>> expected = later;
      if (seed % 2 == 0) {
        for (Bucket bucket : store.buckets()) {
          for (Entry entry : bucket.entries()) {
            writeOne(machine, entry);
          }
          bucket.entryForWrite("fresh");
        }
        expected = null;
      }
      var whole =
          expected == null
              ? store.buckets().stream().mapToLong(b -> b.info().entryCount()).sum()
              : -1;
      store.close();
      assertThat(machine.told(StoreEvents.Kind.FAILURE, StoreEvents.Kind.DAMAGE)).isEmpty();
      if (end == End.KILL) {
        assertThat(machine.told(StoreEvents.Kind.LOSS)).isEmpty();
      }
      MemoryDisk closed = disk.kill();
      var again = new Machine(seed + 1_000);
      store = again.open(closed);
      if (expected != null) {
        assertThat(Workload.observe(store)).isEqualTo(expected);
      } else {
        assertThat(store.buckets().stream().mapToLong(b -> b.info().entryCount()).sum())
            .isEqualTo(whole);
      }
      again.scheduler.runDue();
      for (Bucket bucket : store.buckets()) {
        for (Entry entry : bucket.entries()) {
          writeOne(again, entry);
        }
      }
      again.scheduler.advanceMillis(300);
      checkFiles(closed, store);
      store.close();
      assertThat(again.events).isEmpty();
      assertThat(closed.openHandles()).isZero();
    } catch (PannierException | AssertionError wrong) {
      throw new AssertionError(
          wrong.getMessage() + "\nevents of the start: " + machine.events, wrong);
    }
  }

  /** What was found, but of rings only what is there later: a copy in the background needs room. */
  private static Map<String, Map<String, FoundEntry>> withoutWhatRingsGaveUp(
      Map<String, Map<String, FoundEntry>> found,
      Map<String, Map<String, FoundEntry>> later,
      Map<String, QuotaType> quotas) {
    var left = new TreeMap<String, Map<String, FoundEntry>>();
    found.forEach((bucket, entries) -> {
      var entriesLeft = new TreeMap<>(entries);
      if (quotas.get(bucket) == QuotaType.FIFO) {
        entriesLeft.replaceAll((name, entry) -> {
          FoundEntry now = later.getOrDefault(bucket, Map.of()).get(name);
          var records = new TreeMap<>(entry.records());
          records.keySet().removeIf(time -> now == null || !now.records().containsKey(time));
          return new FoundEntry(entry.number(), records);
        });
      }
      left.put(bucket, entriesLeft);
    });
    return left;
  }

  private static void writeOne(Machine machine, Entry entry) {
    if (entry.bucket().settings().quotaType() != QuotaType.NONE) {
      return;
    }
    long timestamp = 9_000_000;
    while (isTaken(entry, timestamp)) {
      timestamp++;
    }
    byte[] body = {1, 2, 3};
    var record = new NewRecord(timestamp, "", io.pannier.model.Labels.EMPTY, ByteBuffer.wrap(body));
    try {
      entry.write(record);
    } catch (PannierException.Unavailable busy) {
      machine.scheduler.runDue();
      entry.write(record);
    }
    assertThat(TestStores.bytes(entry.find(timestamp))).isEqualTo(body);
  }

  private static boolean isTaken(Entry entry, long timestamp) {
    return !entry.scan(TimeRange.of(timestamp, timestamp + 1), 1).isEmpty();
  }

  /** The device holds the files that the store counts, and no others. */
  private static void checkFiles(MemoryDisk disk, Store store) {
    try {
      for (String bucket : disk.list("b")) {
        // A folder of an id that was never taken is emptied when it is.
        if (Integer.parseInt(bucket) < store.nextBucketId()) {
          assertThat(store.buckets().stream().map(Bucket::folder)).contains("b/" + bucket);
        }
      }
      for (Bucket bucket : store.buckets()) {
        long bytes = 0;
        var files = new TreeMap<String, Long>();
        for (String name : disk.list(bucket.folder())) {
          if (name.indexOf('.') < 0 && Integer.parseInt(name) < bucket.nextEntryId()) {
            String folder = bucket.folder() + "/" + name;
            for (String child : disk.list(folder)) {
              try (var file = disk.open(folder + "/" + child)) {
                bytes += file.size();
                files.put(folder + "/" + child, file.size());
              }
            }
          }
        }
        assertThat(bucket.diskBytes())
            .as("bytes of bucket " + bucket + " " + files)
            .isEqualTo(bytes);
      }
    } catch (java.io.IOException failed) {
      throw new AssertionError(failed);
    }
  }

  private static void trace(Life life, Runnable test) {
    trace(life, "", test);
  }

  private static void trace(Life life, String where, Runnable test) {
    try {
      test.run();
    } catch (AssertionError | RuntimeException wrong) {
      var text = new StringBuilder(where).append('\n').append(wrong.getMessage());
      if (!(wrong instanceof Traced)) {
        text.append("\nsteps:\n");
        if (life.workload != null) {
          life.workload.steps.forEach(step -> text.append("  ").append(step).append('\n'));
        }
        text.append("events:\n");
        life.machine.events.forEach(event -> text.append("  ").append(event).append('\n'));
      }
      throw new Traced(text.toString(), wrong);
    }
  }

  /** A mistake with the steps that led to it. */
  private static final class Traced extends AssertionError {
    Traced(String text, Throwable cause) {
      super(text, cause);
    }
  }
}
