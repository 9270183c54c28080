package io.pannier.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.client.BatchErrors;
import io.pannier.client.BatchWriter;
import io.pannier.client.Body;
import io.pannier.client.Bucket;
import io.pannier.client.BucketInfo;
import io.pannier.client.BucketOptions;
import io.pannier.client.ClientException;
import io.pannier.client.Coding;
import io.pannier.client.EntryInfo;
import io.pannier.client.LabelUpdate;
import io.pannier.client.LifecycleInfo;
import io.pannier.client.LifecycleOptions;
import io.pannier.client.LinkOptions;
import io.pannier.client.Outgoing;
import io.pannier.client.PannierClient;
import io.pannier.client.Permissions;
import io.pannier.client.QueryOptions;
import io.pannier.client.RecordInfo;
import io.pannier.client.RecordKey;
import io.pannier.client.RecordStream;
import io.pannier.client.ReplicationInfo;
import io.pannier.client.ReplicationOptions;
import io.pannier.client.StoredRecord;
import io.pannier.client.TaskMode;
import io.pannier.client.TokenInfo;
import io.pannier.client.TokenOptions;
import io.pannier.client.When;
import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.QuotaType;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every call of the SDK against a real server: ours, and the programs that REDUCTSTORE (1.21) and
 * REDUCTSTORE_1_17 name where there are such. checks/full/sdk-reference.sh runs them.
 */
class ClientContractTest {
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();

  @TempDir Path folder;

  @Test
  void everyCallWorksWithOurs() throws Exception {
    try (var server = LiveServer.ours(folder.resolve("data"))) {
      contract(server);
    }
  }

  @Test
  void everyCallWorksWithTheReference() throws Exception {
    Optional<LiveServer> reference = LiveServer.reference(folder.resolve("data"), "REDUCTSTORE");
    Assumptions.assumeTrue(reference.isPresent(), "no REDUCTSTORE");
    try (var server = reference.get()) {
      contract(server);
    }
  }

  @Test
  void whatOlderServersHaveWorksWithReference117() throws Exception {
    Optional<LiveServer> reference =
        LiveServer.reference(folder.resolve("data"), "REDUCTSTORE_1_17");
    Assumptions.assumeTrue(reference.isPresent(), "no REDUCTSTORE_1_17");
    try (var server = reference.get()) {
      older(server.url());
    }
  }

  /** Ours counts as such a server for a client that is told so. */
  @Test
  void whatOlderServersHaveWorksWithOurs() throws Exception {
    try (var server = LiveServer.ours(folder.resolve("data"))) {
      older(server.url());
    }
  }

  private static void older(String url) throws IOException {
    try (var client = PannierClient.builder(url).token(LiveServer.TOKEN).apiAtMost(17).build()) {
      client.alive();
      assertThat(client.info().version()).startsWith("1.");
      assertThat(client.me().permissions().fullAccess()).isTrue();
      buckets(client);
      records(client);
      Bucket bucket = client.createBucket("older", BucketOptions.unchanged());
      List<Outgoing> records = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        records.add(Outgoing.of(i, Body.of("r" + i)).labels("n", "" + i));
      }
      assertThat(bucket.writeBatch("one", records).isEmpty()).isTrue();
      assertThat(contents(bucket.query("one", QueryOptions.all()))).hasSize(200);
      assertThat(
              contents(bucket.query("one", QueryOptions.where(When.label("n").lt(3)).metadata())))
          .containsOnlyKeys("one@0", "one@1", "one@2");
      BatchErrors errors =
          bucket.updateBatch(
              "one",
              List.of(
                  new LabelUpdate(1, Labels.of("n", "", "m", "x, y")),
                  new LabelUpdate(999, Labels.of("m", "1"))));
      assertThat(errors.byRecord().keySet()).containsExactly(new RecordKey("one", 999));
      assertThat(bucket.find("one", 1).orElseThrow().labels()).isEqualTo(Labels.of("m", "x, y"));
      assertThat(bucket.removeBatch("one", List.of(2L, 3L)).isEmpty()).isTrue();
      assertThat(bucket.removeQuery("one", QueryOptions.all().from(100).before(150))).isEqualTo(50);
      String value =
          client.createToken("robot", TokenOptions.of(Permissions.reading("older"))).value();
      try (var robot = PannierClient.connect(url, value)) {
        assertThat(robot.me().name()).isEqualTo("robot");
      }
      client.removeToken("robot");
      client.createReplication(
          "copy", ReplicationOptions.of("older", "http://127.0.0.1:9", "target").entries("a*"));
      assertThat(client.replications()).extracting(ReplicationInfo::name).contains("copy");
      client.removeReplication("copy");
      // What came later is refused here, not by a server that does not know it.
      assertThatThrownBy(() -> bucket.attachments("one"))
          .isInstanceOf(ClientException.Unsupported.class);
      assertThatThrownBy(() -> bucket.query(List.of("*"), QueryOptions.all()))
          .isInstanceOf(ClientException.Unsupported.class);
    }
  }

  private static void contract(LiveServer server) throws Exception {
    try (var proxy = new RecordingProxy(server.port());
        var client = PannierClient.connect(proxy.url(), LiveServer.TOKEN);
        var old =
            PannierClient.builder(proxy.url()).token(LiveServer.TOKEN).apiAtMost(12).build()) {
      theServer(client);
      buckets(client);
      tokens(client, proxy.url());
      records(client);
      batches(client);
      queries(client, old);
      attachmentsAndLinks(client, proxy.url());
      replications(client);
      lifecycles(client);
      assertThat(endpoints(proxy.asked())).isEqualTo(listed());
    }
  }

  /** The endpoints that official clients know, as checks/clients has them from the protocol. */
  private static Set<String> listed() throws IOException {
    var listed = new TreeSet<String>();
    for (String line : Files.readAllLines(ROOT.resolve("checks/clients/calls.txt"))) {
      if (line.matches("[A-Z]+ /.*")) {
        listed.add(line.replaceAll(" later$", ""));
      }
    }
    assertThat(listed).hasSizeGreaterThan(40);
    return listed;
  }

  private static Set<String> endpoints(List<String> asked) {
    var found = new TreeSet<String>();
    for (String line : asked) {
      int space = line.indexOf(' ');
      String method = line.substring(0, space);
      String target = line.substring(space + 1).replaceFirst("^/api/v1", "");
      boolean hasTime = target.contains("?ts=");
      String path = target.replaceAll("\\?.*", "");
      String name =
          path.replaceFirst("^/(tokens|replications|lifecycles)/[^/]+", "/$1/{name}")
              .replaceFirst("^/io/[^/]+", "/io/{bucket}")
              .replaceFirst("^/links/.*", "/links/{file}")
              .replaceFirst("^/b/[^/]+/rename$", "/b/{bucket}/RENAME")
              .replaceFirst("^/b/[^/]+/.+/(batch|q|rename)$", "/b/{bucket}/{entry}/$1")
              .replaceFirst("^/b/[^/{]+/(?!RENAME)[^{].*", "/b/{bucket}/{entry}")
              .replaceFirst("^/b/[^/{]+$", "/b/{bucket}")
              .replace("RENAME", "rename");
      boolean one = method.equals("DELETE") && hasTime;
      found.add(method + " " + name + (one ? "?ts" : ""));
    }
    return found;
  }

  private static void theServer(PannierClient client) {
    client.alive();
    assertThat(client.isReady()).isTrue();
    assertThat(client.info().version()).startsWith("1.21");
    assertThat(client.info().defaults().maxBlockRecords()).isEqualTo(1024);
    assertThat(client.me().permissions().fullAccess()).isTrue();
  }

  private static void buckets(PannierClient client) {
    Bucket made =
        client.createBucket(
            "made",
            BucketOptions.unchanged().quota(QuotaType.FIFO, 1_000_000_000).blockRecords(100));
    assertThatThrownBy(() -> client.createBucket("made", BucketOptions.unchanged()))
        .isInstanceOfSatisfying(
            ClientException.Refused.class, refused -> assertThat(refused.code()).isEqualTo(409))
        .hasMessage("Bucket 'made' already exists");
    assertThat(client.getOrCreateBucket("made", BucketOptions.unchanged()).settings().quotaType())
        .isEqualTo(QuotaType.FIFO);
    made.setSettings(BucketOptions.unchanged().blockBytes(10_000_000).quotaBytes(2_000_000_000));
    assertThat(made.settings())
        .isEqualTo(new BucketSettings(QuotaType.FIFO, 2_000_000_000, 10_000_000, 100, null));
    made.setSettings(BucketOptions.like(made.settings()).quotaType(QuotaType.NONE));
    assertThat(made.settings().quotaType()).isEqualTo(QuotaType.NONE);
    assertThat(client.hasBucket("made")).isTrue();
    Bucket renamed = made.rename("renamed");
    assertThat(client.hasBucket("made")).isFalse();
    assertThat(client.buckets()).extracting(BucketInfo::name).contains("renamed");
    renamed.write("a/b", 1, new byte[] {1});
    renamed.renameEntry("a/b", "a/c");
    assertThat(renamed.entries()).extracting(EntryInfo::name).contains("a/c");
    assertThat(renamed.info().name()).isEqualTo(renamed.name());
    renamed.removeEntry("a/c");
    while (renamed.entries().stream().anyMatch(entry -> entry.name().equals("a/c"))) {
      Thread.onSpinWait();
    }
    renamed.remove();
    while (client.hasBucket("renamed")
        && client.buckets().stream().anyMatch(b -> b.name().equals("renamed"))) {
      Thread.onSpinWait();
    }
  }

  private static void tokens(PannierClient client, String url) {
    String value =
        client
            .createToken(
                "robot 1",
                TokenOptions.of(Permissions.reading("tok*").andWriting("tok1"))
                    .expiringAt(Instant.parse("2100-01-01T00:00:00Z"))
                    .unusedFor(Duration.ofHours(1))
                    .onlyFrom("127.0.0.1"))
            .value();
    TokenInfo told = client.token("robot 1");
    assertThat(told.permissions()).isEqualTo(Permissions.reading("tok*").andWriting("tok1"));
    assertThat(told.expiresAt()).contains(Instant.parse("2100-01-01T00:00:00Z"));
    assertThat(told.ttl()).contains(Duration.ofHours(1));
    assertThat(told.allowedAddresses()).containsExactly("127.0.0.1");
    assertThat(client.tokens()).extracting(TokenInfo::name).contains("init-token", "robot 1");
    String fresh = client.rotateToken("robot 1").value();
    try (var before = PannierClient.connect(url, value);
        var after = PannierClient.connect(url, fresh)) {
      assertThatThrownBy(before::me).hasMessage("Invalid token");
      assertThat(after.me().name()).isEqualTo("robot 1");
      assertThatThrownBy(after::tokens)
          .hasMessage("Token 'robot 1' doesn't have full access")
          .isInstanceOfSatisfying(
              ClientException.class, refused -> assertThat(refused.code()).isEqualTo(403));
    }
    client.removeToken("robot 1");
    assertThatThrownBy(() -> client.token("robot 1")).hasMessage("Token 'robot 1' doesn't exist");
    client.createToken("all", TokenOptions.of(Permissions.full()));
    client.removeToken("all");
  }

  private static void records(PannierClient client) throws IOException {
    Bucket bucket = client.createBucket("records", BucketOptions.unchanged());
    Path file = Files.createTempFile("pannier", "body");
    byte[] large = new byte[3_000_000];
    Arrays.fill(large, (byte) 7);
    Files.write(file, large);
    bucket.write("e", Outgoing.of(1, Body.of("text")).type("text/plain").labels("a", "1, \"2\""));
    bucket.write("e", Outgoing.of(2, Body.of(file)));
    bucket.write("e", Outgoing.of(3, Body.of(new ByteArrayInputStream(large), 1_000_000)));
    bucket.write(
        "e", Outgoing.of(4, Body.of(Channels.newChannel(new ByteArrayInputStream(large)), 10)));
    bucket.write("e", Outgoing.of(-1L, Body.EMPTY));
    try (StoredRecord record = bucket.read("e", 1)) {
      assertThat(record.text()).isEqualTo("text");
      assertThat(record.contentType()).isEqualTo("text/plain");
      assertThat(record.labels()).isEqualTo(Labels.of("a", "1, \"2\""));
    }
    try (StoredRecord record = bucket.read("e", 2)) {
      assertThat(record.length()).isEqualTo(large.length);
      assertThat(record.bytes()).isEqualTo(large);
    }
    try (StoredRecord record = bucket.readLatest("e")) {
      assertThat(record.timestamp()).isEqualTo(-1L);
      assertThat(record.bytes()).isEmpty();
    }
    assertThat(bucket.find("e", 3).orElseThrow().length()).isEqualTo(1_000_000);
    assertThat(bucket.find("e", 5)).isEmpty();
    assertThat(bucket.findLatest("e").map(RecordInfo::timestamp)).contains(-1L);
    bucket.updateLabels("e", 4, Labels.of("x", "y"));
    bucket.updateLabels("e", 1, Labels.of("a", "", "b", "2"));
    assertThat(bucket.find("e", 1).orElseThrow().labels()).isEqualTo(Labels.of("b", "2"));
    bucket.removeRecord("e", 4);
    assertThatThrownBy(() -> bucket.removeRecord("e", 4)).isInstanceOf(ClientException.class);
    assertThatThrownBy(() -> bucket.write("e", 1, new byte[1]))
        .hasMessage("A record with timestamp 1 already exists");
    assertThatThrownBy(() -> bucket.read("none", 1)).hasMessageContaining("none");
    Files.delete(file);
  }

  private static void batches(PannierClient client) {
    Bucket bucket = client.createBucket("batches", BucketOptions.unchanged());
    List<Outgoing> records = new ArrayList<>();
    for (int i = 200; i > 0; i--) {
      records.add(Outgoing.of(i, Body.of("r" + i)).type("text/plain").labels("n", "" + i));
    }
    records.add(Outgoing.of(201, Body.of("odd")).labels("odd", "a \"quote\", and a comma"));
    assertThat(bucket.writeBatch("one", records).isEmpty()).isTrue();
    BatchErrors errors =
        bucket.writeBatch(
            "one", List.of(Outgoing.of(201, Body.of("x")), Outgoing.of(202, Body.of("y"))));
    assertThat(errors.byRecord()).containsOnlyKeys(new RecordKey("one", 201));
    assertThat(errors.byRecord().get(new RecordKey("one", 201)).code()).isEqualTo(409);
    assertThat(contents(bucket.query("one", QueryOptions.all())))
        .hasSize(202)
        .containsEntry("one@7", "r7");
    errors =
        bucket.updateBatch(
            "one",
            List.of(
                new LabelUpdate(1, Labels.of("n", "", "m", "x, y")),
                new LabelUpdate(999, Labels.of("m", "1"))));
    assertThat(errors.byRecord().keySet()).containsExactly(new RecordKey("one", 999));
    assertThat(bucket.find("one", 1).orElseThrow().labels()).isEqualTo(Labels.of("m", "x, y"));
    errors = bucket.removeBatch("one", List.of(2L, 3L, 999L));
    assertThat(errors.byRecord().keySet()).containsExactly(new RecordKey("one", 999));

    Map<String, List<Outgoing>> several = new LinkedHashMap<>();
    several.put(
        "two/a",
        List.of(
            Outgoing.of(1000, Body.of("a1")).labels("x", "1", "y", "2"),
            Outgoing.of(1020, Body.of("a3")).labels("y", "3"),
            Outgoing.of(1010, Body.of("a2")).type("text/csv")));
    several.put("two/b", List.of(Outgoing.of(1005, Body.of("b1")).labels("7", "numeric")));
    assertThat(bucket.writeMany(several).isEmpty()).isTrue();
    Map<String, Labels> labels = new LinkedHashMap<>();
    try (RecordStream found = bucket.query(List.of("two/*"), QueryOptions.all())) {
      found.stream().forEach(r -> labels.put(r.toString() + "=" + r.text(), r.labels()));
    }
    assertThat(labels)
        .containsOnly(
            Map.entry("two/a@1000=a1", Labels.of("x", "1", "y", "2")),
            Map.entry("two/a@1010=a2", Labels.EMPTY),
            Map.entry("two/a@1020=a3", Labels.of("y", "3")),
            Map.entry("two/b@1005=b1", Labels.of("7", "numeric")));
    errors =
        bucket.updateMany(
            Map.of(
                new RecordKey("two/a", 1000), Labels.of("x", ""),
                new RecordKey("two/a", 1010), Labels.of("z", "9"),
                new RecordKey("two/b", 1), Labels.of("z", "9")));
    assertThat(errors.byRecord().keySet()).containsExactly(new RecordKey("two/b", 1));
    assertThat(bucket.find("two/a", 1000).orElseThrow().labels()).isEqualTo(Labels.of("y", "2"));
    assertThat(bucket.find("two/a", 1010).orElseThrow().labels()).isEqualTo(Labels.of("z", "9"));
    errors = bucket.removeMany(List.of(new RecordKey("two/a", 1000), new RecordKey("two/b", 1)));
    assertThat(errors.byRecord().keySet()).containsExactly(new RecordKey("two/b", 1));

    List<RecordKey> wrote = new ArrayList<>();
    List<RecordKey> failed = new ArrayList<>();
    try (BatchWriter writer =
        bucket.writer(
            BatchWriter.Options.usual().records(16).bytes(1000).age(Duration.ofHours(1)),
            (record, error) -> (error.isPresent() ? failed : wrote).add(record))) {
      for (int i = 0; i < 50; i++) {
        writer.add("w" + i % 3, Outgoing.of(i, Body.of("x".repeat(i))));
      }
      writer.add("w0", Outgoing.of(0, Body.of("again")));
      writer.flush();
      assertThat(wrote).hasSize(50);
      assertThat(failed).containsExactly(new RecordKey("w0", 0));
      writer.add("w0", Outgoing.of(1000, Body.of("last")));
    }
    assertThat(wrote).hasSize(51);
  }

  private static Map<String, String> contents(RecordStream records) {
    Map<String, String> found = new LinkedHashMap<>();
    try (records) {
      while (records.hasNext()) {
        StoredRecord record = records.next();
        assertThat(found.put(record.toString(), record.text()))
            .as("%s came twice", record)
            .isNull();
      }
    }
    return found;
  }

  private static void queries(PannierClient client, PannierClient old) {
    Bucket bucket = client.createBucket("queries", BucketOptions.unchanged());
    List<Outgoing> records =
        IntStream.range(0, 300)
            .mapToObj(i ->
                Outgoing.of(i, Body.of("b" + i)).labels("n", "" + i, "even", "" + (i % 2 == 0)))
            .toList();
    bucket.writeBatch("a", records);
    bucket.writeBatch("b", records);
    assertThat(contents(bucket.query("a", QueryOptions.all()))).hasSize(300);
    assertThat(contents(bucket.query(List.of(), QueryOptions.all()))).hasSize(600);
    When some = When.allOf(When.label("n").gte(10), When.label("n").lt(20));
    assertThat(
            contents(bucket.query("a", QueryOptions.where(some.and(When.label("even").eq(true))))))
        .containsOnlyKeys("a@10", "a@12", "a@14", "a@16", "a@18");
    assertThat(
            contents(
                bucket.query(
                    List.of("*"), QueryOptions.where(When.label("n").gt(100)).limit(2).metadata())))
        .containsOnlyKeys("a@101", "a@102", "b@101", "b@102");
    assertThat(contents(bucket.query("a", QueryOptions.where(When.always().eachN(100)).metadata())))
        .hasSize(3);
    assertThat(
            contents(
                bucket.query(
                    "a",
                    QueryOptions.where(
                        When.anyOf(
                            When.label("n").in(1, 2).and(When.exists("n")),
                            When.noneOf(When.label("n").lt(299)))))))
        .containsOnlyKeys("a@1", "a@2", "a@299");
    assertThat(
            contents(
                bucket.query("a", QueryOptions.where(When.timestamp().minus(5).eq(0)).metadata())))
        .containsOnlyKeys("a@5");
    assertThat(
            contents(
                bucket.query(
                    "a",
                    QueryOptions.where(
                        When.labelText("n").eq("7").contextBefore(1).contextAfter(1).limit(1)))))
        .containsOnlyKeys("a@6", "a@7", "a@8");
    assertThatThrownBy(() ->
            contents(bucket.query("a", QueryOptions.where(When.label("no").gt(1)).strictly())))
        .hasMessage("Reference 'no' not found");
    assertThatThrownBy(() -> bucket.query("a", QueryOptions.where(When.json("{\"$foo\": [1]}"))))
        .hasMessage("Operator '$foo' not supported");
    assertThat(bucket.removeQuery("b", QueryOptions.all().from(0).before(100))).isEqualTo(100);
    assertThat(bucket.removeQuery(List.of("b"), QueryOptions.where(When.label("n").lt(150))))
        .isEqualTo(50);
    try (RecordStream stream = bucket.follow(List.of("a"), QueryOptions.all().from(298))) {
      assertThat(stream.next().timestamp()).isEqualTo(298);
      assertThat(stream.next().timestamp()).isEqualTo(299);
      bucket.write("a", 300, new byte[1]);
      assertThat(stream.next().timestamp()).isEqualTo(300);
    }

    Bucket before = old.bucket("queries");
    assertThat(contents(before.query("a", QueryOptions.all().from(5).before(8))))
        .containsOnlyKeys("a@5", "a@6", "a@7");
    assertThat(before.removeQuery("a", QueryOptions.all().from(5).before(8))).isEqualTo(3);
    assertThatThrownBy(() -> before.query("a", QueryOptions.where(some)))
        .isInstanceOf(ClientException.Unsupported.class)
        .hasMessageContaining("1.13");
    assertThatThrownBy(() -> before.query(List.of("a", "b"), QueryOptions.all()))
        .isInstanceOf(ClientException.Unsupported.class)
        .hasMessageContaining("1.18");
  }

  private static void attachmentsAndLinks(PannierClient client, String url) {
    Bucket bucket = client.createBucket("extras", BucketOptions.unchanged());
    bucket.write("e", Outgoing.of(5, Body.of("hello")).type("text/plain"));
    Map<String, String> documents = new LinkedHashMap<>();
    documents.put("schema", "{\"a\": [1, null]}");
    documents.put("$ros", "\"/imu\"");
    bucket.writeAttachments("e", documents);
    assertThat(bucket.attachments("e")).isEqualTo(documents);
    bucket.removeAttachments("e", List.of("schema", "none"));
    assertThat(bucket.attachments("e")).containsOnlyKeys("$ros");
    bucket.removeAttachments("e", List.of());
    assertThat(bucket.attachments("e")).isEmpty();
    String link =
        bucket.createLink(
            LinkOptions.of("e", 5, Instant.parse("2100-01-01T00:00:00Z"))
                .fileName("hello.txt")
                .query(QueryOptions.all().from(0))
                .baseUrl(url));
    try (StoredRecord record = PannierClient.openLink(link)) {
      assertThat(record.text()).isEqualTo("hello");
    }
    assertThat(client.call("GET", "b/extras", "")).contains("\"extras\"");
  }

  private static void replications(PannierClient client) {
    client.createBucket("source", BucketOptions.unchanged());
    ReplicationOptions options =
        ReplicationOptions.of("source", "http://127.0.0.1:9", "target")
            .token("t")
            .entries("a*")
            .prefix("r/")
            .when(When.label("x").eq(1))
            .compression(Coding.ZSTD);
    client.createReplication("copy", options);
    assertThat(client.replications()).extracting(ReplicationInfo::name).contains("copy");
    var told = client.replication("copy");
    assertThat(told.settings().compression()).isEqualTo(Coding.ZSTD);
    assertThat(told.settings().prefix()).isEqualTo("r/");
    assertThat(told.settings().when().orElseThrow().toJson())
        .isEqualTo(options.when().orElseThrow().toJson());
    assertThat(told.info().pendingRecords()).isZero();
    client.updateReplication("copy", options.entries("b"));
    client.setReplicationMode("copy", TaskMode.PAUSED);
    assertThat(client.replication("copy").settings().entries()).containsExactly("b");
    assertThat(client.replication("copy").info().mode()).isEqualTo(TaskMode.PAUSED);
    client.removeReplication("copy");
    assertThatThrownBy(() -> client.replication("copy"))
        .hasMessage("Replication 'copy' does not exist");
  }

  private static void lifecycles(PannierClient client) {
    client.createBucket("aged", BucketOptions.unchanged());
    LifecycleOptions options =
        LifecycleOptions.delete("aged", "2h").every("20m").entries("a*").mode(TaskMode.DISABLED);
    client.createLifecycle("trim", options.when(When.label("keep").ne(1)));
    assertThat(client.lifecycles()).extracting(LifecycleInfo::name).contains("trim");
    assertThat(client.lifecycle("trim").settings().interval()).contains("20m");
    client.updateLifecycle("trim", LifecycleOptions.compress("aged", "3h"));
    assertThat(client.lifecycle("trim").settings().type()).isEqualTo("compress");
    client.setLifecycleMode("trim", TaskMode.DRY_RUN);
    assertThat(client.lifecycle("trim").info().mode()).isEqualTo(TaskMode.DRY_RUN);
    client.removeLifecycle("trim");
    assertThatThrownBy(() -> client.lifecycle("trim"))
        .hasMessage("Lifecycle 'trim' does not exist");
  }

  @Test
  void everyPublicCallIsMadeHereOrInTheExamples() throws IOException {
    String source =
        Files.readString(ROOT.resolve("cli/src/test/java/io/pannier/cli/ClientContractTest.java"))
            + Files.readString(
                ROOT.resolve("cli/src/test/java/io/pannier/cli/ClientExamplesTest.java"));
    var missing = new TreeSet<String>();
    for (Class<?> type : List.of(PannierClient.class, Bucket.class, BatchWriter.class)) {
      for (Method method : type.getDeclaredMethods()) {
        if (Modifier.isPublic(method.getModifiers())
            && !method.isSynthetic()
            && !source.contains("." + method.getName() + "(")
            && !source.contains("::" + method.getName())
            && !method.getName().equals("close")) {
          missing.add(type.getSimpleName() + "." + method.getName());
        }
      }
    }
    assertThat(missing).isEmpty();
  }

  // What becomes of lost answers.

  @Test
  void aQueryGoesOnAfterAnAnswerWasCutOff() throws Exception {
    try (var server = LiveServer.ours(folder.resolve("data"));
        var proxy = new RecordingProxy(server.port());
        var client =
            PannierClient.builder(proxy.url())
                .token(LiveServer.TOKEN)
                .repeats(4, Duration.ZERO)
                .build()) {
      Bucket bucket = client.createBucket("cut", BucketOptions.unchanged());
      List<Outgoing> records = new ArrayList<>();
      for (int i = 0; i < 400; i++) {
        records.add(Outgoing.of(i / 2 * 2L, Body.of("x".repeat(300) + i)).labels("n", "" + i));
      }
      List<Outgoing> even = new ArrayList<>();
      List<Outgoing> odd = new ArrayList<>();
      for (int i = 0; i < 400; i++) {
        (i % 2 == 0 ? even : odd).add(records.get(i));
      }
      // Both entries have the same times: a seam never lies between two times only.
      bucket.writeBatch("even", even);
      bucket.writeBatch("odd", odd);
      for (int after : new int[] {0, 1, 20, 5_000, 14_000, 20_000, 40_000}) {
        try (RecordStream stream = bucket.query(List.of("*"), QueryOptions.all().limit(150))) {
          Map<String, String> found = new LinkedHashMap<>();
          for (int i = 0; stream.hasNext(); i++) {
            StoredRecord record = stream.next();
            assertThat(found.put(record.toString(), record.text())).isNull();
            if (i == 100) {
              proxy.cutNext(1, after);
            }
          }
          assertThat(found).as("cut after %s bytes", after).hasSize(300);
        } finally {
          proxy.cutNext(0, 0);
        }
      }
    }
  }

  @Test
  void aLargeBodyGoesOnAfterItWasCutOff() throws Exception {
    try (var server = LiveServer.ours(folder.resolve("data"));
        var proxy = new RecordingProxy(server.port());
        var client = PannierClient.connect(proxy.url(), LiveServer.TOKEN)) {
      Bucket bucket = client.createBucket("cut", BucketOptions.unchanged());
      byte[] large = new byte[5_000_000];
      for (int i = 0; i < large.length; i++) {
        large[i] = (byte) ((i * 31) >> 7);
      }
      for (int i = 0; i < 3; i++) {
        bucket.write("e", i, large);
      }
      try (RecordStream stream = bucket.query("e", QueryOptions.all())) {
        proxy.cutNext(2, 2_000_000);
        for (int i = 0; i < 3; i++) {
          StoredRecord record = stream.next();
          assertThat(record.timestamp()).isEqualTo(i);
          assertThat(record.bytes()).isEqualTo(large);
        }
        assertThat(stream.hasNext()).isFalse();
      }
    }
  }

  @Test
  void aConditionWithMemoryIsNotResumed() throws Exception {
    try (var server = LiveServer.ours(folder.resolve("data"));
        var proxy = new RecordingProxy(server.port());
        var client = PannierClient.connect(proxy.url(), LiveServer.TOKEN)) {
      Bucket bucket = client.createBucket("cut", BucketOptions.unchanged());
      for (int i = 0; i < 3; i++) {
        bucket.write("e", i, new byte[100_000]);
      }
      try (RecordStream stream = bucket.query("e", QueryOptions.where(When.always().eachN(1)))) {
        proxy.cutNext(1, 50_000);
        assertThatThrownBy(stream::next).isInstanceOf(ClientException.Broken.class);
        assertThat(stream.hasNext()).isFalse();
      }
    }
  }

  @Test
  void aWriteWhoseAnswerWasLostIsThereOnce() throws Exception {
    try (var server = LiveServer.ours(folder.resolve("data"));
        var proxy = new RecordingProxy(server.port());
        var client =
            PannierClient.builder(proxy.url())
                .token(LiveServer.TOKEN)
                .repeats(4, Duration.ZERO)
                .build()) {
      Bucket bucket = client.createBucket("lost", BucketOptions.unchanged());
      proxy.cutNext(1, 0);
      bucket.write("e", Outgoing.of(1, Body.of("hello")).labels("A", "upper"));
      proxy.cutNext(1, 0);
      assertThat(
              bucket
                  .writeBatch(
                      "e",
                      List.of(
                          Outgoing.of(2, Body.of("two")).labels("x", "1"),
                          Outgoing.of(3, Body.of("three"))))
                  .isEmpty())
          .isTrue();
      // Another record of that time is a conflict all the same.
      proxy.cutNext(1, 0);
      assertThatThrownBy(() -> bucket.write("e", Outgoing.of(2, Body.of("twa")).labels("x", "1")))
          .hasMessage("A record with timestamp 2 already exists");
      proxy.cutNext(1, 0);
      bucket.removeRecord("e", 3);
      assertThat(contents(bucket.query("e", QueryOptions.all())))
          .isEqualTo(Map.of("e@1", "hello", "e@2", "two"));
    }
  }

  @Test
  void whatIsNotSafeToRepeatIsNotRepeated() throws Exception {
    try (var server = LiveServer.ours(folder.resolve("data"));
        var proxy = new RecordingProxy(server.port());
        var client = PannierClient.connect(proxy.url(), LiveServer.TOKEN)) {
      proxy.cutNext(1, 0);
      assertThatThrownBy(() -> client.createBucket("lost", BucketOptions.unchanged()))
          .isInstanceOf(ClientException.Broken.class);
      proxy.cutNext(1, 0);
      assertThat(client.hasBucket("lost")).isTrue();
      Bucket bucket = client.bucket("lost");
      proxy.cutNext(1, 0);
      assertThatThrownBy(() ->
              bucket.write("e", Outgoing.of(1, Body.of(new ByteArrayInputStream(new byte[9]), 9))))
          .isInstanceOf(ClientException.Broken.class);
    }
  }

  @Test
  void nobodyThereIsToldApart() {
    try (var client =
        PannierClient.builder("http://127.0.0.1:9").repeats(0, Duration.ZERO).build()) {
      assertThatThrownBy(client::alive).isInstanceOf(ClientException.Unreachable.class);
      assertThatThrownBy(client::info).hasMessageContaining("127.0.0.1:9");
    }
    assertThatThrownBy(() -> PannierClient.builder("robot:8383"))
        .hasMessageContaining("http(s)://HOST");
  }
}
