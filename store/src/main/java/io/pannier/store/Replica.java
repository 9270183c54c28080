package io.pannier.store;

import io.pannier.model.Clock;
import io.pannier.model.PannierException;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.OverlayDisk;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Follows a store that another process writes ({@code docs/s3.md}, "Read replicas"): every state is
 * opened as a start opens one, with what a start would write kept in memory, and stands for itself;
 * who began to read one goes on reading it. One thread looks; any may ask for the status.
 */
public final class Replica implements AutoCloseable {
  /** How often a state is begun again that changed while it was read. */
  private static final int TRIES = 10;

  /** How long a request may go on that was begun on a state before. */
  private static final long REQUEST_NANOS = TimeUnit.MINUTES.toNanos(1);

  /**
   * How it follows.
   *
   * @param states how many states there were
   * @param ageMicros since the newest state was looked for successfully
   * @param lookedMicros when that was, by the wall clock; 0 before the first time
   * @param failures looks that failed
   * @param lastFailure why the last look failed; empty when it did not
   */
  public record Status(
      long states, long ageMicros, long lookedMicros, long failures, String lastFailure) {}

  /** A state that was followed by another. */
  private record Retired(Store store, long atNanos) {}

  private final StateSource source;
  private final Function<Disk, StoreConfig> config;
  private final Clock clock;
  private final StoreEvents events;
  private final List<Retired> retired = new ArrayList<>();
  private @Nullable Store current;
  private final AtomicLong states = new AtomicLong();
  private final AtomicLong failures = new AtomicLong();
  private volatile long lookedNanos;
  private volatile long lookedMicros;
  private volatile String lastFailure = "";

  /**
   * @param config what a store on this disk is told; its scheduler is not used
   */
  public Replica(
      StateSource source, Function<Disk, StoreConfig> config, Clock clock, StoreEvents events) {
    this.source = source;
    this.config = config;
    this.clock = clock;
    this.events = events;
    lookedNanos = clock.monotonicNanos();
  }

  /**
   * Looks for a newer state and opens it; may take as long as a start.
   *
   * @return the new state; empty when there is none
   * @throws IOException when it cannot be looked for, or not be read; the state before stays good,
   *     and the next look tries again
   */
  public Optional<Store> look() throws IOException {
    long began = clock.monotonicNanos();
    long beganMicros = clock.wallMicros();
    try {
      Optional<Store> found = newest();
      lookedNanos = began;
      lookedMicros = beganMicros;
      lastFailure = "";
      return found;
    } catch (IOException | PannierException failed) {
      failures.incrementAndGet();
      lastFailure = failed.getMessage() == null ? failed.toString() : failed.getMessage();
      throw failed;
    }
  }

  private Optional<Store> newest() throws IOException {
    for (int left = TRIES; ; left--) {
      Optional<StateSource.State> found = source.next();
      if (found.isEmpty()) {
        return Optional.empty();
      }
      StateSource.State state = found.get();
      boolean good = false;
      try {
        Store store = open(state);
        good = state.isWhole();
        if (good) {
          retire();
          current = store;
          states.incrementAndGet();
          return Optional.of(store);
        }
        store.close();
      } catch (IOException | PannierException failed) {
        if (state.isWhole()) {
          throw failed;
        }
        // It was another state at the end of the reading than at its beginning.
      } finally {
        if (!good) {
          source.refused();
        }
      }
      if (left == 1) {
        throw new IOException("the data changes faster than it can be read");
      }
    }
  }

  private Store open(StateSource.State state) throws IOException {
    var overlay = new OverlayDisk(state.disk());
    Store store = Store.follow(config.apply(overlay).following(overlay, this::tell), current);
    overlay.freeze();
    return store;
  }

  /** What a start finds that the writer has not left behind yet is no loss. */
  private void tell(StoreEvents.Kind kind, String text, String subject, @Nullable Throwable cause) {
    if (kind == StoreEvents.Kind.DAMAGE) {
      events.event(kind, text, subject, cause);
    }
  }

  private void retire() {
    Store before = current;
    if (before != null) {
      retired.add(new Retired(before, clock.monotonicNanos()));
    }
  }

  /**
   * Gives back what states before the current one still hold.
   *
   * @param used whether somebody may still read on in this one
   */
  public void tidy(Predicate<Store> used) {
    long now = clock.monotonicNanos();
    retired.removeIf(state -> {
      state.store().closeIdleFiles();
      return now - state.atNanos() > REQUEST_NANOS && !used.test(state.store());
    });
  }

  /** How it follows. */
  public Status status() {
    return new Status(
        states.get(),
        TimeUnit.NANOSECONDS.toMicros(Math.max(0, clock.monotonicNanos() - lookedNanos)),
        lookedMicros,
        failures.get(),
        lastFailure);
  }

  /** Where it looks, for people. */
  public String place() {
    return source.place();
  }

  @Override
  public void close() throws IOException {
    Store last = current;
    if (last != null) {
      last.close();
    }
    retired.forEach(state -> state.store().close());
    source.close();
  }
}
