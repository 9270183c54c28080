package io.pannier.store;

import io.pannier.model.DurationHistogram;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** What a store counts. Any thread may add; to add is a few nanoseconds without a lock. */
final class Tally {
  /** Texts of events that are told apart: they are constants, and this is only a bound. */
  private static final int KINDS_MAX = 64;

  private static final String OTHER = "other";

  final LongAdder storedRecords = new LongAdder();
  final LongAdder storedBytes = new LongAdder();
  final LongAdder deviceWritten = new LongAdder();
  final LongAdder deviceRead = new LongAdder();
  final LongAdder syncsFailed = new LongAdder();
  final LongAdder indexHits = new LongAdder();
  final LongAdder indexMisses = new LongAdder();
  final LongAdder fileUses = new LongAdder();
  final LongAdder reclaimed = new LongAdder();
  final LongAdder compressed = new LongAdder();
  final LongAdder salvaged = new LongAdder();
  final LongAdder rewrittenBefore = new LongAdder();
  final LongAdder rewrittenAfter = new LongAdder();
  final LongAdder ballastReleases = new LongAdder();

  /** From what a good disk does in its cache to what a card does when it is busy with itself. */
  final DurationHistogram syncs =
      new DurationHistogram(
          1_000,
          2_500,
          5_000,
          10_000,
          25_000,
          50_000,
          100_000,
          250_000,
          500_000,
          1_000_000,
          2_500_000,
          5_000_000,
          10_000_000,
          30_000_000);

  private final Map<String, LongAdder> damage = new ConcurrentHashMap<>();
  private final Map<String, LongAdder> losses = new ConcurrentHashMap<>();
  private final LongAdder failures = new LongAdder();

  /** Events that are counted before they go on. */
  StoreEvents counting(StoreEvents events) {
    return (kind, text, subject, cause) -> {
      count(kind, text);
      events.event(kind, text, subject, cause);
    };
  }

  private void count(StoreEvents.Kind kind, String text) {
    switch (kind) {
      case DAMAGE -> adder(damage, text).increment();
      case LOSS -> adder(losses, text).increment();
      case FAILURE -> failures.increment();
      case NOTE -> {
        // Nothing that anybody must do something about.
      }
    }
  }

  private static LongAdder adder(Map<String, LongAdder> by, String text) {
    @Nullable LongAdder known = by.get(text);
    return known != null
        ? known
        : by.computeIfAbsent(by.size() < KINDS_MAX ? text : OTHER, fresh -> new LongAdder());
  }

  Map<String, Long> damage() {
    return sums(damage);
  }

  Map<String, Long> losses() {
    return sums(losses);
  }

  long failures() {
    return failures.sum();
  }

  private static Map<String, Long> sums(Map<String, LongAdder> by) {
    var sums = new TreeMap<String, Long>();
    by.forEach((text, count) -> sums.put(text, count.sum()));
    return sums;
  }
}
