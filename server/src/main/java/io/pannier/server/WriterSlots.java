package io.pannier.server;

import io.pannier.model.PannierException;
import io.pannier.model.Refusal;
import io.pannier.query.Timers;
import io.pannier.server.http.BlockingHandler;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * How many uploads and batches are written at once. Who finds no slot waits for one without a
 * thread, first come first served, and is told 429 in the end. Small records, whose bodies are
 * gathered before the store hears of them, need none: they are written in one step.
 */
final class WriterSlots {
  private static final String EXCEEDED = "in-flight writers limit exceeded: try again later";

  private final int most;
  private final long waitNanos;
  private final Timers timers;
  private final ArrayDeque<Waiting> waiting = new ArrayDeque<>(0);
  private int inUse;

  private record Waiting(Call call, BlockingHandler handler) {}

  /**
   * @param io how many, and how long one waits
   */
  WriterSlots(IoLimits io, Timers timers) {
    most = io.writersMax();
    waitNanos = TimeUnit.MILLISECONDS.toNanos(io.operationMillis());
    this.timers = timers;
  }

  /**
   * How many write and wait.
   *
   * @param most that may write; 0: any number, and then they are not counted
   */
  record Stats(int inUse, int waiting, int most) {}

  Stats stats() {
    synchronized (waiting) {
      return new Stats(inUse, waiting.size(), most);
    }
  }

  /** Goes on with blocking code on a worker as soon as there is a slot. */
  void block(Call call, BlockingHandler handler) {
    if (most == 0) {
      call.block(handler);
      return;
    }
    var one = new Waiting(call, handler);
    synchronized (waiting) {
      if (inUse == most) {
        waiting.addLast(one);
      } else {
        inUse++;
        one = null;
      }
    }
    if (one == null) {
      start(call, handler);
    } else {
      await(one);
    }
  }

  private void await(Waiting one) {
    var timer = new AtomicReference<Timers.@Nullable Timer>();
    timer.set(
        timers.after(
            waitNanos,
            () -> {
              if (leave(one)) {
                one.call.fail(new PannierException.TooMany(Refusal.WRITERS, EXCEEDED, 1));
              }
            }));
    one.call
        .exchange()
        .onEnd(() -> {
          leave(one);
          Timers.Timer set = timer.get();
          if (set != null) {
            set.cancel();
          }
        });
  }

  private boolean leave(Waiting one) {
    synchronized (waiting) {
      return waiting.remove(one);
    }
  }

  private void start(Call call, BlockingHandler handler) {
    var begun = new AtomicBoolean();
    var given = new AtomicBoolean();
    // Where there is no worker for it, it ends without ever having begun.
    call.exchange()
        .onEnd(() -> {
          if (!begun.get()) {
            giveBack(given);
          }
        });
    call.block(ex -> {
      begun.set(true);
      try {
        handler.handle(ex);
      } finally {
        giveBack(given);
      }
    });
  }

  private void giveBack(AtomicBoolean given) {
    if (given.getAndSet(true)) {
      return;
    }
    Waiting next;
    synchronized (waiting) {
      next = waiting.pollFirst();
      if (next == null) {
        inUse--;
      }
    }
    if (next != null) {
      start(next.call, next.handler);
    }
  }
}
