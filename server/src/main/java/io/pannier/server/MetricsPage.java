package io.pannier.server;

import io.pannier.server.metrics.Metric;
import java.util.Locale;
import java.util.function.Consumer;

/** Writes the list of metrics: {@code docs/metrics.md} for people, and lines for programs. */
public final class MetricsPage {
  private static final String HEAD =
      """
      # Metrics

      This page is made from the list that the server makes its metrics with. Do not edit it;
      `./pannier metrics --markdown > docs/metrics.md` writes it anew, and a test fails when it is stale.

      `GET /metrics` (below `RS_API_BASE_PATH`, where one is set; `/api/v1/metrics` is the same) answers in the text format of Prometheus, and in
      OpenMetrics where the client asks for that. It needs a token with full access, as Prometheus sends it with `authorization` in its scrape
      configuration, unless `PANNIER_METRICS_PUBLIC=true` opens it to everybody. It is made on a thread of its own, so it answers when all others
      are busy. Until the store is open it answers 503.

      ```
      curl -H "Authorization: Bearer $TOKEN" http://localhost:8383/metrics
      ```

      [deploy/observability](../deploy/observability/README.md) has a scrape configuration, alerts, and a dashboard.

      Counters begin with 0 at every start of the process, except where it says otherwise. Series of a route are there from its first request on,
      those of a bucket, lifecycle or replication as long as it exists. Entries have none: there may be any number of them. Durations are in
      seconds, in ranges from 100 µs to 60 s for requests and from 1 ms to 30 s for sync rounds.

      | metric | kind | labels | what it says |
      |---|---|---|---|
      """;

  private MetricsPage() {}

  /** The whole page. */
  public static String markdown() {
    var page = new StringBuilder(HEAD);
    for (Metric metric : Metric.values()) {
      page.append("| `")
          .append(metric.fullName())
          .append("` | ")
          .append(kind(metric))
          .append(" | ")
          .append(metric.labels().isEmpty() ? "" : "`" + String.join("` `", metric.labels()) + "`")
          .append(" | ")
          .append(metric.help())
          .append(" |\n");
    }
    return page.toString();
  }

  /**
   * One metric.
   *
   * @param kind {@code counter}, {@code gauge}, {@code histogram} or {@code info}
   * @param labels names between commas
   */
  public record Line(String name, String kind, String labels, String help) {}

  /** Shows them one after the other. */
  public static void forEach(Consumer<Line> action) {
    for (Metric metric : Metric.values()) {
      action.accept(
          new Line(
              metric.fullName(), kind(metric), String.join(",", metric.labels()), metric.help()));
    }
  }

  private static String kind(Metric metric) {
    return metric.kind().name().toLowerCase(Locale.ROOT);
  }
}
