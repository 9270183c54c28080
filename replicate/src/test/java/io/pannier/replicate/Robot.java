package io.pannier.replicate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pannier.client.Coding;
import io.pannier.model.Limits;
import io.pannier.store.Store;
import io.pannier.store.TestStores;
import io.pannier.store.disk.Fault;
import io.pannier.store.disk.FaultyDisk;
import io.pannier.store.disk.MemoryDisk;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** A store with replications in the thread of a test; it can be stopped, killed and started. */
final class Robot {
  static final String SOURCE = "src";
  static final String TASK = "task";

  /** Bounds that a short test meets; a write that finds no room gives up soon. */
  static final Limits LIMITS =
      new Limits(
          64,
          8,
          65_536,
          4L << 20,
          32L << 20,
          1L << 30,
          5,
          100,
          5_000,
          4096,
          8L << 20,
          30,
          5,
          20,
          new Limits.Direct(3, 16 << 10, 10_000),
          Limits.Room.ALL);

  final List<ReplicationWarning> warnings = new ArrayList<>();
  final MemoryDestination destination = new MemoryDestination();
  MemoryDisk disk = new MemoryDisk();
  FaultyDisk faulty;
  ReplicationOptions options =
      ReplicationOptions.DEFAULT.withBatches(4_000, 7).withResumeBytes(150);
  TestStores stores;
  Store store;
  Replications replications;
  private long seed;

  Robot(long seed) {
    this.seed = seed;
    start();
  }

  void start() {
    start(0);
  }

  /**
   * @param dyingAt call to the disk at which the process dies; 0: none. Then it is started again.
   */
  void start(int dyingAt) {
    faulty = new FaultyDisk(disk, new Random(seed));
    if (dyingAt > 0) {
      faulty.arm(Fault.at(dyingAt, Fault.Kind.POWER_LOSS));
    }
    try {
      open();
    } catch (RuntimeException failed) {
      if (!faulty.fired()) {
        throw failed;
      }
      kill();
    }
  }

  private void open() {
    stores = new TestStores(seed++).ticking().limits(LIMITS);
    store = stores.open(faulty);
    replications =
        Replications.open(
            store,
            stores.clock,
            (delayNanos, work) ->
                stores.scheduler.runLater(
                    io.pannier.store.Scheduler.Lane.BACKGROUND,
                    (delayNanos + 999_999) / 1_000_000,
                    work),
            destination,
            options,
            warnings::add);
  }

  /** The process ends between two instructions; what was written is there. */
  void kill() {
    disk = disk.kill();
    start();
  }

  /** The same, and it dies once more while it starts, unless it is quick. */
  void killTwice(int dyingAt) {
    disk = disk.kill();
    start(dyingAt);
  }

  /** From so many calls to the disk on the process is dead; {@link #isDead} tells. */
  void dieAt(int call) {
    faulty.arm(Fault.at(call, Fault.Kind.POWER_LOSS));
  }

  /** Whether the process has died within a call to the disk: nothing it does has any effect. */
  boolean isDead() {
    return faulty.fired();
  }

  void stop() {
    replications.close();
    store.close();
    disk = disk.kill();
    start();
  }

  void pass(long millis) {
    stores.scheduler.advanceMillis(millis);
  }

  ReplicationDetail detail() {
    return replications.get(TASK);
  }

  long pending() {
    return detail().info().pendingRecords();
  }

  static ReplicationSettings settings(String when, String... entries) {
    return new ReplicationSettings(
        SOURCE,
        "dst",
        "http://cloud",
        Optional.of("token"),
        List.of(entries),
        "",
        when.isEmpty() ? Optional.empty() : Optional.of(json(when)),
        ReplicationMode.ENABLED,
        Coding.NONE,
        new ReplicationStart.Now(),
        0);
  }

  static JsonNode json(String text) {
    try {
      return new ObjectMapper().readTree(text.replace('\'', '"'));
    } catch (JsonProcessingException malformed) {
      throw new IllegalArgumentException(malformed);
    }
  }
}
