package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Queries over HTTP: golden exchanges, ends, limits, damage, waiting. */
class QueryRoutesTest extends ApiFixture {
  private static final String QUERY = "{'query_type':'QUERY'}";

  private long queryOne(String entry, String json) throws Exception {
    return query("b/" + bucket + "/" + entry + "/q", json);
  }

  // ---------------------------------------------------------------- v1

  @Test
  void v1Batch() throws Exception {
    send(
        request("POST", "b/" + bucket + "/e?ts=1000")
            .header("content-type", "image/jpeg")
            .header("x-reduct-label-cam", "l")
            .body("aaaa"));
    send(
        request("POST", "b/" + bucket + "/e?ts=1001")
            .header("x-reduct-label-note", "a,b")
            .header("x-reduct-label-b", "")
            .body("bbbbbb"));
    for (String method : List.of("HEAD", "GET")) {
      long id = queryOne("e", QUERY);
      var answer = readOne(method, "e", id);
      assertThat(answer.status()).isEqualTo(200);
      assertThat(answer.own())
          .containsExactly(
              "x-reduct-time-1000: 4,image/jpeg,cam=l",
              "x-reduct-time-1001: 6,application/octet-stream,b=,note=\"a,b\"",
              "content-type: application/octet-stream",
              "x-reduct-last: true");
      assertThat(answer.header("content-length")).contains("10");
      assertThat(answer.text()).isEqualTo(method.equals("GET") ? "aaaabbbbbb" : "");
      for (int i = 0; i < 2; i++) {
        var end = readOne(method, "e", id);
        assertThat(end.summary()).isEqualTo("204 No content");
        assertThat(end.header("content-type")).contains("application/json");
        assertThat(end.header("content-length")).isEmpty();
      }
    }
  }

  @Test
  void v1LegacyQuery() throws Exception {
    for (int ts = 0; ts < 5; ts++) {
      record("e", ts, "" + ts);
    }
    var answer = send("GET", "b/" + bucket + "/e/q?start=1&stop=3&ttl=5&other=x");
    assertThat(answer.text()).matches("\\{\"id\":[0-9]+}");
    assertThat(readOne("GET", "e", Long.parseLong(answer.text().replaceAll("[^0-9]", ""))).text())
        .isEqualTo("12");
  }

  @Test
  void v1SingleReads() throws Exception {
    record("e", 1, "one", "l=v");
    record("e", 2, "two");
    long id = queryOne("e", QUERY);
    String path = "b/" + bucket + "/e?q=" + id;
    var first = send("GET", path);
    assertThat(first.own())
        .containsExactly(
            "x-reduct-label-l: v",
            "content-type: text/plain",
            "content-disposition: attachment",
            "x-reduct-time: 1",
            "x-reduct-entry: e");
    assertThat(first.text()).isEqualTo("one");
    var second = send("HEAD", path);
    assertThat(second.header("x-reduct-time")).contains("2");
    assertThat(second.header("content-length")).contains("3");
    assertThat(send("GET", path).summary()).isEqualTo("204 No content");
    assertThat(send("GET", path).summary())
        .isEqualTo("400 Query'" + bucket + "/e/" + id + "' was closed: broken channel");
    assertThat(readOne("GET", "e", id).summary()).isEqualTo("204 No content");
  }

  @Test
  void aLargeRecordIsReadSinglyToo() throws Exception {
    byte[] body = bytes(3_000_000, 1);
    send(request("POST", "b/" + bucket + "/e?ts=1").body(body));
    assertThat(send("GET", "b/" + bucket + "/e?q=" + queryOne("e", QUERY)).body()).isEqualTo(body);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "GET   | e/batch        | 422 'q' parameter is required for batched reads",
        "HEAD  | e/batch        | 422 'q' parameter is required for batched reads",
        "GET   | e/batch?q=x    | 422 'query' must be a number",
        "GET   | e/batch?q=9    | 404 Query 9 not found and it might have expired. Check TTL in your query request.",
        "GET   | zz/batch?q=9   | 404 Entry 'zz' not found in bucket 'BUCKET'",
        "GET   | e/q?start=a    | 422 'start' must be an unix timestamp in microseconds",
        "GET   | e/q?stop=-1    | 422 'stop' must be an unix timestamp in microseconds",
        "GET   | e/q?ttl=a      | 422 'ttl' must be in seconds as an unsigned integer",
        "GET   | e/q?continuous=1 | 422 'continue' must be a bool value",
        "GET   | e/q?start=7&stop=6 | 422 Start time must be before stop time",
        "GET   | zz/q           | 404 Entry 'zz' not found in bucket 'BUCKET'",
        "DELETE| e/q            | 422 Define at least one query parameter to delete records",
        "DELETE| e/q?ttl=1      | 422 Define at least one query parameter to delete records",
        "DELETE| e/q?start=7&stop=6 | 422 Start time must be before stop time",
        "DELETE| e/q?start=x    | 422 'start' must be an unix timestamp in microseconds",
        "DELETE| e/q?start=7&stop=7 | 200 (no error)",
        "DELETE| e/q?limit=x    | 422 'limit' must be an unsigned integer",
        "GET   | e/q?each_n=-1  | 422 'each_n' must be an unsigned integer",
        "DELETE| zz/q?start=1   | 200 (no error)"
      })
  void v1Refusals(String method, String path, String summary) throws Exception {
    record("e", 100, "x");
    assertThat(send(method, "b/" + bucket + "/" + path).summary())
        .isEqualTo(summary.replace("BUCKET", bucket));
    assertThat(send("GET", "b/" + bucket).text()).contains("\"entry_count\":1,");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'query_type':'QUERY','start':5,'stop':4} | 422 Start time must be before stop time",
        "{'query_type':'QUERY','start':102}        | 422 Start time must be before stop time",
        "{'query_type':'QUERY','start':101}        | 200 (no error)",
        "{'query_type':'QUERY','start':102,'continuous':true} | 200 (no error)",
        "{'query_type':'QUERY','start':5,'stop':5} | 200 (no error)",
        "{'query_type':'QUERY','when':{'&a':1}}    | 422 Operator '&a' must start with '$'",
        "{'query_type':'QUERY','limit':1,'x':[]}   | 200 (no error)",
        "{'query_type':'REMOVE'}                   | 422 Define at least one query parameter to delete records",
        "{'query_type':'REMOVE','start':5,'stop':4} | 422 Start time must be before stop time",
        "{'query_type':'REMOVE','start':1,'limit':1} | 200 (no error)",
        "{'query_type':'REMOVE','when':{}}         | 200 (no error)",
        "{'query_type':'REMOVE','when':null}       | 422 Define at least one query parameter to delete records"
      })
  void bodiesAreChecked(String json, String summary) throws Exception {
    record("e", 100, "x");
    assertThat(send("POST", "b/" + bucket + "/e/q", json.replace('\'', '"')).summary())
        .isEqualTo(summary);
  }

  @Test
  void malformedBodiesAreToldBeforeMissingThings() throws Exception {
    for (String path : List.of("b/missing/e/q", "b/" + bucket + "/zz/q", "io/missing/q")) {
      for (String body :
          List.of(
              "",
              "{}",
              "[]",
              "{\"query_type\":\"query\"}",
              "{\"query_type\":\"QUERY\",\"ttl\":\"1\"}")) {
        var answer = send("POST", path, body);
        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.error()).startsWith("Invalid JSON: ");
      }
    }
    assertThat(send("POST", "b/missing/e/q", QUERY.replace('\'', '"')).summary())
        .isEqualTo("404 Bucket 'missing' is not found");
    assertThat(send("POST", "io/missing/q", QUERY.replace('\'', '"')).summary())
        .isEqualTo("404 Bucket 'missing' is not found");
    assertThat(send("POST", "b/" + bucket + "/zz/q", QUERY.replace('\'', '"')).summary())
        .isEqualTo("404 Entry 'zz' not found in bucket '" + bucket + "'");
  }

  @Test
  void extensionsAreUnknown() throws Exception {
    record("e", 1, "x");
    assertThat(
            send("POST", "b/" + bucket + "/e/q", "{\"query_type\":\"QUERY\",\"ext\":{\"zzz\":{}}}")
                .error())
        .matches("Unknown extension 'zzz' in query id=[0-9]+");
  }

  // ---------------------------------------------------------------- v2

  @Test
  void v2Batch() throws Exception {
    send(
        request("POST", "io/" + bucket + "/write")
            .header("x-reduct-entries", "a,b")
            .header("x-reduct-start-ts", "100")
            .header("x-reduct-0-0", "1,t/p,k=1")
            .header("x-reduct-0-1", "1")
            .header("x-reduct-0-3", "1,,k=,m=9")
            .header("x-reduct-1-2", "1,t/q")
            .header("x-reduct-1-3", "1,,k=7")
            .body("12435"));
    for (String method : List.of("HEAD", "GET")) {
      long id = queryMany("{'query_type':'QUERY','entries':['*']}");
      var answer = readMany(method, id);
      assertThat(answer.own())
          .containsExactly(
              "x-reduct-entries: a,b,a,b",
              "x-reduct-start-ts: 100",
              "x-reduct-labels: k,m",
              "x-reduct-0-0: 1,t/p,0=1",
              "x-reduct-0-1: 1",
              "x-reduct-1-2: 1,t/q",
              "x-reduct-2-3: 1,t/p,0=,1=9",
              "x-reduct-3-3: 1,t/q,0=7",
              "content-type: application/octet-stream",
              "x-reduct-last: true");
      assertThat(answer.header("content-length")).contains("5");
      assertThat(answer.text()).isEqualTo(method.equals("GET") ? "12345" : "");
      assertThat(readMany(method, id).summary()).isEqualTo("204 No content");
    }
  }

  @Test
  void v2Refusals() throws Exception {
    record("e", 1, "x");
    assertThat(send("GET", "io/" + bucket + "/read").summary())
        .isEqualTo("422 x-reduct-query-id header is required for batched reads");
    assertThat(
            send("GET", "io/" + bucket + "/read", r -> r.header("x-reduct-query-id", "x"))
                .summary())
        .isEqualTo("422 Invalid query id");
    assertThat(readMany("GET", 77).summary())
        .isEqualTo(
            "404 Query 77 not found and it might have expired. Check TTL in your query request.");
    assertThat(send("GET", "io/missing/read", r -> r.header("x-reduct-query-id", "1")).summary())
        .isEqualTo("404 Bucket 'missing' is not found");
  }

  @Test
  void aQueryIsValidOnItsOwnRouteOnly() throws Exception {
    record("e", 1, "x");
    record("f", 1, "x");
    long one = queryOne("e", QUERY);
    long many = queryMany("{'query_type':'QUERY','entries':['e']}");
    String text = " not found and it might have expired. Check TTL in your query request.";
    assertThat(readOne("GET", "f", one).summary()).isEqualTo("404 Query " + one + text);
    assertThat(readMany("GET", one).summary()).isEqualTo("404 Query " + one + text);
    assertThat(readOne("GET", "e", many).summary()).isEqualTo("404 Query " + many + text);
    assertThat(readOne("GET", "e", one).status()).isEqualTo(200);
    assertThat(readMany("GET", many).status()).isEqualTo(200);
  }

  @Test
  void nothingMatchesIsAnEnd() throws Exception {
    record("e", 1, "x");
    for (String json :
        List.of(
            "{'query_type':'QUERY','entries':['none']}",
            "{'query_type':'QUERY','entries':['e'],'start':500}")) {
      assertThat(readMany("GET", queryMany(json)).summary()).isEqualTo("204 No content");
    }
  }

  @Test
  void onlyMetadataSendsNoBodies() throws Exception {
    record("e", 1, "hello");
    String json = "{'query_type':'QUERY','only_metadata':true}";
    var get = readMany("GET", queryMany(json));
    assertThat(get.header("content-length")).contains("0");
    assertThat(get.header("x-reduct-0-0")).contains("5,text/plain");
    assertThat(readMany("HEAD", queryMany(json)).header("content-length")).contains("5");
    assertThat(readOne("GET", "e", queryOne("e", json)).header("content-length")).contains("0");
    assertThat(readOne("HEAD", "e", queryOne("e", json)).header("x-reduct-time-1"))
        .contains("5,text/plain");
  }

  // ---------------------------------------------------------------- limits

  @Test
  void aBatchHasAtMostSoManyRecords() throws Exception {
    var write = request("POST", "b/" + bucket + "/e/batch");
    for (int i = 0; i < 90; i++) {
      write.header("x-reduct-time-" + i, "1,");
    }
    send(write.body("x".repeat(90)));
    long id = queryOne("e", QUERY);
    var first = readOne("GET", "e", id);
    assertThat(first.own("x-reduct-time-")).hasSize(85);
    assertThat(first.header("x-reduct-last")).contains("false");
    assertThat(first.headers().size()).isLessThanOrEqualTo(100);
    var second = readOne("GET", "e", id);
    assertThat(second.own("x-reduct-time-")).hasSize(5);
    assertThat(second.header("x-reduct-last")).contains("true");
    assertThat(readMany("GET", queryMany(QUERY)).headers().size()).isLessThanOrEqualTo(100);
  }

  @Test
  void aBatchHasAtMostSoManyBytesOfBodies() throws Exception {
    var bodies = new ArrayList<byte[]>();
    for (int i = 0; i < 12; i++) {
      byte[] body = bytes(i % 3 == 0 ? 1_900_000 : 300_000 + i, i);
      bodies.add(body);
      send(request("POST", "b/" + bucket + "/e?ts=" + i).body(body));
    }
    long id = queryOne("e", QUERY);
    int at = 0;
    int batches = 0;
    for (boolean last = false; !last; batches++) {
      var answer = readOne("GET", "e", id);
      last = answer.header("x-reduct-last").orElseThrow().equals("true");
      int from = 0;
      for (String header : answer.own("x-reduct-time-")) {
        int length =
            Integer.parseInt(header.substring(header.indexOf(": ") + 2, header.indexOf(',')));
        assertThat(java.util.Arrays.copyOfRange(answer.body(), from, from + length))
            .isEqualTo(bodies.get(at++));
        from += length;
      }
      assertThat(from).isEqualTo(answer.body().length);
    }
    assertThat(at).isEqualTo(12);
    assertThat(batches).isEqualTo(2);
    // Without bodies their length does not count.
    assertThat(readOne("HEAD", "e", queryOne("e", QUERY)).own("x-reduct-time-")).hasSize(12);
  }

  @Test
  void bodiesInMemoryAndBodiesReadAgainKeepTheirOrder() throws Exception {
    var expected = new java.io.ByteArrayOutputStream();
    for (int i = 0; i < 60; i++) {
      byte[] body = bytes(new int[] {0, 700, 70_000, 140_000, 1, 65_536, 600_000}[i % 7], i);
      expected.writeBytes(body);
      send(request("POST", "b/" + bucket + "/" + (i % 2 == 0 ? "e" : "f") + "?ts=" + i).body(body));
    }
    var got = new java.io.ByteArrayOutputStream();
    long id = queryMany(QUERY);
    for (Wire.Answer answer = readMany("GET", id);
        answer.status() == 200;
        answer = readMany("GET", id)) {
      got.writeBytes(answer.body());
    }
    assertThat(got.toByteArray()).isEqualTo(expected.toByteArray());
  }

  // ---------------------------------------------------------------- removal

  @Test
  void removalQueries() throws Exception {
    for (int ts = 0; ts < 10; ts++) {
      record("e", ts, "x");
      record("f", ts, "x");
    }
    assertThat(
            send(
                    "POST",
                    "b/" + bucket + "/e/q",
                    "{\"query_type\":\"REMOVE\",\"start\":2,\"stop\":5}")
                .text())
        .isEqualTo("{\"removed_records\":3}");
    assertThat(send("DELETE", "b/" + bucket + "/e/q?start=8").text())
        .isEqualTo("{\"removed_records\":2}");
    assertThat(timesOf("e")).containsExactly("0", "1", "5", "6", "7");
    assertThat(
            send(
                    "POST",
                    "io/" + bucket + "/q",
                    "{\"query_type\":\"REMOVE\",\"entries\":[\"f\"],\"stop\":9}")
                .text())
        .isEqualTo("{\"removed_records\":9}");
    assertThat(
            send("POST", "io/" + bucket + "/q", "{\"query_type\":\"REMOVE\",\"entries\":[]}")
                .summary())
        .isEqualTo("422 Define at least one query parameter to delete records");
    assertThat(
            send("POST", "io/" + bucket + "/q", "{\"query_type\":\"REMOVE\",\"entries\":[\"zz\"]}")
                .text())
        .isEqualTo("{\"removed_records\":0}");
    assertThat(
            send("POST", "io/" + bucket + "/q", "{\"query_type\":\"REMOVE\",\"entries\":[\"*\"]}")
                .text())
        .isEqualTo("{\"removed_records\":6}");
    assertThat(send("GET", "b/" + bucket).text()).contains("\"entry_count\":2,");
  }

  // ---------------------------------------------------------------- damage

  private void damage(String body) throws Exception {
    byte[] piece = body.getBytes(StandardCharsets.UTF_8);
    try (var files = Files.walk(folder.resolve("b"))) {
      for (Path file : files.filter(f -> f.toString().endsWith(".blk")).toList()) {
        String content = Files.readString(file, StandardCharsets.ISO_8859_1);
        int at = content.indexOf(new String(piece, StandardCharsets.ISO_8859_1));
        if (at >= 0) {
          try (var out = new RandomAccessFile(file.toFile(), "rw")) {
            out.seek(at);
            out.write(piece[0] ^ 1);
          }
          return;
        }
      }
    }
    throw new AssertionError("body not found on disk");
  }

  @Test
  void aDamagedRecordEndsItsBatchAndIsToldNext() throws Exception {
    for (int ts = 1; ts <= 5; ts++) {
      record("e", ts, "the body of record " + ts);
    }
    damage("the body of record 3");
    long id = queryOne("e", QUERY);
    var before = readOne("GET", "e", id);
    assertThat(before.own("x-reduct-time-")).hasSize(2);
    assertThat(before.header("x-reduct-last")).contains("false");
    assertThat(before.text()).isEqualTo("the body of record 1the body of record 2");
    assertThat(readOne("GET", "e", id).summary())
        .isEqualTo("500 Record with timestamp 3 in " + bucket + "/e is broken");
    var behind = readOne("GET", "e", id);
    assertThat(behind.text()).isEqualTo("the body of record 4the body of record 5");
    assertThat(behind.header("x-reduct-last")).contains("true");
    // Singly, too.
    id = queryOne("e", "{'query_type':'QUERY','start':3}");
    String path = "b/" + bucket + "/e?q=" + id;
    assertThat(send("GET", path).status()).isEqualTo(500);
    assertThat(send("GET", path).header("x-reduct-time")).contains("4");
  }

  // ---------------------------------------------------------------- waiting

  private CompletableFuture<Wire.Answer> readLater(long id) {
    return CompletableFuture.supplyAsync(() -> {
      try (var own = new Wire(server.port())) {
        return own.send(
            request("GET", "io/" + bucket + "/read")
                .header("x-reduct-query-id", Long.toString(id)));
      } catch (java.io.IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    });
  }

  @Test
  void aWaitingReadIsAnsweredByTheWriter() throws Exception {
    record("e", 1, "old");
    long id = queryMany("{'query_type':'QUERY','continuous':true,'entries':['e'],'start':2}");
    var waiting = readLater(id);
    Thread.sleep(100); // tidy: nothing tells a client that its read is waiting
    assertThat(waiting).isNotDone();
    record("e", 5, "new");
    var answer = waiting.get(10, TimeUnit.SECONDS);
    assertThat(answer.text()).isEqualTo("new");
    assertThat(answer.header("x-reduct-last")).contains("false");
    assertThat(answer.header("x-reduct-entries")).contains("e");
  }

  @Test
  void nothingNewIsNoContentAfterHalfTheTimeToLive() throws Exception {
    record("e", 1, "old");
    long id = queryMany("{'query_type':'QUERY','continuous':true,'start':2,'ttl':1}");
    for (int i = 0; i < 2; i++) {
      assertThat(readMany("GET", id).summary()).isEqualTo("204 No content");
      Thread.sleep(700); // tidy: less than the time to live, which each read renews
    }
    Thread.sleep(500); // tidy: with the 700 ms more than the time to live
    assertThat(readMany("GET", id).status()).isEqualTo(404);
  }

  @Test
  void aWaitingClientThatLeftTakesNothingWithIt() throws Exception {
    record("e", 1, "old");
    long id = queryMany("{'query_type':'QUERY','continuous':true,'start':2}");
    try (var leaving = new Wire(server.port())) {
      leaving.write(
          request("GET", "io/" + bucket + "/read")
              .header("x-reduct-query-id", Long.toString(id))
              .bytes());
      Thread.sleep(100); // tidy: nothing tells a client that its read is waiting
    }
    Thread.sleep(200); // tidy: nor that the server has seen it leave
    record("e", 5, "new");
    assertThat(readMany("GET", id).text()).isEqualTo("new");
  }

  @Test
  void manyWaitingReadsHoldNoThread() throws Exception {
    record("e", 1, "old");
    var wires = new ArrayList<Wire>();
    for (int i = 0; i < 100; i++) {
      long id = queryMany("{'query_type':'QUERY','continuous':true,'start':2}");
      var own = new Wire(server.port());
      wires.add(own);
      own.write(
          request("GET", "io/" + bucket + "/read")
              .header("x-reduct-query-id", Long.toString(id))
              .bytes());
    }
    // More reads wait than there are workers, and the workers work.
    assertThat(send("GET", "b/" + bucket).status()).isEqualTo(200);
    record("new-entry", 5, "new");
    for (Wire own : wires) {
      assertThat(own.read(false).text()).isEqualTo("new");
      own.close();
    }
  }

  @Test
  void readsOnOneIdTakeTurns() throws Exception {
    for (int ts = 0; ts < 300; ts++) {
      record("e", ts, "x");
    }
    long id = queryMany("{'query_type':'QUERY','entries':['e']}");
    var reads = new ArrayList<CompletableFuture<Wire.Answer>>();
    for (int i = 0; i < 6; i++) {
      reads.add(readLater(id));
    }
    var times = new ArrayList<String>();
    for (var read : reads) {
      var answer = read.get(10, TimeUnit.SECONDS);
      if (answer.status() == 200) {
        long start = Long.parseLong(answer.header("x-reduct-start-ts").orElseThrow());
        answer
            .own("x-reduct-0-")
            .forEach(
                h -> times.add("" + (start + Long.parseLong(h.substring(11, h.indexOf(':'))))));
      }
    }
    assertThat(times).hasSize(300).doesNotHaveDuplicates();
  }
}
