package io.pannier.query;

import io.pannier.model.PannierException;
import io.pannier.model.Refusal;
import io.pannier.query.ext.Item;
import io.pannier.store.StoredRecord;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * The extensions of one query at work. They work while a read waits for what they make, and a
 * little ahead: a read that gave up waiting leaves them to finish what they have in hands, and a
 * later one finds it. They have one of the threads for extensions for a short turn, then go behind
 * the other queries.
 *
 * <p>Where what becomes of a record depends on that record alone, there are several {@link Lane
 * lanes}, each with steps of its own and a record at a time. What they make is told in the order of
 * the records: that of the first record at once, that of the others when those before them are
 * through.
 */
final class Extraction {
  /** What may lie ready. */
  private static final int READY_MAX = 256;

  private static final long READY_BYTES_MAX = 8L << 20;

  /** Records looked up ahead in one go. */
  private static final int RECORDS_AHEAD = 16;

  /** Records for each lane that are begun and not told. */
  private static final int BEGUN_MAX = 4;

  private final Query query;
  private final Extensions extensions;
  private final List<Lane> lanes = new ArrayList<>();

  // ---- guarded by feeding

  /** Held by the turn that looks for records. */
  private final Object feeding = new Object();

  /** Records that were found and not begun. */
  private final ArrayDeque<StoredRecord> records = new ArrayDeque<>();

  private boolean recordsAreAll;

  // ---- guarded by this

  /** What is to be told next: an {@link Item} or a {@link PannierException}. */
  private final Queue<Object> ready = new ArrayDeque<>();

  private long readyBytes;

  /** What several lanes make, record by record in the order of the query. */
  private final ArrayDeque<Made> making = new ArrayDeque<>();

  /** What lies in {@link #making}. */
  private int made;

  private long madeBytes;

  /** How many items were given so far. */
  private long given;

  /** Whether a read waits. */
  private boolean wanted;

  /** Whether no further record is begun. */
  private boolean exhausted;

  /** Whether nothing will come any more. */
  private boolean finished;

  /** Whether a continuous query has nothing new at this moment. */
  private boolean dry;

  private boolean closed;

  /** Whether something came since a read looked. */
  private volatile boolean news;

  /** What is made of one record, as far as it is not told. */
  static final class Made {
    private final ArrayDeque<Object> outputs = new ArrayDeque<>();
    private long bytes;
    private boolean isAll;
  }

  Extraction(Query query, Extensions extensions, QueryWork work) {
    this.query = query;
    this.extensions = extensions;
    lanes.add(new Lane(this, query, extensions, work));
  }

  /** Where its steps are added before anybody reads. */
  Lane firstLane() {
    return lanes.getFirst();
  }

  /** Another lane, whose steps are to be those of the first, each of them independent. */
  Lane addLane() {
    var lane = new Lane(this, query, extensions, firstLane().work().beside());
    lanes.add(lane);
    return lane;
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
    if (dry && !firstLane().working && !query.hasMarks()) {
      return Look.DRY;
    }
    wanted = true;
    for (Lane lane : lanes) {
      if (!lane.working && (lane.record != null || !exhausted) && !hasEnough(lane)) {
        lane.working = true;
        start(lane);
      }
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

  /**
   * Once the end was met: how many records were worked on, except those that vanished meanwhile.
   */
  synchronized long records() {
    return lanes.stream().mapToLong(lane -> lane.pipeline().records()).sum();
  }

  /** Whether the query was given up. */
  synchronized boolean isClosed() {
    return closed;
  }

  private static void start(Lane lane) {
    try {
      lane.start();
    } catch (RejectedExecutionException stopping) {
      lane.working = false;
      throw new PannierException.Unavailable(Refusal.STOPPING, "Server is stopping", 1);
    }
  }

  // ---------------------------------------------------------------- for lanes

  /** A turn of a lane begins. */
  void enter() {
    synchronized (feeding) {
      query.admitMarked();
    }
    synchronized (this) {
      dry = false;
    }
  }

  /** Whether a lane should leave off for now. */
  synchronized boolean hasEnough(Lane lane) {
    if (closed || finished || lane.abandoned || (!wanted && !ready.isEmpty())) {
      return true;
    }
    boolean isFirst = lane.record == null ? making.isEmpty() : lane.record == making.peek();
    if (isFirst) {
      // Whatever the others hold: they wait for this one.
      return ready.size() >= READY_MAX || readyBytes >= READY_BYTES_MAX;
    }
    return ready.size() + made >= READY_MAX
        || readyBytes + madeBytes >= READY_BYTES_MAX
        || (lane.record == null && making.size() >= BEGUN_MAX * lanes.size());
  }

  /**
   * The next record for a lane that has none in work.
   *
   * @throws PannierException to be told in its place
   */
  @Nullable Item next(Lane lane) {
    synchronized (feeding) {
      StoredRecord next;
      try {
        if (records.isEmpty() && !recordsAreAll) {
          recordsAreAll = query.feed(new Ahead(records), lane.work()::isStopped);
        }
        next = records.poll();
      } catch (PannierException e) {
        boolean isLast = query.hasConditionFailed();
        if (isLast) {
          // What was found together with it is not given.
          records.clear();
          recordsAreAll = true;
        }
        begin(lane, isLast);
        throw e;
      }
      if (next == null) {
        return null;
      }
      begin(lane, false);
      return new StoredItem(next);
    }
  }

  /**
   * A lane has a record in work. Called before another can look for one: this is the order in which
   * they are told.
   */
  private synchronized void begin(Lane lane, boolean isLast) {
    if (lanes.size() > 1) {
      var begun = new Made();
      lane.record = begun;
      making.add(begun);
    }
    exhausted = exhausted || isLast;
  }

  /** Takes what a lane made: an item, or an error. */
  synchronized void offer(Lane lane, Object next, long bytes) {
    if (lane.abandoned || closed) {
      if (next instanceof Item item) {
        item.body().close();
      }
      return;
    }
    Made of = lane.record;
    if (of == null) {
      ready.add(next);
      readyBytes += bytes;
    } else {
      of.outputs.add(next);
      of.bytes += bytes;
      made++;
      madeBytes += bytes;
    }
    handOver();
  }

  /**
   * A lane is through with its record, or none came.
   *
   * @return whether it may look for another
   */
  synchronized boolean endRecord(Lane lane) {
    Made of = lane.record;
    if (of != null) {
      of.isAll = true;
      lane.record = null;
    } else if (query.options().continuous()) {
      dry = true;
    } else {
      exhausted = true;
    }
    handOver();
    return of != null;
  }

  /** Has what was made of the first record told, and of those behind it when it is through. */
  private void handOver() {
    for (Made first = making.peek(); first != null; first = making.peek()) {
      made -= first.outputs.size();
      madeBytes -= first.bytes;
      ready.addAll(first.outputs);
      readyBytes += first.bytes;
      first.outputs.clear();
      first.bytes = 0;
      if (!first.isAll) {
        return;
      }
      making.remove();
    }
    finished = finished || exhausted;
  }

  /** A lane leaves its thread. Returns whether that was its last turn. */
  synchronized boolean leave(Lane lane, boolean again) {
    boolean isLast = closed || lane.abandoned;
    if (lane.abandoned) {
      extensions.threadCameBack();
    }
    lane.working = again && !isLast;
    news = true;
    return isLast;
  }

  /** A lane does not stop: it is left to itself, and nothing more is begun. */
  synchronized void abandon(Lane lane) {
    offer(
        lane, new PannierException.Internal("Extension did not stop when it was told to", null), 0);
    lane.abandoned = true;
    if (lane.record != null) {
      lane.record.isAll = true;
    }
    exhausted = true;
    handOver();
    news = true;
    extensions.threadIsLost();
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

  // ---------------------------------------------------------------- end

  /** Closes the steps of a query that was refused. */
  void abort() {
    lanes.forEach(lane -> lane.pipeline().close());
  }

  /** Ends it; what is in work is given up. */
  void close() {
    var left = new ArrayList<Object>();
    var idle = new ArrayList<Lane>();
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      left.addAll(ready);
      ready.clear();
      making.forEach(of -> left.addAll(of.outputs));
      making.clear();
      for (Lane lane : lanes) {
        if (!lane.working && !lane.abandoned) {
          idle.add(lane);
        }
      }
    }
    lanes.forEach(lane -> lane.work().stop());
    for (Object one : left) {
      if (one instanceof Item item) {
        item.body().close();
      }
    }
    idle.forEach(Lane::close);
  }
}
