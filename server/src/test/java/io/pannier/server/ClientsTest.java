package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the existing clients do that others would not (http-api.md §21.1). */
class ClientsTest extends ApiFixture {
  private static final String CONTINUOUS =
      "{'query_type':'QUERY','entries':['e'],'continuous':true,'ttl':TTL,'start':0}";

  /** Python walks the headers of a v1 batch as they come and slices the body in that order. */
  @Test
  void pythonCutsTheBodyInTheOrderOfTheHeaders() throws Exception {
    var write = request("POST", "b/" + bucket + "/e/batch");
    for (long ts : new long[] {5, 1000, 20, 9_999_999_999L, 3}) {
      write.header("x-reduct-time-" + ts, Long.toString(ts).length() + ",");
    }
    send(write.body("3" + "5" + "20" + "1000" + "9999999999"));
    var answer = readOne("GET", "e", query("b/" + bucket + "/e/q", "{'query_type':'QUERY'}"));
    int at = 0;
    for (String header : answer.headers()) {
      if (header.startsWith("x-reduct-time-")) {
        String ts = header.substring(14, header.indexOf(':'));
        int length =
            Integer.parseInt(header.substring(header.indexOf(": ") + 2, header.indexOf(',')));
        assertThat(answer.text().substring(at, at + length)).isEqualTo(ts);
        at += length;
      }
    }
    assertThat(at).isEqualTo(answer.body().length);
  }

  /**
   * Python's subscribe: a time to live of twice the poll interval and one second; on 204 it sleeps
   * one interval and asks again.
   */
  @Test
  void pythonSubscribesWithAShortTimeToLive() throws Exception {
    record("e", 1, "1");
    long id = queryMany(CONTINUOUS.replace("TTL", "1"));
    var got = new ArrayList<String>();
    for (int round = 0; round < 6 && got.size() < 3; round++) {
      var answer = readMany("GET", id);
      if (answer.status() == 200) {
        got.add(answer.text());
        assertThat(answer.header("x-reduct-entries").orElse("")).isNotEmpty();
      } else {
        assertThat(answer.status()).isEqualTo(204);
        record("e", 10 + round, "" + round);
      }
    }
    assertThat(got).containsExactly("1", "1", "3");
  }

  /** JS sends JSON as text and streams with a length of its own. */
  @Test
  void javascriptSendsTextAndStreams() throws Exception {
    assertThat(
            send(request("POST", "b/" + bucket + "/e/q")
                    .header("content-type", "text/plain;charset=UTF-8")
                    .body("{\"query_type\":\"QUERY\"}"))
                .summary())
        .isEqualTo("404 Entry 'e' not found in bucket '" + bucket + "'");
    assertThat(
            send(request("POST", "b/" + bucket + "/e?ts=1")
                    .header("x-reduct-content-length", "11")
                    .header("content-type", "text/plain;charset=UTF-8")
                    .body("hello world")
                    .chunked(4))
                .status())
        .isEqualTo(200);
    assertThat(send("GET", "b/" + bucket + "/e?ts=1").text()).isEqualTo("hello world");
    assertThat(send("GET", "info", r -> r.header("authorization", "Bearer undefined")).summary())
        .isEqualTo("401 Invalid token");
  }

  /** curl sends a form's content type with everything. */
  @Test
  void curlSendsForms() throws Exception {
    var answer =
        send(
            request("POST", "b/by-curl")
                .header("content-type", "application/x-www-form-urlencoded")
                .body("{\"quota_type\":\"NONE\"}"));
    assertThat(answer.status()).isEqualTo(200);
  }

  /**
   * Rust asks for a single entry by v1, requires "value" in a token, and sends empty values to
   * remove.
   */
  @Test
  void rustUsesV1ForOneEntry() throws Exception {
    record("e", 1, "x");
    assertThat(send("GET", "me").text()).contains("\"value\":\"\"");
    assertThat(send("HEAD", "alive").status()).isEqualTo(200);
    assertThat(
            send(request("DELETE", "b/" + bucket + "/e/batch").header("x-reduct-time-1", ""))
                .own("x-reduct-error"))
        .isEmpty();
    assertThat(
            send(request("PATCH", "io/" + bucket + "/update")
                    .header("x-reduct-entries", "e")
                    .header("x-reduct-start-ts", "0")
                    .header("x-reduct-0-1", "0,application/octet-stream,k=v"))
                .own("x-reduct-error"))
        .containsExactly("x-reduct-error-0-1: 404,Record 1 not found in entry " + bucket + "/e");
  }

  /**
   * Go takes times as signed, needs a list of entries in every answer, and reads metadata by HEAD.
   */
  @Test
  void goNeedsEntriesInEveryAnswer() throws Exception {
    record("m/a", 5, "x", "k=v");
    // Go may leave the slash in the list as it is.
    var write =
        request("POST", "io/" + bucket + "/write")
            .header("x-reduct-entries", "m/a,m/b")
            .header("x-reduct-start-ts", "6")
            .header("x-reduct-0-0", "1,")
            .header("x-reduct-1-0", "1,")
            .body("ab");
    assertThat(send(write).own("x-reduct-error")).isEmpty();
    long id = queryMany("{'query_type':'QUERY','entries':['m/*'],'only_metadata':true}");
    var answer = readMany("HEAD", id);
    assertThat(answer.header("x-reduct-entries")).contains("m%2Fa,m%2Fb");
    assertThat(answer.header("x-reduct-0-0")).contains("1,text/plain,0=v");
  }

  /**
   * A full batch and everything around it stays within the hundred headers that Rust's HTTP library
   * takes.
   */
  @Test
  void aFullBatchHasFewEnoughHeaders() throws Exception {
    var write = request("POST", "b/" + bucket + "/e/batch");
    for (int i = 0; i < 85; i++) {
      write.header("x-reduct-time-" + i, "1,,label=" + i);
    }
    assertThat(send(write.body("x".repeat(85))).status()).isEqualTo(200);
    assertThat(
            readOne("GET", "e", query("b/" + bucket + "/e/q", "{'query_type':'QUERY'}")).headers())
        .hasSizeLessThanOrEqualTo(100);
    assertThat(readMany("GET", queryMany("{'query_type':'QUERY'}")).headers())
        .hasSizeLessThanOrEqualTo(100);
  }

  /**
   * Every client writes attachments like this, and finds them by listing the entry of attachments.
   */
  @Test
  void attachmentsAreWrittenReadAndRemoved() throws Exception {
    send(
        request("POST", "io/" + bucket + "/write")
            .header("x-reduct-entries", "cam%2F$meta")
            .header("x-reduct-start-ts", "1000")
            .header("x-reduct-labels", "key")
            .header("x-reduct-0-0", "7,application/json,0=calib")
            .header("x-reduct-0-1", "7,,0=lens")
            .body("{\"a\":1}{\"b\":2}"));
    long id = queryMany("{'query_type':'QUERY','entries':['cam/$meta']}");
    var answer = readMany("GET", id);
    assertThat(answer.own("x-reduct-"))
        .containsExactly(
            "x-reduct-entries: cam%2F$meta",
            "x-reduct-start-ts: 1000",
            "x-reduct-labels: key",
            "x-reduct-0-0: 7,application/json,0=calib",
            "x-reduct-0-1: 7,,0=lens",
            "x-reduct-last: true");
    assertThat(answer.text()).isEqualTo("{\"a\":1}{\"b\":2}");
    send(
        request("PATCH", "io/" + bucket + "/update")
            .header("x-reduct-entries", "cam%2F$meta")
            .header("x-reduct-start-ts", "1000")
            .header("x-reduct-0-0", "0,,remove=true"));
    assertThat(readMany("GET", queryMany("{'query_type':'QUERY','entries':['cam/$meta']}")).text())
        .isEqualTo("{\"b\":2}");
    assertThat(readMany("GET", queryMany("{'query_type':'QUERY'}")).status()).isEqualTo(204);
  }

  /**
   * A reference server copying to us: looks for the bucket, makes it, writes v1 batches, patches
   * labels.
   */
  @Test
  void aReferenceServerReplicatesToUs() throws Exception {
    var missing = send("GET", "b/copy");
    assertThat(missing.status()).isEqualTo(404);
    assertThat(missing.header("x-reduct-api")).contains("1.21");
    assertThat(send("POST", "b/copy").status()).isEqualTo(200);
    assertThat(send("POST", "b/copy").status()).isEqualTo(409);
    var batch =
        request("POST", "b/copy/prefix/e/batch")
            .header("x-reduct-time-1", "1,text/plain,a=1")
            .header("x-reduct-time-2", "1,text/plain,a=1")
            .body("xy");
    assertThat(send(batch).own("x-reduct-error")).isEmpty();
    assertThat(send(batch).own("x-reduct-error"))
        .isEqualTo(
            List.of(
                "x-reduct-error-1: 409,A record with timestamp 1 already exists",
                "x-reduct-error-2: 409,A record with timestamp 2 already exists"));
    assertThat(
            send(request("PATCH", "b/copy/prefix/e/batch")
                    .header("x-reduct-time-1", "0,,a=2")
                    .header("x-reduct-time-9", "0,,a=2"))
                .own("x-reduct-error"))
        .containsExactly("x-reduct-error-9: 404,Record 9 not found in entry copy/prefix/e");
  }
}
