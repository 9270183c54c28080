package io.pannier.query;

import io.pannier.model.PannierException;
import io.pannier.query.ext.Item;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The steps of a query on one thread: they take a record from their {@link Extraction}, and give it
 * what they make of it. A lane that is alone takes record after record; of several, each has one in
 * work. Works in turns, each on whatever thread for extensions is free.
 */
final class Lane {
  private static final Logger LOG = LoggerFactory.getLogger(Lane.class);

  /** How long others wait at most while an extension keeps to the rules. */
  private static final long TURN_NANOS = 20_000_000;

  /** Items after which a waiting read is told although the turn is not over. */
  private static final int TELL_EACH = 64;

  /** A record may take that many times its CPU time by the clock. */
  private static final int WALL_TIMES = 10;

  /** How long a step may go on after it was told to stop. */
  private static final long GRACE_NANOS = 5_000_000_000L;

  private final Extraction extraction;
  private final Query query;
  private final Extensions extensions;
  private final QueryWork work;
  private final Pipeline pipeline;
  private final Executor threads;

  // ---- guarded by the extraction

  /** Whether a turn is under way or asked for. */
  boolean working;

  /** Whether its thread was left to a step that does not stop. */
  boolean abandoned;

  /** What is made of the record in work; null where there is none, or one lane only. */
  Extraction.@Nullable Made record;

  // ---- guarded by this

  private long turn;

  Lane(Extraction extraction, Query query, Extensions extensions, QueryWork work) {
    this.extraction = extraction;
    this.query = query;
    this.extensions = extensions;
    this.work = work;
    threads = extensions.threads();
    pipeline = new Pipeline(this::nextRecord, work::isTurnOver, work::newUnit);
  }

  Pipeline pipeline() {
    return pipeline;
  }

  QueryWork work() {
    return work;
  }

  /**
   * Asks for a turn.
   *
   * @throws RejectedExecutionException when there are no threads any more
   */
  void start() {
    threads.execute(this::turn);
  }

  /** Closes the steps, when no turn is under way. */
  void close() {
    try {
      threads.execute(pipeline::close);
    } catch (RejectedExecutionException stopping) {
      pipeline.close();
    }
  }

  private void turn() {
    long number = nextTurn();
    Timers.Timer watch = watch(number);
    work.begin(TURN_NANOS);
    boolean again = false;
    try {
      extraction.enter();
      again = workOn();
    } finally {
      work.end();
      watch.cancel();
      leave(again);
    }
  }

  /** Works until there is nothing to do, nobody wants more, or others wait. True: to go on. */
  private boolean workOn() {
    for (int made = 1; ; made++) {
      if (extraction.hasEnough(this)) {
        return false;
      }
      Pipeline.Pulled pulled;
      try {
        pulled = pipeline.pull();
      } catch (PannierException e) {
        extraction.offer(this, e, 0);
        return false;
      }
      switch (pulled) {
        case ITEM -> {
          Item item = pipeline.item();
          extraction.offer(this, item, item.body().length());
          if (made % TELL_EACH == 0) {
            query.wakeRead();
          }
        }
        case PAUSE -> {
          return true;
        }
        case DRY -> {
          if (!extraction.endRecord(this)) {
            return false;
          }
        }
      }
    }
  }

  private @Nullable Item nextRecord() {
    // Only this lane sets it: the record in work ends before the next begins.
    return record != null ? null : extraction.next(this);
  }

  private void leave(boolean again) {
    nextTurn();
    if (extraction.leave(this, again)) {
      pipeline.close();
      return;
    }
    if (again) {
      try {
        start();
      } catch (RejectedExecutionException stopping) {
        extraction.leave(this, false);
        pipeline.close();
        return;
      }
    }
    query.wakeRead();
  }

  // ---------------------------------------------------------------- steps that do not stop

  private synchronized long nextTurn() {
    return ++turn;
  }

  private synchronized boolean isOver(long number) {
    return turn != number;
  }

  private Timers.Timer watch(long number) {
    var next = new Rearmed();
    next.arm(() -> look(number, next), extensions.firstLookNanos());
    return next;
  }

  private void look(long number, Rearmed watch) {
    if (isOver(number)) {
      return;
    }
    if (work.watch(WALL_TIMES * extensions.options().cpuNanosPerRecord())) {
      watch.arm(() -> abandon(number), GRACE_NANOS);
    } else {
      watch.arm(
          () -> look(number, watch),
          Math.max(extensions.firstLookNanos() / 8, work.cpuNanosLeft()));
    }
  }

  /** Leaves the thread of this turn to itself: others get a new one. */
  private void abandon(long number) {
    synchronized (this) {
      if (turn != number) {
        return;
      }
      extraction.abandon(this);
    }
    LOG.error("an extension of query {} does not stop; its thread is left to itself", query.id());
    query.wakeRead();
  }

  /** A timer that is set anew by itself. */
  private final class Rearmed implements Timers.Timer {
    private Timers.@Nullable Timer timer;
    private boolean cancelled;

    synchronized void arm(Runnable task, long nanos) {
      if (!cancelled) {
        timer = extensions.timers().after(nanos, task);
      }
    }

    @Override
    public synchronized void cancel() {
      cancelled = true;
      if (timer != null) {
        timer.cancel();
      }
    }
  }
}
