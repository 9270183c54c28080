package io.pannier.client;

import io.pannier.model.Clock;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets so many bytes pass in a second and makes whoever sends more wait: a token bucket that may be
 * overdrawn by one piece, so that the rate is kept exactly over any longer time. Any thread may
 * call.
 */
public final class Throttle {
  /** Everything passes at once. */
  public static final Throttle NONE = new Throttle(ignored(), (changed, nanos) -> {});

  /** Slowest rate: below it a piece takes so long that either side would take the link for dead. */
  public static final long MIN_BYTES_PER_SECOND = 1024;

  /** Bytes that pass without a wait after a pause: an eighth of a second. */
  private static final int BURSTS_PER_SECOND = 8;

  private static final int PIECE_MIN = 256;

  /** Longest wait without a look at the rate. */
  private static final long WAIT_MAX_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

  /** Waits; in production by the condition, in tests by turning a clock. */
  @FunctionalInterface
  public interface Waiting {
    /** Waits until the rate changes, or so long. */
    void await(Condition changed, long nanos) throws InterruptedException;
  }

  private final Clock clock;
  private final Waiting waiting;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /** 0: no limit. */
  private volatile long bytesPerSecond;

  private double tokens;
  private long filledNanos;

  /** Without a limit for now. */
  public Throttle(Clock clock) {
    this(
        clock,
        (changed, nanos) -> {
          long left = nanos;
          while (left > 0) {
            left = changed.awaitNanos(left);
            if (left > 0) {
              return; // the rate has changed
            }
          }
        });
  }

  /** The same with another way to wait. */
  public Throttle(Clock clock, Waiting waiting) {
    this.clock = clock;
    this.waiting = waiting;
  }

  private static Clock ignored() {
    return new Clock() {
      @Override
      public long wallMicros() {
        return 0;
      }

      @Override
      public long monotonicNanos() {
        return 0;
      }
    };
  }

  /** Another rate, also for who is waiting; 0: no limit. */
  public void limit(long newBytesPerSecond) {
    lock.lock();
    try {
      bytesPerSecond = newBytesPerSecond;
      tokens = 0;
      filledNanos = clock.monotonicNanos();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Most bytes to be sent in one go, so that they flow and do not come in bursts. */
  int piece(int most) {
    long now = bytesPerSecond;
    return now == 0 ? most : Math.clamp(now / BURSTS_PER_SECOND, PIECE_MIN, most);
  }

  /** Waits until these bytes may be sent. */
  void take(int bytes) {
    if (bytesPerSecond == 0) {
      return;
    }
    lock.lock();
    try {
      fill();
      tokens -= bytes;
      while (tokens < 0 && bytesPerSecond > 0) {
        double nanos = Math.ceil(-tokens * 1e9 / bytesPerSecond);
        waiting.await(changed, Math.clamp((long) nanos, 1, WAIT_MAX_NANOS));
        fill();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the link is closed by whoever interrupts
    } finally {
      lock.unlock();
    }
  }

  private void fill() {
    long now = clock.monotonicNanos();
    long rate = bytesPerSecond;
    double most = (double) rate / BURSTS_PER_SECOND;
    tokens = Math.min(most, tokens + (now - filledNanos) * (rate / 1e9));
    filledNanos = now;
  }
}
