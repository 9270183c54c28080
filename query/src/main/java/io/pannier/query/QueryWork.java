package io.pannier.query;

import io.pannier.model.Clock;
import io.pannier.model.PannierException;
import io.pannier.model.Refusal;
import io.pannier.query.ext.Spool;
import io.pannier.query.ext.Work;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongUnaryOperator;

/**
 * The bounds of one query's steps, or of one lane of them. CPU time is that of the thread that
 * works, counted for the stored record in work over all its turns.
 */
final class QueryWork implements Work {
  /** CPU time is asked for no more often than that by the clock, which costs less. */
  private static final long ASK_NANOS = 500_000;

  private final Clock clock;

  /** CPU time of a thread by its id, in nanoseconds; negative when nobody knows. */
  private final LongUnaryOperator cpuNanosOf;

  private final ExtensionOptions options;
  private final AtomicLong reserved;
  private final ScratchRoom scratch;

  private volatile boolean stopped;
  private volatile boolean overdue;
  private final Map<Long, Runnable> hooks = new HashMap<>();
  private long nextHook;

  // ---- the turn under way; written by its thread, under this

  private long thread = -1;
  private long cpuAtBegin;
  private long unitBeganNanos;

  /** CPU time that earlier turns took for the record in work. */
  private long cpuBefore;

  // ---- of its thread alone

  private long askedAtNanos;
  private long turnEndsNanos;

  QueryWork(Clock clock, LongUnaryOperator cpuNanosOf, ExtensionOptions options) {
    this(clock, cpuNanosOf, options, new AtomicLong(), new ScratchRoom(options.scratchBytes()));
  }

  private QueryWork(
      Clock clock,
      LongUnaryOperator cpuNanosOf,
      ExtensionOptions options,
      AtomicLong reserved,
      ScratchRoom scratch) {
    this.clock = clock;
    this.cpuNanosOf = cpuNanosOf;
    this.options = options;
    this.reserved = reserved;
    this.scratch = scratch;
  }

  /** The bounds of another thread for the same query, with which it shares memory and files. */
  QueryWork beside() {
    return new QueryWork(clock, cpuNanosOf, options, reserved, scratch);
  }

  // ---------------------------------------------------------------- turns

  /** The calling thread begins to work. */
  synchronized void begin(long turnNanos) {
    thread = Thread.currentThread().threadId();
    cpuAtBegin = cpuNanosOf.applyAsLong(thread);
    long now = clock.monotonicNanos();
    unitBeganNanos = now;
    askedAtNanos = now;
    turnEndsNanos = now + turnNanos;
  }

  /** The calling thread leaves off. */
  synchronized void end() {
    cpuBefore = cpuNanosUsed();
    thread = -1;
  }

  /** A stored record, or a flush, begins. */
  synchronized void newUnit() {
    overdue = false;
    unitBeganNanos = clock.monotonicNanos();
    cpuBefore = 0;
    if (thread >= 0) {
      cpuAtBegin = cpuNanosOf.applyAsLong(thread);
    }
  }

  /** Whether others should have their turn. Checks, too. */
  boolean isTurnOver() {
    check();
    return clock.monotonicNanos() - turnEndsNanos >= 0;
  }

  /** CPU time that the record in work has taken; from any thread. */
  synchronized long cpuNanosUsed() {
    long id = thread;
    return cpuBefore + (id < 0 ? 0 : Math.max(0, cpuNanosOf.applyAsLong(id) - cpuAtBegin));
  }

  /**
   * Looks from outside whether the record in work took too long, and stops it if so.
   *
   * @param wallNanosMax how long it may take by the clock in one turn
   */
  boolean watch(long wallNanosMax) {
    synchronized (this) {
      long wall = clock.monotonicNanos() - unitBeganNanos;
      if (thread < 0 || (wall < wallNanosMax && cpuNanosLeft() > 0)) {
        return false;
      }
      overdue = true;
    }
    runHooks();
    return true;
  }

  /** Nobody wants the result any more. */
  void stop() {
    stopped = true;
    runHooks();
  }

  boolean isStopped() {
    return stopped;
  }

  private void runHooks() {
    List<Runnable> now;
    synchronized (hooks) {
      now = List.copyOf(hooks.values());
    }
    now.forEach(Runnable::run);
  }

  // ---------------------------------------------------------------- what steps ask

  @Override
  public void check() {
    if (stopped) {
      throw new PannierException.Unavailable(Refusal.STOPPING, "Query was given up", 1);
    }
    long now = clock.monotonicNanos();
    if (overdue) {
      throw overdue();
    }
    if (now - askedAtNanos >= ASK_NANOS) {
      askedAtNanos = now;
      if (cpuNanosLeft() <= 0) {
        overdue = true;
        throw overdue();
      }
    }
  }

  private PannierException.Invalid overdue() {
    return new PannierException.Invalid(
        "Extensions took more than "
            + options.cpuNanosPerRecord() / 1_000_000
            + " ms of CPU time (PANNIER_EXT_CPU_TIME)");
  }

  @Override
  public long cpuNanosLeft() {
    return options.cpuNanosPerRecord() - cpuNanosUsed();
  }

  @Override
  public void reserve(long bytes) {
    if (bytes < 0 || reserved.addAndGet(bytes) > options.memoryBytes()) {
      reserved.addAndGet(-Math.max(0, bytes));
      throw new PannierException.Invalid(
          "Extensions need more than "
              + options.memoryBytes()
              + " bytes of memory (PANNIER_EXT_MEMORY)");
    }
  }

  @Override
  public void release(long bytes) {
    reserved.addAndGet(-bytes);
  }

  @Override
  public long memoryBytes() {
    return options.memoryBytes();
  }

  @Override
  public long memoryLeft() {
    return Math.max(0, options.memoryBytes() - reserved.get());
  }

  @Override
  public Hook onStop(Runnable hook) {
    long number;
    synchronized (hooks) {
      number = nextHook++;
      hooks.put(number, hook);
    }
    if (stopped || overdue) {
      hook.run();
    }
    return () -> {
      synchronized (hooks) {
        hooks.remove(number);
      }
    };
  }

  @Override
  public Spool spool() {
    return new FileSpool(scratch);
  }

  /** Room in temporary files, of one query. */
  static final class ScratchRoom {
    private final long max;
    private final AtomicLong used = new AtomicLong();

    ScratchRoom(long max) {
      this.max = max;
    }

    void take(long bytes) {
      if (used.addAndGet(bytes) > max) {
        used.addAndGet(-bytes);
        throw new PannierException.Invalid(
            "Extensions need more than "
                + max
                + " bytes in temporary files (PANNIER_EXT_SCRATCH_SIZE)");
      }
    }

    void give(long bytes) {
      used.addAndGet(-bytes);
    }
  }
}
