package io.pannier.cli;

import io.pannier.model.Ack;
import io.pannier.model.Limits;
import io.pannier.server.ServerConfig;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;
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
        ServerConfig config = ServerConfig.of(Optional.of("training")).withAddress("127.0.0.1", 0);
        try (Service service = Service.start(folder, Ack.BUFFERED, Limits.Direct.DEFAULT, config);
            HttpClient client =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
          requests(new Caller(client, "http://127.0.0.1:" + service.port() + "/api/v1"), start);
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

  private static void requests(Caller server, int start) throws IOException, InterruptedException {
    server.call("GET", "/alive", "");
    server.call("GET", "/info", "");
    server.call("GET", "/list", "");
    if (start == 0) {
      server.call("POST", "/b/training", "{\"quota_type\":\"FIFO\",\"quota_size\":100000000}");
    }
    int base = 1000 * (start + 1);
    for (int i = 0; i < 20; i++) {
      server.call(
          "POST",
          "/b/training/camera?ts=" + (base + i),
          "x".repeat(1000),
          "x-reduct-label-robot",
          "a" + i,
          "content-type",
          "text/plain");
    }
    server.call("POST", "/b/training/camera?ts=" + (base + 100), "x".repeat(200_000));
    server.call(
        "POST",
        "/b/training/imu/batch",
        "onetwo",
        "x-reduct-time-" + base,
        "3,text/csv,sensor=imu",
        "x-reduct-time-" + (base + 1),
        "3,text/csv");
    server.call("GET", "/b/training/camera?ts=" + base, "");
    server.call("GET", "/b/training/camera", "");
    server.call("PATCH", "/b/training/camera?ts=" + base, "", "x-reduct-label-robot", "b");
    server.call("DELETE", "/b/training/camera?ts=" + (base + 1), "");
    String query = server.call("POST", "/b/training/camera/q", "{\"query_type\":\"QUERY\"}");
    server.call("GET", "/b/training/camera/batch?q=" + query.replaceAll("[^0-9]", ""), "");
    query = server.call("POST", "/io/training/q", "{\"query_type\":\"QUERY\",\"entries\":[\"*\"]}");
    server.call(
        "GET", "/io/training/read", "", "x-reduct-query-id", query.replaceAll("[^0-9]", ""));
    server.call("GET", "/b/training", "");
  }
}
