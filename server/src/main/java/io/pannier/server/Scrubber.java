package io.pannier.server;

import io.pannier.model.Clock;
import io.pannier.query.Timers;
import io.pannier.server.events.ScrubRun;
import io.pannier.server.events.SystemEvents;
import io.pannier.store.Scrub;
import io.pannier.store.Store;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the scrub of a store: when a pass is due, on a thread of its own that lives as long as the
 * pass, no faster than it may, and not while the device has enough to do.
 */
final class Scrubber implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Scrubber.class);

  /** After a start, and between two looks whether a pass is due. */
  private static final long LOOK_NANOS = TimeUnit.MINUTES.toNanos(1);

  private static final long SLICE_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  /** Age of unsynced bytes from which the device is taken to have enough to do. */
  private static final long BUSY_MICROS = 1_000_000;

  /** Longest wait for a busy device before a piece is read all the same. */
  private static final long BUSY_NANOS = TimeUnit.SECONDS.toNanos(60);

  private final Store store;
  private final ScrubOptions options;
  private final Clock clock;
  private final Timers timers;
  private final SystemEvents events;
  private final Scrub scrub;
  private long nextNanos; // of the thread of the pass
  private volatile boolean stopped;
  private final AtomicLong pausedNanos = new AtomicLong();

  // Guarded by this.
  private @Nullable Thread running;

  Scrubber(Store store, ScrubOptions options, Clock clock, Timers timers, SystemEvents events) {
    this.store = store;
    this.options = options;
    this.clock = clock;
    this.timers = timers;
    this.events = events;
    scrub = new Scrub(store, this::before);
  }

  /** Begins to look whether a pass is due. */
  void start() {
    timers.after(LOOK_NANOS, this::look);
  }

  private void look() {
    if (stopped) {
      return;
    }
    if (isDue()) {
      run();
    }
    timers.after(LOOK_NANOS, this::look);
  }

  private boolean isDue() {
    Scrub.Stats stats = scrub.stats();
    // What was begun is ended, also when it was asked for and the interval is off.
    return stats.current().isPresent()
        || (options.isOn()
            && stats
                .last()
                .map(last ->
                    clock.wallMicros() - last.started()
                        >= TimeUnit.NANOSECONDS.toMicros(options.interval().toNanos()))
                .orElse(true));
  }

  /**
   * Begins a pass, unless one goes on.
   *
   * @return whether it was begun by this call
   */
  synchronized boolean run() {
    if (running != null || stopped) {
      return false;
    }
    running = Thread.ofPlatform().name("scrub").daemon().start(this::pass);
    return true;
  }

  private void pass() {
    try {
      scrub.begin();
      nextNanos = clock.monotonicNanos();
      boolean goesOn = true;
      while (goesOn && !stopped) {
        goesOn = scrub.step();
      }
      if (!goesOn) {
        scrub
            .stats()
            .last()
            .ifPresent(pass -> {
              LOG.info(
                  "scrub: pass {} read {} blocks, {} bytes; {} damaged",
                  pass.number(),
                  pass.blocks(),
                  pass.bytes(),
                  pass.damaged());
              events.scrub(new ScrubRun(pass));
            });
      }
    } catch (Scrub.Stopped stop) {
      LOG.debug("scrub goes on after the next start");
    } catch (RuntimeException failed) {
      LOG.error("scrub failed; it goes on later", failed);
    } finally {
      if (stopped) {
        scrub.save();
      }
      synchronized (this) {
        running = null;
      }
    }
  }

  /** Keeps to the rate, and waits while the device is busy. */
  private void before(int bytes) {
    long began = clock.monotonicNanos();
    nextNanos =
        Math.max(began - SLICE_NANOS, nextNanos) + (long) (bytes * 1e9 / options.effectiveRate());
    while (clock.monotonicNanos() < nextNanos) {
      rest(nextNanos - clock.monotonicNanos());
    }
    long since = clock.monotonicNanos();
    while (store.oldestUnsyncedMicros() > BUSY_MICROS
        && clock.monotonicNanos() - since < BUSY_NANOS) {
      rest(SLICE_NANOS);
    }
    pausedNanos.addAndGet(clock.monotonicNanos() - since);
  }

  private void rest(long nanos) {
    if (stopped) {
      throw new Scrub.Stopped();
    }
    LockSupport.parkNanos(Math.min(nanos, SLICE_NANOS));
  }

  /** What was found. */
  Scrub.Report report() {
    return scrub.report();
  }

  /** Numbers of this moment, for metrics. */
  Scrub.Stats stats() {
    return scrub.stats();
  }

  /** Time that passes have waited for a busy device since the start. */
  long pausedNanos() {
    return pausedNanos.get();
  }

  ScrubOptions options() {
    return options;
  }

  /** Stops a pass; the next start goes on with it. */
  @Override
  public void close() {
    stopped = true;
    Thread pass;
    synchronized (this) {
      pass = running;
    }
    if (pass != null) {
      LockSupport.unpark(pass);
      try {
        pass.join(TimeUnit.SECONDS.toMillis(5));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
