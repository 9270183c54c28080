package io.pannier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.OutputStreamAppender;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pannier.server.ServerConfig;
import io.pannier.server.settings.Settings;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** What the log says of requests, as JSON. */
@Timeout(60)
class RequestLogTest {
  private static final Logger ROOT =
      (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
  private static final Logger REQUESTS =
      (Logger) LoggerFactory.getLogger("io.pannier.server.requests");

  @TempDir Path folder;
  private final ByteArrayOutputStream log = new ByteArrayOutputStream();
  private final OutputStreamAppender<ILoggingEvent> appender = new OutputStreamAppender<>();
  private final HttpClient client = HttpClient.newHttpClient();
  private Service service;

  @BeforeEach
  void start() {
    var lines = new JsonLines();
    lines.setContext(ROOT.getLoggerContext());
    lines.start();
    appender.setContext(ROOT.getLoggerContext());
    appender.setEncoder(lines);
    appender.setOutputStream(log);
    appender.start();
    ROOT.addAppender(appender);
    Settings settings =
        Settings.read(
                Map.of("PANNIER_MIN_FREE_SPACE", "0"),
                Map.of("HOST", "127.0.0.1", "PORT", "0", "DISABLE_AUTH", "true"),
                "test")
            .settings()
            .orElseThrow();
    ServerConfig config =
        settings.serverConfig(settings.authentication().orElseThrow(), Main.VERSION);
    service = Service.start(folder, settings, config);
  }

  @AfterEach
  void stop() {
    service.close();
    client.close();
    ROOT.detachAppender(appender);
    REQUESTS.setLevel(null);
  }

  private HttpResponse<String> send(String method, String path, String body, String... headers)
      throws IOException, InterruptedException {
    var request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + service.port() + "/api/v1/" + path))
            .method(method, HttpRequest.BodyPublishers.ofString(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private List<JsonNode> lines() throws IOException {
    var lines = new ArrayList<JsonNode>();
    for (String line : log.toString(StandardCharsets.UTF_8).lines().toList()) {
      JsonNode json = new ObjectMapper().readTree(line);
      if (json.get("logger").textValue().equals(REQUESTS.getName())) {
        lines.add(json);
      }
    }
    return lines;
  }

  private void damage() throws IOException {
    try (Stream<Path> files = Files.walk(folder.resolve("b"))) {
      Path block = files.filter(file -> file.toString().endsWith(".blk")).findFirst().orElseThrow();
      try (var file = new RandomAccessFile(block.toFile(), "rw")) {
        file.seek(file.length() - 200);
        file.write('!');
      }
    }
  }

  @Test
  void aFaultIsALineWithItsCauseAndTheNameThatTheAnswerHas() throws Exception {
    send("POST", "b/robot", "");
    send("POST", "b/robot/e?ts=1", "x".repeat(1_000));
    assertThat(lines()).isEmpty();
    damage();
    HttpResponse<String> answer = send("GET", "b/robot/e?ts=1", "", "x-request-id", "mine-1");
    assertThat(answer.statusCode()).isEqualTo(500);
    assertThat(answer.headers().firstValue("x-request-id")).contains("mine-1");
    assertThat(lines())
        .singleElement()
        .satisfies(line -> {
          assertThat(line.get("level").textValue()).isEqualTo("ERROR");
          assertThat(line.get("message").textValue()).isEqualTo("request failed");
          assertThat(line.get("request_id").textValue()).isEqualTo("mine-1");
          assertThat(line.get("method").textValue()).isEqualTo("GET");
          assertThat(line.get("path").textValue()).isEqualTo("/api/v1/b/robot/e");
          assertThat(line.get("status").intValue()).isEqualTo(500);
          assertThat(line.get("stack").textValue()).contains("PannierException$Damaged");
          assertThat(line.get("time").textValue())
              .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z");
        });
    HttpResponse<String> unnamed = send("GET", "b/robot/e?ts=1", "");
    assertThat(lines().getLast().get("request_id").textValue())
        .isEqualTo(unnamed.headers().firstValue("x-request-id").orElseThrow());
  }

  @Test
  void mistakesOfClientsAreToldToWhoWantsToKnow() throws Exception {
    assertThat(send("GET", "b/missing", "").statusCode()).isEqualTo(404);
    assertThat(lines()).isEmpty();
    REQUESTS.setLevel(Level.DEBUG);
    assertThat(send("GET", "b/missing", "").statusCode()).isEqualTo(404);
    assertThat(lines())
        .singleElement()
        .satisfies(line -> {
          assertThat(line.get("level").textValue()).isEqualTo("DEBUG");
          assertThat(line.get("error").textValue()).isEqualTo("Bucket 'missing' is not found");
          assertThat(line.has("stack")).isFalse();
        });
  }
}
