package io.pannier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.client.BatchErrors;
import io.pannier.client.BatchWriter;
import io.pannier.client.Body;
import io.pannier.client.Bucket;
import io.pannier.client.BucketOptions;
import io.pannier.client.CreatedToken;
import io.pannier.client.EntryInfo;
import io.pannier.client.LifecycleOptions;
import io.pannier.client.LinkOptions;
import io.pannier.client.Outgoing;
import io.pannier.client.PannierClient;
import io.pannier.client.Permissions;
import io.pannier.client.QueryOptions;
import io.pannier.client.RecordStream;
import io.pannier.client.ReplicationOptions;
import io.pannier.client.ServerInfo;
import io.pannier.client.StoredRecord;
import io.pannier.client.Tls;
import io.pannier.client.TokenOptions;
import io.pannier.client.When;
import io.pannier.model.Labels;
import io.pannier.model.QuotaType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples of the SDK's Javadoc and guide: regions of this file are shown there. */
class ClientExamplesTest {
  private static LiveServer server;
  @TempDir private static Path folder;
  private static int number;

  private PannierClient client;
  private Bucket bucket;

  @BeforeAll
  static void start() {
    server = LiveServer.ours(folder.resolve("data"));
  }

  @AfterAll
  static void stop() throws Exception {
    server.close();
  }

  @BeforeEach
  void connect() {
    client = PannierClient.connect(server.url(), LiveServer.TOKEN);
    bucket = client.createBucket("examples-" + ++number, BucketOptions.unchanged());
  }

  @AfterEach
  void hangUp() {
    client.close();
  }

  private void fill() {
    for (int i = 1; i <= 10; i++) {
      bucket.write(
          "camera",
          Outgoing.of(i * 1000L, Body.of("picture " + i))
              .type("image/jpeg")
              .labels("score", "" + i, "camera", i % 2 == 0 ? "front" : "back"));
    }
  }

  @Test
  void first() {
    String url = server.url();
    String token = LiveServer.TOKEN;
    byte[] jpeg = {1, 2, 3};
    // @start region="first"
    try (PannierClient client = PannierClient.connect(url, token)) {
      Bucket robot = client.getOrCreateBucket("robot1", BucketOptions.unchanged());
      robot.write(
          "camera",
          Outgoing.of(1_700_000_000_000_000L, Body.of(jpeg))
              .type("image/jpeg")
              .labels("camera", "front", "score", "0.93"));
      QueryOptions good = QueryOptions.where(When.label("score").gt(0.9));
      try (RecordStream records = robot.query("camera", good)) {
        while (records.hasNext()) {
          StoredRecord record = records.next();
          byte[] picture = record.bytes();
          assert picture.length == record.length();
        }
      }
    }
    // @end
    assertThat(client.hasBucket("robot1")).isTrue();
  }

  @Test
  void connectWithOptions() {
    String url = server.url();
    // @start region="connect"
    PannierClient patient =
        PannierClient.builder(url)
            .token("secret")
            .timeout(Duration.ofSeconds(60))
            .repeats(10, Duration.ofMillis(200))
            .build();
    PannierClient careless =
        PannierClient.builder("https://robot.local:8383").tls(Tls.unverified()).build();
    // @end
    try (patient;
        careless) {
      patient.alive();
      assertThat(careless.url().getPort()).isEqualTo(8383);
    }
  }

  @Test
  void aboutTheServer() {
    // @start region="server"
    ServerInfo info = client.info();
    System.out.printf(
        "%s: %d buckets, %d bytes%n", info.version(), info.bucketCount(), info.usageBytes());
    // @end
    assertThat(info.version()).startsWith("1.21");
  }

  @Test
  void rawCall() {
    // @start region="call"
    String answer = client.call("GET", "me", "");
    // @end
    assertThat(answer).contains("init-token");
  }

  @Test
  void createBucket() {
    // @start region="create-bucket"
    Bucket ring =
        client.createBucket(
            "ring", BucketOptions.unchanged().quota(QuotaType.FIFO, 10_000_000_000L));
    // @end
    assertThat(ring.settings().quotaSize()).isEqualTo(10_000_000_000L);
  }

  @Test
  void aboutABucket() {
    fill();
    // @start region="bucket"
    for (EntryInfo entry : bucket.detail().entries()) {
      System.out.printf("%s: %d records%n", entry.name(), entry.recordCount());
    }
    // @end
    assertThat(bucket.entries()).hasSize(1);
  }

  @Test
  void token() {
    // @start region="token"
    CreatedToken viewer =
        client.createToken(
            "viewer",
            TokenOptions.of(Permissions.reading("robot*"))
                .expiringAt(Instant.parse("2100-01-01T00:00:00Z"))
                .unusedFor(Duration.ofDays(30)));
    String value = viewer.value(); // told only now
    // @end
    assertThat(value).startsWith("viewer-");
    assertThat(viewer.toString()).doesNotContain(value);
  }

  @Test
  void replication() {
    client.getOrCreateBucket("robot1", BucketOptions.unchanged());
    // @start region="replication"
    client.createReplication(
        "to-cloud",
        ReplicationOptions.of("robot1", "https://cloud.example:8383", "fleet")
            .token("cloud-token")
            .when(When.label("keep").eq(true)));
    // @end
    assertThat(client.replication("to-cloud").settings().destinationBucket()).isEqualTo("fleet");
    client.removeReplication("to-cloud");
  }

  @Test
  void lifecycle() {
    client.getOrCreateBucket("robot1", BucketOptions.unchanged());
    // @start region="lifecycle"
    client.createLifecycle(
        "trim", LifecycleOptions.delete("robot1", "30d").when(When.labelText("keep").ne("yes")));
    // @end
    assertThat(client.lifecycle("trim").settings().olderThan()).isEqualTo("30d");
  }

  @Test
  void write() throws IOException {
    Path scan = Files.write(folder.resolve("scan.bin"), new byte[100_000]);
    // @start region="write"
    bucket.write(
        "lidar",
        Outgoing.of(1_700_000_000_000_000L, Body.of(scan).watchedBy(sent -> show(sent)))
            .labels("sensor", "top"));
    // @end
    assertThat(bucket.find("lidar", 1_700_000_000_000_000L).orElseThrow().length())
        .isEqualTo(100_000);
  }

  private static void show(long bytes) {
    assertThat(bytes).isPositive();
  }

  @Test
  void read() {
    fill();
    // @start region="read"
    try (StoredRecord record = bucket.read("camera", 3000)) {
      System.out.println(record.contentType() + " " + record.labels().get("score"));
      byte[] picture = record.bytes();
      // @end
      assertThat(picture).asString().isEqualTo("picture 3");
      // @start region="read-tail"
    }
    // @end
  }

  @Test
  void readAsStream() throws IOException {
    fill();
    // @start region="read-stream"
    try (StoredRecord record = bucket.readLatest("camera");
        java.io.InputStream body = record.body()) {
      body.transferTo(java.io.OutputStream.nullOutputStream());
    }
    // @end
    Path target = folder.resolve("picture.jpg");
    // @start region="read-file"
    try (StoredRecord record = bucket.readLatest("camera")) {
      record.saveTo(target, written -> show(written));
    }
    // @end
    assertThat(target).hasContent("picture 10");
    assertThat(folder.resolve("picture.jpg.part")).doesNotExist();
  }

  @Test
  void labels() {
    fill();
    // @start region="labels"
    bucket.updateLabels("camera", 3000, Labels.of("seen", "lion", "camera", ""));
    // @end
    assertThat(bucket.find("camera", 3000).orElseThrow().labels())
        .isEqualTo(Labels.of("score", "3", "seen", "lion"));
  }

  @Test
  void batch() {
    // @start region="batch"
    List<Outgoing> samples = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      samples.add(Outgoing.of(1_000_000L + i, Body.of("sample " + i)));
    }
    BatchErrors errors = bucket.writeBatch("imu", samples);
    errors.byRecord().forEach((record, error) -> System.err.println(record + ": " + error));
    // @end
    assertThat(errors.isEmpty()).isTrue();
    assertThat(bucket.entries().getFirst().recordCount()).isEqualTo(1000);
  }

  @Test
  void many() {
    // @start region="many"
    bucket.writeMany(
        Map.of(
            "imu", List.of(Outgoing.of(10, Body.of("1,2,3")).type("text/csv")),
            "gps", List.of(Outgoing.of(10, Body.of("52.5,13.4")).type("text/csv"))));
    // @end
    assertThat(bucket.entries()).extracting(EntryInfo::name).containsExactly("gps", "imu");
  }

  @Test
  void writer() {
    // @start region="writer"
    try (BatchWriter writer =
        bucket.writer(
            BatchWriter.Options.usual().age(Duration.ofMillis(200)),
            (record, error) ->
                error.ifPresent(e -> System.err.println(record + ": " + e.getMessage())))) {
      for (int i = 0; i < 500; i++) {
        writer.add("imu", Outgoing.of(i, Body.of("sample")));
      }
    }
    // @end
    assertThat(bucket.entries().getFirst().recordCount()).isEqualTo(500);
  }

  @Test
  void query() {
    fill();
    // @start region="query"
    QueryOptions front =
        QueryOptions.where(When.label("camera").eq("front").and(When.label("score").gte(4)))
            .from(2000)
            .before(9000);
    try (RecordStream records = bucket.query("camera", front)) {
      List<String> pictures = records.stream().map(StoredRecord::text).toList();
      // @end
      assertThat(pictures).containsExactly("picture 4", "picture 6", "picture 8");
      // @start region="query-tail"
    }
    // @end
  }

  @Test
  void queryMany() {
    fill();
    bucket.write("imu", 3500, new byte[1]);
    List<String> found = new ArrayList<>();
    // @start region="query-many"
    try (RecordStream records =
        bucket.query(
            List.of("cam*", "imu"), QueryOptions.all().from(3000).before(5000).metadata())) {
      while (records.hasNext()) {
        StoredRecord record = records.next();
        found.add(record.entry() + " " + record.timestamp());
      }
    }
    // @end
    assertThat(found).containsExactly("camera 3000", "imu 3500", "camera 4000");
  }

  @Test
  void follow() {
    // @start region="follow"
    try (RecordStream records = bucket.follow(List.of("events"), QueryOptions.all().from(0))) {
      bucket.write("events", 1, new byte[] {42});
      StoredRecord event = records.next(); // waits for it
      // @end
      assertThat(event.timestamp()).isEqualTo(1);
      // @start region="follow-tail"
    }
    // @end
  }

  @Test
  void removeQuery() {
    fill();
    // @start region="remove-query"
    long removed = bucket.removeQuery(List.of("*"), QueryOptions.where(When.label("score").lt(4)));
    // @end
    assertThat(removed).isEqualTo(3);
  }

  @Test
  void attachments() {
    fill();
    // @start region="attachments"
    bucket.writeAttachments("camera", Map.of("calibration", "{\"fx\": 611.2}"));
    String calibration = bucket.attachments("camera").get("calibration");
    // @end
    assertThat(calibration).isEqualTo("{\"fx\": 611.2}");
    bucket.removeAttachments("camera", List.of());
    assertThat(bucket.attachments("camera")).isEmpty();
  }

  @Test
  void link() {
    fill();
    Instant tomorrow = Instant.parse("2100-01-01T00:00:00Z");
    // @start region="link"
    String link =
        bucket.createLink(
            LinkOptions.of("camera", 3000, tomorrow).fileName("lion.jpg").baseUrl(server.url()));
    try (StoredRecord record = PannierClient.openLink(link)) { // no token needed
      record.bytes();
    }
    // @end
    assertThat(link).contains("lion.jpg");
  }

  /** What Javadoc would only find out when it is run. */
  @Test
  void everyExampleIsShownAndEveryOneShownIsHere() throws IOException {
    Path root = Path.of("").toAbsolutePath().getParent();
    Set<String> here = new HashSet<>();
    var regions = Pattern.compile("@start region=\"([a-z-]+)\"");
    String own =
        Files.readString(root.resolve("cli/src/test/java/io/pannier/cli/ClientExamplesTest.java"));
    regions.matcher(own).results().forEach(match -> here.add(match.group(1)));
    here.removeIf(name -> name.endsWith("-tail"));
    Set<String> shown = new HashSet<>();
    var snippet = Pattern.compile("@snippet class=\"ClientExamplesTest\" region=\"([a-z-]+)\"");
    try (var files = Files.walk(root.resolve("client/src/main/java"))) {
      for (Path file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
        snippet.matcher(Files.readString(file)).results().forEach(m -> shown.add(m.group(1)));
      }
    }
    assertThat(shown).isEqualTo(here).hasSizeGreaterThan(15);
  }
}
