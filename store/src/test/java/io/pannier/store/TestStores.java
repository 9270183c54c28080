package io.pannier.store;

import io.pannier.model.Ack;
import io.pannier.model.BucketSettings;
import io.pannier.model.Clock;
import io.pannier.model.Labels;
import io.pannier.model.Limits;
import io.pannier.store.disk.Disk;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A store on any disk, in the thread of the test: clock, randomness and the engine's own work are
 * turned by hand.
 */
public final class TestStores {
  public final ManualClock clock;
  public final ManualScheduler scheduler;
  public final List<String> events = Collections.synchronizedList(new ArrayList<>());
  private final long seed;
  private Limits limits = small();
  private long tickNanos;

  public TestStores(long seed) {
    this(seed, new ManualClock());
  }

  public TestStores(long seed, ManualClock clock) {
    this.seed = seed;
    this.clock = clock;
    this.scheduler = new ManualScheduler(clock);
  }

  /** Bounds small enough that a short test meets all of them. */
  public static Limits small() {
    return small(64);
  }

  /** The same with so many open files. */
  public static Limits small(int openFiles) {
    return new Limits(
        openFiles,
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
        30_000,
        new Limits.Direct(3, 16 << 10, 10_000),
        Limits.Room.ALL);
  }

  public TestStores limits(Limits changed) {
    limits = changed;
    return this;
  }

  /** Time goes on whenever it is looked at, so that no wait is for ever. */
  public TestStores ticking() {
    tickNanos = 1_000_000;
    return this;
  }

  private final class Ticking implements Clock {
    @Override
    public long wallMicros() {
      return clock.wallMicros();
    }

    @Override
    public long monotonicNanos() {
      clock.advanceNanos(tickNanos);
      return clock.monotonicNanos();
    }
  }

  public Store open(Disk disk) {
    return Store.open(
        new StoreConfig(
            disk,
            new Ticking(),
            new SplittableRandom(seed),
            scheduler,
            limits,
            BucketSettings.DEFAULT,
            Ack.BUFFERED,
            this::event,
            "test"));
  }

  private void event(
      StoreEvents.Kind kind, String text, String subject, @Nullable Throwable cause) {
    events.add(kind + " " + text + ": " + subject + (cause == null ? "" : " (" + cause + ")"));
  }

  public static NewRecord record(long timestamp, String body, String... labels) {
    return new NewRecord(
        timestamp,
        "",
        Labels.of(labels),
        ByteBuffer.wrap(body.getBytes(java.nio.charset.StandardCharsets.UTF_8)));
  }

  public static byte[] bytes(StoredRecord record) {
    try (RecordBody body = record.open()) {
      var scratch = ByteBuffer.allocateDirect(body.frameBytes());
      ByteBuffer whole = body.readWhole(scratch);
      var bytes = new byte[whole.remaining()];
      whole.get(bytes);
      return bytes;
    }
  }

  public static String text(StoredRecord record) {
    return new String(bytes(record), java.nio.charset.StandardCharsets.UTF_8);
  }
}
