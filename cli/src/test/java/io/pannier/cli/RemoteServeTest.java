package io.pannier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
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
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** A server whose data lies in S3, through its commands and its HTTP API. */
@Timeout(60)
class RemoteServeTest {
  private static S3Server s3;
  @TempDir Path folder;
  private final HttpClient client = HttpClient.newHttpClient();
  private S3Options bucket;

  @BeforeAll
  static void start() throws Exception {
    s3 = new S3Server();
  }

  @AfterAll
  static void stop() {
    s3.close();
  }

  private Map<String, String> variables(String cache) {
    if (bucket == null) {
      bucket = s3.bucket();
    }
    var variables = new HashMap<String, String>();
    variables.put("RS_HOST", "127.0.0.1");
    variables.put("RS_PORT", "0");
    variables.put("RS_DISABLE_AUTH", "true");
    variables.put("RS_SYSTEM_EVENTS_ENABLED", "false");
    variables.put("RS_REMOTE_BACKEND_TYPE", "s3");
    variables.put("RS_REMOTE_BUCKET", bucket.bucket());
    variables.put("RS_REMOTE_ENDPOINT", s3.endpoint().toString());
    variables.put("RS_REMOTE_ACCESS_KEY", S3Server.ACCESS);
    variables.put("RS_REMOTE_SECRET_KEY", S3Server.SECRET);
    variables.put("RS_REMOTE_CACHE_PATH", folder.resolve(cache).toString());
    variables.put("RS_REMOTE_CACHE_SIZE", "0");
    return variables;
  }

  /** What a command wrote and said. */
  private record Ran(int code, String out, String err) {}

  private static Ran run(Object command, String... arguments) {
    var out = new StringWriter();
    var err = new StringWriter();
    int code =
        new CommandLine(command)
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute(arguments);
    return new Ran(code, out.toString(), err.toString());
  }

  /** What is done while the server runs. */
  private interface Use {
    void with(String url) throws Exception;
  }

  private static void serve(Map<String, String> variables, Use use) throws Exception {
    var out = new StringWriter();
    var err = new StringWriter();
    var thread =
        new Thread(() ->
            new CommandLine(new ServeCommand(variables))
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute());
    thread.start();
    Matcher address = Pattern.compile("address {2}(http://\\S+)\n").matcher("");
    while (!address.reset(out.toString()).find()) {
      assertThat(thread.isAlive()).as(err.toString()).isTrue();
      Thread.onSpinWait();
    }
    try {
      use.with(address.group(1) + "/api/v1");
    } finally {
      thread.interrupt();
      thread.join();
    }
    assertThat(out.toString() + err).doesNotContain("rror").doesNotContain("failed");
  }

  private HttpResponse<String> post(String url, String body, String... headers) throws Exception {
    var request =
        HttpRequest.newBuilder(URI.create(url)).POST(HttpRequest.BodyPublishers.ofString(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> get(String url) throws Exception {
    return client.send(
        HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString());
  }

  private JsonNode remote(String url) throws Exception {
    return new ObjectMapper().readTree(get(url + "/info").body()).get("remote");
  }

  @Test
  void weakness40WhatWasAcknowledgedRemoteOutlivesTheLocalFolder() throws Exception {
    serve(
        variables("one"),
        url -> {
          assertThat(post(url + "/b/fleet", "{\"max_block_records\": 2}").statusCode())
              .isEqualTo(200);
          for (int i = 1; i <= 5; i++) {
            HttpResponse<String> written =
                post(url + "/b/fleet/lidar?ts=" + i, "scan " + i, "x-pannier-ack", "remote");
            assertThat(written.statusCode()).as(written.headers().toString()).isEqualTo(200);
            assertThat(written.headers().firstValue("x-pannier-ack")).contains("remote");
          }
          assertThat(remote(url).get("unsent_bytes").asLong()).isNotNegative();
          assertThat(remote(url).get("requests").get("put").asLong()).isGreaterThan(5);

          // A second server is refused, and told by whom.
          Ran second = run(new ServeCommand(variables("two")));
          assertThat(second.code()).isEqualTo(1);
          assertThat(second.err()).contains("in use by host").contains("seconds");
        });
    deleteAll(folder.resolve("one"));
    serve(
        variables("three"),
        url -> {
          for (int i = 1; i <= 5; i++) {
            assertThat(get(url + "/b/fleet/lidar?ts=" + i).body()).isEqualTo("scan " + i);
          }
          // What is there is there, also as a duplicate.
          assertThat(post(url + "/b/fleet/lidar?ts=3", "again").statusCode()).isEqualTo(409);
          assertThat(post(url + "/b/fleet/lidar?ts=6", "scan 6").statusCode()).isEqualTo(200);
        });
    Ran verified = run(new VerifyCommand(variables("three")), "--quiet");
    assertThat(verified.code()).as(verified.out() + verified.err()).isZero();
    assertThat(verified.out()).contains("s3://" + bucket.bucket()).contains(" 6 records");
    Ran alone = run(new VerifyCommand(variables("nowhere")), "--quiet", "--json");
    assertThat(alone.out()).contains("\"records\":6");
    Ran described = run(new DescribeCommand(variables("nowhere")));
    assertThat(described.code()).as(described.err()).isZero();
    assertThat(described.out()).contains("fleet");
  }

  @Test
  void weakness43EntriesAreRenamedAndBucketsMayAskForRemote() throws Exception {
    serve(
        variables("one"),
        url -> {
          assertThat(post(url + "/b/fleet", "{\"ack\": \"remote\"}").statusCode()).isEqualTo(200);
          HttpResponse<String> written = post(url + "/b/fleet/lidar?ts=1", "scan");
          assertThat(written.headers().firstValue("x-pannier-ack")).contains("remote");
          var rename =
              HttpRequest.newBuilder(URI.create(url + "/b/fleet/lidar/rename"))
                  .PUT(HttpRequest.BodyPublishers.ofString("{\"new_name\": \"laser\"}"))
                  .build();
          assertThat(client.send(rename, HttpResponse.BodyHandlers.ofString()).statusCode())
              .isEqualTo(200);
          assertThat(get(url + "/b/fleet/laser?ts=1").body()).isEqualTo("scan");
        });
    deleteAll(folder.resolve("one"));
    serve(
        variables("two"),
        url -> assertThat(get(url + "/b/fleet/laser?ts=1").body()).isEqualTo("scan"));
  }

  @Test
  void withoutAnObjectStoreNothingIsAcknowledgedRemote() throws Exception {
    var local = variables("local");
    local.keySet().removeIf(name -> name.startsWith("RS_REMOTE_"));
    local.put("RS_DATA_PATH", folder.resolve("data").toString());
    serve(
        local,
        url -> {
          assertThat(post(url + "/b/fleet", "").statusCode()).isEqualTo(200);
          HttpResponse<String> asked =
              post(url + "/b/fleet/lidar?ts=1", "scan", "x-pannier-ack", "remote");
          assertThat(asked.statusCode()).isEqualTo(422);
          assertThat(asked.headers().firstValue("x-reduct-error").orElse(""))
              .contains("no object store");
          assertThat(post(url + "/b/other", "{\"ack\": \"remote\"}").statusCode()).isEqualTo(422);
          assertThat(remote(url)).isNull();
        });
  }

  @Test
  void aBucketThatIsNotThereStopsTheStart() throws Exception {
    var wrong = variables("one");
    wrong.put("RS_REMOTE_BUCKET", "no-such-bucket");
    Ran refused = run(new ServeCommand(wrong));
    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err()).contains("no-such-bucket");
  }

  private static void deleteAll(Path path) throws Exception {
    try (var all = Files.walk(path)) {
      for (Path each : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
  }
}
