package io.pannier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.pannier.cli.demo.DemoCommand;
import io.pannier.s3.S3Options;
import io.pannier.s3.S3Server;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** What is wrong with an object store stops the start, and is told. */
@Timeout(120)
class RemoteMistakesTest {
  private static S3Server s3;
  private static S3Options bucket;
  @TempDir Path folder;

  @BeforeAll
  static void start() throws Exception {
    s3 = new S3Server();
    bucket = s3.bucket();
  }

  @AfterAll
  static void stop() {
    s3.close();
  }

  private Map<String, String> variables(URI endpoint) {
    var variables = new HashMap<String, String>();
    variables.put("RS_HOST", "127.0.0.1");
    variables.put("RS_PORT", "0");
    variables.put("RS_DISABLE_AUTH", "true");
    variables.put("RS_SYSTEM_EVENTS_ENABLED", "false");
    variables.put("RS_REMOTE_BACKEND_TYPE", "s3");
    variables.put("RS_REMOTE_BUCKET", bucket.bucket());
    variables.put("RS_REMOTE_ENDPOINT", endpoint.toString());
    variables.put("RS_REMOTE_ACCESS_KEY", S3Server.ACCESS);
    variables.put("RS_REMOTE_SECRET_KEY", S3Server.SECRET);
    variables.put("RS_REMOTE_CACHE_PATH", folder.resolve("cache").toString());
    return variables;
  }

  private static String refused(int code, Map<String, String> variables) {
    var out = new StringWriter();
    var err = new StringWriter();
    int ended =
        new CommandLine(new ServeCommand(variables))
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute();
    assertThat(ended).as(err.toString()).isEqualTo(code);
    return err.toString();
  }

  @Test
  void weakness44AnObjectStoreThatIsAskedForIsUsedOrRefused() {
    var azure = variables(s3.endpoint());
    azure.put("RS_REMOTE_BACKEND_TYPE", "azure");
    assertThat(refused(2, azure)).contains("REMOTE_BACKEND_TYPE").contains("not served");
    var typo = variables(s3.endpoint());
    typo.put("RS_REMOTE_BACKEND_TYPE", "s4");
    assertThat(refused(2, typo)).contains("REMOTE_BACKEND_TYPE");
    var nameless = variables(s3.endpoint());
    nameless.remove("RS_REMOTE_BUCKET");
    assertThat(refused(2, nameless)).contains("RS_REMOTE_BUCKET: is required");
    var homeless = variables(s3.endpoint());
    homeless.remove("RS_REMOTE_CACHE_PATH");
    assertThat(refused(2, homeless)).contains("RS_REMOTE_CACHE_PATH: is required");
  }

  @Test
  void wrongKeys() {
    var secret = variables(s3.endpoint());
    secret.put("RS_REMOTE_SECRET_KEY", "wrong");
    assertThat(refused(1, secret)).contains(bucket.bucket()).containsIgnoringCase("signature");
    var access = variables(s3.endpoint());
    access.put("RS_REMOTE_ACCESS_KEY", "nobody");
    assertThat(refused(1, access)).contains("Server cannot start").contains(bucket.bucket());
  }

  @Test
  void aMissingBucket() {
    var wrong = variables(s3.endpoint());
    wrong.put("RS_REMOTE_BUCKET", "no-such-bucket");
    assertThat(refused(1, wrong)).contains("no-such-bucket");
  }

  @Test
  void anEndpointWhereNobodyAnswers() throws IOException {
    int port;
    try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    assertThat(refused(1, variables(URI.create("http://127.0.0.1:" + port))))
        .contains("Server cannot start")
        .contains("Connection refused");
  }

  /** A server that gives every request the same answer. */
  private static HttpServer answering(int status, String text) throws IOException {
    var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            exchange.getRequestBody().readAllBytes();
            byte[] body = text.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, body.length);
            exchange.getResponseBody().write(body);
          }
        });
    server.start();
    return server;
  }

  private static URI endpoint(HttpServer server) {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  @Test
  void anEndpointThatIsNotS3() throws IOException {
    HttpServer other = answering(200, "<html>Hello</html>");
    try {
      // Whatever it says to a put: one on a condition that does not hold must be refused.
      assertThat(refused(1, variables(endpoint(other)))).contains("Server cannot start");
    } finally {
      other.stop(0);
    }
    HttpServer missing = answering(404, "no such page");
    try {
      assertThat(refused(1, variables(endpoint(missing)))).contains("Server cannot start");
    } finally {
      missing.stop(0);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "403, RequestTimeTooSkewed, The difference between the request time and the current time is too"
        + " large",
    "403, ExpiredToken, The provided token has expired",
    "400, AuthorizationHeaderMalformed, the region 'us-east-1' is wrong; expecting 'eu-central-1'",
    "301, PermanentRedirect, The bucket must be addressed at another endpoint"
  })
  void whatS3SaysIsTold(int status, String code, String message) throws IOException {
    HttpServer server =
        answering(
            status,
            "<?xml version=\"1.0\"?><Error><Code>"
                + code
                + "</Code><Message>"
                + message.replace("'", "&apos;")
                + "</Message></Error>");
    try {
      assertThat(refused(1, variables(endpoint(server)))).contains(message);
    } finally {
      server.stop(0);
    }
  }

  /** Passes requests on, but those that nobody is permitted. */
  private static HttpServer guarding(URI target, Predicate<HttpExchange> forbidden)
      throws IOException {
    HttpClient client = HttpClient.newHttpClient();
    var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            int status = 403;
            byte[] answer =
                "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
                    .getBytes(StandardCharsets.UTF_8);
            if (!forbidden.test(exchange)) {
              var request =
                  HttpRequest.newBuilder(target.resolve(exchange.getRequestURI().toString()))
                      .method(
                          exchange.getRequestMethod(),
                          HttpRequest.BodyPublishers.ofByteArray(body));
              for (String name : new String[] {"if-match", "if-none-match", "range"}) {
                String value = exchange.getRequestHeaders().getFirst(name);
                if (value != null) {
                  request.header(name, value);
                }
              }
              String hash = exchange.getRequestHeaders().getFirst("x-amz-content-sha256");
              request.header("x-amz-content-sha256", String.valueOf(hash));
              HttpResponse<byte[]> passed =
                  client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
              passed
                  .headers()
                  .firstValue("etag")
                  .ifPresent(tag -> exchange.getResponseHeaders().set("etag", tag));
              status = passed.statusCode();
              answer = passed.body();
            }
            exchange.sendResponseHeaders(status, answer.length == 0 ? -1 : answer.length);
            exchange.getResponseBody().write(answer);
          } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
          }
        });
    server.start();
    return server;
  }

  @Test
  void aKeyThatMayNotDoEverythingIsFoundOutAtTheStart() throws Exception {
    var out = new StringWriter();
    var stand =
        new Thread(() ->
            new CommandLine(new DemoCommand())
                .setOut(new PrintWriter(out))
                .execute(
                    "s3",
                    folder.resolve("s3").toString(),
                    "--port",
                    "0",
                    "--bucket",
                    bucket.bucket()));
    stand.start();
    try {
      Matcher address = Pattern.compile("address {2}(\\S+)\n").matcher("");
      while (!address.reset(out.toString()).find()) {
        assertThat(stand.isAlive()).isTrue();
        Thread.onSpinWait();
      }
      URI target = URI.create(address.group(1));
      Map<String, Predicate<HttpExchange>> kinds =
          Map.of(
              "put", exchange -> exchange.getRequestMethod().equals("PUT"),
              "delete", exchange -> exchange.getRequestMethod().equals("DELETE"),
              "get root", exchange -> exchange.getRequestURI().getPath().endsWith("/root"),
              "list", exchange -> exchange.getRequestURI().toString().contains("list-type"));
      for (var kind : kinds.entrySet()) {
        HttpServer guard = guarding(target, kind.getValue());
        try {
          assertThat(refused(1, variables(endpoint(guard))))
              .as(kind.getKey())
              .contains("Access Denied");
        } finally {
          guard.stop(0);
        }
      }
    } finally {
      stand.interrupt();
      stand.join();
    }
  }
}
