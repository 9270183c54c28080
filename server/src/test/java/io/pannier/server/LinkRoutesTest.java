package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A link opens one record without a token, as long as it may (http-api.md §16). */
class LinkRoutesTest extends ApiFixture {
  private static final long SOON = Instant.now().getEpochSecond() + 3600;

  @BeforeEach
  void recordSomething() throws IOException {
    record("cam/front", 100, "hello", "score=5");
    record("cam/front", 200, "world", "score=9", "unit=mm");
    record("cam/rear", 200, "other");
  }

  private String body(String query, String entry, long timestamp, String more) {
    return """
    {"bucket":"%s","entry":"cam/front","query":%s,"record_entry":"%s","record_timestamp":%s,
     "expire_at":%d%s}\
    """
        .formatted(
            bucket, query.replace('\'', '"'), entry, Long.toUnsignedString(timestamp), SOON, more);
  }

  private String link(String file, String body) throws IOException {
    Wire.Answer answer = send("POST", "links/" + file, body);
    assertThat(answer.status()).as(answer.summary()).isEqualTo(200);
    String url = answer.text().replaceAll(".*\"link\":\"([^\"]*)\".*", "$1");
    String path = url.substring(url.indexOf("/api/v1/") + "/api/v1/".length());
    assertThat(path).startsWith("links/" + file + "?ct=");
    return path;
  }

  private Wire.Answer open(String path, String... headers) throws IOException {
    return ask("GET", path, headers);
  }

  private Wire.Answer ask(String method, String path, String... headers) throws IOException {
    Wire.Request request = request(method, path).withoutToken();
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    return send(request);
  }

  @Test
  void itOpensTheRecordWithoutToken() throws IOException {
    String path = link("dir/report.csv", body("{'query_type':'QUERY'}", "cam/front", 200, ""));
    Wire.Answer answer = open(path);
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.text()).isEqualTo("world");
    assertThat(answer.own())
        .contains(
            "x-reduct-label-score: 9",
            "x-reduct-label-unit: mm",
            "content-type: text/plain",
            "content-disposition: attachment",
            "x-reduct-time: 200",
            "x-reduct-entry: cam/front",
            "accept-ranges: bytes");
    Wire.Answer head = ask("HEAD", path);
    assertThat(head.status()).isEqualTo(200);
    assertThat(head.header("content-length")).contains("5");
    assertThat(head.text()).isEmpty();
  }

  @Test
  void itOpensAnotherRecordOfTheSameResultOnly() throws IOException {
    String path =
        link(
            "f",
            body(
                "{'query_type':'QUERY','entries':['cam/*'],'stop':250,"
                    + "'when':{'&score':{'$gt':5}}}",
                "cam/front",
                200,
                ""));
    assertThat(open(path).text()).isEqualTo("world");
    assertThat(open(path + "&e=cam/front&ts=100").error())
        .isEqualTo("Record cam/front/100 not found in query result");
    assertThat(open(path + "&e=cam/rear&ts=200").status()).isEqualTo(404);
    assertThat(open(path + "&e=cam/front").error())
        .isEqualTo("Both 'e' and 'ts' parameters must be provided together");
    assertThat(open(path + "&e=cam/front&ts=x").error()).startsWith("Invalid 'ts' parameter: ");
  }

  @Test
  void aConditionThatRemembersIsJudgedFromTheBeginning() throws IOException {
    for (int i = 0; i < 30; i++) {
      record("seq", 1000 + i, "r" + i);
    }
    String path =
        link(
            "f",
            body("{'query_type':'QUERY','when':{'$each_n':10}}", "seq", 1010, "")
                .replace("\"entry\":\"cam/front\"", "\"entry\":\"seq\""));
    int found = 0;
    for (int i = 0; i < 30; i++) {
      Wire.Answer answer = open(path + "&e=seq&ts=" + (1000 + i));
      if (answer.status() == 200) {
        assertThat(answer.text()).isEqualTo("r" + i);
        found++;
      } else {
        assertThat(answer.status()).isEqualTo(404);
      }
    }
    assertThat(found).isEqualTo(3);
  }

  @Test
  void onlyTheLabelsThatTheQuerySelectsAreTold() throws IOException {
    String path =
        link(
            "f",
            body(
                "{'query_type':'QUERY','when':{'#select_labels':['unit']}}", "cam/front", 200, ""));
    assertThat(open(path).own("x-reduct-label-")).containsExactly("x-reduct-label-unit: mm");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "bytes=0-0      | 206 | h     | bytes 0-0/5",
        "bytes=1-2      | 206 | el    | bytes 1-2/5",
        "bytes=3-       | 206 | lo    | bytes 3-4/5",
        "bytes=-2       | 206 | lo    | bytes 3-4/5",
        "bytes=-99      | 206 | hello | bytes 0-4/5",
        "bytes=2-99     | 206 | llo   | bytes 2-4/5",
        "bytes=0-99999999999999999999999999 | 206 | hello | bytes 0-4/5",
        "bytes=5-       | 416 |       | bytes */5",
        "bytes=7-9      | 416 |       | bytes */5",
        "bytes=-0       | 416 |       | bytes */5",
        "bytes=2-1      | 200 | hello |",
        "bytes=0-1,3-4  | 200 | hello |",
        "bytes=x-y      | 200 | hello |",
        "bytes=-        | 200 | hello |",
        "bytes          | 200 | hello |",
        "lines=1-2      | 200 | hello |",
        "bytes=--1      | 200 | hello |",
      })
  void partsAreAsTheRfcSays(String range, int status, String text, String contentRange)
      throws IOException {
    String path = link("f", body("{'query_type':'QUERY'}", "cam/front", 100, ""));
    Wire.Answer answer = open(path, "range", range.strip());
    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.header("content-range").orElse(null)).isEqualTo(contentRange);
    if (status != 416) {
      assertThat(answer.text()).isEqualTo(text);
      assertThat(answer.header("content-length")).contains(Integer.toString(text.length()));
    }
    assertThat(open(path).text()).as("the connection lives on").isEqualTo("hello");
  }

  @Test
  void partsOfLargeRecordsAreTheBytesOfTheRecord() throws IOException {
    var bytes = new byte[3_000_001];
    new java.util.Random(7).nextBytes(bytes);
    send(request("POST", "b/" + bucket + "/cam/front?ts=300").body(bytes));
    String path = link("f", body("{'query_type':'QUERY'}", "cam/front", 300, ""));
    assertThat(open(path).body()).isEqualTo(bytes);
    for (int[] part :
        new int[][] {
          {0, 0},
          {65_535, 65_536},
          {65_536, 131_071},
          {1_000_000, 2_500_000},
          {3_000_000, 3_000_000}
        }) {
      Wire.Answer answer = open(path, "range", "bytes=" + part[0] + "-" + part[1]);
      assertThat(answer.body()).isEqualTo(Arrays.copyOfRange(bytes, part[0], part[1] + 1));
    }
  }

  @Test
  void anEmptyRecordOpens() throws IOException {
    record("cam/front", 400, "");
    String path = link("f", body("{'query_type':'QUERY'}", "cam/front", 400, ""));
    assertThat(open(path).status()).isEqualTo(200);
    assertThat(open(path, "range", "bytes=0-").status()).isEqualTo(416);
  }

  @Test
  void aBaseUrlIsTakenAsItIs() throws IOException {
    Wire.Answer answer =
        send(
            "POST",
            "links/f",
            body(
                "{'query_type':'QUERY'}",
                "cam/front",
                100,
                ",\"base_url\":\"https://ex.org/pfx\""));
    assertThat(answer.text()).startsWith("{\"link\":\"https://ex.org/pfx/api/v1/links/f?ct=");
    assertThat(
            send(
                    "POST",
                    "links/f",
                    body("{'query_type':'QUERY'}", "cam/front", 100, ",\"base_url\":\"nowhere\""))
                .error())
        .startsWith("Invalid base_url provided for query link: ");
  }

  @Test
  void namesThatNeedItAreEncoded() throws IOException {
    Wire.Answer answer =
        send(
            "POST",
            "links/a%20b%C3%A9%23.txt",
            body("{'query_type':'QUERY'}", "cam/front", 100, ""));
    String url = answer.text().replaceAll(".*\"link\":\"([^\"]*)\".*", "$1");
    assertThat(URI.create(url).getPath()).isEqualTo("/api/v1/links/a bé#.txt");
    Wire.Answer opened = open(url.substring(url.indexOf("links/")));
    assertThat(opened.text()).isEqualTo("hello");
  }

  @ParameterizedTest
  @ValueSource(strings = {"ct", "s", "i", "n"})
  void everyParameterIsNeededAndNoneMayBeChanged(String name) throws IOException {
    String path = link("f", body("{'query_type':'QUERY'}", "cam/front", 100, ""));
    String without = path.replaceAll("([?&])" + name + "=[^&]*&?", "$1");
    assertThat(open(without).error()).isEqualTo("Missing '" + name + "' parameter");
    String changed = path.replaceAll("([?&]" + name + "=.)[^&]", "$1_");
    Wire.Answer answer = open(changed);
    assertThat(answer.status()).isEqualTo(name.equals("i") ? 404 : 422);
    assertThat(answer.text()).doesNotContain("hello");
    assertThat(open(path.replaceAll("([?&]" + name + "=)[^&]*", "$1%00%ff")).status())
        .isIn(404, 422);
  }

  @Test
  void itEndsWithItsTime() throws IOException {
    String path =
        link(
            "f",
            body("{'query_type':'QUERY'}", "cam/front", 100, "")
                .replace(Long.toString(SOON), Long.toString(Instant.now().getEpochSecond() - 1)));
    Wire.Answer answer = open(path);
    assertThat(answer.status()).isEqualTo(422);
    assertThat(answer.error()).isEqualTo("Query link has expired");
  }

  private String tokenFor(String name, String read) throws IOException {
    Wire.Answer answer =
        send(
            "POST",
            "tokens/" + name,
            "{\"permissions\":{\"full_access\":false,\"read\":[\"" + read + "\"],\"write\":[]}}");
    return answer.text().replaceAll(".*\"value\":\"([^\"]*)\".*", "$1");
  }

  private String linkOf(String token) throws IOException {
    Wire.Answer answer =
        send(
            request("POST", "links/f")
                .header("authorization", "Bearer " + token)
                .body(body("{'query_type':'QUERY'}", "cam/front", 100, "")));
    assertThat(answer.status()).as(answer.summary()).isEqualTo(200);
    return answer.text().replaceAll(".*(links/f[^\"]*)\".*", "$1");
  }

  @Test
  void itEndsWithTheTokenThatMadeIt() throws IOException {
    String stranger = tokenFor("stranger", "other");
    Wire.Answer refused =
        send(
            request("POST", "links/f")
                .header("authorization", "Bearer " + stranger)
                .body(body("{'query_type':'QUERY'}", "cam/front", 100, "")));
    assertThat(refused.summary())
        .isEqualTo("403 Token 'stranger' doesn't have read access to bucket '" + bucket + "'");

    String path = linkOf(tokenFor("guest", bucket));
    assertThat(open(path).text()).isEqualTo("hello");
    send("POST", "tokens/guest/rotate");
    assertThat(open(path).error()).startsWith("Failed to decrypt query: ");
    send("DELETE", "tokens/guest");
    assertThat(open(path).summary()).isEqualTo("404 Token 'guest' doesn't exist");
    tokenFor("guest", bucket);
    assertThat(open(path).status()).isEqualTo(422);
  }

  @Test
  void itLivesThroughARestartOfTheServer() throws IOException {
    String path = linkOf(TOKEN);
    try (Server again = Server.start(configure(ServerConfig.of(Optional.of(TOKEN))))) {
      again.open(store);
      try (var other = new Wire(again.port())) {
        assertThat(other.send(request("GET", path).withoutToken()).text()).isEqualTo("hello");
      }
    }
  }

  @Test
  void whatIsGoneIsNotFound() throws IOException {
    String path = link("f", body("{'query_type':'QUERY'}", "cam/front", 100, ""));
    send("DELETE", "b/" + bucket + "/cam/front?ts=100");
    assertThat(open(path).error()).isEqualTo("Record cam/front/100 not found in query result");
    send("DELETE", "b/" + bucket + "/cam/front");
    assertThat(open(path).status()).isEqualTo(404);
    send("DELETE", "b/" + bucket);
    assertThat(open(path).error()).isEqualTo("Bucket '" + bucket + "' is not found");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{}                                        | Invalid JSON: missing field `bucket`",
        "{'bucket':'x'}                            | Invalid JSON: missing field `entry`",
        "{'bucket':'x','entry':'e'}                | Invalid JSON: missing field `query`",
        "{'bucket':'x','entry':'e','query':{'query_type':'QUERY'}} "
            + "| Invalid JSON: missing field `expire_at`",
        "{'bucket':'x','entry':'e','expire_at':1,'query':{'query_type':'REMOVE'}} "
            + "| Only 'Query' type is supported for query links",
        "{'bucket':'x','entry':'e','expire_at':1,'query':{'query_type':'QUERY'}} "
            + "| Both 'record_entry' and 'record_timestamp' must be provided in payload",
        "{'bucket':'x','entry':'e','expire_at':-1,'query':{'query_type':'QUERY'}} "
            + "| Invalid JSON: 'expire_at' must be an unsigned 64-bit integer, not -1",
      })
  void whatIsMalformedIsNamed(String body, String error) throws IOException {
    Wire.Answer answer = send("POST", "links/f", body.replace('\'', '"'));
    assertThat(answer.status()).isEqualTo(422);
    assertThat(answer.error()).isEqualTo(error);
  }
}
