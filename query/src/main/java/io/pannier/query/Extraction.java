package io.pannier.query;

import io.pannier.model.PannierException;
import io.pannier.model.Refusal;
import io.pannier.query.ext.Item;
import io.pannier.store.StoredRecord;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The extensions of one query at work. They work while a read waits for what they make, and a
 * little ahead: a read that gave up waiting leaves them to finish what they have in hands, and a
 * later one finds it. They have one of the threads for extensions for a short turn, then go behind
 * the other queries.
 */
final class Extraction {
  private static final Logger LOG = LoggerFactory.getLogger(Extraction.class);

  /** How long others wait at most while an extension keeps to the rules. */
  private static final long TURN_NANOS = 20_000_000;

  /** What may lie ready. */
  private static final int READY_MAX = 256;

  private static final long READY_BYTES_MAX = 8L << 20;

  /** Items after which a waiting read is told although the turn is not over. */
  private static final int TELL_EACH = 64;

  /** Records looked up ahead in one go. */
  private static final int RECORDS_AHEAD = 16;

  /** A record may take that many times its CPU time by the clock. */
  private static final int WALL_TIMES = 10;

  /** How long a step may go on after it was told to stop. */
  private static final long GRACE_NANOS = 5_000_000_000L;

  private final Query query;
  private final Extensions extensions;
  private final Pipeline pipeline;
  private final QueryWork work;
  private final Executor threads;

  /** Records that were found and not begun; used by the turn under way. */
  private final ArrayDeque<StoredRecord> records = new ArrayDeque<>();

  private boolean recordsAreAll;

  // ---- guarded by this

  /** What is to be told next: an {@link Item} or a {@link PannierException}. */
  private final Queue<Object> ready = new ArrayDeque<>();

  private long readyBytes;

  /** How many items were given so far. */
  private long given;

  /** Whether a turn is under way or asked for. */
  private boolean working;

  /** Whether a read waits. */
  private boolean wanted;

  /** Whether nothing will come any more. */
  private boolean finished;

  /** Whether a continuous query has nothing new at this moment. */
  private boolean dry;

  private boolean closed;
  private boolean abandoned;
  private long turn;

  /** Whether something came since a read looked. */
  private volatile boolean news;

  Extraction(Query query, Extensions extensions, QueryWork work) {
    this.query = query;
    this.extensions = extensions;
    this.work = work;
    threads = extensions.threads();
    pipeline = new Pipeline(this::nextRecord, work::isTurnOver, work::newUnit);
  }

  /** Where its steps are added before anybody reads. */
  Pipeline pipeline() {
    return pipeline;
  }

  // ---------------------------------------------------------------- for reads

  /** What a look brought. */
  enum Look {
    /** The sink took all there was; more will come. */
    WAIT,
    /** More will come when somebody commits. */
    DRY,
    /** The sink is full, or something stands behind what it took. */
    STOP,
    /** The end was met. */
    END,
    /** The query was given up. */
    CLOSED
  }

  /** Whether something came since the last look. */
  boolean hasNews() {
    return news;
  }

  /** How many items were given so far. */
  synchronized long given() {
    return given;
  }

  /**
   * Gives what lies ready, and has more made.
   *
   * @throws PannierException when that is next and the sink is empty
   */
  synchronized Look give(ItemSink sink) {
    news = false;
    wanted = false;
    while (!ready.isEmpty()) {
      if (sink.isFull()) {
        return Look.STOP;
      }
      if (ready.peek() instanceof Item item) {
        if (!takes(sink, item)) {
          return Look.STOP;
        }
        readyBytes -= item.body().length();
        ready.remove();
        given++;
      } else if (sink.isEmpty() && ready.remove() instanceof PannierException error) {
        throw error;
      } else {
        return Look.STOP;
      }
    }
    if (closed) {
      return Look.CLOSED;
    }
    if (finished) {
      return Look.END;
    }
    if (sink.isFull()) {
      return Look.STOP;
    }
    if (dry && !working && !query.hasMarks()) {
      return Look.DRY;
    }
    wanted = true;
    if (!working) {
      working = true;
      startTurn();
    }
    return Look.WAIT;
  }

  /** Whether the sink took it; an error waits for the next read if there is something to give. */
  private static boolean takes(ItemSink sink, Item item) {
    try {
      return sink.add(item);
    } catch (PannierException e) {
      if (sink.isEmpty()) {
        throw e;
      }
      return false;
    }
  }

  /** Whether the query was given up. */
  synchronized boolean isClosed() {
    return closed;
  }

  private void startTurn() {
    try {
      threads.execute(this::turn);
    } catch (RejectedExecutionException stopping) {
      working = false;
      throw new PannierException.Unavailable(Refusal.STOPPING, "Server is stopping", 1);
    }
  }

  // ---------------------------------------------------------------- a turn

  private void turn() {
    long number;
    synchronized (this) {
      number = ++turn;
    }
    Timers.Timer watch = watch(number);
    work.begin(TURN_NANOS);
    boolean again = false;
    try {
      query.admitMarked();
      again = workOn();
    } finally {
      work.end();
      watch.cancel();
      leave(again);
    }
  }

  /** Works until there is nothing to do, nobody wants more, or others wait. True: to go on. */
  private boolean workOn() {
    synchronized (this) {
      dry = false;
    }
    for (int made = 1; ; made++) {
      if (hasEnough()) {
        return false;
      }
      Pipeline.Pulled pulled;
      try {
        pulled = pipeline.pull();
      } catch (PannierException e) {
        offer(e, 0);
        return false;
      }
      switch (pulled) {
        case ITEM -> {
          Item item = pipeline.item();
          offer(item, item.body().length());
          if (made % TELL_EACH == 0) {
            query.wakeRead();
          }
        }
        case PAUSE -> {
          return true;
        }
        case DRY -> {
          synchronized (this) {
            if (query.options().continuous()) {
              dry = true;
            } else {
              finished = true;
            }
          }
          return false;
        }
      }
    }
  }

  private synchronized boolean hasEnough() {
    return closed
        || finished
        || abandoned
        || ready.size() >= READY_MAX
        || readyBytes >= READY_BYTES_MAX
        || (!wanted && !ready.isEmpty());
  }

  private synchronized void offer(Object next, long bytes) {
    if (abandoned || closed) {
      if (next instanceof Item item) {
        item.body().close();
      }
      return;
    }
    ready.add(next);
    readyBytes += bytes;
    if (next instanceof PannierException && query.hasConditionFailed()) {
      finished = true;
    }
  }

  private void leave(boolean again) {
    boolean isLast;
    synchronized (this) {
      turn++;
      isLast = closed || abandoned;
      if (abandoned) {
        extensions.threadCameBack();
      }
      working = again && !isLast;
      news = true;
    }
    if (isLast) {
      pipeline.close();
      return;
    }
    if (again) {
      try {
        threads.execute(this::turn);
      } catch (RejectedExecutionException stopping) {
        synchronized (this) {
          working = false;
        }
        pipeline.close();
        return;
      }
    }
    query.wakeRead();
  }

  private @Nullable Item nextRecord() {
    if (records.isEmpty() && !recordsAreAll) {
      recordsAreAll = query.feed(new Ahead(records), work::isStopped);
    }
    StoredRecord next = records.poll();
    return next == null ? null : new StoredItem(next);
  }

  /** Takes records as they are found; nothing of them is read yet. */
  private record Ahead(ArrayDeque<StoredRecord> records) implements BatchSink {
    @Override
    public boolean add(StoredRecord record) {
      record.requireIntact();
      records.add(record);
      return true;
    }

    @Override
    public boolean isEmpty() {
      return records.isEmpty();
    }

    @Override
    public boolean isFull() {
      return records.size() >= RECORDS_AHEAD;
    }

    @Override
    public int maxRecords() {
      return RECORDS_AHEAD;
    }
  }

  // ---------------------------------------------------------------- steps that do not stop

  private Timers.Timer watch(long number) {
    var next = new Rearmed();
    next.arm(() -> look(number, next), extensions.firstLookNanos());
    return next;
  }

  private void look(long number, Rearmed watch) {
    synchronized (this) {
      if (turn != number) {
        return;
      }
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
      if (turn != number || abandoned) {
        return;
      }
      offer(new PannierException.Internal("Extension did not stop when it was told to", null), 0);
      abandoned = true;
      finished = true;
      news = true;
      extensions.threadIsLost();
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

  // ---------------------------------------------------------------- end

  /** Ends it; what is in work is given up. */
  void close() {
    List<Object> left;
    boolean isIdle;
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      left = List.copyOf(ready);
      ready.clear();
      isIdle = !working && !abandoned;
    }
    work.stop();
    for (Object one : left) {
      if (one instanceof Item item) {
        item.body().close();
      }
    }
    if (isIdle) {
      try {
        threads.execute(pipeline::close);
      } catch (RejectedExecutionException stopping) {
        pipeline.close();
      }
    }
  }
}
