package io.pannier.server.metrics;

import io.pannier.model.PannierException;
import io.pannier.replicate.Diagnostics;
import io.pannier.replicate.Forecast;
import io.pannier.replicate.Progress;
import io.pannier.replicate.ReplicationDetail;
import io.pannier.replicate.ReplicationInfo;
import io.pannier.server.lifecycle.LifecycleInfo;
import io.pannier.server.lifecycle.LifecycleSettings;
import io.pannier.server.lifecycle.LifecycleTotals;

/** What works by itself: lifecycles and replications. */
final class TaskMetrics {
  private TaskMetrics() {}

  static void add(Families to, Sources from) {
    for (LifecycleInfo info : from.lifecycles().list()) {
      try {
        add(to, info, from.lifecycles().totals(info.name()));
      } catch (PannierException.NotFound removed) {
        // It was removed just now.
      }
    }
    from.replications().details().forEach(detail -> add(to, detail));
  }

  private static void add(Families to, LifecycleInfo info, LifecycleTotals totals) {
    String name = info.name();
    to.add(Metric.LIFECYCLE_RUNS, totals.runs() - totals.failedRuns(), name, "done");
    to.add(Metric.LIFECYCLE_RUNS, totals.failedRuns(), name, "failed");
    to.add(Metric.LIFECYCLE_RECORDS, totals.records(), name);
    to.add(Metric.LIFECYCLE_BLOCKS, totals.blocks(), name);
    to.add(
        Metric.LIFECYCLE_LAST_RUN,
        info.lastRun().map(at -> at.toEpochMilli() / 1e3).orElse(0.0),
        name);
    boolean isEnabled = info.settings().mode() != LifecycleSettings.Mode.DISABLED;
    to.add(Metric.LIFECYCLE_OBSTRUCTED, isEnabled && info.obstacle().isPresent() ? 1 : 0, name);
  }

  /** The one place where what a replication tells of itself becomes metrics. */
  private static void add(Families to, ReplicationDetail detail) {
    ReplicationInfo info = detail.info();
    String name = info.name();
    Diagnostics.Report report = detail.diagnostics();
    Diagnostics.Totals totals = report.totals();
    Progress progress = detail.progress();
    Forecast forecast = progress.forecast();
    to.add(Metric.REPLICATION_UP, info.active() ? 1 : 0, name);
    to.add(Metric.REPLICATION_PENDING, info.pendingRecords(), name);
    to.add(Metric.REPLICATION_PENDING_BYTES, progress.pendingBytes(), name);
    to.add(Metric.REPLICATION_OLDEST_AGE, progress.oldestAgeSeconds().orElse(0), name);
    to.add(
        Metric.REPLICATION_CATCH_UP,
        forecast.catchUpSeconds().orElse(Double.POSITIVE_INFINITY),
        name);
    to.add(
        Metric.REPLICATION_EVICTION,
        forecast.evictionSeconds().orElse(Double.POSITIVE_INFINITY),
        name);
    to.add(Metric.REPLICATION_LOSS, forecast.lossSeconds().orElse(Double.POSITIVE_INFINITY), name);
    to.add(Metric.REPLICATION_SENT, totals.sentRecords() + totals.sentChanges(), name);
    to.add(Metric.REPLICATION_SENT_BYTES, totals.sentBytes(), name);
    to.add(Metric.REPLICATION_RESUMED_BYTES, totals.resumedBytes(), name);
    to.add(Metric.REPLICATION_ERRORS, report.failed(), name);
    to.add(Metric.REPLICATION_LOST, totals.lostRecords(), name);
    to.add(Metric.REPLICATION_LOST_BYTES, totals.lostBytes(), name);
    to.add(Metric.REPLICATION_REFUSED, totals.refusedRecords(), name);
  }
}
