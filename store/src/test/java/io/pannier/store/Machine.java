package io.pannier.store;

import io.pannier.model.Ack;
import io.pannier.model.BucketSettings;
import io.pannier.model.Clock;
import io.pannier.model.Limits;
import io.pannier.store.disk.Disk;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A process that opens a store for a test that lets it die: one thread, and time that goes on
 * whenever it is looked at, so that no wait is for ever.
 */
final class Machine {
  private static final long TICK_NANOS = 1_000_000;

  final ManualClock clock = new ManualClock();
  final ManualScheduler scheduler = new ManualScheduler(clock);
  final List<String> events = new ArrayList<>();
  private final long seed;

  /** Salts differ with the seed, as they do between two processes. */
  Machine(long seed) {
    this.seed = seed;
    clock.advanceNanos(Math.floorMod(seed, 1_000_000L) * 1_000);
  }

  Store open(Disk disk) {
    // Few files and little cache: both are given up and fetched again all the time.
    var limits =
        new Limits(
            16,
            4,
            65_536,
            64 << 10,
            128 << 10,
            1L << 30,
            5,
            100,
            5_000,
            4096,
            1 << 20,
            30,
            5,
            4,
            new Limits.Direct(2, 8192, 2000));
    var ticking =
        new Clock() {
          @Override
          public long wallMicros() {
            return clock.wallMicros();
          }

          @Override
          public long monotonicNanos() {
            clock.advanceNanos(TICK_NANOS);
            return clock.monotonicNanos();
          }
        };
    return Store.open(
        new StoreConfig(
            disk,
            ticking,
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

  /** Events of these kinds. */
  List<String> told(StoreEvents.Kind... kinds) {
    return events.stream()
        .filter(event -> List.of(kinds).stream().anyMatch(kind -> event.startsWith(kind.name())))
        .toList();
  }
}
