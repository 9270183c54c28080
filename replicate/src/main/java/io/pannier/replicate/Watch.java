package io.pannier.replicate;

import io.pannier.model.PannierException;
import io.pannier.store.Bucket;
import io.pannier.store.RingDistance;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches how a task gets on: measures rates, works out what becomes of the backlog, and warns
 * before records are lost and when they were. Any thread may call.
 */
final class Watch {
  private static final Logger LOG = LoggerFactory.getLogger(Watch.class);

  /** A ring is looked at block by block, so not every second. */
  private static final long RING_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** Losses are told at most so often. */
  private static final long LOST_NANOS = TimeUnit.SECONDS.toNanos(60);

  /**
   * The danger is over when the loss is further away than this many times the time for warnings.
   */
  private static final double OVER = 1.5;

  private final Task task;
  private final Task.Setting setting;
  private final Diagnostics diagnostics;
  private final Meter meter = new Meter();

  // Guarded by this.
  private long ringAt;
  private OptionalLong ringPlace = OptionalLong.empty();
  private Optional<RingDistance> ring = Optional.empty();
  private boolean warned;
  private boolean told;
  private long toldAt;

  Watch(Task task, Task.Setting setting, Diagnostics diagnostics) {
    this.task = task;
    this.setting = setting;
    this.diagnostics = diagnostics;
  }

  /** Takes the first measurement, which the next ones are compared with. */
  void begin() {
    meter.sample(setting.clock().monotonicNanos(), counts());
  }

  /** Takes a measurement, and warns if there is a reason; to be called every second. */
  void look() {
    meter.sample(setting.clock().monotonicNanos(), counts());
    tellLoss(false);
    warn(progress());
  }

  private Meter.Counts counts() {
    long records = 0;
    long bytes = 0;
    for (Track track : task.tracks()) {
      long[] chosen = track.chosen();
      records += chosen[0];
      bytes += chosen[1];
    }
    Diagnostics.Totals totals = diagnostics.totals();
    Bucket source = task.source();
    return new Meter.Counts(
        records,
        bytes,
        totals.sentRecords(),
        totals.sentBytes(),
        source == null ? 0 : source.takenBytes());
  }

  /** How far it is, and what is to be expected. */
  Progress progress() {
    long records = 0;
    long bytes = 0;
    long changes = 0;
    OptionalLong oldest = OptionalLong.empty();
    OptionalLong place = OptionalLong.empty();
    for (Track track : task.tracks()) {
      if (track.entry.isGone()) {
        continue;
      }
      Track.Backlog backlog = track.backlog();
      records += backlog.records();
      bytes += backlog.bytes();
      changes += backlog.changes();
      oldest = earlier(oldest, backlog.oldestTime());
      place = earlier(place, backlog.oldestPlace());
    }
    OptionalDouble age = OptionalDouble.empty();
    if (oldest.isPresent()) {
      double seconds = (double) (setting.clock().wallMicros() - oldest.getAsLong()) / 1e6;
      age = OptionalDouble.of(oldest.getAsLong() < 0 ? 0.0 : Math.max(0.0, seconds));
    }
    Forecast forecast =
        Forecast.of(
            meter.rates(),
            task.isMoving(),
            bytes,
            distance(place),
            (double) setting.options().warnSeconds());
    return new Progress(records, bytes, changes, oldest, age, forecast);
  }

  private static OptionalLong earlier(OptionalLong a, OptionalLong b) {
    if (a.isEmpty() || b.isEmpty()) {
      return a.isEmpty() ? b : a;
    }
    return io.pannier.model.Timestamp.isBefore(b.getAsLong(), a.getAsLong()) ? b : a;
  }

  /** How far a place in the ring is from its eviction, as of the last few seconds. */
  private synchronized Optional<RingDistance> distance(OptionalLong place) {
    Bucket source = task.source();
    if (place.isEmpty() || source == null) {
      ringPlace = OptionalLong.empty();
      return Optional.empty();
    }
    long now = setting.clock().monotonicNanos();
    if (!place.equals(ringPlace) || now - ringAt >= RING_NANOS) {
      ring = source.distance(place.getAsLong());
      ringPlace = place;
      ringAt = now;
    }
    return ring;
  }

  private void warn(Progress progress) {
    long before = setting.options().warnSeconds();
    OptionalDouble loss = progress.forecast().lossSeconds();
    ReplicationWarning warning = null;
    synchronized (this) {
      if (loss.isEmpty() || loss.getAsDouble() > OVER * before) {
        warned = false;
      } else if (!warned && loss.getAsDouble() <= before) {
        warned = true;
        warning =
            new ReplicationWarning.LossAhead(
                task.name,
                loss.getAsDouble(),
                progress.forecast().lossBytes(),
                progress.pendingRecords(),
                progress.pendingBytes());
      }
    }
    if (warning != null) {
      tell(warning);
    }
  }

  private void tellLoss(boolean now) {
    Optional<ReplicationWarning.Lost> loss;
    synchronized (this) {
      long nanos = setting.clock().monotonicNanos();
      if (!now && told && nanos - toldAt < LOST_NANOS) {
        return;
      }
      loss = diagnostics.untold(task.name);
      if (loss.isPresent()) {
        told = true;
        toldAt = nanos;
      }
    }
    loss.ifPresent(this::tell);
  }

  private void tell(ReplicationWarning warning) {
    LOG.warn("replication {}: {}", warning.task(), warning.text());
    try {
      setting.warnings().accept(warning);
    } catch (PannierException failed) {
      LOG.warn("replication {}: a warning could not be passed on", task.name, failed);
    }
  }

  /** Tells what was not told yet. */
  void close() {
    tellLoss(true);
  }
}
