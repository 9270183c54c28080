package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Batches of both protocols in the direction of the server: golden exchanges. */
class BatchRoutesTest extends ApiFixture {
  private Wire.Request one(String method, String entry) {
    return request(method, "b/" + bucket + "/" + entry + "/batch");
  }

  private Wire.Request many(String method, String action) {
    return request(method, "io/" + bucket + "/" + action);
  }

  private Wire.Answer get(String entry, long ts) throws Exception {
    return send("GET", "b/" + bucket + "/" + entry + "?ts=" + ts);
  }

  // ---------------------------------------------------------------- v1

  @Test
  void v1Write() throws Exception {
    var answer =
        send(
            one("POST", "cams/front")
                .header("x-reduct-time-1001", "6,,note=\"a,b\"")
                .header("x-reduct-time-1000", "4,image/jpeg,cam=l,Mixed=V")
                .body("aaaabbbbbb"));
    assertThat(answer.summary()).isEqualTo("200 (no error)");
    assertThat(answer.own()).containsExactly("x-pannier-ack: buffered");
    // Bodies lie in the order of time, not of the headers.
    assertThat(get("cams/front", 1000).text()).isEqualTo("aaaa");
    assertThat(get("cams/front", 1000).own())
        .containsExactly(
            "x-reduct-label-mixed: V",
            "x-reduct-label-cam: l",
            "content-type: image/jpeg",
            "content-disposition: attachment",
            "x-reduct-time: 1000",
            "x-reduct-entry: cams/front");
    assertThat(get("cams/front", 1001).text()).isEqualTo("bbbbbb");
    assertThat(get("cams/front", 1001).header("x-reduct-label-note")).contains("a,b");
    assertThat(get("cams/front", 1001).header("content-type")).contains("application/octet-stream");
  }

  @Test
  void v1FailuresAreToldPerRecord() throws Exception {
    record("e", 1001, "x");
    var answer =
        send(
            one("POST", "e")
                .header("x-reduct-time-1000", "1,")
                .header("x-reduct-time-1001", "2,")
                .header("x-reduct-time-1002", "3,")
                .body("abbccc"));
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.own("x-reduct-error"))
        .containsExactly("x-reduct-error-1001: 409,A record with timestamp 1001 already exists");
    assertThat(get("e", 1001).text()).isEqualTo("x");
    assertThat(get("e", 1002).text()).isEqualTo("ccc");
  }

  @Test
  void v1ATimeUsedTwiceIsAConflictForTheSecond() throws Exception {
    var answer =
        send(
            one("POST", "e")
                .header("x-reduct-time-7", "1,")
                .header("x-reduct-time-7", "1,")
                .body("ab"));
    assertThat(answer.own("x-reduct-error"))
        .containsExactly("x-reduct-error-7: 409,A record with timestamp 7 already exists");
    assertThat(get("e", 7).text()).isEqualTo("a");
  }

  @Test
  void v1AMissingBucketOrBadNameIsToldPerRecord() throws Exception {
    var answer =
        send(request("POST", "b/missing/e/batch").header("x-reduct-time-1", "1,").body("a"));
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.own()).containsExactly("x-reduct-error-1: 404,Bucket 'missing' is not found");
    answer =
        send(
            one("POST", "e*")
                .header("x-reduct-time-1", "1,")
                .header("x-reduct-time-2", "1,")
                .body("ab"));
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.own("x-reduct-error"))
        .hasSize(2)
        .allMatch(h -> h.contains(": 422,Entry name can contain only"));
  }

  @Test
  void v1TheLengthMustFitIfThereIsOne() throws Exception {
    String mismatch =
        "422 content-length header does not match the sum of the content-lengths in the headers";
    assertThat(send(one("POST", "e").header("x-reduct-time-1", "5,").body("abcd")).summary())
        .isEqualTo(mismatch);
    assertThat(send(one("POST", "e").body("abcd")).summary()).isEqualTo(mismatch);
    assertThat(
            send(one("POST", "e")
                    .header("x-reduct-time-1", "4,")
                    .header("x-reduct-content-length", "5")
                    .body("abcd")
                    .chunked(2))
                .summary())
        .isEqualTo(mismatch);
    assertThat(send(one("POST", "e")).status()).isEqualTo(200);
    assertThat(
            send(one("POST", "e").header("x-reduct-time-1", "4,").body("abcd").chunked(2)).status())
        .isEqualTo(200);
    assertThat(get("e", 1).text()).isEqualTo("abcd");
  }

  @Test
  void v1WhatArrivedWholeIsStoredEvenIfTheRestNeverComes() throws Exception {
    var answer =
        send(
            one("POST", "e")
                .header("x-reduct-time-1", "2,")
                .header("x-reduct-time-2", "2,")
                .header("x-reduct-time-3", "2,")
                .body("aabbc")
                .chunked(3));
    assertThat(answer.summary())
        .isEqualTo("400 Content is shorter than expected: no more data to read");
    assertThat(timesOf("e")).containsExactly("1", "2");
    assertThat(get("e", 2).text()).isEqualTo("bb");
    assertThat(send(one("POST", "e").header("x-reduct-time-3", "2,").body("cc")).status())
        .isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 300_000})
  void v1WhatArrivedWholeIsStoredWhenTheClientLeaves(int size) throws Exception {
    try (var leaving = new Wire(server.port())) {
      leaving.write(
          one("POST", "e")
              .header("x-reduct-time-1", size + ",")
              .header("x-reduct-time-2", size + ",")
              .announcing(2L * size)
              .head());
      leaving.write(bytes(size + size / 2, 1));
      Thread.sleep(50); // tidy: nothing tells a client that its bytes have been read
    }
    for (int i = 0; i < 100 && get("e", 1).status() != 200; i++) {
      Thread.sleep(20); // tidy: polls a condition, with an end
    }
    assertThat(timesOf("e")).containsExactly("1");
    assertThat(get("e", 1).body())
        .isEqualTo(java.util.Arrays.copyOf(bytes(size + size / 2, 1), size));
  }

  @Test
  void largeAndSmallRecordsMayBeMixed() throws Exception {
    record("e", 3, "already there");
    int[] sizes = {10, 2_000_000, 0, 1_500_000, 700_000, 600_000, 1_048_576, 1};
    var write = one("POST", "e");
    int sum = 0;
    for (int i = 0; i < sizes.length; i++) {
      write.header("x-reduct-time-" + i, sizes[i] + ",,i=" + i);
      sum += sizes[i];
    }
    byte[] body = bytes(sum, 4);
    var answer = send(write.body(body));
    assertThat(answer.own("x-reduct-error"))
        .containsExactly("x-reduct-error-3: 409,A record with timestamp 3 already exists");
    int at = 0;
    for (int i = 0; i < sizes.length; i++) {
      if (i != 3) {
        var read = get("e", i);
        assertThat(read.body()).isEqualTo(java.util.Arrays.copyOfRange(body, at, at + sizes[i]));
        assertThat(read.header("x-reduct-label-i")).contains("" + i);
      }
      at += sizes[i];
    }
    assertThat(get("e", 3).text()).isEqualTo("already there");
  }

  @Test
  void quotaErrorsArePerRecord() throws Exception {
    send("PUT", "b/" + bucket, "{\"quota_type\":\"HARD\",\"quota_size\":1000}");
    var answer =
        send(
            one("POST", "e")
                .header("x-reduct-time-1", "10,")
                .header("x-reduct-time-2", "5000,")
                .header("x-reduct-time-3", "10,")
                .header("x-reduct-time-4", "2000000,")
                .header("x-reduct-time-5", "10,")
                .body(bytes(2_005_030, 1)));
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.own("x-reduct-error"))
        .containsExactly(
            "x-reduct-error-2: 400,Quota of '" + bucket + "' exceeded",
            "x-reduct-error-4: 400,Quota of '" + bucket + "' exceeded");
    assertThat(timesOf("e")).containsExactly("1", "3", "5");
  }

  @Test
  void aBatchThatTheQuotaRefusesWholeLeavesNoEntry() throws Exception {
    send("PUT", "b/" + bucket, "{\"quota_type\":\"HARD\",\"quota_size\":100}");
    var refused =
        send(
            one("POST", "e")
                .header("x-reduct-time-1", "500,")
                .header("x-reduct-time-2", "2000000,")
                .body(bytes(2_000_500, 1)));
    assertThat(refused.own("x-reduct-error")).hasSize(2);
    assertThat(send("GET", "b/" + bucket).text()).contains("\"entry_count\":0");

    var mixed =
        send(
            one("POST", "e")
                .header("x-reduct-time-1", "500,")
                .header("x-reduct-time-2", "5,")
                .body(bytes(505, 1)));
    assertThat(mixed.own("x-reduct-error"))
        .containsExactly("x-reduct-error-1: 400,Quota of '" + bucket + "' exceeded");
    assertThat(timesOf("e")).containsExactly("2");
  }

  @Test
  void v1MalformedHeadersAreRefusedAsAWhole() throws Exception {
    assertThat(send(one("POST", "e").header("x-reduct-time-1", "4").body("abcd")).summary())
        .isEqualTo("422 Invalid batched header");
    assertThat(send(one("POST", "e").header("x-reduct-time-1", "a,").body("abcd")).summary())
        .isEqualTo("422 Invalid content length");
    assertThat(send(one("POST", "e").header("x-reduct-time-abc", "4,").body("abcd")).summary())
        .isEqualTo(
            "422 Invalid header 'x-reduct-time-abc': must be an unix timestamp in microseconds");
    assertThat(send("GET", "b/" + bucket).text()).contains("\"entries\":[]");
  }

  @Test
  void v1Update() throws Exception {
    record("e", 10, "x", "a=1", "b=2");
    record("e", 20, "x");
    var answer =
        send(
            one("PATCH", "e")
                .header("x-reduct-time-1", "0,,a=b")
                .header("x-reduct-time-10", "7,,a=,c=3")
                .header("x-reduct-time-20", "3,x/y,q=1"));
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.own("x-reduct-error"))
        .containsExactly("x-reduct-error-1: 404,Record 1 not found in entry " + bucket + "/e");
    assertThat(get("e", 10).own("x-reduct-label-"))
        .containsExactly("x-reduct-label-b: 2", "x-reduct-label-c: 3");
    assertThat(get("e", 20).own("x-reduct-label-")).containsExactly("x-reduct-label-q: 1");
    assertThat(get("e", 20).header("content-type")).contains("text/plain");
    assertThat(send(one("PATCH", "e")).status()).isEqualTo(200);
    assertThat(send(one("PATCH", "zz")).summary())
        .isEqualTo("404 Entry 'zz' not found in bucket '" + bucket + "'");
    assertThat(send(request("PATCH", "b/missing/e/batch")).summary())
        .isEqualTo("404 Bucket 'missing' is not found");
  }

  @Test
  void v1Remove() throws Exception {
    for (int ts = 1; ts <= 4; ts++) {
      record("e", ts, "x");
    }
    var answer =
        send(
            one("DELETE", "e")
                .header("x-reduct-time-1", "")
                .header("x-reduct-time-2", "0,")
                .header("x-reduct-time-30", "0,,a=b"));
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.own("x-reduct-error"))
        .containsExactly("x-reduct-error-30: 404,Record 30 not found in entry " + bucket + "/e");
    assertThat(timesOf("e")).containsExactly("3", "4");
    assertThat(send(one("DELETE", "e")).status()).isEqualTo(200);
    assertThat(send(one("DELETE", "zz").header("x-reduct-time-1", "")).summary())
        .isEqualTo("404 Entry 'zz' not found in bucket '" + bucket + "'");
    assertThat(send(one("DELETE", "e").header("x-reduct-time-z", "")).status()).isEqualTo(422);
  }

  // ---------------------------------------------------------------- v2

  @Test
  void v2Write() throws Exception {
    record("m/a", 1030, "x");
    var answer =
        send(
            many("POST", "write")
                .header("x-reduct-entries", "m%2Fa,m%2Fb")
                .header("x-reduct-start-ts", "1000")
                .header("x-reduct-labels", "cam,unit")
                .header("x-reduct-0-0", "3,text/plain,0=l,1=mm")
                .header("x-reduct-0-10", "3")
                .header("x-reduct-0-20", "3,,0=r,1=")
                .header("x-reduct-0-30", "3")
                .header("x-reduct-1-5", "3,application/json,x=1")
                .body("aaabbbcccdddeee"));
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.own())
        .containsExactly(
            "x-reduct-entries: m%2Fa,m%2Fb",
            "x-reduct-start-ts: 1000",
            "x-reduct-error-0-30: 409,A record with timestamp 1030 already exists",
            "x-pannier-ack: buffered");
    assertThat(get("m/a", 1010).text()).isEqualTo("bbb");
    assertThat(get("m/a", 1010).own("x-reduct-label-"))
        .containsExactly("x-reduct-label-cam: l", "x-reduct-label-unit: mm");
    assertThat(get("m/a", 1020).own("x-reduct-label-")).containsExactly("x-reduct-label-cam: r");
    assertThat(get("m/b", 1005).text()).isEqualTo("eee");
    assertThat(get("m/b", 1005).header("content-type")).contains("application/json");
  }

  @Test
  void v2MissingBucketAndBadNamesAreToldPerRecord() throws Exception {
    var write =
        request("POST", "io/missing/write")
            .header("x-reduct-entries", "a")
            .header("x-reduct-start-ts", "5")
            .header("x-reduct-0-1", "1,")
            .body("a");
    assertThat(send(write).own())
        .containsExactly(
            "x-reduct-entries: a",
            "x-reduct-start-ts: 5",
            "x-reduct-error-0-1: 404,Bucket 'missing' is not found");
    var answer =
        send(
            many("POST", "write")
                .header("x-reduct-entries", "a*,b//c,good")
                .header("x-reduct-start-ts", "0")
                .header("x-reduct-0-1", "1,")
                .header("x-reduct-1-2", "1,")
                .header("x-reduct-2-3", "1,")
                .body("abc"));
    assertThat(answer.header("x-reduct-entries")).contains("a*,b%2F%2Fc,good");
    assertThat(answer.own("x-reduct-error"))
        .hasSize(2)
        .allMatch(h -> h.contains(": 422,Entry name"));
    assertThat(get("good", 3).text()).isEqualTo("c");
  }

  @Test
  void v2ALengthIsRequired() throws Exception {
    var write =
        many("POST", "write")
            .header("x-reduct-entries", "a")
            .header("x-reduct-start-ts", "0")
            .header("x-reduct-0-1", "3,")
            .body("abc")
            .chunked(2);
    assertThat(send(write).summary()).isEqualTo("422 content-length header is required");
    assertThat(send(write.header("x-reduct-content-length", "3")).status()).isEqualTo(200);
    assertThat(get("a", 1).text()).isEqualTo("abc");
    assertThat(
            send(many("POST", "write")
                    .header("x-reduct-entries", "a")
                    .header("x-reduct-start-ts", "0")
                    .header("x-reduct-0-2", "3,")
                    .body("abcd"))
                .error())
        .startsWith("content-length header does not match");
  }

  @Test
  void v2WithoutRecordsIsFine() throws Exception {
    var answer =
        send(
            many("POST", "write").header("x-reduct-entries", "a").header("x-reduct-start-ts", "7"));
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.own()).containsExactly("x-reduct-entries: a", "x-reduct-start-ts: 7");
    assertThat(send(many("POST", "write")).summary())
        .isEqualTo("422 x-reduct-start-ts header is required");
    for (String[] a : new String[][] {{"PATCH", "update"}, {"DELETE", "remove"}}) {
      assertThat(
              send(many(a[0], a[1])
                      .header("x-reduct-entries", "a")
                      .header("x-reduct-start-ts", "7"))
                  .own())
          .startsWith("x-reduct-start-ts: 7", "x-reduct-entries: a");
      assertThat(
              send(request(a[0], "io/missing/" + a[1]).header("x-reduct-start-ts", "7")).summary())
          .isEqualTo("404 Bucket 'missing' is not found");
    }
  }

  @Test
  void v2ErrorsAreKeyedByEntryAndTime() throws Exception {
    record("a", 1020, "x");
    var answer =
        send(
            many("DELETE", "remove")
                .header("x-reduct-entries", "a,zz")
                .header("x-reduct-start-ts", "1000")
                .header("x-reduct-0-20", "")
                .header("x-reduct-0-88", "0")
                .header("x-reduct-1-20", "0,,a=b"));
    assertThat(answer.own("x-reduct-"))
        .containsExactly(
            "x-reduct-start-ts: 1000",
            "x-reduct-entries: a,zz",
            "x-reduct-error-0-88: 404,Record 1088 not found in entry " + bucket + "/a",
            "x-reduct-error-1-20: 404,Entry 'zz' not found in bucket '" + bucket + "'");
    assertThat(get("a", 1020).status()).isEqualTo(404);
  }

  @Test
  void v2Update() throws Exception {
    record("a", 1020, "x", "x=1");
    record("a", 1021, "x", "x=1", "z=2");
    record("b", 1020, "x");
    var answer =
        send(
            many("PATCH", "update")
                .header("x-reduct-entries", "a,zz,b")
                .header("x-reduct-start-ts", "1000")
                .header("x-reduct-labels", "x,y")
                .header("x-reduct-0-20", "0,,0=,1=2")
                .header("x-reduct-0-21", "0")
                .header("x-reduct-0-77", "0,,0=1")
                .header("x-reduct-1-20", "0,,a=b")
                .header("x-reduct-2-20", "0,application/octet-stream,k=v"));
    assertThat(answer.own("x-reduct-"))
        .containsExactly(
            "x-reduct-start-ts: 1000",
            "x-reduct-entries: a,zz,b",
            "x-reduct-error-0-77: 404,Record 1077 not found in entry " + bucket + "/a",
            "x-reduct-error-1-20: 404,Entry 'zz' not found in bucket '" + bucket + "'");
    assertThat(get("a", 1020).own("x-reduct-label-")).containsExactly("x-reduct-label-y: 2");
    assertThat(get("a", 1021).own("x-reduct-label-"))
        .containsExactly("x-reduct-label-y: 2", "x-reduct-label-z: 2");
    assertThat(get("b", 1020).own("x-reduct-label-")).containsExactly("x-reduct-label-k: v");
    assertThat(get("b", 1020).header("content-type")).contains("text/plain");
  }

  /** As reference 1.21.5 does (probed). */
  @Test
  void v2UpdatesAddUpFromRecordToRecord() throws Exception {
    for (int ts = 1; ts <= 3; ts++) {
      record("a", ts, "b", "x=1");
    }
    send(
        many("PATCH", "update")
            .header("x-reduct-entries", "a")
            .header("x-reduct-start-ts", "0")
            .header("x-reduct-0-1", "0,,x=,y=2")
            .header("x-reduct-0-2", "0,,k=v")
            .header("x-reduct-0-3", "0,,y="));
    assertThat(get("a", 1).own("x-reduct-label-")).containsExactly("x-reduct-label-y: 2");
    assertThat(get("a", 2).own("x-reduct-label-"))
        .containsExactly("x-reduct-label-k: v", "x-reduct-label-y: 2");
    assertThat(get("a", 3).own("x-reduct-label-")).containsExactly("x-reduct-label-k: v");
  }

  @Test
  void v2TimesOfTheWholeRange() throws Exception {
    var answer =
        send(
            many("POST", "write")
                .header("x-reduct-entries", "a")
                .header("x-reduct-start-ts", "18446744073709551614")
                .header("x-reduct-0-0", "1,")
                .header("x-reduct-0-1", "1,")
                .body("ab"));
    assertThat(answer.own("x-reduct-error")).isEmpty();
    assertThat(timesOf("a")).isEqualTo(List.of("18446744073709551614", "18446744073709551615"));
    assertThat(
            send(many("POST", "write")
                    .header("x-reduct-entries", "a")
                    .header("x-reduct-start-ts", "18446744073709551614")
                    .header("x-reduct-0-2", "1,")
                    .body("a"))
                .summary())
        .isEqualTo("422 Invalid header 'x-reduct-0-2': must be an unix timestamp in microseconds");
  }

  @Test
  void theAnswerNamesTheAcknowledgement() throws Exception {
    var write =
        one("POST", "e").header("x-reduct-time-1", "1,").header("x-pannier-ack", "disk").body("a");
    assertThat(send(write).header("x-pannier-ack")).contains("disk");
    assertThat(
            send(one("DELETE", "e").header("x-reduct-time-1", "").header("x-pannier-ack", "disk"))
                .header("x-pannier-ack"))
        .contains("disk");
    assertThat(
            send(one("POST", "e")
                    .header("x-reduct-time-1", "1,")
                    .header("x-pannier-ack", "paper")
                    .body("a"))
                .status())
        .isEqualTo(422);
  }

  // ---------------------------------------------------------------- attachments

  @Test
  void attachmentsNeedAKeyAndAreReplacedByIt() throws Exception {
    String meta = "cam/$meta";
    assertThat(send(request("POST", "b/" + bucket + "/" + meta + "?ts=1").body("{}")).summary())
        .isEqualTo("422 System entry 'cam/$meta' records must contain label 'key'");
    assertThat(
            send(request("POST", "b/" + bucket + "/" + meta + "?ts=1")
                    .header("x-reduct-label-key", "k")
                    .header("x-reduct-label-remove", "true")
                    .body("{}"))
                .summary())
        .isEqualTo(
            "422 System entry 'cam/$meta' does not support writing records with label 'remove=true'; use record update");
    record(meta, 1, "one", "key=k");
    record(meta, 2, "two", "key=k");
    record(meta, 3, "other", "key=l");
    assertThat(timesOf(meta)).containsExactly("2", "3");
    var answer =
        send(
            many("POST", "write")
                .header("x-reduct-entries", "cam%2F$meta")
                .header("x-reduct-start-ts", "10")
                .header("x-reduct-0-0", "2,application/json,key=k")
                .header("x-reduct-0-1", "2,,key=")
                .header("x-reduct-0-2", "2,,key=new")
                .body("aabbcc"));
    assertThat(answer.own("x-reduct-error"))
        .containsExactly(
            "x-reduct-error-0-1: 422,System entry 'cam/$meta' records must contain label 'key'");
    assertThat(timesOf(meta)).containsExactly("3", "10", "12");
  }

  @Test
  void attachmentsAreRemovedByALabelOnly() throws Exception {
    record("cam/$meta", 1, "one", "key=k");
    String text =
        "422 Can't delete records from system entry 'cam/$meta'; use label update with remove=true";
    assertThat(send("DELETE", "b/" + bucket + "/cam/$meta?ts=1").summary()).isEqualTo(text);
    assertThat(send(one("DELETE", "cam/$meta").header("x-reduct-time-1", "")).summary())
        .isEqualTo(text);
    assertThat(
            send(many("DELETE", "remove")
                    .header("x-reduct-entries", "cam/$meta")
                    .header("x-reduct-start-ts", "0")
                    .header("x-reduct-0-1", ""))
                .summary())
        .isEqualTo(text);
    assertThat(send("DELETE", "b/" + bucket + "/cam/$meta/q?start=0").summary()).isEqualTo(text);
    assertThat(send("DELETE", "b/" + bucket + "/cam/$meta").summary())
        .isEqualTo("422 Can't delete system entry 'cam/$meta'; remove the parent entry instead");
    assertThat(
            send("POST", "b/" + bucket + "/cam/$meta/q", "{\"query_type\":\"REMOVE\",\"start\":0}")
                .text())
        .isEqualTo("{\"removed_records\":0}");
    var answer =
        send(
            many("PATCH", "update")
                .header("x-reduct-entries", "cam%2F$meta")
                .header("x-reduct-start-ts", "1")
                .header("x-reduct-0-0", "0,,remove=true"));
    assertThat(answer.own("x-reduct-error")).isEmpty();
    assertThat(timesOf("cam/$meta")).isEmpty();
    assertThat(get("cam/$meta", 1).text()).isEqualTo("one");
  }
}
