package io.pannier.query;

import io.pannier.model.PannierException;
import io.pannier.model.Refusal;
import io.pannier.model.Timestamp;
import io.pannier.store.Bucket;
import io.pannier.store.Entry;
import io.pannier.store.EntryInfo;
import io.pannier.store.Store;
import io.pannier.store.StoredRecord;
import io.pannier.store.TimeRange;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A query that is alive: records of one entry or many, by time, then by entry name, a batch per
 * read. Reads take turns in the order in which they came.
 *
 * <p>A continuous query with nothing new parks its read; a committing thread that touches one of
 * its entries, or makes a new one that the patterns choose, sends it off again. So nothing polls,
 * and a parked read holds no thread.
 */
public final class Query {
  private final Queries queries;
  private final long id;
  private final String owner;

  /** Of a continuous query on a replica those of the newest state; else they stay. */
  private volatile Bucket bucket;

  private volatile @Nullable Entry single;
  private final EntryPatterns patterns;
  private final QueryOptions options;
  private final TimeRange range;
  private final long ttlNanos;

  /**
   * Entries that may have something to give, the earliest first. Used by the read whose turn it is.
   */
  private final PriorityQueue<Cursor> sources = new PriorityQueue<>(Query::inOrder);

  /** Those in which this read looked ahead. */
  private final List<Cursor> looked = new ArrayList<>();

  /** How many entries this query has a position in; what {@link Queries} counts. */
  private final AtomicInteger positions = new AtomicInteger();

  /** Of a continuous query: its entries, and those that it was told of and does not want. */
  private final Map<Entry, Cursor> chosen = new ConcurrentHashMap<>();

  private final Set<Entry> ignored = ConcurrentHashMap.newKeySet();

  /** Entries in which something was committed since the read under way, or the last one, looked. */
  private final ConcurrentLinkedQueue<Cursor> marked = new ConcurrentLinkedQueue<>();

  /** The read that was parked last; whether it still is, says its stage. */
  private final AtomicReference<@Nullable Read> parked = new AtomicReference<>();

  private Bucket.@Nullable Registration registration;

  /**
   * The read whose turn it is, first, and those that wait for it. Guarded by itself, as is the next
   * field.
   */
  private final ArrayDeque<Read> turns = new ArrayDeque<>();

  private long expiresAtNanos;

  /** What makes items of its records; null in a plain query. Set before it is known to anybody. */
  private @Nullable Extraction extraction;

  private boolean atEnd;
  private boolean conditionFailed;
  private boolean endWasTold;
  private PannierException.@Nullable Damaged pending;

  Query(
      Queries queries,
      long id,
      String owner,
      Bucket bucket,
      @Nullable Entry single,
      QueryOptions options) {
    this.queries = queries;
    this.id = id;
    this.owner = owner;
    this.bucket = bucket;
    this.single = single;
    this.options = options;
    patterns = new EntryPatterns(options.entries().orElse(List.of()));
    range = options.range();
    ttlNanos = nanosOfSeconds(options.ttlSeconds());
    expiresAtNanos = queries.clock().monotonicNanos() + ttlNanos;
  }

  /** Chooses the entries, and listens for new records if the query is continuous. */
  void open() {
    if (options.continuous()) {
      registration = bucket.onCommit(this::committed);
    }
    Entry one = single;
    if (one != null) {
      add(one);
    } else {
      for (Entry entry : bucket.entries()) {
        if (patterns.matches(entry.name())) {
          add(entry);
        }
      }
    }
  }

  /** Hands its records to extensions. */
  void extend(Extraction by) {
    extraction = by;
  }

  /** Whether extensions make items of its records: it is read with an {@link ItemSink} then. */
  public boolean isExtended() {
    return extraction != null;
  }

  /** Once it was read to its end: how many records its extensions have worked on. */
  long recordsWorkedOn() {
    Extraction by = extraction;
    return by == null ? 0 : by.records();
  }

  private void add(Entry entry) {
    long from = range.start();
    if (!options.continuous() && single == null) {
      // Entries that have nothing to give, and those whose turn comes late, cost no look into their
      // files.
      EntryInfo info = entry.info();
      if (info.recordCount() == 0
          || Timestamp.isBefore(info.latestRecord(), from)
          || range.isPast(info.oldestRecord())) {
        return;
      }
      from = Timestamp.max(from, info.oldestRecord());
    }
    var cursor = cursor(entry, from);
    if (options.continuous() && chosen.putIfAbsent(entry, cursor) != null) {
      return;
    }
    if (!queries.takePosition()) {
      throw Queries.tooMany();
    }
    positions.incrementAndGet();
    cursor.isSource = true;
    sources.add(cursor);
  }

  private Cursor cursor(Entry entry, long from) {
    return new Cursor(entry, from, Selection.of(options, entry, range.start()));
  }

  /** What the client names it by. */
  public long id() {
    return id;
  }

  /** What was asked for. */
  public QueryOptions options() {
    return options;
  }

  boolean isOf(String someone) {
    return owner.equals(someone);
  }

  boolean belongsTo(String caller, Bucket toBucket, @Nullable Entry toEntry) {
    Entry one = single;
    boolean sameEntry =
        (one == null || toEntry == null) ? one == toEntry : one.id() == toEntry.id();
    return owner.equals(caller) && bucket.id() == toBucket.id() && sameEntry;
  }

  /** Whether it reads in this store, or state of one. */
  boolean isIn(Store store) {
    return bucket.isOf(store);
  }

  // ---------------------------------------------------------------- on a replica

  /** There is a newer state: a continuous query goes on in it, any other in the one it began in. */
  void stateCame() {
    Read waiting = parked.get();
    if (options.continuous() && waiting != null) {
      send(waiting, Stage.PARKED);
    }
  }

  private boolean isBehind() {
    Store newest = queries.newest();
    return options.continuous() && newest != null && !bucket.isOf(newest);
  }

  /** Goes on in the newest state, at the same positions; by the read whose turn it is. */
  private void catchUp() {
    Store newest = queries.newest();
    if (newest == null || !isBehind()) {
      return;
    }
    Bucket fresh = newest.findBucket(bucket.id()).orElse(null);
    if (fresh == null) {
      return; // removed: nothing will come any more
    }
    var entries = new HashMap<Integer, Entry>();
    for (Entry entry : fresh.entries()) {
      entries.put(entry.id(), entry);
    }
    bucket = fresh;
    ignored.clear();
    sources.clear();
    var known = List.copyOf(chosen.values());
    chosen.clear();
    for (Cursor cursor : known) {
      Entry entry = entries.remove(cursor.entry.id());
      if (entry == null) {
        positions.decrementAndGet();
        queries.givePositions(1);
        continue;
      }
      cursor.entry = entry;
      cursor.isSource = true;
      chosen.put(entry, cursor);
      sources.add(cursor);
    }
    Entry one = single;
    if (one != null) {
      known.stream().findAny().ifPresent(cursor -> single = cursor.entry);
      return;
    }
    for (Entry entry : entries.values()) {
      Cursor cursor = admitNew(entry);
      if (cursor != null) {
        cursor.isSource = true;
        sources.add(cursor);
      }
    }
  }

  // ---------------------------------------------------------------- life

  /** Renews the time to live if there is any left. */
  boolean touch() {
    synchronized (turns) {
      if (hasExpired()) {
        return false;
      }
      expiresAtNanos = queries.clock().monotonicNanos() + ttlNanos;
      return true;
    }
  }

  /** Whether nobody has read it for its time to live. A read that waits keeps it alive. */
  boolean hasExpired() {
    synchronized (turns) {
      return turns.isEmpty() && queries.clock().monotonicNanos() - expiresAtNanos >= 0;
    }
  }

  /** Answers every read that there is as soon as it would wait for a commit, or does so already. */
  void stopWaiting() {
    List<Read> reads;
    synchronized (turns) {
      reads = List.copyOf(turns);
    }
    reads.forEach(this::giveUp);
  }

  void close() {
    if (registration != null) {
      registration.close();
    }
    queries.givePositions(positions.getAndSet(0));
    if (extraction != null) {
      extraction.close();
    }
  }

  private static long nanosOfSeconds(long seconds) {
    // A century is for ever, and differences of nanoTime stay far from overflow.
    long century = 100L * 365 * 86_400;
    return (Long.compareUnsigned(seconds, century) > 0 ? century : seconds) * 1_000_000_000;
  }

  // ---------------------------------------------------------------- reading

  private enum Stage {
    /** Waits for the reads before it. */
    QUEUED,
    /** It is its turn, and it was given to its executor. */
    SENT,
    /** It collects. */
    RUNNING,
    /** It waits for a commit, without a thread. */
    PARKED,
    /** It has its outcome, or was cancelled. */
    OVER
  }

  /** A read under way. */
  public final class Read {
    private final ReadSink sink;
    private final ReadLimits limits;
    private final boolean oneRecord;
    private final Executor executor;
    private final Consumer<ReadOutcome> done;
    private final AtomicReference<Stage> stage = new AtomicReference<>(Stage.QUEUED);
    private Timers.@Nullable Timer timer;
    private volatile boolean timeIsOver;
    private volatile boolean cancelled;

    // Of a query with extensions; by the clock that never jumps.
    private long beganNanos;
    private long lastTakenNanos;
    private boolean hasBegun;

    private Read(
        ReadSink sink,
        ReadLimits limits,
        boolean oneRecord,
        Executor executor,
        Consumer<ReadOutcome> done) {
      this.sink = sink;
      this.limits = limits;
      this.oneRecord = oneRecord;
      this.executor = executor;
      this.done = done;
    }

    /**
     * Gives the turn back if nothing was collected yet: the client is gone, and records taken for
     * it would be lost; or the executor dropped the task. There is no callback then.
     */
    public void cancel() {
      cancelled = true;
      if (stage.compareAndSet(Stage.QUEUED, Stage.OVER)
          || stage.compareAndSet(Stage.SENT, Stage.OVER)
          || stage.compareAndSet(Stage.PARKED, Stage.OVER)) {
        passOn(this);
      }
    }
  }

  /**
   * Reads the next batch.
   *
   * @param sink a {@link BatchSink}, or an {@link ItemSink} if the query {@link #isExtended}
   * @param oneRecord whether this is the old way of reading, in which a query that was read to its
   *     end is closed
   * @param executor where to collect, which reads files; it may drop the task if it sees to it that
   *     the read is cancelled
   * @param done called once, unless the read is cancelled before, on the executor; without records
   *     possibly on another thread, which it must not block
   */
  public Read read(
      ReadSink sink,
      ReadLimits limits,
      boolean oneRecord,
      Executor executor,
      Consumer<ReadOutcome> done) {
    var read = new Read(sink, options.limits(limits), oneRecord, executor, done);
    boolean first;
    synchronized (turns) {
      turns.add(read);
      first = turns.size() == 1;
    }
    if (first) {
      send(read, Stage.QUEUED);
    }
    return read;
  }

  private void send(Read read, Stage from) {
    if (read.stage.compareAndSet(from, Stage.SENT)) {
      try {
        read.executor.execute(() -> run(read));
      } catch (RejectedExecutionException e) {
        end(
            read,
            new ReadOutcome.Failed(
                new PannierException.Unavailable(Refusal.WORKERS, "Server is overloaded", 1)));
      }
    }
  }

  private void run(Read read) {
    if (!read.stage.compareAndSet(Stage.SENT, Stage.RUNNING)) {
      return;
    }
    @Nullable ReadOutcome outcome;
    try {
      outcome = extraction == null ? collect(read) : collectItems(read, extraction);
    } catch (PannierException e) {
      outcome = new ReadOutcome.Failed(e);
    } catch (RuntimeException e) {
      outcome = new ReadOutcome.Failed(new PannierException.Internal("Query failed", e));
    }
    if (outcome == null) {
      parkForItems(read);
    } else if (extraction == null
        && outcome instanceof ReadOutcome.Nothing
        && options.continuous()
        && !read.timeIsOver) {
      park(read);
    } else {
      end(read, outcome);
    }
  }

  /** Leaves the read to the next commit or to its timer. */
  private void park(Read read) {
    if (read.timer == null) {
      long wait = Math.min(read.limits.batchTimeoutNanos(), ttlNanos / 2);
      read.timer = queries.timers().after(wait, () -> giveUp(read));
    }
    read.stage.set(Stage.PARKED);
    parked.set(read);
    // What came between the look at the entries and this moment found nothing parked.
    if (read.cancelled) {
      read.cancel();
    } else if (read.timeIsOver) {
      giveUp(read);
    } else if (!marked.isEmpty() || isBehind()) {
      send(read, Stage.PARKED);
    }
  }

  /** The timer of a parked read. */
  private void giveUp(Read read) {
    read.timeIsOver = true;
    if (extraction != null) {
      send(read, Stage.PARKED); // it may hold something
    } else if (read.stage.compareAndSet(Stage.PARKED, Stage.RUNNING)) {
      end(read, new ReadOutcome.Nothing());
    }
  }

  private void end(Read read, ReadOutcome outcome) {
    read.stage.set(Stage.OVER);
    passOn(read);
    read.done.accept(outcome);
  }

  /** Gives the turn to the read that waits longest. */
  private void passOn(Read read) {
    if (read.timer != null) {
      read.timer.cancel();
    }
    Read next;
    synchronized (turns) {
      turns.remove(read);
      expiresAtNanos = queries.clock().monotonicNanos() + ttlNanos;
      next = turns.peek();
    }
    if (next != null) {
      send(next, Stage.QUEUED);
    }
  }

  private ReadOutcome collect(Read read) {
    if (pending != null) {
      var error = pending;
      pending = null;
      return new ReadOutcome.Failed(error);
    }
    if (read.oneRecord && endWasTold) {
      return new ReadOutcome.Failed(
          new PannierException.BadRequest("Query'" + path() + "' was closed: broken channel"));
    }
    gather((BatchSink) read.sink, read.limits, () -> read.cancelled);
    boolean end = atEnd && pending == null;
    endWasTold |= end;
    return read.sink.isEmpty() ? new ReadOutcome.Nothing() : new ReadOutcome.Batch(end);
  }

  /** Collects records; what was collected before an error is good but for one of the condition. */
  private void gather(BatchSink sink, ReadLimits limits, BooleanSupplier isCancelled) {
    catchUp();
    admitMarked();
    try {
      fill(sink, limits, isCancelled);
    } catch (ConditionFailed failed) {
      // It ends the query, and what this read collected is not given.
      sources.clear();
      atEnd = true;
      conditionFailed = true;
      throw failed.error;
    } catch (PannierException e) {
      if (sink.isEmpty()) {
        throw e;
      }
      // The next read meets the error again.
    } finally {
      looked.forEach(Cursor::forget);
      looked.clear();
    }
  }

  // ---------------------------------------------------------------- with extensions

  /** Null: it is to wait. */
  private @Nullable ReadOutcome collectItems(Read read, Extraction from) {
    if (read.oneRecord && endWasTold) {
      return new ReadOutcome.Failed(
          new PannierException.BadRequest("Query'" + path() + "' was closed: broken channel"));
    }
    var sink = (ItemSink) read.sink;
    long now = queries.clock().monotonicNanos();
    if (!read.hasBegun) {
      read.hasBegun = true;
      read.beganNanos = now;
      read.lastTakenNanos = now;
    }
    long before = from.given();
    Extraction.Look look = from.give(sink);
    if (from.given() > before) {
      read.lastTakenNanos = now;
    }
    return switch (look) {
      case STOP -> new ReadOutcome.Batch(false);
      case CLOSED -> sink.isEmpty() ? new ReadOutcome.Nothing() : new ReadOutcome.Batch(false);
      case END -> {
        endWasTold = true;
        yield sink.isEmpty() ? new ReadOutcome.Nothing() : new ReadOutcome.Batch(true);
      }
      case DRY -> {
        if (!sink.isEmpty()) {
          yield new ReadOutcome.Batch(false);
        }
        yield isTimeOver(read, now) ? new ReadOutcome.Nothing() : null;
      }
      case WAIT -> {
        if (!isTimeOver(read, now)) {
          yield null;
        }
        yield sink.isEmpty() && read.oneRecord
            ? new ReadOutcome.Failed(
                new PannierException.Unavailable("The next record is not ready yet", 1))
            : new ReadOutcome.Batch(false);
      }
    };
  }

  private static boolean isTimeOver(Read read, long now) {
    return read.timeIsOver || nanosToWait(read, now) <= 0;
  }

  private static long nanosToWait(Read read, long now) {
    long forBatch = read.limits.batchTimeoutNanos() - (now - read.beganNanos);
    return read.sink.isEmpty()
        ? forBatch
        : Math.min(forBatch, read.limits.recordTimeoutNanos() - (now - read.lastTakenNanos));
  }

  /** Leaves the read to its extensions, to the next commit or to its timer. */
  private void parkForItems(Read read) {
    if (read.timer != null) {
      read.timer.cancel();
    }
    long wait = Math.max(1, nanosToWait(read, queries.clock().monotonicNanos()));
    read.timer = queries.timers().after(wait, () -> send(read, Stage.PARKED));
    read.stage.set(Stage.PARKED);
    parked.set(read);
    Extraction from = extraction;
    // What came between the look and this moment found nothing parked.
    if (read.cancelled) {
      read.cancel();
    } else if (read.timeIsOver || !marked.isEmpty() || (from != null && from.hasNews())) {
      send(read, Stage.PARKED);
    }
  }

  /** Whether it was given up before its end. */
  boolean isGivenUp() {
    return extraction != null && extraction.isClosed();
  }

  /** Something was made, or the end was met. */
  void wakeRead() {
    Read waiting = parked.get();
    if (waiting != null) {
      send(waiting, Stage.PARKED);
    }
  }

  /** Whether something was committed that the extensions have not seen. */
  boolean hasMarks() {
    return !marked.isEmpty();
  }

  /** Whether the condition failed on a record: nothing follows. */
  boolean hasConditionFailed() {
    return conditionFailed;
  }

  /**
   * Finds records for the extensions, which alone call it.
   *
   * @return whether the end was met
   */
  boolean feed(BatchSink sink, BooleanSupplier isCancelled) {
    if (pending != null) {
      var error = pending;
      pending = null;
      throw error;
    }
    gather(sink, ReadLimits.DEFAULT, isCancelled);
    return atEnd && pending == null;
  }

  /** A condition failed on a record, in strict mode. */
  private static final class ConditionFailed extends Exception {
    private static final long serialVersionUID = 1L;
    final transient PannierException error;

    ConditionFailed(PannierException error) {
      super(error.getMessage(), error, false, false);
      this.error = error;
    }
  }

  private void fill(BatchSink sink, ReadLimits limits, BooleanSupplier isCancelled)
      throws ConditionFailed {
    long began = queries.clock().monotonicNanos();
    long lastTaken = began;
    int ahead = Math.max(1, sink.maxRecords() / Math.max(1, sources.size()));
    while (!sink.isFull() && !isCancelled.getAsBoolean()) {
      Cursor cursor = sources.poll();
      if (cursor == null) {
        atEnd = !options.continuous();
        return;
      }
      if (!cursor.hasLooked()) {
        looked.add(cursor);
      }
      Cursor.Look look = Cursor.Look.MORE;
      try {
        look = cursor.look(range, ahead);
        if (cursor.failure() != null) {
          throw new ConditionFailed(cursor.failure());
        }
        if (look == Cursor.Look.END) {
          continue;
        }
        long now = queries.clock().monotonicNanos();
        if (!sink.isEmpty()
            && (now - began >= limits.batchTimeoutNanos()
                || now - lastTaken >= limits.recordTimeoutNanos())) {
          return;
        }
        Cursor other = sources.peek();
        if (look == Cursor.Look.MORE || (other != null && inOrder(other, cursor) < 0)) {
          continue;
        }
        if (!take(cursor, sink)) {
          return;
        }
        lastTaken = now;
      } finally {
        if (look == Cursor.Look.END) {
          retire(cursor);
        } else {
          sources.add(cursor);
        }
      }
    }
  }

  /** Puts a record into the sink and steps behind it. False: the batch ends before it. */
  private boolean take(Cursor cursor, BatchSink sink) {
    try {
      StoredRecord record = cursor.record();
      Set<String> selected = options.condition().selectedLabels().orElse(null);
      if (!sink.add(selected == null ? record : record.withLabels(selected))) {
        return false;
      }
    } catch (PannierException.NotFound vanished) {
      // It was removed or evicted between the look-up and now.
    } catch (PannierException.Damaged damaged) {
      cursor.take();
      if (sink.isEmpty()) {
        throw damaged;
      }
      pending = damaged;
      return false;
    }
    cursor.take();
    return true;
  }

  private void retire(Cursor cursor) {
    cursor.isSource = false;
    if (!options.continuous()) {
      positions.decrementAndGet();
      queries.givePositions(1);
    } else if (cursor.restartIfOver() && cursor.marked.compareAndSet(false, true)) {
      marked.add(cursor);
    }
  }

  private static int inOrder(Cursor a, Cursor b) {
    int order = Timestamp.compare(a.next(), b.next());
    return order != 0 ? order : a.entry.name().compareTo(b.entry.name());
  }

  private String path() {
    Entry one = single;
    return bucket.name() + "/" + (one == null ? "" : one.name() + "/") + Long.toUnsignedString(id);
  }

  // ---------------------------------------------------------------- new records

  /** Called by committing threads. */
  private void committed(Entry entry) {
    Cursor cursor = chosen.get(entry);
    if (cursor == null) {
      if (single != null || ignored.contains(entry)) {
        return;
      }
      cursor = admitNew(entry);
      if (cursor == null) {
        return;
      }
    }
    if (cursor.marked.compareAndSet(false, true)) {
      marked.add(cursor);
    }
    wakeRead();
  }

  private @Nullable Cursor admitNew(Entry entry) {
    if (!patterns.matches(entry.name()) || !queries.takePosition()) {
      ignored.add(entry);
      return null;
    }
    var cursor = cursor(entry, range.start());
    Cursor other = chosen.putIfAbsent(entry, cursor);
    if (other != null) {
      queries.givePositions(1);
      return other;
    }
    positions.incrementAndGet();
    return cursor;
  }

  /** Puts entries that have something new back among the sources. */
  void admitMarked() {
    for (Cursor cursor = marked.poll(); cursor != null; cursor = marked.poll()) {
      // Before the look at the entry: what is committed from here on marks it again.
      cursor.marked.set(false);
      if (!cursor.isSource) {
        cursor.isSource = true;
        sources.add(cursor);
      }
    }
  }
}
