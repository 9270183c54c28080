package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecordRoutesTest extends ApiFixture {
  private String at(String entry, Object ts) {
    return "b/" + bucket + "/" + entry + "?ts=" + ts;
  }

  private Wire.Request write(Object ts) {
    return request("POST", at("e", ts));
  }

  // ---------------------------------------------------------------- write and read

  @Test
  void aRecordComesBackAsItWasWritten() throws Exception {
    var written =
        send(
            write(1000)
                .header("content-type", "image/jpeg")
                .header("x-reduct-label-Zeta", "last")
                .header("x-reduct-label-alpha", "first, with \"quotes\"")
                .header("x-reduct-label-empty", "")
                .body("hello"));
    assertThat(written.summary()).isEqualTo("200 (no error)");
    assertThat(written.header("content-length")).contains("0");
    assertThat(written.header("x-pannier-ack")).contains("buffered");
    var read = send("GET", at("e", 1000));
    assertThat(read.own())
        .containsExactly(
            "x-reduct-label-alpha: first, with \"quotes\"",
            "x-reduct-label-empty: ",
            "x-reduct-label-zeta: last",
            "content-type: image/jpeg",
            "content-disposition: attachment",
            "x-reduct-time: 1000",
            "x-reduct-entry: e");
    assertThat(read.text()).isEqualTo("hello");
    var head = send("HEAD", at("e", 1000));
    assertThat(head.own()).isEqualTo(read.own());
    assertThat(head.header("content-length")).contains("5");
  }

  @ParameterizedTest
  @ValueSource(
      ints = {
        0, 1, 1000, 8192, 8193, 65_535, 65_536, 65_537, 200_000, 524_288, 1_048_576, 1_048_577,
        3_000_001
      })
  void everySizeComesBack(int size) throws Exception {
    byte[] body = bytes(size, size);
    assertThat(send(write(1).body(body)).status()).isEqualTo(200);
    assertThat(
            send(write(2).body(body).header("x-reduct-content-length", "" + size).chunked(50_000))
                .status())
        .isEqualTo(200);
    for (int ts = 1; ts <= 2; ts++) {
      var read = send("GET", at("e", ts));
      assertThat(read.status()).isEqualTo(200);
      assertThat(read.header("content-length")).contains("" + size);
      assertThat(read.body()).isEqualTo(body);
      assertThat(send("HEAD", at("e", ts)).header("content-length")).contains("" + size);
    }
    assertThat(timesOf("e")).containsExactly("1", "2");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0",
        "1",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551614",
        "18446744073709551615"
      })
  void theWholeRangeOfTimesIsTaken(String ts) throws Exception {
    assertThat(send(write(ts).body("x")).status()).isEqualTo(200);
    assertThat(send("GET", at("e", ts)).header("x-reduct-time")).contains(ts);
    assertThat(send("GET", "b/" + bucket + "/e").header("x-reduct-time")).contains(ts);
    assertThat(send(write(ts).body("x")).summary())
        .isEqualTo("409 A record with timestamp " + ts + " already exists");
    assertThat(send("GET", "b/" + bucket).text())
        .contains("\"oldest_record\":" + ts + ",\"latest_record\":" + ts);
    assertThat(timesOf("e")).containsExactly(ts);
    assertThat(send("PATCH", at("e", ts), r -> r.header("x-reduct-label-a", "b")).status())
        .isEqualTo(200);
    assertThat(send("DELETE", at("e", ts)).status()).isEqualTo(200);
    assertThat(send("GET", at("e", ts)).status()).isEqualTo(404);
  }

  @Test
  void theLatestRecordIsReadWithoutATime() throws Exception {
    record("e", 20, "newest");
    record("e", 10, "older");
    assertThat(send("GET", "b/" + bucket + "/e").text()).isEqualTo("newest");
    assertThat(send("HEAD", "b/" + bucket + "/e").header("x-reduct-time")).contains("20");
  }

  @Test
  void aMissingContentTypeIsTheDefault() throws Exception {
    send(write(1).body("x"));
    assertThat(send("GET", at("e", 1)).header("content-type")).contains("application/octet-stream");
    send(write(2).body("x").header("content-type", "text/plain, and more"));
    assertThat(send("GET", at("e", 2)).header("content-type")).contains("text/plain");
    send(write(3).body("x").header("content-type", "text/plain;charset=UTF-8"));
    assertThat(send("GET", at("e", 3)).header("content-type")).contains("text/plain;charset=UTF-8");
  }

  @Test
  void labelValuesAreUtf8() throws Exception {
    send(write(1).body("x").header("x-reduct-label-place", "Zürich ☃"));
    assertThat(send("GET", at("e", 1)).header("x-reduct-label-place")).contains("Zürich ☃");
    wire.write(
        ("POST /api/v1/"
                + at("e", 2)
                + " HTTP/1.1\r\nauthorization: Bearer "
                + TOKEN
                + "\r\ncontent-length: 1\r\nx-reduct-label-place: Z\u00fcrich\r\n\r\nx")
            .getBytes(StandardCharsets.ISO_8859_1));
    assertThat(wire.read(false).summary())
        .isEqualTo("422 Label values for x-reduct-label-place must be valid UTF-8 strings");
  }

  @Test
  void anEmptyLabelNameIsRefused() throws Exception {
    assertThat(send(write(1).body("x").header("x-reduct-label-", "v")).summary())
        .isEqualTo("422 Label name must not be empty");
  }

  @Test
  void entriesHavePathsInEitherSpelling() throws Exception {
    record("cars/front/left", 1, "x");
    assertThat(send("GET", "b/" + bucket + "/cars%2Ffront%2fleft?ts=1").header("x-reduct-entry"))
        .contains("cars/front/left");
    assertThat(send("GET", at("cars/front/left", "%31")).status()).isEqualTo(200);
    assertThat(send("GET", "b/" + bucket + "/cars/front/left?%74s=1").status()).isEqualTo(200);
  }

  @Test
  void theLastOfRepeatedParametersCounts() throws Exception {
    record("e", 1, "one");
    record("e", 2, "two");
    assertThat(send("GET", at("e", "1&ts=2")).text()).isEqualTo("two");
    assertThat(send("GET", at("e", "1&q=7")).text()).isEqualTo("one");
    assertThat(send("GET", at("e", "1&x&=&&y=")).text()).isEqualTo("one");
  }

  @Test
  void wordsOfRoutesMayBeNamesOfEntries() throws Exception {
    for (String entry : List.of("q", "batch", "rename2", "a/rename/b")) {
      record(entry, 1, entry);
      assertThat(send("GET", at(entry, 1)).text()).isEqualTo(entry);
    }
    // A GET does not rename, so this is an entry's name.
    assertThat(send("GET", at("e/rename", 1)).summary())
        .isEqualTo("404 Entry 'e/rename' not found in bucket '" + bucket + "'");
  }

  // ---------------------------------------------------------------- refusals

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "POST  | BUCKET/e            | 422 'ts' parameter is required",
        "POST  | BUCKET/e?ts=        | 422 'ts' must be an unix timestamp in microseconds",
        "POST  | BUCKET/e?ts         | 422 'ts' must be an unix timestamp in microseconds",
        "POST  | BUCKET/e?ts=a       | 422 'ts' must be an unix timestamp in microseconds",
        "POST  | BUCKET/e?ts=-1      | 422 'ts' must be an unix timestamp in microseconds",
        "POST  | BUCKET/e?ts=+1      | 422 'ts' must be an unix timestamp in microseconds",
        "POST  | BUCKET/e?ts=1.0     | 422 'ts' must be an unix timestamp in microseconds",
        "POST  | BUCKET/e?ts=18446744073709551616 | 422 'ts' must be an unix timestamp in microseconds",
        "POST  | missing/e?ts=a      | 422 'ts' must be an unix timestamp in microseconds",
        "POST  | missing/e?ts=1      | 404 Bucket 'missing' is not found",
        "POST  | BUCKET/e//f?ts=1    | 422 Entry name must be non-empty and must not contain empty path segments",
        "POST  | BUCKET/e/?ts=1      | 422 Entry name must be non-empty and must not contain empty path segments",
        "GET   | missing/e?ts=x      | 404 Bucket 'missing' is not found",
        "GET   | BUCKET/zz?ts=x      | 404 Entry 'zz' not found in bucket 'BUCKET'",
        "GET   | BUCKET/zz           | 404 Entry 'zz' not found in bucket 'BUCKET'",
        "GET   | BUCKET/have?ts=x    | 422 'ts' must be an unix timestamp in microseconds",
        "GET   | BUCKET/have?ts=99   | 404 Record 99 not found in entry BUCKET/have",
        "HEAD  | BUCKET/have?ts=99   | 404 Record 99 not found in entry BUCKET/have",
        "GET   | BUCKET/parent       | 404 Record 0 not found in entry BUCKET/parent",
        "GET   | BUCKET/have?q=x     | 422 'query' must be a number",
        "GET   | BUCKET/have?q=77    | 404 Query 77 not found and it might have expired. Check TTL in your query request.",
        "PATCH | BUCKET/have         | 422 'ts' parameter is required",
        "PATCH | BUCKET/have?ts=x    | 422 'ts' must be an unix timestamp in microseconds",
        "PATCH | BUCKET/have?ts=77   | 404 Record 77 not found in entry BUCKET/have",
        "PATCH | BUCKET/zz?ts=77     | 404 Entry 'zz' not found in bucket 'BUCKET'",
        "PATCH | missing/zz?ts=77    | 404 Bucket 'missing' is not found",
        "DELETE| BUCKET/have?ts=x    | 422 'ts' must be an unix timestamp in microseconds",
        "DELETE| BUCKET/have?ts=77   | 404 Record 77 not found in entry BUCKET/have",
        "DELETE| BUCKET/zz?ts=77     | 404 Entry 'zz' not found in bucket 'BUCKET'",
        "DELETE| missing/zz?ts=77    | 404 Bucket 'missing' is not found"
      })
  void refusalsHaveTheReferencesWords(String method, String path, String summary) throws Exception {
    record("have", 1, "x");
    record("parent/child", 1, "x");
    var answer = send(method, "b/" + path.replace("BUCKET", bucket));
    assertThat(answer.summary()).isEqualTo(summary.replace("BUCKET", bucket));
    assertThat(answer.header("content-type")).contains("application/json");
  }

  @Test
  void aNameThatIsNoneIsRefusedBeforeTheBody() throws Exception {
    var answer = send("POST", at("e*", 1), "x");
    assertThat(answer.status()).isEqualTo(422);
    assertThat(answer.error()).startsWith("Entry name can contain only letters, di");
    assertThat(send("GET", "b/" + bucket).text()).contains("\"entries\":[]");
  }

  @Test
  void aLengthIsNeeded() throws Exception {
    assertThat(send(write(1).body("hello").chunked(3)).summary())
        .isEqualTo("422 content-length header is required");
    assertThat(send(write(1).withoutLength()).summary())
        .isEqualTo("422 content-length header is required");
    assertThat(
            send(write(1).body("hello").header("x-reduct-content-length", "abc").chunked(3))
                .summary())
        .isEqualTo("422 x-reduct-content-length header must be a number");
    assertThat(
            send(write(1).body("hello").header("x-reduct-content-length", "-5").chunked(3))
                .summary())
        .isEqualTo("422 x-reduct-content-length header must be a number");
    assertThat(send("GET", "b/" + bucket).text()).contains("\"entries\":[]");
    // The usable content-length wins.
    assertThat(send(write(1).body("hello").header("x-reduct-content-length", "7")).status())
        .isEqualTo(200);
    assertThat(send("GET", at("e", 1)).text()).isEqualTo("hello");
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 100_000, 2_000_000})
  void aBodyOfAnotherLengthIsRefusedAndNothingStays(int length) throws Exception {
    byte[] body = bytes(length, 1);
    assertThat(
            send(write(1)
                    .body(body)
                    .header("x-reduct-content-length", "" + (length + 1))
                    .chunked(9_000))
                .summary())
        .isEqualTo("400 Content is smaller than in content-length");
    assertThat(
            send(write(1)
                    .body(body)
                    .header("x-reduct-content-length", "" + (length - 1))
                    .chunked(9_000))
                .summary())
        .isEqualTo("400 Content is bigger than in content-length");
    assertThat(send("GET", at("e", 1)).summary())
        .isEqualTo("404 Record 1 not found in entry " + bucket + "/e");
    assertThat(send(write(1).body(body)).status()).isEqualTo(200);
    assertThat(send("GET", at("e", 1)).body()).isEqualTo(body);
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 100_000, 2_000_000})
  void aClientThatLeavesInTheMiddleLeavesNothing(int length) throws Exception {
    try (var leaving = new Wire(server.port())) {
      leaving.write(write(1).announcing(length).head());
      leaving.write(bytes(length / 2, 1));
    }
    for (int i = 0; i < 100 && send(write(1).body("x")).status() != 200; i++) {
      Thread.sleep(20); // tidy: polls a condition, with an end
    }
    assertThat(send("GET", at("e", 1)).text()).isEqualTo("x");
  }

  @Test
  void aConnectionServesOnAfterARefusal() throws Exception {
    send(write(1).body("x"));
    assertThat(send(write(1).body(bytes(100_000, 1))).status()).isEqualTo(409);
    assertThat(send("POST", "b/missing/e?ts=1", r -> r.body(bytes(3_000_000, 1))).status())
        .isEqualTo(404);
    assertThat(send("GET", at("e", 1)).text()).isEqualTo("x");
  }

  @Test
  void whoWaitsToBeToldToSendIsToldOnlyIfAllIsWell() throws Exception {
    for (int size : List.of(5, 2_000_000)) {
      byte[] body = bytes(size, 1);
      var wait = write(size).header("expect", "100-continue").body(body);
      wire.write(wait.head());
      assertThat(wire.read(false).status()).isEqualTo(100);
      wire.write(body);
      assertThat(wire.read(false).status()).isEqualTo(200);
      try (var second = new Wire(server.port())) {
        second.write(wait.head());
        var answer = second.read(false);
        assertThat(answer.summary())
            .isEqualTo("409 A record with timestamp " + size + " already exists");
        assertThat(answer.header("connection")).contains("close");
        assertThat(second.isEnded()).isTrue();
      }
      try (var third = new Wire(server.port())) {
        third.write(
            request("POST", "b/missing/e?ts=1").header("expect", "100-continue").body(body).head());
        assertThat(third.read(false).status()).isEqualTo(404);
      }
    }
  }

  @Test
  void aHardQuotaRefuses() throws Exception {
    send("PUT", "b/" + bucket, "{\"quota_type\":\"HARD\",\"quota_size\":100}");
    assertThat(send(write(1).body(bytes(200, 1))).summary())
        .isEqualTo("400 Quota of '" + bucket + "' exceeded");
    assertThat(send(write(1).body(bytes(200_000, 1))).summary())
        .isEqualTo("400 Quota of '" + bucket + "' exceeded");
    assertThat(send("GET", "b/" + bucket).text())
        .as("a refused record leaves no entry")
        .contains("\"entry_count\":0");
    assertThat(send(write(1).body("fits")).status()).isEqualTo(200);
    assertThat(send("GET", "b/" + bucket).text()).contains("\"entry_count\":1");
  }

  // ---------------------------------------------------------------- update and remove

  @Test
  void labelsAreUpdated() throws Exception {
    record("e", 1, "body", "keep=1", "change=2", "gone=3");
    var answer =
        send(
            request("PATCH", at("e", 1))
                .header("x-reduct-label-change", "two")
                .header("x-reduct-label-gone", "")
                .header("x-reduct-label-new", "4")
                .body("ignored"));
    assertThat(answer.summary()).isEqualTo("200 (no error)");
    assertThat(answer.header("x-pannier-ack")).contains("buffered");
    var read = send("GET", at("e", 1));
    assertThat(read.own("x-reduct-label-"))
        .containsExactly(
            "x-reduct-label-change: two", "x-reduct-label-keep: 1", "x-reduct-label-new: 4");
    assertThat(read.text()).isEqualTo("body");
    assertThat(send("PATCH", at("e", 1)).status()).isEqualTo(200);
  }

  @Test
  void aRemovedRecordIsGone() throws Exception {
    record("e", 1, "one");
    record("e", 2, "two");
    assertThat(send("DELETE", at("e", 2)).summary()).isEqualTo("200 (no error)");
    assertThat(send("GET", at("e", 2)).status()).isEqualTo(404);
    assertThat(send("GET", "b/" + bucket + "/e").text()).isEqualTo("one");
    assertThat(send(write(2).body("again")).status()).isEqualTo(200);
    assertThat(send("GET", at("e", 2)).text()).isEqualTo("again");
  }

  // ---------------------------------------------------------------- acknowledgement

  @Test
  void theAnswerNamesTheLevelReached() throws Exception {
    assertThat(send(write(1).body("x").header("x-pannier-ack", "disk")).header("x-pannier-ack"))
        .contains("disk");
    assertThat(send(write(2).body("x").header("x-pannier-ack", "buffered")).header("x-pannier-ack"))
        .contains("buffered");
    assertThat(
            send(write(3).body(bytes(300_000, 1)).header("x-pannier-ack", "disk"))
                .header("x-pannier-ack"))
        .contains("disk");
    assertThat(
            send("DELETE", at("e", 1), r -> r.header("x-pannier-ack", "disk"))
                .header("x-pannier-ack"))
        .contains("disk");
    assertThat(send(write(4).body("x").header("x-pannier-ack", "paper")).summary())
        .isEqualTo("422 x-pannier-ack header must be 'buffered', 'disk' or 'remote'");
    assertThat(send("GET", at("e", 4)).status()).isEqualTo(404);
  }

  // ---------------------------------------------------------------- damage

  /** Flips a bit in the middle of the record's body on disk. */
  private void damage(byte[] body) throws IOException {
    byte[] piece = java.util.Arrays.copyOfRange(body, body.length / 2, body.length / 2 + 32);
    try (var files = Files.walk(folder.resolve("b"))) {
      for (Path file : files.filter(f -> f.toString().endsWith(".blk")).toList()) {
        byte[] content = Files.readAllBytes(file);
        for (int i = 0; i + piece.length <= content.length; i++) {
          if (java.util.Arrays.equals(content, i, i + piece.length, piece, 0, piece.length)) {
            try (var out = new RandomAccessFile(file.toFile(), "rw")) {
              out.seek(i);
              out.write(content[i] ^ 1);
            }
            return;
          }
        }
      }
    }
    throw new AssertionError("body not found on disk");
  }

  @ParameterizedTest
  @ValueSource(ints = {1000, 65_536, 300_000, 1_048_576})
  void aDamagedRecordIsNeverServed(int size) throws Exception {
    byte[] body = bytes(size, size);
    send(write(7).body(body));
    damage(body);
    var answer = send("GET", at("e", 7));
    assertThat(answer.summary())
        .isEqualTo("500 Record with timestamp 7 in " + bucket + "/e is broken");
    assertThat(send("GET", "alive").status()).isEqualTo(200);
  }

  @Test
  void damageFurtherInCutsTheConnection() throws Exception {
    byte[] body = bytes(3_000_000, 3);
    send(write(7).body(body));
    damage(body);
    try (var own = new Wire(server.port())) {
      assertThatThrownBy(() -> own.send(request("GET", at("e", 7))))
          .isInstanceOf(EOFException.class);
    }
    assertThat(send("GET", "alive").status()).isEqualTo(200);
  }
}
