package io.pannier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.SystemRandom;
import io.pannier.server.ServerConfig;
import io.pannier.server.access.Authentication;
import io.pannier.server.settings.Settings;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The token of the first start, over several starts. */
class GeneratedTokenTest {
  @TempDir Path folder;

  private Service start(String token) {
    return Service.start(
        folder,
        Settings.read(Map.of(), Map.of(), "test").settings().orElseThrow(),
        ServerConfig.of(Optional.empty()).withAuthentication(new Authentication.Initial(token)));
  }

  private String found() throws IOException {
    return GeneratedToken.in(folder, SystemRandom.secure()).value();
  }

  private static String send(Service service, String token, String method, String path, String body)
      throws Exception {
    try (var client = HttpClient.newHttpClient()) {
      var request =
          HttpRequest.newBuilder(
                  URI.create("http://127.0.0.1:" + service.port() + "/api/v1/" + path))
              .header("authorization", "Bearer " + token)
              .method(method, HttpRequest.BodyPublishers.ofString(body))
              .build();
      return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
    }
  }

  @Test
  void aTokenThatWasRotatedThroughTheApiIsNotTheFilesAnyMore() throws Exception {
    String first = found();
    String fresh;
    try (var service = start(first)) {
      assertThat(service.accepts(first)).isTrue();
      fresh = send(service, first, "POST", "tokens/init-token/rotate", "").split("\"", -1)[3];
    }
    try (var service = start(found())) {
      assertThat(service.accepts(first)).isFalse();
      assertThat(service.accepts(fresh)).isTrue();
    }
  }

  @Test
  void aLostFileOpensNothing() throws Exception {
    String first = found();
    start(first).close();
    Files.delete(folder.resolve("token"));
    Files.delete(folder.resolve("token.copy"));
    try (var service = start(found())) {
      assertThat(service.accepts(found())).isFalse();
      assertThat(service.accepts(first)).isTrue();
    }
  }

  @Test
  void aTokenThatWasRemovedThroughTheApiStaysAway() throws Exception {
    String first = found();
    try (var service = start(first)) {
      send(service, first, "POST", "tokens/mine", "{\"full_access\":true}");
      send(service, first, "DELETE", "tokens/init-token", "");
    }
    try (var service = start(found())) {
      assertThat(service.accepts(first)).isFalse();
    }
  }
}
