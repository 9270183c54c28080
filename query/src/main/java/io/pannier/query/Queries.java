package io.pannier.query;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.Clock;
import io.pannier.model.Names;
import io.pannier.model.PannierException;
import io.pannier.model.Refusal;
import io.pannier.model.Timestamp;
import io.pannier.query.ext.Item;
import io.pannier.query.when.Condition;
import io.pannier.store.Bucket;
import io.pannier.store.Entry;
import io.pannier.store.EntryInfo;
import io.pannier.store.Store;
import io.pannier.store.StoredRecord;
import io.pannier.store.TimeRange;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** The queries that are alive. Any thread may call. */
public final class Queries implements AutoCloseable {
  /** Positions in entries that all queries together may hold: at 64 bytes each, 16 MiB. */
  static final int POSITIONS_MAX = 1 << 18;

  /** Queries alive at once. */
  static final int QUERIES_MAX = 1 << 16;

  /** How long one record may be on its way while nothing more is asked of it: links are slow. */
  private static final long CUT_SECONDS = 30L * 86_400;

  private static final long SWEEP_NANOS = 1_000_000_000L;

  /** Records that a removal looks up and removes at a time. */
  private static final int WALK_AHEAD = 256;

  private static final int WALK_BATCH = 1024;

  private final Clock clock;
  private final Timers timers;
  private final Extensions extensions;
  private final AtomicLong nextId;
  private final Map<Long, Query> alive = new ConcurrentHashMap<>();
  private final AtomicInteger positions = new AtomicInteger();
  private final AtomicInteger sweeping = new AtomicInteger();
  private volatile boolean closed;

  /** On a replica the newest state; else null. */
  private volatile @Nullable Store newest;

  /**
   * @param timers end the waiting of continuous queries, and the life of those that nobody reads
   * @param extensions what queries may have done to records; stay the caller's to close, after this
   */
  public Queries(Clock clock, RandomGenerator random, Timers timers, Extensions extensions) {
    this.extensions = extensions;
    this.clock = clock;
    this.timers = timers;
    // Ids of an earlier process must not fit a query of this one.
    nextId = new AtomicLong(random.nextLong(1L << 47, 1L << 48));
  }

  /**
   * Begins a query on one entry.
   *
   * @param owner who may read it
   * @param body the request, of which extensions are told
   */
  public Query start(
      String owner, Bucket bucket, Entry entry, QueryOptions options, @Nullable ObjectNode body) {
    requireStartBeforeEnd(entry, options);
    return open(owner, bucket, entry, options, body);
  }

  /** Begins a query on one entry. */
  public Query start(String owner, Bucket bucket, Entry entry, QueryOptions options) {
    requireStartBeforeEnd(entry, options);
    return open(owner, bucket, entry, options, null);
  }

  /** Begins a query on the entries that the options choose. */
  public Query start(String owner, Bucket bucket, QueryOptions options, @Nullable ObjectNode body) {
    return open(owner, bucket, null, options, body);
  }

  /** Most that may be. */
  public int countMax() {
    return QUERIES_MAX;
  }

  private Query open(
      String owner,
      Bucket bucket,
      @Nullable Entry entry,
      QueryOptions options,
      @Nullable ObjectNode body) {
    options.requireOrder();
    long id = nextId.getAndIncrement();
    if (alive.size() >= QUERIES_MAX) {
      sweep();
      if (alive.size() >= QUERIES_MAX) {
        throw tooMany();
      }
    }
    var query = new Query(this, id, owner, bucket, entry, options);
    boolean opened = false;
    try {
      query.open();
      Extraction extraction = extensions.extractionOf(query, bucket, entry, body);
      if (extraction != null) {
        query.extend(extraction);
      }
      opened = true;
    } finally {
      if (!opened) {
        query.close();
      }
    }
    alive.put(id, query);
    if (closed) {
      close();
      throw new PannierException.Unavailable(Refusal.STOPPING, "Server is stopping", 1);
    }
    keepSweeping();
    return query;
  }

  /**
   * Finds a query and renews its time to live.
   *
   * @param entry of a query on one entry; null for one on many
   * @throws PannierException.NotFound when there is none with that id, or it has another owner,
   *     bucket or entry, or nobody read it for its time to live
   */
  public Query find(long id, String owner, Bucket bucket, @Nullable Entry entry) {
    Query query = alive.get(id);
    if (query == null || !query.belongsTo(owner, bucket, entry)) {
      throw notFound(id);
    }
    if (!query.touch()) {
      drop(query);
      throw notFound(id);
    }
    return query;
  }

  /** The answer to a query that nobody knows. */
  public static PannierException.NotFound notFound(long id) {
    return new PannierException.NotFound(
        "Query "
            + Long.toUnsignedString(id)
            + " not found and it might have expired. Check TTL in your query request.");
  }

  /**
   * Removes the records of one entry that the options choose; may take long. Returns their number.
   */
  public long remove(Entry entry, QueryOptions options) {
    requireRemovalParameter(options, false);
    requireStartBeforeEnd(entry, options);
    return removeFrom(List.of(entry), options);
  }

  /**
   * Removes the records that the options choose, in all visible entries that they choose; may take
   * long. Returns their number.
   */
  public long remove(Bucket bucket, QueryOptions options) {
    requireRemovalParameter(options, true);
    options.requireOrder();
    var patterns = new EntryPatterns(options.entries().orElse(List.of()));
    return removeFrom(
        bucket.entries().stream().filter(entry -> patterns.matches(entry.name())).toList(),
        options);
  }

  /** What a query on one entry would read, or a removal remove; may take long. */
  public static Explanation explain(Entry entry, QueryOptions options) {
    requireStartBeforeEnd(entry, options);
    var explainer = new Explainer(options);
    explainer.add(entry);
    return explainer.explanation();
  }

  /** What a query on the entries that the options choose would read; may take long. */
  public static Explanation explain(Bucket bucket, QueryOptions options) {
    options.requireOrder();
    var patterns = new EntryPatterns(options.entries().orElse(List.of()));
    var explainer = new Explainer(options);
    for (Entry entry : bucket.entries()) {
      if (patterns.matches(entry.name())) {
        explainer.add(entry);
      }
    }
    return explainer.explanation();
  }

  /**
   * One record of the result of a query; may take long where the condition remembers records, for
   * then all before it are judged.
   *
   * @return empty when the query would not give it, or it does not exist
   */
  public static Optional<StoredRecord> chosen(Entry entry, long timestamp, QueryOptions options) {
    options.requireOrder();
    TimeRange range = options.range();
    List<String> entries = options.entries().orElse(List.of());
    if (!range.contains(timestamp)
        || (!entries.isEmpty() && !new EntryPatterns(entries).matches(entry.name()))) {
      return Optional.empty();
    }
    Condition condition = options.condition();
    boolean judgedAlone =
        condition.stateful().isEmpty()
            && condition.before().isEmpty()
            && condition.after().isEmpty();
    long from = judgedAlone ? timestamp : range.start();
    var cursor = new Cursor(entry, from, Selection.of(options, entry, from));
    for (; ; ) {
      Cursor.Look look = cursor.look(range, judgedAlone ? 1 : WALK_AHEAD);
      PannierException failure = cursor.failure();
      if (failure != null) {
        throw failure;
      }
      if (look == Cursor.Look.END) {
        return Optional.empty();
      }
      if (look == Cursor.Look.RECORD) {
        StoredRecord record = cursor.record();
        if (record.timestamp() == timestamp) {
          return Optional.of(record);
        }
        if (Timestamp.isAfter(record.timestamp(), timestamp)) {
          return Optional.empty();
        }
        cursor.take();
      } else if (Timestamp.isAfter(cursor.next(), timestamp)) {
        return Optional.empty();
      }
    }
  }

  /** Whether a query asks for extensions; what it says of them may be wrong all the same. */
  public static boolean asksForExtensions(QueryOptions options, ObjectNode body) {
    return options.condition().ext().isPresent() || body.hasNonNull("ext");
  }

  /**
   * One item of what extensions make of a query; waits for it.
   *
   * @param entry of a query on one entry; null for one on many
   * @param itemEntry under which entry it appears
   * @param waitNanos how long it may take in all
   * @return the first of that entry and time, whose body is the caller's to close; empty when there
   *     is none
   * @throws PannierException.Unavailable when it took too long
   */
  public Optional<Item> made(
      String owner,
      Bucket bucket,
      @Nullable Entry entry,
      QueryOptions options,
      ObjectNode body,
      String itemEntry,
      long timestamp,
      long waitNanos) {
    Query query = open(owner, bucket, entry, options.ending(), body);
    try {
      long began = clock.monotonicNanos();
      var sink = new OneItem(itemEntry, timestamp);
      PannierException onTheWay = null;
      for (; ; ) {
        long left = waitNanos - (clock.monotonicNanos() - began);
        if (left <= 0) {
          throw new PannierException.Unavailable("Extensions are still looking for the record", 1);
        }
        var outcome = new CompletableFuture<ReadOutcome>();
        query.read(sink, new ReadLimits(left, left), false, Runnable::run, outcome::complete);
        switch (outcome.join()) {
          case ReadOutcome.Batch(boolean last) -> {
            if (sink.found().isPresent()) {
              return sink.found();
            }
            if (last) {
              return noneBut(onTheWay);
            }
          }
          case ReadOutcome.Nothing() -> {
            return noneBut(onTheWay);
          }
          case ReadOutcome.Failed(PannierException.Unavailable busy) -> throw busy;
          // That of another record, perhaps: told only when the one looked for is not there.
          case ReadOutcome.Failed(PannierException error) ->
              onTheWay = onTheWay == null ? error : onTheWay;
        }
      }
    } finally {
      drop(query);
    }
  }

  /**
   * What extensions make of one record alone.
   *
   * @param ext their parameters, as in the member {@code ext} of a request
   * @throws PannierException.Invalid when they are refused
   */
  public RecordCut cut(StoredRecord record, JsonNode ext) {
    Entry entry = record.entry();
    long time = record.timestamp();
    OptionalLong stop = time == Timestamp.MAX ? OptionalLong.empty() : OptionalLong.of(time + 1);
    ObjectNode body = JsonNodeFactory.instance.objectNode().set("ext", ext);
    QueryOptions options = QueryOptions.range(OptionalLong.of(time), stop).living(CUT_SECONDS);
    return new RecordCut(this, open("cut", entry.bucket(), entry, options, body));
  }

  /**
   * Whether a query with these parameters would be begun.
   *
   * @throws PannierException.Invalid when they are refused
   */
  public void checkExtensions(Bucket bucket, JsonNode ext) {
    ObjectNode body = JsonNodeFactory.instance.objectNode().set("ext", ext);
    QueryOptions nothing = QueryOptions.range(OptionalLong.of(0), OptionalLong.of(0));
    end(open("cut", bucket, null, nothing, body));
  }

  /** Ends a query. */
  void end(Query query) {
    drop(query);
  }

  private static Optional<Item> noneBut(@Nullable PannierException error) {
    if (error != null) {
      throw error;
    }
    return Optional.empty();
  }

  /** What a removal on an entry that does not exist has to check all the same. */
  public static void checkRemoval(QueryOptions options) {
    requireRemovalParameter(options, false);
    options.requireOrder();
  }

  private static long removeFrom(List<Entry> entries, QueryOptions options) {
    TimeRange range = options.range();
    if (range.isEmpty()) {
      return 0;
    }
    if (options.strict() && !options.condition().choosesAll()) {
      // All or nothing: a condition that fails on one record must not have removed others.
      for (Entry entry : entries) {
        walk(entry, options, some -> {});
      }
    }
    var removed = new AtomicLong();
    for (Entry entry : entries) {
      if (options.condition().choosesAll() && !Names.isMeta(entry.name())) {
        removed.addAndGet(removeAll(entry, range));
      } else {
        walk(entry, options, some -> removed.addAndGet(entry.remove(some)));
      }
    }
    return removed.get();
  }

  private static long removeAll(Entry entry, TimeRange range) {
    try {
      return entry.removeRange(range);
    } catch (PannierException.NotFound | PannierException.Conflict removed) {
      // The entry went away meanwhile, and its records with it.
      return 0;
    }
  }

  /** Gives the chosen records of an entry to somebody, some at a time. */
  static void walk(Entry entry, QueryOptions options, Consumer<List<StoredRecord>> each) {
    TimeRange range = options.range();
    if (options.kind() == QueryOptions.Kind.REMOVE && Names.isMeta(entry.name())) {
      return; // attachments are never removed by a query
    }
    var cursor = new Cursor(entry, range.start(), Selection.of(options, entry, range.start()));
    var some = new ArrayList<StoredRecord>();
    for (; ; ) {
      Cursor.Look look = cursor.look(range, WALK_AHEAD);
      PannierException failure = cursor.failure();
      if (failure != null) {
        throw failure;
      }
      if (look == Cursor.Look.RECORD) {
        some.add(cursor.record());
        cursor.take();
      }
      if (some.size() >= WALK_BATCH || (look == Cursor.Look.END && !some.isEmpty())) {
        try {
          each.accept(some);
        } catch (PannierException.NotFound | PannierException.Conflict removed) {
          return; // the entry went away meanwhile, and its records with it
        }
        some.clear();
      }
      if (look == Cursor.Look.END) {
        return;
      }
    }
  }

  /** An empty list of entries counts as none: it would clear the bucket. */
  private static void requireRemovalParameter(QueryOptions options, boolean withEntries) {
    if (options.start().isEmpty()
        && options.stop().isEmpty()
        && options.when().isEmpty()
        && !(withEntries && options.entries().isPresent() && !options.entries().get().isEmpty())) {
      throw new PannierException.Invalid("Define at least one query parameter to delete records");
    }
  }

  /**
   * On one entry, a start beyond the newest record is told at once, as the reference does: there
   * the absent stop is the newest time + 1.
   */
  private static void requireStartBeforeEnd(Entry entry, QueryOptions options) {
    options.requireOrder();
    if (options.continuous() || options.start().isEmpty() || options.stop().isPresent()) {
      return;
    }
    EntryInfo info = entry.info();
    long end = info.recordCount() == 0 ? 1 : info.latestRecord() + 1;
    if (end != 0 && Timestamp.isAfter(options.start().getAsLong(), end)) {
      throw QueryOptions.startBehindStop();
    }
  }

  // ---------------------------------------------------------------- life

  private void keepSweeping() {
    if (sweeping.compareAndSet(0, 1)) {
      timers.after(SWEEP_NANOS, this::sweepAgain);
    }
  }

  private void sweepAgain() {
    sweep();
    sweeping.set(0);
    if (!alive.isEmpty() && !closed) {
      keepSweeping();
    }
  }

  private void sweep() {
    for (Query query : List.copyOf(alive.values())) {
      if (query.hasExpired()) {
        drop(query);
      }
    }
  }

  private void drop(Query query) {
    if (alive.remove(query.id(), query)) {
      query.close();
    }
  }

  /** Ends the queries of an owner; reads that wait are answered at once, without records. */
  public void endOf(String owner) {
    for (Query query : alive.values()) {
      if (query.isOf(owner)) {
        drop(query);
        query.stopWaiting();
      }
    }
  }

  /** Answers the reads of an owner that wait for records, without any. */
  public void stopWaitingOf(String owner) {
    for (Query query : alive.values()) {
      if (query.isOf(owner)) {
        query.stopWaiting();
      }
    }
  }

  /**
   * On a replica: there is a newer state. Continuous queries go on in it, all others stay in the
   * one they began in.
   */
  public void turnTo(Store state) {
    newest = state;
    alive.values().forEach(Query::stateCame);
  }

  @Nullable Store newest() {
    return newest;
  }

  /** Whether a query that is alive reads in this store, or state of one. */
  public boolean use(Store store) {
    return alive.values().stream().anyMatch(query -> query.isIn(store));
  }

  /** How many queries are alive. */
  public int count() {
    return alive.size();
  }

  @Override
  public void close() {
    closed = true;
    for (Query query : List.copyOf(alive.values())) {
      query.stopWaiting();
      drop(query);
    }
  }

  boolean takePosition() {
    if (positions.incrementAndGet() > POSITIONS_MAX) {
      positions.decrementAndGet();
      return false;
    }
    return true;
  }

  void givePositions(int count) {
    positions.addAndGet(-count);
  }

  static PannierException.TooMany tooMany() {
    return new PannierException.TooMany(Refusal.QUERIES, "Too many queries are alive", 5);
  }

  Clock clock() {
    return clock;
  }

  Timers timers() {
    return timers;
  }
}
