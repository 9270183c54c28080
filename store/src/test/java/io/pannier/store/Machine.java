package io.pannier.store;

import io.pannier.model.Limits;
import io.pannier.store.disk.Disk;
import java.util.List;

/**
 * A process that opens a store for a test that lets it die: one thread, and time that goes on
 * whenever it is looked at, so that no wait is for ever.
 */
final class Machine {
  final ManualClock clock;
  final ManualScheduler scheduler;
  final List<String> events;
  private final TestStores stores;

  /** Salts differ with the seed, as they do between two processes. */
  Machine(long seed) {
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
            new Limits.Direct(2, 8192, 2000),
            Limits.Room.ALL);
    stores = new TestStores(seed).limits(limits).ticking();
    clock = stores.clock;
    scheduler = stores.scheduler;
    events = stores.events;
    clock.advanceNanos(Math.floorMod(seed, 1_000_000L) * 1_000);
  }

  Store open(Disk disk) {
    return stores.open(disk);
  }

  /** Events of these kinds. */
  List<String> told(StoreEvents.Kind... kinds) {
    return events.stream()
        .filter(event -> List.of(kinds).stream().anyMatch(kind -> event.startsWith(kind.name())))
        .toList();
  }
}
