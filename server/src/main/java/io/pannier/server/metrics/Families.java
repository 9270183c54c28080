package io.pannier.server.metrics;

import io.pannier.model.DurationHistogram;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot.InfoDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Gathers the numbers of one scrape. */
final class Families {
  private static final double NANOS_PER_SECOND = 1e9;

  private final Map<Metric, List<Point>> points = new EnumMap<>(Metric.class);

  /** One number, or one histogram, with the values of its labels. */
  private record Point(double value, List<DurationHistogram.Snapshot> durations, Labels labels) {}

  /** Adds a number. */
  void add(Metric metric, double value, String... labels) {
    put(metric, new Point(value, List.of(), labels(metric, labels)));
  }

  /** Adds a whole number; those beyond 2⁵³ lose their last digits. */
  void add(Metric metric, long value, String... labels) {
    add(metric, (double) value, labels);
  }

  /** Adds a bound; the highest number there is stands for none. */
  void addLimit(Metric metric, long value, String... labels) {
    add(metric, value == Long.MAX_VALUE ? Double.POSITIVE_INFINITY : (double) value, labels);
  }

  /** Adds durations. */
  void add(Metric metric, DurationHistogram.Snapshot durations, String... labels) {
    put(metric, new Point(0, List.of(durations), labels(metric, labels)));
  }

  /** Adds what is told by labels alone. */
  void addInfo(Metric metric, String... labels) {
    add(metric, 1, labels);
  }

  private void put(Metric metric, Point point) {
    points.computeIfAbsent(metric, first -> new ArrayList<>()).add(point);
  }

  private static Labels labels(Metric metric, String... values) {
    if (values.length != metric.labels().size()) {
      throw new IllegalArgumentException(metric + " has the labels " + metric.labels());
    }
    return Labels.of(metric.labels().toArray(new String[0]), values);
  }

  /** Everything, by name. */
  MetricSnapshots snapshots() {
    var all = new ArrayList<MetricSnapshot>();
    points.forEach((metric, some) -> all.add(snapshot(metric, some)));
    return new MetricSnapshots(all);
  }

  private static MetricSnapshot snapshot(Metric metric, List<Point> points) {
    return switch (metric.kind()) {
      case COUNTER -> {
        var family = CounterSnapshot.builder().name(metric.base()).help(metric.help());
        for (Point point : points) {
          family.dataPoint(
              CounterDataPointSnapshot.builder().value(point.value).labels(point.labels).build());
        }
        yield family.build();
      }
      case GAUGE -> {
        var family = GaugeSnapshot.builder().name(metric.base()).help(metric.help());
        for (Point point : points) {
          family.dataPoint(
              GaugeDataPointSnapshot.builder().value(point.value).labels(point.labels).build());
        }
        yield family.build();
      }
      case HISTOGRAM -> {
        var family = HistogramSnapshot.builder().name(metric.base()).help(metric.help());
        for (Point point : points) {
          for (DurationHistogram.Snapshot durations : point.durations) {
            family.dataPoint(
                HistogramDataPointSnapshot.builder()
                    .classicHistogramBuckets(ranges(durations))
                    .sum(durations.sumNanos() / NANOS_PER_SECOND)
                    .labels(point.labels)
                    .build());
          }
        }
        yield family.build();
      }
      case INFO -> {
        var family = InfoSnapshot.builder().name(metric.base()).help(metric.help());
        for (Point point : points) {
          family.dataPoint(InfoDataPointSnapshot.builder().labels(point.labels).build());
        }
        yield family.build();
      }
    };
  }

  private static ClassicHistogramBuckets ranges(DurationHistogram.Snapshot durations) {
    var bounds = new double[durations.ranges()];
    var counts = new long[bounds.length];
    for (int i = 0; i < bounds.length; i++) {
      long bound = durations.boundNanos(i);
      bounds[i] = bound == Long.MAX_VALUE ? Double.POSITIVE_INFINITY : bound / NANOS_PER_SECOND;
      counts[i] = durations.count(i);
    }
    return ClassicHistogramBuckets.of(bounds, counts);
  }
}
