package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.pannier.model.Ack;
import io.pannier.model.BucketSettings;
import io.pannier.model.Limits;
import io.pannier.model.SystemClock;
import io.pannier.server.events.EventOptions;
import io.pannier.server.http.TestTls;
import io.pannier.server.http.TlsFiles;
import io.pannier.store.RecordBody;
import io.pannier.store.Store;
import io.pannier.store.StoreConfig;
import io.pannier.store.StoredRecord;
import io.pannier.store.TimeRange;
import io.pannier.store.disk.RealDisk;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What can be wrong with a destination is told with its cause, and made good once it is mended. */
class ReplicationErrorsTest extends ApiFixture {
  @TempDir Path cloudFolder;
  @TempDir Path certificates;
  private PlatformScheduler cloudScheduler;
  private Store cloudStore;
  private Server cloud;
  private Wire far;

  @Override
  ServerConfig configure(ServerConfig usual) {
    return usual.withEvents(new EventOptions(true, 1_000_000, Optional.empty()));
  }

  private void startCloud(ServerConfig config) throws IOException {
    cloudScheduler = new PlatformScheduler(2);
    cloud = Server.start(config.withAddress("127.0.0.1", 0));
    cloudStore =
        Store.open(
            new StoreConfig(
                new RealDisk(cloudFolder),
                new SystemClock(),
                new Random(6),
                cloudScheduler,
                Limits.forHandles(4096),
                BucketSettings.DEFAULT,
                Ack.BUFFERED,
                (kind, text, subject, cause) -> {},
                "cloud"));
    cloud.open(cloudStore);
  }

  private void startCloud() throws IOException {
    startCloud(ServerConfig.of(Optional.of(TOKEN)));
    far = new Wire(cloud.port());
  }

  @AfterEach
  void stopCloud() throws IOException {
    if (far != null) {
      far.close();
    }
    if (cloud != null) {
      cloud.close();
      cloudStore.close();
      cloudScheduler.close();
    }
  }

  private String settings(String host, String token, String more) {
    return ("{'src_bucket':'"
            + bucket
            + "','dst_bucket':'copy','dst_host':'"
            + host
            + "','dst_token':'"
            + token
            + "'"
            + (more.isEmpty() ? "" : "," + more)
            + "}")
        .replace('\'', '"');
  }

  private void task(String host, String token, String more) throws IOException {
    assertThat(send("POST", "replications/r", settings(host, token, more)).summary())
        .isEqualTo("200 (no error)");
  }

  private String cloudHost() {
    return "http://127.0.0.1:" + cloud.port();
  }

  private void await(BooleanSupplier condition) throws InterruptedException {
    for (int i = 0; i < 1500 && !condition.getAsBoolean(); i++) {
      Thread.sleep(20); // tidy: polls a condition, with an end
    }
    assertThat(condition.getAsBoolean())
        .as(() -> server.context().replications().get("r").toString())
        .isTrue();
  }

  private String detail() throws IOException {
    return send("GET", "replications/r").text();
  }

  private void awaitError(String code) throws Exception {
    await(() ->
        server
            .context()
            .replications()
            .get("r")
            .diagnostics()
            .lastError()
            .map(error -> Integer.toString(error.code()).equals(code))
            .orElse(false));
  }

  private long pending() {
    return server.context().replications().get("r").info().pendingRecords();
  }

  @Test
  void anUnknownHostIsTold() throws Exception {
    task("http://no-such-host.invalid:8383", TOKEN, "");
    awaitError("-3");
    assertThat(detail())
        .contains(
            "\"is_active\":false",
            "\"last_error\":{\"code\":-3,\"message\":\"Cannot connect to no-such-host.invalid:8383: host name is not known\",\"timestamp\":");
  }

  @Test
  void aWrongTokenIsToldAndARightOneTakesUpTheWork() throws Exception {
    startCloud();
    task(cloudHost(), "wrong", "");
    record("e", 1, "x");
    awaitError("401");
    assertThat(detail()).contains("\"is_active\":false", "\"code\":401", "\"pending_records\":1}");
    assertThat(send("PUT", "replications/r", settings(cloudHost(), TOKEN, "")).status())
        .isEqualTo(200);
    await(() -> pending() == 0);
    assertThat(far.send(request("GET", "b/copy/e?ts=1")).text()).isEqualTo("x");
    assertThat(detail()).contains("\"is_active\":true", "\"last_error\":null");
  }

  @Test
  void aTokenThatMayNotMakeTheBucketIsTold() throws Exception {
    startCloud();
    String reader =
        far.send(
                request("POST", "tokens/reader")
                    .body("{\"full_access\":false,\"read\":[\"copy\"],\"write\":[]}"))
            .text();
    String value = reader.replaceAll(".*\"value\":\"([^\"]+)\".*", "$1");
    task(cloudHost(), value, "");
    record("e", 1, "x");
    awaitError("403");
    assertThat(detail()).contains("\"is_active\":false", "\"code\":403");
    // It may read the bucket, and not write to it.
    far.send(request("POST", "b/copy"));
    awaitError("403");
    assertThat(pending()).isEqualTo(1);
  }

  @Test
  void aCertificateThatNobodyTrustsIsTold() throws Exception {
    TlsFiles files = new TestTls().files(certificates);
    startCloud(
        ServerConfig.of(Optional.of(TOKEN))
            .withTls(
                new ServerConfig.Tls(files.certificate(), files.key(), files.clientCa(), false)));
    task("https://127.0.0.1:" + cloud.port(), TOKEN, "");
    awaitError("-3");
    assertThat(detail()).contains("certificate was not accepted");
  }

  @Test
  void plainHttpWhereHttpsIsSpokenIsTold() throws Exception {
    startCloud();
    task("https://127.0.0.1:" + cloud.port(), TOKEN, "");
    awaitError("-3");
    assertThat(detail()).contains("TLS failed, perhaps it is no HTTPS port");
  }

  @Test
  void aTaskThatCopiesToItselfByAnotherNameIsTold() throws Exception {
    String self = "http://[::ffff:127.0.0.1]:" + server.port();
    assertThat(
            send("POST", "replications/r", settings(self, TOKEN, "'dst_bucket':'" + bucket + "'"))
                .status())
        .isEqualTo(200);
    awaitError("422");
    assertThat(detail()).contains("Source and destination buckets must be different");
  }

  @Test
  void aFullDestinationIsToldAndTriedAgain() throws Exception {
    startCloud();
    far.send(request("POST", "b/copy").body("{\"quota_type\":\"HARD\",\"quota_size\":2000}"));
    task(cloudHost(), TOKEN, "");
    for (int i = 1; i <= 5; i++) {
      record("e", i, "x".repeat(500));
    }
    awaitError("400");
    assertThat(detail())
        .contains("\"code\":400", "Quota of 'copy' exceeded", "\"refused_records\":0");
    assertThat(pending()).isPositive();
    far.send(request("PUT", "b/copy").body("{\"quota_type\":\"NONE\"}"));
    await(() -> pending() == 0);
    assertThat(far.send(request("GET", "b/copy")).text()).contains("\"record_count\":5");
  }

  /** As a destination of an older version answers. */
  private static HttpServer older(List<String> heard) throws IOException {
    HttpServer old =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 50);
    old.createContext(
        "/",
        exchange -> {
          heard.add(
              exchange.getRequestMethod()
                  + " "
                  + exchange.getRequestURI()
                  + " "
                  + exchange.getRequestHeaders().getFirst("content-encoding"));
          exchange.getRequestBody().readAllBytes();
          exchange.getResponseHeaders().set("x-reduct-api", "1.18");
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    old.start();
    return old;
  }

  @Test
  void anOlderDestinationIsToldAndGetsWhatItUnderstands() throws Exception {
    List<String> heard = Collections.synchronizedList(new ArrayList<>());
    HttpServer old = older(heard);
    try {
      task("http://127.0.0.1:" + old.getAddress().getPort(), TOKEN, "'compression':'zstd'");
      record("e", 1, "x");
      send(request("POST", "b/" + bucket + "/big?ts=2").body(bytes(5_000_000, 1)));
      await(() -> pending() == 0);
      assertThat(heard)
          .contains("POST /api/v1/b/copy/e/batch null", "POST /api/v1/b/copy/big/batch null");
      assertThat(detail())
          .contains(
              "\"destination\":{\"api_version\":\"1.18\",\"is_pannier\":false,\"resumes_uploads\":false,"
                  + "\"note\":\"bodies are sent uncompressed: it takes compressed ones from API 1.21 on\"}");
    } finally {
      old.stop(0);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'entries':['']|422 Invalid entry pattern '': it matches no entry",
        "'entries':['a','!']|422 Invalid entry pattern '!': it matches no entry",
        "'entries':['a//b']|422 Invalid entry pattern 'a//b': it matches no entry",
        "'entries':['a?b']|422 Invalid entry pattern 'a?b': it matches no entry",
        "'entries':['cam/']|422 Invalid entry pattern 'cam/': it matches no entry",
        "'entries':7|422 Invalid JSON: 'entries' must be an array of strings, not the number 7",
        "'when':{'&a':{'$like':1}}|422 Invalid replication condition: Operator '$like' not supported",
      })
  void whatCanBeKnownBeforehandIsRefusedAtOnce(String member, String error) throws Exception {
    assertThat(
            send("POST", "replications/r", settings("http://127.0.0.1:9", TOKEN, member)).summary())
        .isEqualTo(error);
  }

  @Test
  void patternsThatMatchSomethingAreTaken() throws Exception {
    task(
        "http://127.0.0.1:9",
        TOKEN,
        "'entries':['*','**','/a','a/*','a/**/b','!x','!/x/*','cam-*','e/$meta','c*m*']");
  }

  @Test
  void aBoundForTheRateHoldsAtOnceAndSoDoesItsEnd() throws Exception {
    startCloud();
    task(cloudHost(), TOKEN, "'max_bytes_per_second':1024");
    assertThat(detail()).contains("\"max_bytes_per_second\":1024");
    // At this rate it would take the better part of an hour.
    byte[] large = bytes(3_000_000, 3);
    send(request("POST", "b/" + bucket + "/big?ts=1").body(large));
    await(() -> server.context().replications().get("r").destination().isPresent());
    assertThat(pending()).isEqualTo(1);
    assertThat(send("PUT", "replications/r", settings(cloudHost(), TOKEN, "")).status())
        .isEqualTo(200);
    await(() -> pending() == 0);
    assertThat(far.send(request("GET", "b/copy/big?ts=1")).body()).isEqualTo(large);
    assertThat(detail()).doesNotContain("max_bytes_per_second");
  }

  @Test
  void whatIsLostUnsentIsAnEventWithExactCounts() throws Exception {
    send(
        "PUT",
        "b/" + bucket,
        "{\"quota_type\":\"FIFO\",\"quota_size\":60000,\"max_block_records\":10}");
    task("http://127.0.0.1:9", TOKEN, "");
    for (int i = 1; i <= 200; i++) {
      record("e", i, "x".repeat(1000));
    }
    long here = store.bucket(bucket).entry("e").info().recordCount();
    assertThat(here).isLessThan(200);
    await(() -> events().stream().anyMatch(text -> text.contains("\"event\":\"lost\"")));
    assertThat(events())
        .anySatisfy(text ->
            assertThat(text)
                .contains(
                    "\"status\":507",
                    "\"event\":\"lost\"",
                    "records with",
                    "\"total_lost_bytes\":"));
    await(() -> events().stream().anyMatch(text -> text.contains("\"event\":\"loss_ahead\"")));
    assertThat(detail())
        .contains("\"lost_records\":" + (200 - here) + ",\"lost_bytes\":" + 1000 * (200 - here));
  }

  /** What the server wrote about the task, as a client reads it. */
  private List<String> events() {
    return store.findBucket("$system").stream()
        .flatMap(system -> system.entries().stream())
        .filter(entry -> entry.name().startsWith("replications/") && entry.name().endsWith("/r"))
        .flatMap(entry -> entry.scan(TimeRange.all(), 100).stream())
        .map(ReplicationErrorsTest::text)
        .toList();
  }

  private static String text(StoredRecord record) {
    try (RecordBody body = record.open()) {
      return java.nio.charset.StandardCharsets.UTF_8
          .decode(body.readWhole(ByteBuffer.allocateDirect(body.frameBytes())))
          .toString();
    }
  }

  @Test
  void aLargeRecordGoesOnBehindALinkThatBreaksAgainAndAgain() throws Exception {
    startCloud();
    byte[] large = bytes(6_000_000, 8);
    try (var link = new BreakingLink(cloud.port(), 1_000_000)) {
      task("http://127.0.0.1:" + link.port(), TOKEN, "");
      send(
          request("POST", "b/" + bucket + "/bag?ts=1").header("x-reduct-label-n", "1").body(large));
      await(() -> link.broken() >= 2);
      send(request("PATCH", "b/" + bucket + "/bag?ts=1").header("x-reduct-label-n", "2"));
      link.hold();
      await(() -> pending() == 0);
      assertThat(far.send(request("GET", "b/copy/bag?ts=1")).body()).isEqualTo(large);
      assertThat(far.send(request("GET", "b/copy/bag?ts=1")).own("x-reduct-label"))
          .containsExactly("x-reduct-label-n: 2");
      // What a link takes with it when it breaks is at most what it let pass.
      assertThat(link.passed()).isLessThan(large.length + 2_200_000L);
    }
    assertThat(server.context().replications().get("r").diagnostics().totals().resumedBytes())
        .isPositive();
  }
}
