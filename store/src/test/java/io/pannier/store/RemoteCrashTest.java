package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.PannierException;
import io.pannier.store.ReferenceModel.End;
import io.pannier.store.ReferenceModel.FoundEntry;
import io.pannier.store.disk.CrashMode;
import io.pannier.store.disk.MemoryDisk;
import io.pannier.store.remote.FaultyObjectStore;
import io.pannier.store.remote.FaultyObjectStore.Fault;
import io.pannier.store.remote.MemoryObjectStore;
import io.pannier.store.remote.RemoteConfig;
import io.pannier.store.remote.RemoteDisk;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A store in an object store that dies, or whose object store fails, at any request of a random
 * workload; what {@link ReferenceModel} says must hold with the local folder and without it.
 *
 * <p>{@code -Dcrash.seed=S} runs a seed alone, {@code -Dcrash.at=N} a request alone.
 */
class RemoteCrashTest {
  private static final int STEPS = 60;

  /** Small enough that blocks are evicted and segments split and merged. */
  static RemoteConfig config() {
    return new RemoteConfig("p/", 2_000, 1 << 30, 2_000, 3_000, 3_000, 1 << 20, "test");
  }

  /** One process. */
  private static final class Life {
    final Machine machine;
    final MemoryDisk local;
    final FaultyObjectStore objects;
    final ReferenceModel model = new ReferenceModel();
    Store store;
    Workload workload;
    boolean dies;

    Life(MemoryDisk local, MemoryObjectStore objects, long seed) {
      machine = new Machine(seed);
      this.local = local;
      this.objects = new FaultyObjectStore(objects);
    }

    boolean open() {
      try {
        store = openStore(machine, local, objects, machine.clock.wallMicros());
        return true;
      } catch (IOException | PannierException failed) {
        if (!objects.fired()) {
          throw new AssertionError(failed);
        }
        return false;
      }
    }

    void work(long seed) {
      workload =
          new Workload(
              machine, store, model, seed, () -> dies && objects.fired(), objects::fired, false);
      workload.remote = true;
      workload.run(STEPS);
    }
  }

  private static Store openStore(
      Machine machine, MemoryDisk local, FaultyObjectStore objects, long seed) throws IOException {
    return machine.open(
        RemoteDisk.open(
            local,
            objects,
            config(),
            machine.clock,
            new SplittableRandom(seed),
            RemoteRounds.FOOTERS));
  }

  @Test
  void aWorkloadWithoutFailures() throws IOException {
    for (long seed : seeds(1, 12)) {
      var objects = new MemoryObjectStore();
      var life = new Life(new MemoryDisk(), objects, seed);
      assertThat(life.open()).isTrue();
      trace(
          life,
          "seed " + seed,
          () -> {
            life.work(seed);
            assertThat(life.model.complaints(Workload.observe(life.store), End.KILL)).isEmpty();
            life.workload.finish();
            life.store.close();
            assertThat(
                    life.machine.told(
                        StoreEvents.Kind.FAILURE, StoreEvents.Kind.DAMAGE, StoreEvents.Kind.LOSS))
                .isEmpty();
            checkStart(life.local.kill(), objects.copy(), life.model, End.KILL, seed + 1, true);
            // All of it was uploaded by the stop.
            checkStart(new MemoryDisk(), objects.copy(), life.model, End.KILL, seed + 2, true);
          });
    }
  }

  @Test
  void deathAtAnyRequest() {
    for (long seed : seeds(100, 6)) {
      for (Fault fault : new Fault[] {Fault.DEATH_BEFORE, Fault.DEATH_AFTER}) {
        for (long at = 1 + seed % 5; diesAt(seed, at, fault); at += 5) {
          assertThat(at).isLessThan(100_000);
        }
      }
    }
  }

  @Test
  void aFailureAtAnyRequest() {
    for (long seed : seeds(200, 3)) {
      for (Fault fault : FAILURES) {
        for (long at = 1 + seed % 11; failsAt(seed, at, fault, false); ) {
          at += 11;
        }
      }
    }
  }

  @Test
  void aLastingFailureFromAnyRequest() {
    for (long seed : seeds(300, 3)) {
      for (Fault fault : FAILURES) {
        for (long at = 1 + seed % 17; failsAt(seed, at, fault, true); ) {
          at += 17;
        }
      }
    }
  }

  @Test
  @Tag("slow")
  void everything() {
    for (long seed : seeds(1_000, Integer.getInteger("crash.seeds", 30))) {
      for (Fault fault : new Fault[] {Fault.DEATH_BEFORE, Fault.DEATH_AFTER}) {
        for (long at = 1; diesAt(seed, at, fault); at++) {
          assertThat(at).isLessThan(100_000);
        }
      }
      for (Fault fault : FAILURES) {
        for (long at = 1; failsAt(seed, at, fault, false); at += 3) {
          assertThat(at).isLessThan(100_000);
        }
        for (long at = 1; failsAt(seed, at, fault, true); at += 7) {
          assertThat(at).isLessThan(100_000);
        }
      }
    }
  }

  private static final Fault[] FAILURES = {
    Fault.THROTTLED,
    Fault.ERROR,
    Fault.TIMEOUT_AFTER,
    Fault.DENIED,
    Fault.NO_BUCKET,
    Fault.SHORT_READ,
    Fault.WRONG_BYTES,
    Fault.STALE_LIST
  };

  private static List<Long> seeds(long first, int count) {
    Long only = Long.getLong("crash.seed");
    return only != null
        ? List.of(only)
        : java.util.stream.LongStream.range(first, first + count).boxed().toList();
  }

  private static boolean diesAt(long seed, long at, Fault fault) {
    if (Long.getLong("crash.at") != null && Long.getLong("crash.at") != at) {
      return at < Long.getLong("crash.at");
    }
    var objects = new MemoryObjectStore();
    var life = new Life(new MemoryDisk(), objects, seed);
    life.dies = true;
    life.objects.arm(at, fault, false);
    String where = "seed " + seed + " " + fault + " at request " + at;
    trace(
        life,
        where,
        () -> {
          if (life.open()) {
            life.work(seed);
          }
        });
    if (!life.objects.fired()) {
      return false;
    }
    trace(
        life,
        where + ", folder kept",
        () -> checkStart(life.local.kill(), objects.copy(), life.model, End.KILL, seed + 1, false));
    trace(
        life,
        where + ", folder lost",
        () ->
            checkStart(
                new MemoryDisk(), objects.copy(), life.model, End.POWER_LOSS, seed + 2, false));
    for (CrashMode mode : CrashMode.values()) {
      trace(
          life,
          where + ", power lost: " + mode,
          () ->
              checkStart(
                  life.local.crash(new SplittableRandom(seed ^ at), mode),
                  objects.copy(),
                  life.model,
                  End.POWER_LOSS,
                  seed + 3,
                  false));
    }
    return true;
  }

  private static boolean failsAt(long seed, long at, Fault fault, boolean lasting) {
    if (Long.getLong("crash.at") != null && Long.getLong("crash.at") != at) {
      return at < Long.getLong("crash.at");
    }
    var objects = new MemoryObjectStore();
    var life = new Life(new MemoryDisk(), objects, seed);
    assertThat(life.open()).isTrue();
    life.objects.arm(at, fault, lasting);
    trace(
        life,
        "seed " + seed + " " + fault + (lasting ? " from request " : " at request ") + at,
        () -> {
          life.work(seed);
          life.objects.heal();
          life.workload.noteEvictions();
          if (!lasting) {
            assertThat(life.model.complaints(Workload.observe(life.store), End.KILL)).isEmpty();
          }
          checkStart(new MemoryDisk(), objects.copy(), life.model, End.POWER_LOSS, seed + 4, false);
          // What could not be uploaded is, as soon as it can be.
          life.machine.scheduler.advanceMillis(8_000);
          life.workload.noteEvictions();
          life.workload.finish();
          life.store.close();
          checkStart(life.local.kill(), objects.copy(), life.model, End.KILL, seed + 5, true);
          checkStart(new MemoryDisk(), objects.copy(), life.model, End.KILL, seed + 6, true);
        });
    return life.objects.fired();
  }

  /** Opens folder and object store, looks, works a little, and does it again without the folder. */
  private static void checkStart(
      MemoryDisk local,
      MemoryObjectStore objects,
      ReferenceModel model,
      End end,
      long seed,
      boolean clean) {
    var machine = new Machine(seed);
    // The lease of the one who died has ended.
    machine.clock.advanceNanos(1_000_000_000_000L);
    var requests = new FaultyObjectStore(objects);
    try {
      Store store = openStore(machine, local, requests, seed);
      Map<String, Map<String, FoundEntry>> found = Workload.observe(store);
      assertThat(model.complaints(found, end)).isEmpty();
      machine.scheduler.advanceMillis(12_000);
      assertThat(Workload.observe(store)).isEqualTo(found);
      store.close();
      assertThat(machine.told(StoreEvents.Kind.FAILURE, StoreEvents.Kind.DAMAGE)).isEmpty();
      if (end == End.KILL || clean) {
        assertThat(machine.told(StoreEvents.Kind.LOSS)).isEmpty();
      }
      assertThat(local.openHandles()).isZero();
      try (var disk =
          RemoteDisk.forReading(
              new MemoryDisk(), objects, config(), machine.clock, RemoteRounds.FOOTERS)) {
        Verification verified = Verifier.run(disk, Verifier.Progress.NONE);
        assertThat(verified.isClean()).as(verified.findings().toString()).isTrue();
      }
      var again = new Machine(seed + 1_000);
      again.clock.advanceNanos(2_000_000_000_000L);
      Store cold = openStore(again, new MemoryDisk(), new FaultyObjectStore(objects), seed + 9);
      assertThat(Workload.observe(cold)).isEqualTo(found);
      again.scheduler.advanceMillis(3_000);
      cold.close();
      assertThat(
              again.told(StoreEvents.Kind.FAILURE, StoreEvents.Kind.DAMAGE, StoreEvents.Kind.LOSS))
          .isEmpty();
    } catch (IOException | PannierException | AssertionError wrong) {
      throw new AssertionError(
          wrong.getMessage()
              + "\nevents of the start: "
              + machine.events
              + "\nrequests: "
              + requests.calls(),
          wrong);
    }
  }

  private static void trace(Life life, String where, Runnable test) {
    try {
      test.run();
    } catch (AssertionError | RuntimeException wrong) {
      var text = new StringBuilder(where).append('\n').append(wrong.getMessage());
      text.append("\nsteps:\n");
      if (life.workload != null) {
        life.workload.steps.forEach(step -> text.append("  ").append(step).append('\n'));
      }
      text.append("events:\n");
      life.machine.events.forEach(event -> text.append("  ").append(event).append('\n'));
      throw new AssertionError(text.toString(), wrong);
    }
  }
}
