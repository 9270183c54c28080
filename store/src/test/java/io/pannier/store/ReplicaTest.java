package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.Ack;
import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.disk.MemoryDisk;
import io.pannier.store.disk.RealDisk;
import io.pannier.store.remote.FaultyObjectStore;
import io.pannier.store.remote.MemoryObjectStore;
import io.pannier.store.remote.RemoteConfig;
import io.pannier.store.remote.RemoteDisk;
import io.pannier.store.remote.RemoteRefused;
import io.pannier.store.remote.RemoteStates;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A reader beside the process that writes: what it sees is a state that existed. */
@Timeout(120)
class ReplicaTest {
  private static final BucketSettings SMALL_RING =
      new BucketSettings(QuotaType.FIFO, 4_000, 600, 5, null);

  private final ManualClock clock = new ManualClock();
  private final MemoryObjectStore bucket = new MemoryObjectStore();
  private final FaultyObjectStore seen = new FaultyObjectStore(bucket);
  private final List<String> told = new ArrayList<>();

  private static RemoteConfig config(long cacheBytes) {
    return new RemoteConfig(
        "p/", cacheBytes, 1L << 30, 60_000, 600_000, 64 << 20, 32 << 20, "test");
  }

  private Store writer(TestStores stores) throws IOException {
    return stores.open(
        RemoteDisk.open(
            new MemoryDisk(),
            bucket,
            config(0),
            clock,
            new SplittableRandom(1),
            RemoteRounds.FOOTERS));
  }

  private Replica replica(MemoryDisk local) throws IOException {
    return replica(RemoteStates.open(seen, local, config(1 << 20), "memory"));
  }

  private Replica replica(StateSource source) {
    return new Replica(
        source,
        disk ->
            new StoreConfig(
                disk,
                clock,
                new SplittableRandom(2),
                new ManualScheduler(clock),
                TestStores.small(),
                BucketSettings.DEFAULT,
                Ack.BUFFERED,
                (_, _, _, _) -> {},
                "replica"),
        clock,
        (kind, text, subject, _) -> told.add(kind + " " + text + ": " + subject));
  }

  /** Everything that a store answers, in words. */
  private static Map<String, String> all(Store store) {
    var found = new TreeMap<String, String>();
    for (Bucket each : store.buckets()) {
      found.put(each.name(), each.settings() + " " + each.info());
      for (Entry entry : each.entries()) {
        String path = each.name() + "/" + entry.name();
        found.put(path, String.valueOf(entry.info()));
        for (StoredRecord record : entry.scan(TimeRange.all(), 10_000)) {
          found.put(
              path + "@" + record.timestamp(), record.labels() + " " + TestStores.text(record));
        }
      }
    }
    return found;
  }

  /** One step of somebody who writes, changes, removes and renames. */
  private void step(Store store, SplittableRandom random, long[] next) {
    String name = "b" + random.nextInt(3);
    Bucket chosen = store.findBucket(name).orElseGet(() -> store.createBucket(name, SMALL_RING));
    Entry entry = chosen.entryForWrite("e" + random.nextInt(3));
    List<StoredRecord> there = entry.scan(TimeRange.all(), 1_000);
    switch (random.nextInt(12)) {
      case 0 -> {
        if (!there.isEmpty()) {
          entry.remove(List.of(there.get(random.nextInt(there.size()))));
        }
      }
      case 1 -> {
        if (!there.isEmpty()) {
          StoredRecord one = there.get(random.nextInt(there.size()));
          try {
            entry.updateLabels(one.timestamp(), Labels.of("n", String.valueOf(next[0])));
          } catch (PannierException.NotFound evicted) {
            // The ring gave it up to make room for its labels.
            assertThat(chosen.diskBytes()).isPositive();
          }
        }
      }
      case 2 -> {
        if (random.nextInt(4) == 0 && chosen.findEntry("moved" + next[0]).isEmpty()) {
          chosen.renameEntry(entry.name(), "moved" + next[0]);
        }
      }
      case 3 -> {
        if (random.nextInt(6) == 0) {
          store.removeBucket(chosen.name());
        }
      }
      default -> {
        long time = random.nextInt(5) == 0 ? random.nextLong(1, 1_000) : 1_000 + next[0];
        if (entry.scan(TimeRange.of(time, time + 1), 1).isEmpty()) {
          entry.write(
              TestStores.record(
                  time, "body " + next[0] + "x".repeat(random.nextInt(200)), "a", "b"));
        }
      }
    }
    next[0]++;
  }

  @Test
  void everyAnswerOfAReplicaIsAStateThatWasUploaded() throws IOException {
    for (long seed = 1; seed <= 4; seed++) {
      var random = new SplittableRandom(seed);
      var stores = new TestStores(seed, clock);
      var objects = new MemoryObjectStore();
      Store writer =
          stores.open(
              RemoteDisk.open(
                  new MemoryDisk(),
                  objects,
                  config(0),
                  clock,
                  random.split(),
                  RemoteRounds.FOOTERS));
      var replica =
          replica(RemoteStates.open(objects, new MemoryDisk(), config(100_000), "memory"));
      var next = new long[1];
      var states = new ArrayList<Store>();
      var truth = new ArrayList<Map<String, String>>();
      for (int round = 0; round < 25; round++) {
        for (int i = random.nextInt(40); i >= 0; i--) {
          step(writer, random, next);
          if (random.nextInt(3) == 0) {
            stores.scheduler.runDue();
          }
        }
        stores.scheduler.advanceMillis(60_000);
        Map<String, String> kept = all(writer);
        step(writer, random, next); // what is not uploaded is not seen
        var state = replica.look();
        assertThat(state).as("seed %s round %s", seed, round).isPresent();
        assertThat(all(state.orElseThrow())).as("seed %s round %s", seed, round).isEqualTo(kept);
        assertThat(replica.look()).isEmpty();
        states.add(state.get());
        truth.add(kept);
        // Whoever has begun to read an older one reads on in it, for the ten minutes of its grace.
        int older = Math.max(0, states.size() - 1 - random.nextInt(5));
        assertThat(all(states.get(older))).isEqualTo(truth.get(older));
        replica.tidy(states::contains);
      }
      assertThat(told).isEmpty();
      replica.close();
      writer.close();
    }
  }

  @Test
  void aReplicaTakesNoWrite() throws IOException {
    var stores = new TestStores(1, clock);
    Store writer = writer(stores);
    writer
        .createBucket("b", BucketSettings.DEFAULT)
        .entryForWrite("e")
        .write(TestStores.record(1, "x"));
    stores.scheduler.advanceMillis(60_000);
    Store state = replica(new MemoryDisk()).look().orElseThrow();
    assertThat(state.isFollowing()).isTrue();
    assertThatThrownBy(() -> state.bucket("b").entry("e").write(TestStores.record(2, "y")))
        .isInstanceOfAny(UnsupportedOperationException.class, PannierException.class);
    assertThatThrownBy(() -> state.createBucket("c", BucketSettings.DEFAULT))
        .isInstanceOfAny(UnsupportedOperationException.class, PannierException.class);
  }

  @Test
  void followingCostsOneRequestAndAStateTwoMore() throws IOException {
    var stores = new TestStores(1, clock);
    Store writer = writer(stores);
    for (int i = 0; i < 20; i++) {
      writer.createBucket("b" + i, BucketSettings.DEFAULT);
    }
    stores.scheduler.advanceMillis(60_000);
    Replica replica = replica(new MemoryDisk());
    seen.calls();
    assertThat(replica.look()).isPresent();
    seen.calls();
    assertThat(replica.look()).isEmpty();
    assertThat(requests()).containsExactly("get root");
    for (int i = 0; i < 20; i++) {
      writer.bucket("b" + i).entryForWrite("e").write(TestStores.record(1, "body"));
    }
    stores.scheduler.advanceMillis(60_000);
    assertThat(replica.look()).isPresent();
    // The difference, and the new segment with all that the tick brought.
    assertThat(requests()).containsExactly("get root", "get segment", "get segment");
    stores.scheduler.advanceMillis(60_000); // what the journals account for
    replica.look();
    requests();
    stores.scheduler.advanceMillis(120_000); // only the lease is renewed
    assertThat(replica.look()).isEmpty();
    assertThat(requests()).containsExactly("get root");
  }

  private List<String> requests() {
    return seen.calls().stream()
        .map(call -> call.replaceAll("s/[0-9a-f]{16}-[0-9a-f]{16}.*", "segment").replace("p/", ""))
        .toList();
  }

  @Test
  void aReplicaStartsWarmFromItsPieces() throws IOException {
    var stores = new TestStores(1, clock);
    Store writer = writer(stores);
    writer
        .createBucket("b", BucketSettings.DEFAULT)
        .entryForWrite("e")
        .write(TestStores.record(1, "x"));
    stores.scheduler.advanceMillis(60_000);
    var local = new MemoryDisk();
    Replica first = replica(local);
    assertThat(all(first.look().orElseThrow())).containsEntry("b/e@1", "{} x");
    first.close();
    seen.calls();
    Replica second = replica(local.anotherProcess());
    assertThat(all(second.look().orElseThrow())).containsEntry("b/e@1", "{} x");
    // Root, directory or difference; everything else was there.
    assertThat(requests()).hasSizeLessThanOrEqualTo(3).startsWith("get root");
  }

  @Test
  void aLinkThatIsDownLeavesTheLastState() throws IOException {
    var stores = new TestStores(1, clock);
    Store writer = writer(stores);
    writer
        .createBucket("b", BucketSettings.DEFAULT)
        .entryForWrite("e")
        .write(TestStores.record(1, "x"));
    stores.scheduler.advanceMillis(60_000);
    Replica replica = replica(new MemoryDisk());
    Store state = replica.look().orElseThrow();
    seen.arm(1, FaultyObjectStore.Fault.ERROR, true);
    clock.advanceNanos(3_000_000_000L);
    assertThatThrownBy(replica::look).isInstanceOf(IOException.class);
    assertThat(all(state)).containsEntry("b/e@1", "{} x");
    assertThat(replica.status().lastFailure()).isNotEmpty();
    assertThat(replica.status().ageMicros()).isGreaterThanOrEqualTo(3_000_000);
    seen.heal();
    writer.bucket("b").entry("e").write(TestStores.record(2, "y"));
    stores.scheduler.advanceMillis(60_000);
    assertThat(all(replica.look().orElseThrow())).containsEntry("b/e@2", "{} y");
    assertThat(replica.status().lastFailure()).isEmpty();
  }

  @Test
  void theFolderOfAWriterIsNotTakenForAReplica() throws IOException {
    var local = new MemoryDisk();
    var stores = new TestStores(1, clock);
    Store writer =
        stores.open(
            RemoteDisk.open(
                local, bucket, config(0), clock, new SplittableRandom(1), RemoteRounds.FOOTERS));
    writer.close();
    assertThatThrownBy(() -> replica(local.anotherProcess()))
        .isInstanceOf(RemoteRefused.class)
        .hasMessageContaining("needs a folder of its own");
  }

  @Test
  void aReplicaOfASharedFolderFollows(@TempDir Path folder) throws IOException {
    for (long seed = 1; seed <= 4; seed++) {
      var random = new SplittableRandom(seed);
      var stores = new TestStores(seed, clock);
      Path data = folder.resolve("seed" + seed);
      var disk = new RealDisk(data);
      disk.prepare();
      Store writer = stores.open(disk);
      var replica = replica(new FolderStates(data));
      var next = new long[1];
      for (int round = 0; round < 30; round++) {
        for (int i = random.nextInt(30); i >= 0; i--) {
          step(writer, random, next);
          if (random.nextInt(3) == 0) {
            stores.scheduler.runDue();
          }
        }
        assertThat(all(replica.look().orElseThrow()))
            .as("seed %s round %s", seed, round)
            .isEqualTo(all(writer));
        assertThat(replica.look()).isEmpty();
        replica.tidy(_ -> false);
      }
      writer.close();
      assertThat(all(replica.look().orElseThrow())).isNotEmpty();
      replica.close();
    }
  }
}
