package io.pannier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.s3.S3Options;
import io.pannier.s3.S3Server;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
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
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Servers in this process, some of which follow another, over S3 or in a shared folder. */
abstract class ReplicaFixture {
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

  final Map<String, String> variables(String cache) {
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

  final Map<String, String> replica(String cache) {
    Map<String, String> variables = variables(cache);
    variables.put("RS_INSTANCE_ROLE", "replica");
    variables.put("RS_INSTANCE_NAME", cache);
    return variables;
  }

  /** Nobody finds anything in S3 any more. */
  final void emptyBucket() {
    s3.empty(bucket);
  }

  /** Starts a server and returns where its API is. */
  final String serve(Map<String, String> variables) {
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

  final HttpResponse<String> call(String token, String method, String url, String body)
      throws Exception {
    return client.send(
        HttpRequest.newBuilder(URI.create(url))
            .method(method, HttpRequest.BodyPublishers.ofString(body))
            .header("authorization", "Bearer " + token)
            .header("content-type", "application/json")
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  final HttpResponse<String> call(String method, String url, String body) throws Exception {
    return call("secret", method, url, body);
  }

  final HttpResponse<String> awaited(String url, int status) throws Exception {
    while (true) {
      HttpResponse<String> response = call("GET", url, "");
      if (response.statusCode() == status) {
        return response;
      }
      Thread.onSpinWait();
    }
  }

  /** Of a server whose data lies in a folder, which others may follow. */
  final Map<String, String> inFolder() {
    Map<String, String> local = variables("unused");
    local.keySet().removeIf(name -> name.startsWith("RS_REMOTE_"));
    local.put("RS_DATA_PATH", folder.resolve("data").toString());
    return local;
  }

  /** Of a replica of that folder. */
  final Map<String, String> replicaOfFolder(String name) {
    Map<String, String> reading = inFolder();
    reading.put("RS_INSTANCE_ROLE", "REPLICA");
    reading.put("RS_INSTANCE_NAME", name);
    return reading;
  }
}
