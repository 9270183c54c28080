package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.server.events.EventOptions;
import io.pannier.server.events.LogLine;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.slf4j.event.Level;

/** What the server tells about itself (http-api.md §19, semantics.md part 3). */
class SystemEventsTest extends ChoresFixture {
  private static final String AUDIT = "audit/plant_7/init-token";

  @Override
  ServerConfig configure(ServerConfig usual) {
    return super.configure(usual)
        .withEvents(new EventOptions(true, 1_000_000, Optional.of(Level.WARN)));
  }

  private List<String> texts(String entry) throws IOException {
    return events(entry).stream().map(ObjectNode::toString).toList();
  }

  private static List<ObjectNode> ofPath(List<ObjectNode> events, String path) {
    return events.stream().filter(event -> event.get("path").textValue().equals(path)).toList();
  }

  // ---------------------------------------------------------------- the bucket

  @Test
  void theBucketComesWithTheFirstEventAndIsProvisioned() throws IOException {
    assertThat(send("HEAD", "b/$system").status()).isEqualTo(404);
    passSeconds(7);
    assertThat(send("GET", "b/$system").text())
        .contains("\"is_provisioned\":true")
        .contains("\"quota_type\":\"FIFO\",\"quota_size\":1000000,");
  }

  @Test
  void clientsMayReadTheBucketAndNothingElse() throws IOException {
    record("e", 1, "x");
    passSeconds(7);
    String entry = "b/$system/" + AUDIT;
    String time = events(AUDIT).getFirst().get("timestamp").asText();
    String refused = "403 Bucket '$system' is written by the server only: clients may read it";
    assertThat(send(request("POST", entry + "?ts=1").body("x")).summary()).isEqualTo(refused);
    assertThat(send(request("POST", "b/%24system/new?ts=1").body("x")).summary())
        .isEqualTo(refused);
    assertThat(
            send(request("PATCH", entry + "?ts=" + time).header("x-reduct-label-a", "1")).summary())
        .isEqualTo(refused);
    assertThat(send("DELETE", entry + "?ts=" + time).summary()).isEqualTo(refused);
    assertThat(send("DELETE", entry).summary()).isEqualTo(refused);
    assertThat(send("PUT", entry + "/rename", "{\"new_name\":\"x\"}").summary()).isEqualTo(refused);
    assertThat(send("DELETE", entry + "/q?start=0").summary()).isEqualTo(refused);
    String removal = "{\"query_type\":\"REMOVE\",\"start\":0}";
    assertThat(send("POST", entry + "/q", removal).summary()).isEqualTo(refused);
    assertThat(send("POST", "io/$system/q", removal).summary()).isEqualTo(refused);
    for (String method : List.of("POST", "PATCH", "DELETE")) {
      assertThat(send(method, entry + "/batch").summary()).isEqualTo(refused);
    }
    assertThat(send("POST", "io/$system/write").summary()).isEqualTo(refused);
    assertThat(send("PATCH", "io/$system/update").summary()).isEqualTo(refused);
    assertThat(send("DELETE", "io/$system/remove").summary()).isEqualTo(refused);
    assertThat(send("PUT", "b/$system", "{}").summary())
        .isEqualTo("409 Can't change settings of provisioned bucket '$system'");
    assertThat(send("PUT", "b/$system/rename", "{\"new_name\":\"x\"}").summary())
        .isEqualTo("409 Can't rename provisioned bucket '$system'");
    assertThat(send("DELETE", "b/$system").summary())
        .isEqualTo("409 Can't remove provisioned bucket '$system'");
    assertThat(send("POST", "b/$other").status()).isEqualTo(422);
    assertThat(send("GET", entry + "?ts=" + time).status()).isEqualTo(200);
  }

  @Test
  void theSizeOfTheRingIsAppliedAtEveryStart() throws Exception {
    passSeconds(7);
    store.bucket("$system").changeSettings(io.pannier.model.BucketSettings.DEFAULT);
    restart();
    assertThat(send("GET", "b/$system").text())
        .contains("\"is_provisioned\":true")
        .contains("\"quota_size\":1000000,");
  }

  @Test
  void theRingIsBounded() throws IOException {
    for (int i = 0; i < 4000; i++) {
      server
          .logSink()
          .line(
              new LogLine(
                  now() + i,
                  Level.ERROR,
                  "target",
                  "File.java",
                  7,
                  "x".repeat(900) + i,
                  Map.of("request_id", "r-1")));
      if (i % 500 == 499) {
        passSeconds(1);
      }
    }
    assertThat(store.bucket("$system").diskBytes()).isLessThanOrEqualTo(1_000_000);
    assertThat(events("logs/plant_7/messages").getLast().get("message").textValue())
        .endsWith("3999");
    assertThat(
            events("logs/plant_7/messages").getLast().path("fields").path("request_id").textValue())
        .isEqualTo("r-1");
    assertThat(server.context().events.dropped()).isZero();
  }

  // ---------------------------------------------------------------- audit

  @Test
  void callsThatAreAlikeAreOneEvent() throws IOException {
    long began = now();
    record("e", 1, "x");
    record("e", 2, "x");
    record("f", 1, "x");
    assertThat(send(request("POST", "b/" + bucket + "/e?ts=1").body("x")).status()).isEqualTo(409);
    passSeconds(4);
    assertThat(store.findBucket("$system")).isEmpty();
    passSeconds(2);
    String path = "/api/v1/b/" + bucket;
    assertThat(texts(AUDIT))
        .contains(
            "{\"timestamp\":"
                + ofPath(events(AUDIT, "{'&status':{'$eq':200}}"), path + "/e")
                    .getFirst()
                    .get("timestamp")
                + ",\"instance\":\"plant.7\",\"status\":200,\"message\":\"\",\"token_name\":\"init-token\",\"method\":\"POST\",\"path\":\""
                + path
                + "/e\",\"client_ip\":\"127.0.0.1\",\"call_count\":2,\"duration\":0.0}");
    assertThat(ofPath(events(AUDIT), path + "/e"))
        .extracting(event -> event.get("status").asInt() + " " + event.get("message").textValue())
        .containsExactlyInAnyOrder("200 ", "409 A record with timestamp 1 already exists");
    assertThat(ofPath(events(AUDIT), path + "/f")).hasSize(1);
    assertThat(ofPath(events(AUDIT), path + "/f").getFirst().get("timestamp").asLong())
        .isBetween(began, began + 100);
  }

  @Test
  void aCallThatNeverRestsIsToldEveryMinute() throws IOException {
    for (int i = 0; i < 62; i++) {
      record("e", i, "x");
      passSeconds(1);
    }
    assertThat(ofPath(events(AUDIT), "/api/v1/b/" + bucket + "/e"))
        .extracting(event -> event.get("call_count").asInt())
        .containsExactly(60);
  }

  @Test
  void healthIsNotAuditedAndQueriesAreKeptOutOfThePath() throws IOException {
    send("GET", "alive");
    send("GET", "ready");
    send("GET", "b/" + bucket + "?secret=1");
    passSeconds(7);
    assertThat(events(AUDIT))
        .extracting(event -> event.get("path").textValue())
        .containsExactlyInAnyOrder("/api/v1/b/" + bucket, "/api/v1/b/" + bucket);
  }

  @Test
  void callsWithoutValidCredentialsAreAFamilyOfTheirOwn() throws IOException {
    try (var stranger = new Wire(server.port())) {
      assertThat(
              stranger.send(request("GET", "list").header("authorization", "Bearer no")).status())
          .isEqualTo(401);
    }
    passSeconds(7);
    ObjectNode event = events("audit/plant_7/unauthorized").getFirst();
    assertThat(event.get("token_name").textValue()).isEqualTo("unauthorized");
    assertThat(event.get("message").textValue()).isEqualTo("Invalid token");
    assertThat(event.get("status").asInt()).isEqualTo(401);
  }

  @Test
  void streamedAnswersAreAuditedToo() throws IOException {
    byte[] large = bytes(3_000_000, 1);
    assertThat(send(request("POST", "b/" + bucket + "/e?ts=1").body(large)).status())
        .isEqualTo(200);
    assertThat(send("GET", "b/" + bucket + "/e?ts=1").body()).isEqualTo(large);
    send("GET", "list"); // behind it, the exchange before is over
    passSeconds(7);
    assertThat(ofPath(events(AUDIT), "/api/v1/b/" + bucket + "/e"))
        .extracting(event -> event.get("method").textValue())
        .containsExactlyInAnyOrder("POST", "GET");
  }

  @Test
  void eventsAreFoundByCondition() throws IOException {
    send("GET", "b/missing");
    passSeconds(7);
    assertThat(events(AUDIT, "{'&status':{'$eq':404}}"))
        .extracting(event -> event.get("message").textValue())
        .containsExactly("Bucket 'missing' is not found");
  }

  @Test
  void nothingIsAuditedWhereAnybodyMayDoAnything() throws IOException {
    try (var open =
            Server.start(
                ServerConfig.of(Optional.empty()).withClock(clock).withEvents(EventOptions.DEFAULT),
                chores,
                () -> {});
        var client = new Wire(open.port())) {
      open.open(store);
      client.send(request("GET", "list"));
      passSeconds(7);
    }
    assertThat(store.bucket("$system").findEntry("audit/pannier")).isEmpty();
  }

  // ---------------------------------------------------------------- usage

  @Test
  void usageTellsWhatWasStoredAndSentInAnInterval() throws IOException {
    record("e", 1, "12345");
    record("e", 2, "123");
    record("f", 1, "1");
    send(request("POST", "b/" + bucket + "/e?ts=1").body("refused"));
    send("GET", "b/" + bucket + "/e?ts=1");
    send("HEAD", "b/" + bucket + "/e?ts=1");
    send(
        request("POST", "b/" + bucket + "/g/batch")
            .header("x-reduct-time-1", "2,text/plain")
            .header("x-reduct-time-2", "3,text/plain")
            .body("12345"));
    long id = queryMany("{'query_type':'QUERY','entries':['e','g']}");
    assertThat(readMany("GET", id).status()).isEqualTo(200);
    passSeconds(60);
    ObjectNode own = events("usage/plant_7/" + bucket).getFirst();
    String size = own.get("storage_bytes").asText();
    assertThat(own.toString())
        .endsWith(
            ",\"instance\":\"plant.7\",\"status\":200,\"message\":\"\",\"duration\":60.0,\"write_bytes\":14,\"read_bytes\":18,"
                + "\"records_written\":5,\"records_read\":5,\"written_entries\":3,\"read_entries\":2,\"storage_bytes\":"
                + size
                + ",\"bucket_count\":1,\"entry_count\":3,\"block_count\":3,\"record_count\":5}");
    assertThat(events("usage/plant_7/total").getFirst().get("records_written").asInt())
        .isEqualTo(5);
    assertThat(store.bucket("$system").findEntry("usage/plant_7/_system")).isEmpty();
    passSeconds(60);
    assertThat(events("usage/plant_7/" + bucket).getLast().get("write_bytes").asInt()).isZero();
  }

  @Test
  void aBrokenUploadIsNoUsage() throws IOException {
    try (var client = new Wire(server.port())) {
      client.write(
          request("POST", "b/" + bucket + "/e?ts=1").announcing(1_000_000).body("short").bytes());
    }
    passSeconds(60);
    ObjectNode total = events("usage/plant_7/" + bucket).getFirst();
    assertThat(total.get("write_bytes").asInt()).isZero();
    assertThat(total.get("records_written").asInt()).isZero();
  }

  @Test
  void usageOfARemovedBucketStaysInTheTotal() throws IOException {
    record("e", 1, "12345");
    send("DELETE", "b/" + bucket);
    passSeconds(60);
    assertThat(events("usage/plant_7/total").getFirst().get("write_bytes").asInt()).isEqualTo(5);
  }

  // ---------------------------------------------------------------- logs

  private void line(long time, Level level, String target, String file, int line, String message) {
    server.logSink().line(new LogLine(time, level, target, file, line, message, Map.of()));
  }

  @Test
  void linesOfTheLogAreKeptFromTheirLevelOn() throws IOException {
    line(now(), Level.INFO, "a.b.C", "C.java", 3, "not wanted");
    line(now(), Level.WARN, "a.b.C", "C.java", 4, "wanted");
    passSeconds(1);
    assertThat(texts("logs/plant_7/messages"))
        .containsExactly(
            "{\"timestamp\":"
                + (now() - 1_000_000)
                + ",\"instance\":\"plant.7\",\"status\":200,\"message\":\"wanted\",\"level\":\"WARN\",\"target\":\"a.b.C\",\"file\":\"C.java\",\"line\":4}");
    assertThat(send("GET", "b/$system/logs/plant_7/messages").own("x-reduct-label"))
        .containsExactly("x-reduct-label-level: WARN", "x-reduct-label-status: 200");
  }

  @Test
  void eventsOfTheSameMicrosecondAreAllKept() throws IOException {
    long time = now();
    for (int i = 0; i < 10; i++) {
      line(time, Level.ERROR, "t", "", 0, "line " + i);
    }
    passSeconds(1);
    assertThat(events("logs/plant_7/messages"))
        .extracting(event -> event.get("message").textValue())
        .containsExactly(
            "line 0", "line 1", "line 2", "line 3", "line 4", "line 5", "line 6", "line 7",
            "line 8", "line 9");
    assertThat(events("logs/plant_7/messages").getLast().get("timestamp").asLong())
        .isEqualTo(time + 9);
  }

  @Test
  void aFloodOfLinesIsCountedAndLeavesRoomForTheRest() throws IOException {
    for (int i = 0; i < 1024 + 30; i++) {
      line(now() + i, Level.ERROR, "t", "", 0, "line " + i);
    }
    assertThat(server.context().events.dropped()).isEqualTo(30);
    record("e", 1, "x");
    passSeconds(7);
    assertThat(events("logs/plant_7/messages")).hasSize(1024);
    assertThat(ofPath(events(AUDIT), "/api/v1/b/" + bucket + "/e")).hasSize(1);
  }

  // ---------------------------------------------------------------- trouble and stop

  @Test
  void nothingIsLostOnACleanStop() throws Exception {
    record("e", 1, "12345");
    line(now(), Level.ERROR, "t", "", 0, "last words");
    restart();
    assertThat(ofPath(events(AUDIT), "/api/v1/b/" + bucket + "/e")).hasSize(1);
    assertThat(events("logs/plant_7/messages")).hasSize(1);
    assertThat(events("usage/plant_7/total").getFirst().get("write_bytes").asInt()).isEqualTo(5);
  }

  @Test
  void whatCannotBeWrittenIsCountedAndNobodyWaitsForIt() throws IOException {
    record("e", 1, "x");
    passSeconds(7);
    assertThat(server.context().events.dropped()).isZero();
    store
        .bucket("$system")
        .changeSettings(
            new io.pannier.model.BucketSettings(
                io.pannier.model.QuotaType.FIFO, 10, 64_000_000, 1024, null));
    record("e", 2, "x");
    passSeconds(7);
    assertThat(server.context().events.dropped()).isPositive();
    record("e", 3, "x");
  }
}
