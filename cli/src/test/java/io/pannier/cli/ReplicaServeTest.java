package io.pannier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pannier.cli.client.CostCommand;
import io.pannier.s3.S3Options;
import io.pannier.s3.S3Server;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Replicas beside a server that writes, through HTTP. */
@Timeout(120)
class ReplicaServeTest {
  private static final String READ_ONLY = "Cannot perform this operation in read-only mode";

  private static S3Server s3;
  @TempDir Path folder;
  private final HttpClient client = HttpClient.newHttpClient();
  private final List<Thread> servers = new ArrayList<>();
  private S3Options bucket;

  @BeforeAll
  static void start() throws Exception {
    s3 = new S3Server();
  }

  @AfterAll
  static void stop() {
    s3.close();
  }

  @AfterEach
  void stopAll() throws Exception {
    for (Thread server : servers) {
      server.interrupt();
      server.join();
    }
  }

  private Map<String, String> variables(String cache) {
    if (bucket == null) {
      bucket = s3.bucket();
    }
    var variables = new HashMap<String, String>();
    variables.put("RS_HOST", "127.0.0.1");
    variables.put("RS_PORT", "0");
    variables.put("RS_API_TOKEN", "secret");
    variables.put("RS_SYSTEM_EVENTS_ENABLED", "false");
    variables.put("RS_REMOTE_BACKEND_TYPE", "s3");
    variables.put("RS_REMOTE_BUCKET", bucket.bucket());
    variables.put("RS_REMOTE_ENDPOINT", s3.endpoint().toString());
    variables.put("RS_REMOTE_ACCESS_KEY", S3Server.ACCESS);
    variables.put("RS_REMOTE_SECRET_KEY", S3Server.SECRET);
    variables.put("RS_REMOTE_CACHE_PATH", folder.resolve(cache).toString());
    variables.put("RS_REMOTE_SYNC_INTERVAL", "0.2");
    return variables;
  }

  private Map<String, String> replica(String cache) {
    Map<String, String> variables = variables(cache);
    variables.put("RS_INSTANCE_ROLE", "replica");
    variables.put("RS_INSTANCE_NAME", cache);
    return variables;
  }

  /** Starts a server and returns where its API is. */
  private String serve(Map<String, String> variables) {
    var out = new StringWriter();
    var err = new StringWriter();
    var thread =
        new Thread(() ->
            new CommandLine(new ServeCommand(variables))
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute());
    thread.start();
    servers.add(thread);
    Matcher address = Pattern.compile("address {2}(http://\\S+)\n").matcher("");
    while (!address.reset(out.toString()).find()) {
      assertThat(thread.isAlive()).as(err.toString()).isTrue();
      Thread.onSpinWait();
    }
    return address.group(1) + "/api/v1";
  }

  private HttpResponse<String> call(String token, String method, String url, String body)
      throws Exception {
    return client.send(
        HttpRequest.newBuilder(URI.create(url))
            .method(method, HttpRequest.BodyPublishers.ofString(body))
            .header("authorization", "Bearer " + token)
            .header("content-type", "application/json")
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> call(String method, String url, String body) throws Exception {
    return call("secret", method, url, body);
  }

  private static String error(HttpResponse<String> response) {
    return response.statusCode() + " " + response.headers().firstValue("x-reduct-error").orElse("");
  }

  private HttpResponse<String> awaited(String url, int status) throws Exception {
    while (true) {
      HttpResponse<String> response = call("GET", url, "");
      if (response.statusCode() == status) {
        return response;
      }
      Thread.onSpinWait();
    }
  }

  private JsonNode json(HttpResponse<String> response) throws Exception {
    return new ObjectMapper().readTree(response.body());
  }

  /** Everything that is asked of a replica of a store with record 1 in {@code fleet/lidar}. */
  private void checkRefusals(String replica, String admin) throws Exception {
    record Try(String method, String path, String body, String words) {}
    String replication =
        "{\"src_bucket\":\"fleet\",\"dst_bucket\":\"d\",\"dst_host\":\"http://h\",\"entries\":[]}";
    String lifecycle = "{\"type\":\"delete\",\"bucket\":\"fleet\",\"older_than\":\"1h\"}";
    String removal = "{\"query_type\":\"REMOVE\",\"start\":0}";
    for (Try one :
        List.of(
            new Try("POST", "/b/fleet/lidar?ts=2", "x", READ_ONLY),
            new Try("PATCH", "/b/fleet/lidar?ts=1", "", READ_ONLY),
            new Try("DELETE", "/b/fleet/lidar?ts=1", "", READ_ONLY),
            new Try("DELETE", "/b/fleet/lidar", "", READ_ONLY),
            new Try("POST", "/b/fleet/lidar/batch", "", READ_ONLY),
            new Try("PATCH", "/b/fleet/lidar/batch", "", READ_ONLY),
            new Try("DELETE", "/b/fleet/lidar/batch", "", READ_ONLY),
            new Try("POST", "/b/fleet/lidar/q", removal, READ_ONLY),
            new Try("DELETE", "/b/fleet/lidar/q?start=0", "", READ_ONLY),
            new Try("PUT", "/b/fleet/lidar/rename", "{\"new_name\":\"x\"}", READ_ONLY),
            new Try("POST", "/io/fleet/q", removal, READ_ONLY),
            new Try("POST", "/io/fleet/write", "", READ_ONLY),
            new Try("PATCH", "/io/fleet/update", "", READ_ONLY),
            new Try("DELETE", "/io/fleet/remove", "", READ_ONLY),
            new Try("POST", "/io/fleet/upload", "", READ_ONLY),
            new Try("POST", "/b/other", "{}", READ_ONLY),
            new Try("PUT", "/b/fleet", "{\"quota_type\":\"HARD\",\"quota_size\":1}", READ_ONLY),
            new Try("DELETE", "/b/fleet", "", READ_ONLY),
            new Try("PUT", "/b/fleet/rename", "{\"new_name\":\"x\"}", READ_ONLY),
            new Try("POST", "/restores/x", "", READ_ONLY),
            new Try("POST", "/backups", "{}", READ_ONLY),
            new Try("POST", "/scrub", "", READ_ONLY),
            new Try("POST", "/tokens/x", "{}", "Cannot generate token in read-only mode"),
            new Try("POST", "/tokens/admin/rotate", "", "Cannot rotate token in read-only mode"),
            new Try("DELETE", "/tokens/admin", "", "Cannot remove token in read-only mode"),
            new Try("GET", "/replications/x", "", "Cannot get replication info in read-only mode"),
            new Try(
                "POST",
                "/replications/x",
                replication,
                "Cannot create replication in read-only mode"),
            new Try(
                "PUT",
                "/replications/x",
                replication,
                "Cannot update replication in read-only mode"),
            new Try("DELETE", "/replications/x", "", "Cannot remove replication in read-only mode"),
            new Try(
                "PATCH",
                "/replications/x/mode",
                "{\"mode\":\"paused\"}",
                "Cannot update replication mode in read-only mode"),
            new Try("GET", "/lifecycles/x", "", "Cannot get lifecycle info in read-only mode"),
            new Try(
                "POST", "/lifecycles/x", lifecycle, "Cannot create lifecycle in read-only mode"),
            new Try("PUT", "/lifecycles/x", lifecycle, "Cannot update lifecycle in read-only mode"),
            new Try("DELETE", "/lifecycles/x", "", "Cannot remove lifecycle in read-only mode"),
            new Try(
                "PATCH",
                "/lifecycles/x/mode",
                "{\"mode\":\"disabled\"}",
                "Cannot set lifecycle mode in read-only mode"))) {
      assertThat(error(call(admin, one.method(), replica + one.path(), one.body())))
          .as(one.method() + " " + one.path())
          .isEqualTo("403 " + one.words());
    }
    assertThat(call(admin, "GET", replica + "/replications", "").body())
        .isEqualTo("{\"replications\":[]}");
    assertThat(call(admin, "GET", replica + "/lifecycles", "").body())
        .isEqualTo("{\"lifecycles\":[]}");
    assertThat(call(admin, "GET", replica + "/b/fleet/lidar?ts=1", "").body()).isEqualTo("scan 1");
    // The replica's own token reads and nothing else.
    assertThat(error(call("POST", replica + "/b/fleet/lidar?ts=2", "x")))
        .isEqualTo("403 Token 'init-token' doesn't have write access to bucket 'fleet'");
  }

  private String admin(String writer) throws Exception {
    return json(call("POST", writer + "/tokens/admin", "{\"permissions\":{\"full_access\":true}}"))
        .get("value")
        .asText();
  }

  @Test
  void weakness47AReplicaRefusesEveryChangeAndHidesNothing() throws Exception {
    String writer = serve(variables("writer"));
    String admin = admin(writer);
    call("POST", writer + "/b/fleet", "");
    call("POST", writer + "/b/fleet/lidar?ts=1", "scan 1");
    String replica = serve(replica("one"));
    awaited(replica + "/b/fleet/lidar?ts=1", 200);
    checkRefusals(replica, admin);
    JsonNode info = json(call("GET", replica + "/info", ""));
    assertThat(info.get("instance_role").asText()).isEqualTo("REPLICA");
    assertThat(info.get("replica").get("epoch").asLong()).isEqualTo(1);
    assertThat(info.get("replica").get("requests").get("put").asLong()).isZero();
    // Tokens follow: one that is removed ends here too.
    call("DELETE", writer + "/tokens/admin", "");
    while (call(admin, "GET", replica + "/me", "").statusCode() != 401) {
      Thread.onSpinWait();
    }
  }

  @Test
  void queriesOfReplicasBehindALoadBalancer() throws Exception {
    String writer = serve(variables("writer"));
    call("POST", writer + "/b/fleet", "");
    call("POST", writer + "/b/fleet/lidar?ts=1", "scan 1");
    String one = serve(replica("one"));
    String two = serve(replica("two"));
    awaited(one + "/b/fleet/lidar?ts=1", 200);
    awaited(two + "/b/fleet/lidar?ts=1", 200);
    String plain = id(call("POST", one + "/b/fleet/lidar/q", "{\"query_type\":\"QUERY\"}"));
    String continuous =
        id(
            call(
                "POST",
                one + "/b/fleet/lidar/q",
                "{\"query_type\":\"QUERY\",\"continuous\":true,\"start\":1}"));
    assertThat(error(call("GET", two + "/b/fleet/lidar/batch?q=" + plain, "")))
        .startsWith("404 Query " + plain + " not found")
        .contains("Instance 'two' knows only queries that it began itself");
    assertThat(call("GET", one + "/b/fleet/lidar/batch?q=" + continuous, "").body())
        .isEqualTo("scan 1");
    call("POST", writer + "/b/fleet/lidar?ts=2", "scan 2");
    // It waits in the state before, and goes on in the one that has the record.
    HttpResponse<String> next;
    do {
      next = call("GET", one + "/b/fleet/lidar/batch?q=" + continuous, "");
    } while (next.statusCode() == 204);
    assertThat(next.body()).isEqualTo("scan 2");
    // The other one stays in the state it was begun in, though newer ones have come.
    awaited(one + "/b/fleet/lidar?ts=2", 200);
    HttpResponse<String> whole = call("GET", one + "/b/fleet/lidar/batch?q=" + plain, "");
    assertThat(whole.statusCode()).isEqualTo(200);
    assertThat(whole.body()).isEqualTo("scan 1");
  }

  @Test
  void whatItCostsIsCountedByKindAndPrice() throws Exception {
    String writer = serve(variables("writer"));
    call("POST", writer + "/b/fleet", "");
    call("POST", writer + "/b/fleet/lidar?ts=1", "x".repeat(100_000));
    while (json(call("GET", writer + "/info", "")).get("remote").get("unsent_bytes").asLong() > 0) {
      Thread.onSpinWait();
    }
    String address = writer.replace("/api/v1", "").replace("http://", "http://secret@");
    Path prices = folder.resolve("prices");
    Files.writeString(prices, "put=1000\nget=0\nlist=0\ncurrency=EUR\nname=ours\n");
    JsonNode told =
        new ObjectMapper().readTree(cost(0, "--json", "--prices", prices.toString(), address));
    long puts = told.get("requests").get("put").asLong();
    assertThat(puts).isGreaterThan(4);
    assertThat(told.get("requests_and_egress").asDouble()).isEqualTo((double) puts);
    assertThat(told.get("currency").asText()).isEqualTo("EUR");
    assertThat(told.get("sent_bytes").asLong()).isGreaterThan(100_000);
    assertThat(told.get("storage_a_month_per_tb_stored").asDouble()).isEqualTo(23.0);
    assertThat(cost(0, address)).contains("PUT").contains("Per TB stored:    23.0000 USD a month");
    assertThat(cost(0, "--print-prices")).contains("put=0.005");
    Files.writeString(prices, "put=cheap\n");
    assertThat(cost(2, "--prices", prices.toString(), address)).contains("'put' is 'cheap'");
    Files.writeString(prices, "putt=1\n");
    assertThat(cost(2, "--prices", prices.toString(), address)).contains("'putt' is no price");
  }

  private static String cost(int code, String... arguments) {
    var out = new StringWriter();
    int ended =
        new CommandLine(new CostCommand())
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(out))
            .execute(arguments);
    assertThat(ended).as(out.toString()).isEqualTo(code);
    return out.toString();
  }

  private String id(HttpResponse<String> response) throws Exception {
    assertThat(response.statusCode()).as(error(response)).isEqualTo(200);
    return json(response).get("id").asText();
  }

  @Test
  void aReplicaOfASharedFolder() throws Exception {
    Map<String, String> local = variables("unused");
    local.keySet().removeIf(name -> name.startsWith("RS_REMOTE_"));
    local.put("RS_DATA_PATH", folder.resolve("data").toString());
    var reading = new HashMap<>(local);
    reading.put("RS_INSTANCE_ROLE", "REPLICA");
    reading.put("RS_INSTANCE_NAME", "one");
    String writer = serve(local);
    String admin = admin(writer);
    call("POST", writer + "/b/fleet", "");
    call("POST", writer + "/b/fleet/lidar?ts=1", "scan 1");
    String replica = serve(reading);
    awaited(replica + "/b/fleet/lidar?ts=1", 200);
    checkRefusals(replica, admin);
    for (int ts = 2; ts < 6; ts++) {
      call("POST", writer + "/b/fleet/lidar?ts=" + ts, "scan " + ts);
      assertThat(awaited(replica + "/b/fleet/lidar?ts=" + ts, 200).body()).isEqualTo("scan " + ts);
    }
  }
}
