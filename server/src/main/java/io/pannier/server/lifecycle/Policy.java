package io.pannier.server.lifecycle;

import io.pannier.model.Names;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.server.events.LifecycleRun;
import io.pannier.server.lifecycle.LifecycleSettings.Mode;
import io.pannier.store.Bucket;
import io.pannier.store.Entry;
import io.pannier.store.Scheduler;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One policy and its work. Runs are rows of short tasks; each of them, and each change of the
 * policy, holds the lock. So whoever has changed the policy knows that nothing happens any more
 * under what it was before.
 */
final class Policy {
  private static final Logger LOG = LoggerFactory.getLogger("lifecycle");

  /** Until the next run of one that has handled nothing and not everything. */
  private static final long AT_ONCE_MILLIS = 100;

  /** Until the clock is looked at again. */
  private static final long DOUBT_MILLIS = 60_000;

  /** Soonest run behind a start. */
  private static final long SOON_MILLIS = 60_000;

  /** Between two saves of a mark that only passed what there is nothing to do for. */
  private static final long SAVE_NANOS = TimeUnit.SECONDS.toNanos(60);

  private final Lifecycles owner;

  /** Changed under the lock. */
  private volatile LifecycleTotals totals = LifecycleTotals.NONE;

  final String name;
  private final ReentrantLock lock = new ReentrantLock();

  /** What is kept, and shown; replaced under the lock. */
  private volatile State state;

  /** Why nothing is done for the time being. */
  private volatile @Nullable String pausedBy;

  private volatile boolean isProvisioned;

  // Guarded by the lock.
  private Plan plan;

  /** Which row of tasks counts: a change begins a new one. */
  private int round;

  private @Nullable Run run;
  private long savedAt;

  /**
   * What is kept of a policy.
   *
   * @param bucketId the bucket that it is about, whatever that is called
   * @param processedTo up to where records were handled, µs; empty: none yet
   * @param lastRun when the last run ended, µs; empty: none yet
   * @param since when the interval before the next run began, µs
   */
  record State(
      LifecycleSettings settings,
      int bucketId,
      OptionalLong processedTo,
      OptionalLong lastRun,
      long since) {
    State with(LifecycleSettings changed, int id) {
      return new State(changed, id, processedTo, lastRun, since);
    }
  }

  /** A run under way. */
  private record Run(int round, Mode mode, Window window, Work work, long beganNanos) {}

  Policy(Lifecycles owner, String name, State state) {
    this.owner = owner;
    this.name = name;
    this.state = state;
    plan = Plan.of(state.settings());
    savedAt = owner.clock.monotonicNanos() - SAVE_NANOS;
  }

  // ---------------------------------------------------------------- what it is

  State state() {
    return state;
  }

  /** Its settings with the name that the bucket has now. */
  LifecycleSettings settings() {
    LifecycleSettings kept = state.settings();
    return bucket().map(bucket -> kept.withBucket(bucket.name())).orElse(kept);
  }

  private Optional<Bucket> bucket() {
    return owner.store.findBucket(state.bucketId());
  }

  boolean isProvisioned() {
    return isProvisioned;
  }

  void markProvisioned() {
    isProvisioned = true;
  }

  /** Whether it will do anything; a disabled one waits, one without a bucket does not. */
  boolean isRunning() {
    return bucket().isPresent();
  }

  /** Why nothing is done although it is enabled; empty: nothing stands in the way. */
  Optional<String> obstacle() {
    return isRunning()
        ? Optional.ofNullable(pausedBy)
        : Optional.of("bucket '" + state.settings().bucket() + "' does not exist any more");
  }

  LifecycleTotals totals() {
    return totals;
  }

  // ---------------------------------------------------------------- changes

  /** Takes other settings and begins to wait for its next run anew. */
  void change(LifecycleSettings settings, int bucketId) {
    Plan understood = Plan.of(settings);
    lock.lock();
    try {
      State before = state;
      boolean isTheSame =
          before.bucketId() == bucketId && before.settings().type() == settings.type();
      state =
          new State(
              settings,
              bucketId,
              isTheSame ? before.processedTo() : OptionalLong.empty(),
              before.lastRun(),
              owner.clock.wallMicros());
      saveOr(before);
      plan = understood;
      pausedBy = null;
      stopRun("stopped: the policy was changed");
      runIn(intervalMillis());
    } finally {
      lock.unlock();
    }
  }

  /** Takes another mode; when this returns, nothing happens under the old one any more. */
  void changeMode(Mode mode) {
    lock.lock();
    try {
      State before = state;
      if (before.settings().mode() == mode) {
        return;
      }
      state = before.with(before.settings().withMode(mode), before.bucketId());
      saveOr(before);
      pausedBy = null;
      if (run != null) {
        stopRun("stopped: the mode was changed");
        runIn(intervalMillis());
      }
    } finally {
      lock.unlock();
    }
  }

  /** Does nothing any more. */
  void end() {
    lock.lock();
    try {
      stopRun("stopped: the policy was removed");
      round++;
    } finally {
      lock.unlock();
    }
  }

  /** The server stops: what is under way is taken up by the next run. */
  void pause() {
    lock.lock();
    try {
      stopRun("stopped: the server stops");
      round++;
    } finally {
      lock.unlock();
    }
  }

  private void saveOr(State before) {
    boolean saved = false;
    try {
      owner.save();
      saved = true;
    } finally {
      if (!saved) {
        state = before;
      }
    }
  }

  // ---------------------------------------------------------------- work

  /** Begins to wait for the first run since the start of the server. */
  void begin() {
    lock.lock();
    try {
      // A robot that never runs for a whole interval must get its turn too.
      long waited = (owner.clock.wallMicros() - state.since()) / 1_000;
      long interval = intervalMillis();
      runIn(waited < 0 ? interval : Math.clamp(interval - waited, SOON_MILLIS, interval));
    } finally {
      lock.unlock();
    }
  }

  private long intervalMillis() {
    return plan.interval() / 1_000;
  }

  private void runIn(long millis) {
    int mine = ++round;
    owner.scheduler.runLater(Scheduler.Lane.BACKGROUND, millis, () -> beginRun(mine));
  }

  private void beginRun(int mine) {
    lock.lock();
    try {
      if (mine != round || run != null) {
        return;
      }
      Mode mode = state.settings().mode();
      if (mode == Mode.DISABLED) {
        runIn(intervalMillis());
        return;
      }
      Bucket bucket = bucket().orElse(null);
      if (bucket == null) {
        LOG.warn("{}: its bucket does not exist any more; it stops", name);
        tell(404, obstacle().orElse(""), 0, 0, 0, false);
        return; // Until somebody changes it.
      }
      if (isPaused(mode)) {
        runIn(Math.min(DOUBT_MILLIS, intervalMillis()));
        return;
      }
      List<Entry> entries =
          bucket.entries().stream()
              .filter(entry -> !Names.isMeta(entry.name()) && plan.entries().matches(entry.name()))
              .toList();
      Window window = Window.of(entries, state.processedTo(), plan, owner.clock.wallMicros());
      Work work = work(entries, window, mode);
      run = new Run(mine, mode, window, work, owner.clock.monotonicNanos());
      owner.scheduler.run(Scheduler.Lane.BACKGROUND, () -> step(mine));
    } catch (RuntimeException failed) {
      failed(failed);
    } finally {
      lock.unlock();
    }
  }

  private Work work(List<Entry> entries, Window window, Mode mode) {
    boolean isDry = mode == Mode.DRY_RUN;
    return switch (state.settings().type()) {
      case DELETE -> new DeleteWork(entries, window, plan.when(), isDry);
      case COMPRESS -> new CompressWork(entries, window, isDry);
    };
  }

  /** Whether what it would destroy must stay because the clock is not to be believed. */
  private boolean isPaused(Mode mode) {
    String doubt =
        mode == Mode.ENABLED && state.settings().type() == LifecycleSettings.Type.DELETE
            ? owner.watch.doubt(owner.store)
            : null;
    pausedFor(doubt);
    return doubt != null;
  }

  private void pausedFor(@Nullable String doubt) {
    String before = pausedBy;
    pausedBy = doubt;
    if (doubt != null && before == null) {
      LOG.warn("{}: paused, for {}", name, doubt);
      tell(503, "paused: " + doubt, 0, 0, 0, false);
    } else if (doubt == null && before != null) {
      LOG.info("{}: goes on", name);
    }
  }

  private void step(int mine) {
    lock.lock();
    try {
      Run now = run;
      if (now == null || now.round() != mine) {
        return;
      }
      if (bucket().isEmpty()) {
        stopRun("stopped: the bucket was removed");
        runIn(0);
        return;
      }
      String doubt = isDestructive(now.mode()) ? owner.watch.doubt() : null;
      if (doubt != null) {
        stopRun("stopped: " + doubt);
        pausedFor(doubt);
        runIn(Math.min(DOUBT_MILLIS, intervalMillis()));
        return;
      }
      if (now.work().step()) {
        owner.scheduler.run(Scheduler.Lane.BACKGROUND, () -> step(mine));
      } else {
        finish(now);
      }
    } catch (RuntimeException failed) {
      failed(failed);
    } finally {
      lock.unlock();
    }
  }

  private boolean isDestructive(Mode mode) {
    return mode == Mode.ENABLED && state.settings().type() == LifecycleSettings.Type.DELETE;
  }

  private void finish(Run done) {
    run = null;
    Window window = done.window();
    long records = done.work().records();
    long now = owner.clock.wallMicros();
    State before = state;
    OptionalLong mark = before.processedTo();
    if (!window.equals(Window.NONE)
        && (mark.isEmpty() || Timestamp.isAfter(window.stop(), mark.getAsLong()))) {
      mark = OptionalLong.of(window.stop());
    }
    state = new State(before.settings(), before.bucketId(), mark, OptionalLong.of(now), now);
    boolean isIdle = records == 0 && done.work().blocks() == 0;
    saveMark(isIdle && !window.reachesAll());
    tell(
        200,
        "",
        owner.clock.monotonicNanos() - done.beganNanos(),
        records,
        done.work().blocks(),
        window.reachesAll());
    LOG.info(
        "{}: {}{} {} records, {} blocks{}",
        name,
        done.mode() == Mode.DRY_RUN ? "would " : "",
        LifecycleJson.text(state.settings().type()),
        records,
        done.work().blocks(),
        window.reachesAll() ? "" : ", more is left");
    runIn(isIdle && !window.reachesAll() ? AT_ONCE_MILLIS : intervalMillis());
  }

  /** Keeps the mark; lost, it costs the next runs a look at what is done already. */
  private void saveMark(boolean canWait) {
    long now = owner.clock.monotonicNanos();
    if (canWait && now - savedAt < SAVE_NANOS) {
      return;
    }
    savedAt = now;
    try {
      owner.save();
    } catch (PannierException failed) {
      LOG.warn("{}: its progress could not be stored", name, failed);
    }
  }

  /** Ends a run before it is done; what it did stands, its mark stays where it was. */
  private void stopRun(String why) {
    Run now = run;
    if (now != null) {
      run = null;
      LOG.info("{}: {}", name, why);
      tell(
          409,
          why,
          owner.clock.monotonicNanos() - now.beganNanos(),
          now.work().records(),
          now.work().blocks(),
          false);
    }
  }

  private void failed(RuntimeException failure) {
    Run now = run;
    run = null;
    LOG.error("{}: run failed", name, failure);
    tell(
        owner.status(failure),
        failure.getMessage() == null ? failure.toString() : failure.getMessage(),
        now == null ? 0 : owner.clock.monotonicNanos() - now.beganNanos(),
        now == null ? 0 : now.work().records(),
        now == null ? 0 : now.work().blocks(),
        false);
    runIn(intervalMillis());
  }

  private void tell(
      int status, String message, long nanos, long records, long blocks, boolean caughtUp) {
    State now = state;
    totals = totals.and(status != 200, records, blocks);
    owner.events.lifecycle(
        new LifecycleRun(
            name,
            status,
            message,
            LifecycleJson.text(now.settings().type()),
            settings().bucket(),
            nanos,
            records,
            blocks,
            caughtUp,
            now.processedTo()));
  }
}
