package io.pannier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pannier.cli.client.CostCommand;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import picocli.CommandLine;

/** Replicas beside a server that writes, through HTTP. */
@Timeout(120)
class ReplicaServeTest extends ReplicaFixture {
  private static final String READ_ONLY = "Cannot perform this operation in read-only mode";

  private static String error(HttpResponse<String> response) {
    return response.statusCode() + " " + response.headers().firstValue("x-reduct-error").orElse("");
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

  @Test
  void metricsSayHowFarBehindAReplicaIs() throws Exception {
    String writer = serve(variables("writer"));
    call("POST", writer + "/b/fleet", "");
    call("POST", writer + "/b/fleet/lidar?ts=1", "scan 1");
    String admin = admin(writer);
    String replica = serve(replica("one"));
    awaited(replica + "/b/fleet/lidar?ts=1", 200);
    while (call(admin, "GET", replica + "/me", "").statusCode() != 200) {
      Thread.onSpinWait();
    }
    Map<String, Double> first = scrape(admin, replica);
    assertThat(first).hasSize(6);
    assertThat(first.get("pannier_replica_behind_seconds")).isNotNegative();
    assertThat(first.get("pannier_replica_writer_epoch")).isEqualTo(1);
    assertThat(first.get("pannier_replica_generation")).isPositive();
    // A busy machine may have made a look fail before.
    double failures = first.get("pannier_replica_refresh_failures_total");
    call("POST", writer + "/b/fleet/lidar?ts=2", "scan 2");
    awaited(replica + "/b/fleet/lidar?ts=2", 200);
    Map<String, Double> next = scrape(admin, replica);
    for (String growing :
        List.of(
            "pannier_replica_states_total",
            "pannier_replica_generation",
            "pannier_replica_last_read_timestamp_seconds")) {
      assertThat(next.get(growing)).as(growing).isGreaterThan(first.get(growing));
    }
    assertThat(scrape(admin, writer)).isEmpty();
    // Whoever cannot look says so, and how old is what it serves.
    emptyBucket();
    Map<String, Double> failing = scrape(admin, replica);
    while (failing.get("pannier_replica_refresh_failures_total") < failures + 2) {
      failing = scrape(admin, replica);
    }
    assertThat(failing.get("pannier_replica_behind_seconds")).isPositive();
    assertThat(json(call("GET", replica + "/info", "")).get("replica").get("failures").asLong())
        .isGreaterThanOrEqualTo((long) failures + 2);
    assertThat(call(admin, "GET", replica + "/b/fleet/lidar?ts=2", "").body()).isEqualTo("scan 2");
  }

  /** The series about replicas. */
  private Map<String, Double> scrape(String token, String server) throws Exception {
    var found = new HashMap<String, Double>();
    call(token, "GET", server + "/metrics", "")
        .body()
        .lines()
        .filter(line -> line.startsWith("pannier_replica_"))
        .map(line -> line.split(" ", -1))
        .forEach(line -> found.put(line[0], Double.valueOf(line[1])));
    return found;
  }

  private String id(HttpResponse<String> response) throws Exception {
    assertThat(response.statusCode()).as(error(response)).isEqualTo(200);
    return json(response).get("id").asText();
  }

  @Test
  void aReplicaOfASharedFolder() throws Exception {
    String writer = serve(inFolder());
    String admin = admin(writer);
    call("POST", writer + "/b/fleet", "");
    call("POST", writer + "/b/fleet/lidar?ts=1", "scan 1");
    String replica = serve(replicaOfFolder("one"));
    awaited(replica + "/b/fleet/lidar?ts=1", 200);
    checkRefusals(replica, admin);
    for (int ts = 2; ts < 6; ts++) {
      call("POST", writer + "/b/fleet/lidar?ts=" + ts, "scan " + ts);
      assertThat(awaited(replica + "/b/fleet/lidar?ts=" + ts, 200).body()).isEqualTo("scan " + ts);
    }
  }
}
