package io.pannier.cli;

import io.pannier.server.settings.Settings;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;

/**
 * The scripted run from which the JVM learns what the server needs at its start: one of every
 * common request against a store in a temporary folder. Called by the build only.
 */
@Command(
    name = "aot-training",
    hidden = true,
    description = "Training run for the cache of prepared classes.")
final class AotTrainingCommand implements Callable<Integer> {
  @Override
  public Integer call() throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory("pannier-training");
    try {
      for (int start = 0; start < 2; start++) {
        Settings settings =
            Settings.read(
                    Map.of(),
                    Map.of("HOST", "127.0.0.1", "PORT", "0", "API_TOKEN", "training"),
                    "training")
                .settings()
                .orElseThrow();
        var config = settings.serverConfig(settings.authentication().orElseThrow(), Main.VERSION);
        try (Service service = Service.start(folder, settings, config);
            HttpClient client =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
          requests(new Caller(client, "http://127.0.0.1:" + service.port() + "/api/v1"), start);
          commands(folder.resolveSibling(folder.getFileName() + "-client"), service.port());
        }
      }
      return 0;
    } finally {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  /** What people and scripts call all the time, so that it starts at once. */
  private static void commands(Path work, int port) throws IOException {
    try {
      String config = work.resolve("config.toml").toString();
      String address = "http://127.0.0.1:" + port;
      String[][] calls = {
        {"alias", "add", "training", "-L", address, "-t", "training"},
        {"alias", "ls"},
        {"server", "status", "training"},
        {"bucket", "ls", "training"},
        {"bucket", "ls", "training", "--json"},
        {"bucket", "show", "training/training", "--full"},
        {"ls", "training/training/camera", "--limit", "100"},
        {"write", "training/training/notes", "-s", "text"},
        {"cp", "training/training", work.toString(), "--limit", "3", "--with-meta", "-q"},
        {"token", "ls", "training"},
        {"replica", "ls", "training"},
        {"lifecycle", "ls", "training"},
      };
      var nowhere = new PrintWriter(Writer.nullWriter());
      Main.run("pannier", nowhere, nowhere, "--help");
      for (String[] call : calls) {
        var words = new ArrayList<String>(List.of("--config", config));
        words.addAll(List.of(call));
        Main.run("pannier", nowhere, nowhere, words.toArray(new String[0]));
      }
    } finally {
      if (Files.exists(work)) {
        try (Stream<Path> files = Files.walk(work)) {
          for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
            Files.delete(file);
          }
        }
      }
    }
  }

  private record Caller(HttpClient client, String base) {
    String call(String method, String path, String body, String... headers)
        throws IOException, InterruptedException {
      var request =
          HttpRequest.newBuilder(URI.create(base + path))
              .method(
                  method,
                  body.isEmpty()
                      ? HttpRequest.BodyPublishers.noBody()
                      : HttpRequest.BodyPublishers.ofString(body))
              .header("authorization", "Bearer training");
      for (int i = 0; i < headers.length; i += 2) {
        request.header(headers[i], headers[i + 1]);
      }
      HttpResponse<String> response =
          client.send(request.build(), HttpResponse.BodyHandlers.ofString());
      if (response.statusCode() >= 300) {
        throw new IOException(
            method + " " + path + " answered " + response.statusCode() + ": " + response.body());
      }
      return response.body();
    }
  }

  /**
   * How often what robots do all the time is done: often enough that the JIT compiler has seen it.
   */
  private static final int OFTEN = 3_000;

  private static void requests(Caller server, int start) throws IOException, InterruptedException {
    server.call("GET", "/alive", "");
    server.call("GET", "/info", "");
    server.call("GET", "/list", "");
    if (start == 0) {
      server.call("POST", "/b/training", "{\"quota_type\":\"FIFO\",\"quota_size\":100000000}");
      // Large bodies have a small ring of their own: the run must not fill a small /tmp, nor evict
      // what it asks for later.
      server.call(
          "POST",
          "/b/ring",
          "{\"quota_type\":\"FIFO\",\"quota_size\":20000000,\"max_block_size\":4000000}");
    }
    int base = 1_000_000 * (start + 1);
    for (int i = 0; i < OFTEN; i++) {
      server.call(
          "POST",
          "/b/training/camera?ts=" + (base + i),
          "x".repeat(1000),
          "x-reduct-label-robot",
          "a" + i % 7,
          "content-type",
          "text/plain");
      server.call("GET", "/b/training/camera?ts=" + (base + i), "");
    }
    for (int i = 0; i < OFTEN / 20; i++) {
      server.call("POST", "/b/training/frames?ts=" + (base + i), "x".repeat(100_000));
      server.call("GET", "/b/training/frames?ts=" + (base + i), "");
      server.call("POST", "/b/ring/scans?ts=" + (base + i), "x".repeat(1_000_000));
      batch(server, base + 80 * i);
    }
    server.call("GET", "/b/training/camera", "");
    server.call("PATCH", "/b/training/camera?ts=" + base, "", "x-reduct-label-robot", "b");
    server.call("DELETE", "/b/training/camera?ts=" + (base + 1), "");
    for (String when : List.of("{}", "{\"&robot\":{\"$eq\":\"a3\"}}", "{\"$each_n\":2}")) {
      String body = "{\"query_type\":\"QUERY\",\"entries\":[\"*\"],\"when\":" + when + "}";
      String query = server.call("POST", "/b/training/imu/q", body).replaceAll("[^0-9]", "");
      for (int i = 0; i < OFTEN / 50; i++) {
        server.call("GET", "/b/training/imu/batch?q=" + query, "");
      }
      query = server.call("POST", "/io/training/q", body).replaceAll("[^0-9]", "");
      for (int i = 0; i < OFTEN / 100; i++) {
        server.call("GET", "/io/training/read", "", "x-reduct-query-id", query);
      }
    }
    server.call("GET", "/b/training", "");
  }

  private static void batch(Caller server, int from) throws IOException, InterruptedException {
    var headers = new ArrayList<String>();
    for (int i = 0; i < 80; i++) {
      headers.add("x-reduct-time-" + (from + i));
      headers.add("1000,text/csv,sensor=imu,robot=a" + i % 7);
    }
    server.call(
        "POST", "/b/training/imu/batch", "x".repeat(80_000), headers.toArray(new String[0]));
  }
}
