package io.pannier.server.events;

import io.pannier.model.BucketSettings;
import io.pannier.model.Clock;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.replicate.ReplicationWarning;
import io.pannier.store.Bucket;
import io.pannier.store.NewRecord;
import io.pannier.store.Scheduler;
import io.pannier.store.Store;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Writes what the server tells about itself into its own bucket. Whoever has something to tell puts
 * it into a bounded queue and goes on; a task that comes every second writes. What finds no room is
 * counted, and the log says so once a minute.
 */
public final class SystemEvents implements LogSink, AutoCloseable {
  /** The bucket that they go to. */
  public static final String BUCKET = "$system";

  private static final Logger LOG = LoggerFactory.getLogger(SystemEvents.class);

  /** Events that wait to be written; at 300 bytes, 5 MB. */
  static final int QUEUE_MAX = 1 << 14;

  /** Lines of the log among them, so that a flood of lines leaves room for the rest. */
  static final int LINES_MAX = 1024;

  private static final long TICK_MILLIS = 1_000;
  private static final long USAGE_NANOS = TimeUnit.SECONDS.toNanos(60);
  private static final long TELL_NANOS = TimeUnit.SECONDS.toNanos(60);

  /** Events of one entry that may have happened in the same µs. */
  private static final int SAME_TIME_MAX = 1_000;

  private final EventOptions options;
  private final String instance;
  private final Clock clock;
  private final Scheduler scheduler;
  private final AuditLog audit;
  private final Usage usage;
  private final ArrayBlockingQueue<SystemEvent> queue = new ArrayBlockingQueue<>(QUEUE_MAX);
  private final AtomicInteger lines = new AtomicInteger();
  private final AtomicLong dropped = new AtomicLong();

  /** Held by whoever writes. */
  private final ReentrantLock writing = new ReentrantLock();

  // Guarded by the lock.
  private @Nullable Store store;
  private @Nullable Bucket bucket;
  private long usageSince;
  private long told;
  private long toldAt;
  private boolean closed;

  /**
   * @param instance name of this server; part of every event
   * @param scheduler runs the writing, where it may wait
   */
  public SystemEvents(EventOptions options, String instance, Clock clock, Scheduler scheduler) {
    this.options = options;
    this.instance = instance;
    this.clock = clock;
    this.scheduler = scheduler;
    audit = new AuditLog(clock, this::offer);
    usage = new Usage(options.enabled());
    toldAt = clock.monotonicNanos() - TELL_NANOS;
  }

  /** Whether anything is written. */
  public boolean isEnabled() {
    return options.enabled();
  }

  /** Takes calls; only where {@link #isEnabled}. */
  public AuditLog audit() {
    return audit;
  }

  /** Takes what is written and read. */
  public Usage usage() {
    return usage;
  }

  /** Events that were lost since the start: no room in the queue, or refused by the store. */
  public long dropped() {
    return dropped.get();
  }

  /** Begins to write into the store. */
  public void open(Store opened) {
    if (!options.enabled()) {
      return;
    }
    writing.lock();
    try {
      store = opened;
      usageSince = clock.monotonicNanos();
      if (opened.findBucket(BUCKET).isPresent()) {
        // The size of the ring may have been changed since the last start.
        bucket(opened);
      }
    } finally {
      writing.unlock();
    }
    scheduler.runLater(Scheduler.Lane.BACKGROUND, TICK_MILLIS, this::tick);
  }

  // ---------------------------------------------------------------- taking

  /** Takes an event; never waits. */
  void offer(SystemEvent event) {
    if (options.enabled() && !queue.offer(event)) {
      dropped.incrementAndGet();
    }
  }

  /** Tells of a pass of the scrub. */
  public void scrub(ScrubRun run) {
    offer(run.event(clock.wallMicros()));
  }

  /** Takes the outcome of a run of a lifecycle. */
  public void lifecycle(LifecycleRun run) {
    offer(run.event(clock.wallMicros()));
  }

  /** Takes a warning of a replication. */
  public void replication(ReplicationWarning warning) {
    offer(ReplicationEvent.of(warning, clock.wallMicros()));
  }

  @Override
  public void line(LogLine line) {
    Level level = line.level();
    boolean isWanted =
        options.enabled()
            && options.logLevel().isPresent()
            && level.toInt() >= options.logLevel().get().toInt();
    // What goes wrong with the writing of lines must not make new ones.
    if (!isWanted || writing.isHeldByCurrentThread()) {
      return;
    }
    if (lines.incrementAndGet() > LINES_MAX) {
      lines.decrementAndGet();
      dropped.incrementAndGet();
      return;
    }
    var event =
        new SystemEvent(
            "logs",
            "messages",
            line.timestamp(),
            level == Level.ERROR ? 500 : 200,
            line.message(),
            Labels.of("level", level.name()),
            json -> {
              json.writeStringField("level", level.name());
              json.writeStringField("target", line.target());
              json.writeStringField("file", line.file());
              json.writeNumberField("line", line.line());
              if (!line.fields().isEmpty()) {
                json.writeObjectFieldStart("fields");
                for (var field : new TreeMap<>(line.fields()).entrySet()) {
                  json.writeStringField(field.getKey(), field.getValue());
                }
                json.writeEndObject();
              }
            });
    if (!queue.offer(event)) {
      lines.decrementAndGet();
      dropped.incrementAndGet();
    }
  }

  // ---------------------------------------------------------------- writing

  private void tick() {
    writing.lock();
    try {
      if (!closed) {
        flush(false);
      }
    } catch (RuntimeException failed) {
      LOG.error("system events could not be written", failed);
    } finally {
      writing.unlock();
      scheduler.runLater(Scheduler.Lane.BACKGROUND, TICK_MILLIS, this::tick);
    }
    tellLosses();
  }

  private void flush(boolean all) {
    Store into = store;
    if (into == null) {
      return;
    }
    long now = clock.monotonicNanos();
    audit.flush(all);
    if (all || now - usageSince >= USAGE_NANOS) {
      usage.report(into, clock, now - usageSince, this::offer);
      usageSince = now;
    }
    for (SystemEvent event = queue.poll(); event != null; event = queue.poll()) {
      if (event.family().equals("logs")) {
        lines.decrementAndGet();
      }
      try {
        write(into, event);
      } catch (PannierException.BadRequest | PannierException.Invalid unfit) {
        dropped.incrementAndGet();
        LOG.debug("system event was refused", unfit);
      } catch (PannierException failed) {
        dropped.incrementAndGet();
        bucket = null;
        LOG.debug("system event could not be written", failed);
        if (all) {
          dropped.addAndGet(queue.size());
          queue.clear();
        }
        return; // The next second may be better, and each further try may wait for long.
      }
    }
  }

  private void write(Store into, SystemEvent event) {
    var entry = bucket(into).entryForWrite(event.entry(instance));
    PannierException.Conflict taken = null;
    for (int later = 0; later < SAME_TIME_MAX; later++) {
      long time = event.timestamp() + later;
      try {
        entry.write(
            new NewRecord(time, "application/json", event.allLabels(), event.body(instance, time)));
        return;
      } catch (PannierException.Conflict another) {
        taken = another;
      }
    }
    throw java.util.Objects.requireNonNull(taken);
  }

  private Bucket bucket(Store into) {
    Bucket known = bucket;
    if (known == null) {
      BucketSettings usual = BucketSettings.DEFAULT;
      known =
          into.systemBucket(
              BUCKET,
              new BucketSettings(
                  QuotaType.FIFO,
                  options.quotaBytes(),
                  usual.maxBlockSize(),
                  usual.maxBlockRecords(),
                  null));
      bucket = known;
    }
    return known;
  }

  private void tellLosses() {
    long lost = dropped.get();
    long now = clock.monotonicNanos();
    long news;
    writing.lock();
    try {
      if (lost == told || now - toldAt < TELL_NANOS) {
        return;
      }
      news = lost - told;
      told = lost;
      toldAt = now;
    } finally {
      writing.unlock();
    }
    LOG.warn("{} system events were lost: there was no room for them", news);
  }

  /** Writes everything that was told so far, and the usage up to this moment. */
  @Override
  public void close() {
    writing.lock();
    try {
      if (!closed && options.enabled()) {
        flush(true);
      }
      closed = true;
    } catch (RuntimeException failed) {
      LOG.error("system events could not be written", failed);
    } finally {
      writing.unlock();
    }
    tellLosses();
  }
}
