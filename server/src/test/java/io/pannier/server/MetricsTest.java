package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.server.metrics.Metric;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What a scrape shows of what was done before it. */
class MetricsTest extends ApiFixture {
  /** Those that tell of something that no test can make happen everywhere. */
  private static final List<Metric> SOME_SYSTEMS_ONLY =
      List.of(Metric.RESIDENT, Metric.OPEN_HANDLES, Metric.MAX_HANDLES);

  /** Those of an instance that follows another one; its own test looks at them. */
  private static final List<Metric> REPLICAS_ONLY =
      List.of(
          Metric.REPLICA_BEHIND,
          Metric.REPLICA_LAST_READ,
          Metric.REPLICA_STATES,
          Metric.REPLICA_FAILURES,
          Metric.REPLICA_EPOCH,
          Metric.REPLICA_GENERATION);

  private Wire.Answer scrape() throws IOException {
    Wire.Answer answer = wire.send(request("GET", "metrics"));
    assertThat(answer.status()).isEqualTo(200);
    return answer;
  }

  /** The series of a scrape by their names with labels. */
  private Map<String, Double> series() throws IOException {
    return series(scrape().text());
  }

  private static Map<String, Double> series(String text) {
    var series = new TreeMap<String, Double>();
    for (String line : text.lines().filter(line -> !line.startsWith("#")).toList()) {
      int blank = line.lastIndexOf(' ');
      String value = line.substring(blank + 1);
      series.put(
          line.substring(0, blank),
          value.equals("+Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(value));
    }
    return series;
  }

  private String of(String metric) {
    return metric + "{bucket=\"" + bucket + "\"}";
  }

  @Test
  void everyMetricThatIsListedIsShownWithItsKindAndText() throws Exception {
    record("e", 1, "x");
    send(
        "POST",
        "lifecycles/trim",
        "{\"type\":\"delete\",\"bucket\":\"" + bucket + "\",\"older_than\":\"30d\"}");
    send(
        "POST",
        "replications/away",
        "{\"src_bucket\":\""
            + bucket
            + "\",\"dst_bucket\":\"d\",\"dst_host\":\"http://127.0.0.1:9\",\"mode\":\"paused\"}");
    String text = scrape().text();
    var missing = new ArrayList<String>();
    for (Metric metric : Metric.values()) {
      String kind =
          metric.kind() == Metric.Kind.INFO
              ? "gauge"
              : metric.kind().name().toLowerCase(java.util.Locale.ROOT);
      String head =
          "# HELP "
              + metric.fullName()
              + " "
              + metric.help()
              + "\n# TYPE "
              + metric.fullName()
              + " "
              + kind
              + "\n";
      if (REPLICAS_ONLY.contains(metric)) {
        assertThat(text).doesNotContain(metric.fullName());
      } else if (!text.contains(head) && !SOME_SYSTEMS_ONLY.contains(metric)) {
        missing.add(head);
      }
    }
    assertThat(missing).isEmpty();
    var names = new TreeSet<String>();
    text.lines()
        .filter(line -> line.startsWith("# TYPE "))
        .forEach(line -> names.add(line.replaceAll("# TYPE (\\S+) .*", "$1")));
    for (Metric metric : Metric.values()) {
      names.remove(metric.fullName());
    }
    assertThat(names).as("shown and not listed").isEmpty();
  }

  @Test
  void requestsAreCountedByRouteAndStatus() throws Exception {
    record("e", 1, "0123456789");
    record("e", 2, "0123456789");
    assertThat(send(request("POST", "b/" + bucket + "/e?ts=2").body("x")).status()).isEqualTo(409);
    assertThat(send("GET", "b/" + bucket + "/e?ts=1").text()).isEqualTo("0123456789");
    assertThat(send("GET", "nothing").status()).isEqualTo(404);
    Map<String, Double> series = series();
    String entry = "method=\"POST\",route=\"/b/{bucket}/{entry}\"";
    assertThat(series)
        .containsEntry("pannier_http_requests_total{code=\"200\"," + entry + "}", 2.0)
        .containsEntry("pannier_http_requests_total{code=\"409\"," + entry + "}", 1.0)
        .containsEntry("pannier_http_request_duration_seconds_count{" + entry + "}", 3.0)
        .containsEntry(
            "pannier_http_request_duration_seconds_bucket{" + entry + ",le=\"+Inf\"}", 3.0)
        .containsEntry("pannier_http_request_body_bytes_total{" + entry + "}", 21.0)
        .containsEntry(
            "pannier_http_response_body_bytes_total{method=\"GET\",route=\"/b/{bucket}/{entry}\"}",
            10.0)
        .containsEntry(
            "pannier_http_requests_total{code=\"404\",method=\"any\",route=\"none\"}", 1.0)
        // The scrape itself.
        .containsEntry("pannier_http_requests_in_flight", 1.0)
        .containsEntry("pannier_http_connections", 1.0);
  }

  @Test
  void recordsAreCountedByBucket() throws Exception {
    record("e", 1, "0123456789", "a=b");
    record("e", 2, "0123456789");
    send("GET", "b/" + bucket + "/e?ts=1");
    send("DELETE", "b/" + bucket + "/e?ts=1");
    Map<String, Double> series = series();
    assertThat(series)
        .containsEntry(of("pannier_bucket_records_written_total"), 2.0)
        .containsEntry(of("pannier_bucket_written_bytes_total"), 20.0)
        .containsEntry(of("pannier_bucket_records_read_total"), 1.0)
        .containsEntry(of("pannier_bucket_read_bytes_total"), 10.0)
        .containsEntry(of("pannier_bucket_records_removed_total"), 1.0)
        .containsEntry(of("pannier_bucket_records"), 1.0)
        .containsEntry(of("pannier_bucket_entries"), 1.0)
        .containsEntry(of("pannier_bucket_blocks"), 1.0)
        .containsEntry(of("pannier_bucket_records_ahead_total"), 0.0)
        .containsEntry("pannier_bucket_quota_bytes{bucket=\"" + bucket + "\",type=\"none\"}", 0.0)
        .containsEntry("pannier_store_records_total", 2.0);
    assertThat(series.get(of("pannier_bucket_size_bytes"))).isBetween(42.0, 60.0);
    assertThat(series.get("pannier_device_written_bytes_total"))
        .isGreaterThan(series.get("pannier_store_record_bytes_total"));
  }

  @Test
  void aRecordFarAheadOfTheClockIsCounted() throws Exception {
    long now = clock().wallMicros();
    record("e", now + 3_600_000_000L, "an hour");
    record("e", now + 90_000_000_000L, "a day and an hour");
    send(
        request("POST", "b/" + bucket + "/e?ts=" + (now + 180_000_000_000L))
            .header("content-type", "text/plain")
            .body(bytes(600_000, 1)));
    assertThat(series()).containsEntry(of("pannier_bucket_records_ahead_total"), 2.0);
  }

  @Test
  void refusalsAreCountedByReason() throws Exception {
    assertThat(send(request("GET", "info").header("authorization", "Bearer wrong")).status())
        .isEqualTo(401);
    try (Wire other = connect(server.port())) {
      for (int i = 0; i < 30; i++) {
        other.send(request("GET", "info").header("authorization", "Bearer wrong" + i));
      }
    }
    Map<String, Double> series = series();
    assertThat(series).containsEntry("pannier_failed_logins_total", 31.0);
    assertThat(series.get("pannier_http_requests_refused_total{reason=\"failed_logins\"}"))
        .isEqualTo(11.0);
    assertThat(series)
        .containsEntry("pannier_http_requests_refused_total{reason=\"workers\"}", 0.0);
  }

  @Test
  void aClientThatHangsUpIsCountedAsGone() throws Exception {
    try (Wire other = connect(server.port())) {
      other.write(
          ascii(
              "POST /api/v1/b/"
                  + bucket
                  + "/e?ts=1 HTTP/1.1\r\nhost: a\r\nauthorization: Bearer "
                  + TOKEN
                  + "\r\ncontent-length: 100\r\n\r\nhalf of it"));
      while (series().get("pannier_http_requests_in_flight") < 2) {
        Thread.onSpinWait();
      }
    }
    String gone =
        "pannier_http_requests_total{code=\"gone\",method=\"POST\",route=\"/b/{bucket}/{entry}\"}";
    while (!series().containsKey(gone)) {
      Thread.onSpinWait();
    }
    assertThat(series())
        .containsEntry(gone, 1.0)
        .containsEntry("pannier_http_requests_in_flight", 1.0)
        .containsEntry(of("pannier_bucket_records_written_total"), 0.0);
  }

  @Test
  void openMetricsIsServedToWhoAsksForIt() throws Exception {
    Wire.Answer usual = scrape();
    assertThat(usual.header("content-type")).contains("text/plain; version=0.0.4; charset=utf-8");
    Wire.Answer open =
        send(
            request("GET", "metrics")
                .header("accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"));
    assertThat(open.header("content-type").orElse(""))
        .startsWith("application/openmetrics-text; version=1.0.0");
    assertThat(open.text()).endsWith("# EOF\n").contains("# TYPE pannier_http_requests counter\n");
  }

  @Test
  void theyAreWhereScrapersLookAndNeedFullAccess() throws Exception {
    try (var raw = connect(server.port())) {
      raw.write(
          ascii("GET /metrics HTTP/1.1\r\nhost: a\r\nauthorization: Bearer " + TOKEN + "\r\n\r\n"));
      assertThat(raw.read(false).text()).contains("pannier_build_info{");
    }
    assertThat(send(request("GET", "metrics").withoutToken()).status()).isEqualTo(401);
    assertThat(send("POST", "metrics").summary()).startsWith("405");
    Wire.Answer head = send("HEAD", "metrics");
    assertThat(head.status()).isEqualTo(200);
  }

  @Test
  void theyAreAnsweredWhileAllWorkersAreBusy() throws Exception {
    var release = new CountDownLatch(1);
    int workers = ServerConfig.Threads.DEFAULT.workers();
    var blocked = new CountDownLatch(workers);
    var busy = new ArrayList<Wire>();
    try {
      // Commits that are held up, as many as there are workers.
      store
          .bucket(bucket)
          .onCommit(entry -> {
            blocked.countDown();
            await(release);
          });
      for (int i = 0; i < workers; i++) {
        // Long enough not to be written on an event loop.
        Wire one = connect(server.port());
        busy.add(one);
        one.write(
            request("POST", "b/" + bucket + "/e" + i + "?ts=1").body(bytes(600_000, i)).bytes());
      }
      blocked.await();
      Map<String, Double> series = series();
      assertThat(series).containsEntry("pannier_workers_busy", (double) workers);
      assertThat(series).containsEntry("pannier_http_requests_in_flight", workers + 1.0);
    } finally {
      release.countDown();
      for (Wire one : busy) {
        assertThat(one.read(false).status()).isEqualTo(200);
        one.close();
      }
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Without a token, and below a prefix. */
  @Nested
  class Opened extends ApiFixture {
    @Override
    ServerConfig configure(ServerConfig usual) {
      return usual.withMetricsPublic(true).withBasePath("robot");
    }

    @Override
    @org.junit.jupiter.api.BeforeEach
    void startServer() throws IOException {
      open();
    }

    @Test
    void anybodyMayScrape() throws Exception {
      wire.write(ascii("GET /robot/metrics HTTP/1.1\r\nhost: a\r\n\r\n"));
      Wire.Answer answer = wire.read(false);
      assertThat(answer.status()).isEqualTo(200);
      assertThat(series(answer.text())).containsKey("process_start_time_seconds");
    }
  }
}
