package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ServerRoutesTest extends ApiFixture {
  @Test
  void healthIsAnsweredWithoutToken() throws Exception {
    for (String path : List.of("alive", "ready")) {
      for (String method : List.of("GET", "HEAD")) {
        var answer = send(request(method, path).header("authorization", "nonsense"));
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body()).isEmpty();
      }
    }
  }

  @Test
  void everyResponseNamesTheApiInLowerCase() throws Exception {
    for (var answer :
        List.of(
            send("GET", "alive"),
            send("GET", "nothing"),
            send("OPTIONS", "info"),
            send("PATCH", "info"),
            send("GET", "b/missing"))) {
      assertThat(answer.headers())
          .contains(
              "server: ReductStore 1.21.5",
              "x-reduct-api: 1.21",
              "vary: origin",
              "access-control-expose-headers: *");
    }
  }

  @Test
  void infoHasTheFieldsInOrder() throws Exception {
    var empty = send("GET", "info").text();
    assertThat(empty)
        .startsWith(
            "{\"version\":\"1.21.5\",\"instance_name\":\"pannier\",\"instance_role\":\"STANDALONE\",\"bucket_count\":1,\"usage\":0,\"uptime\":")
        .contains(
            "\"oldest_record\":0,\"latest_record\":0,\"defaults\":{\"bucket\":{\"quota_type\":\"NONE\",\"quota_size\":0,"
                + "\"max_block_size\":64000000,\"max_block_records\":1024}},\"license\":null");
    send("DELETE", "b/" + bucket);
    assertThat(send("GET", "info").text())
        .contains(
            "\"bucket_count\":0", "\"oldest_record\":18446744073709551615,\"latest_record\":0");
  }

  @Test
  void infoCountsUnsignedTimes() throws Exception {
    record("e", 1000, "x");
    record("e", -1, "x");
    assertThat(send("GET", "info").text())
        .contains("\"oldest_record\":1000,\"latest_record\":18446744073709551615");
  }

  @Test
  void listIsSortedByName() throws Exception {
    send("DELETE", "b/" + bucket);
    send("POST", "b/zeta");
    send("POST", "b/alpha");
    assertThat(send("GET", "list").text())
        .isEqualTo(
            "{\"buckets\":["
                + "{\"name\":\"alpha\",\"entry_count\":0,\"size\":0,\"oldest_record\":0,\"latest_record\":0,\"is_provisioned\":false,\"status\":\"READY\"},"
                + "{\"name\":\"zeta\",\"entry_count\":0,\"size\":0,\"oldest_record\":0,\"latest_record\":0,\"is_provisioned\":false,\"status\":\"READY\"}]}");
  }

  @Test
  void meIsTheToken() throws Exception {
    assertThat(send("GET", "me").text())
        .matches(
            "\\{\"name\":\"init-token\",\"value\":\"\",\"created_at\":\"[0-9T:.-]+Z\","
                + "\"permissions\":\\{\"full_access\":true,\"read\":\\[],\"write\":\\[]},\"is_provisioned\":true,"
                + "\"expires_at\":null,\"ttl\":null,\"last_access\":\"[0-9T:.-]+Z\",\"ip_allowlist\":\\[],\"is_expired\":false}");
  }

  @ParameterizedTest
  @CsvSource({
    "Basic abc,           No bearer token in request header",
    "bearer secret,       No bearer token in request header",
    "Bearer wrong,        Invalid token",
    "Bearer undefined,    Invalid token",
    "Bearer secre,        Invalid token",
    "'Bearer secret2',    Invalid token"
  })
  void aRequestWithoutTheTokenIsRefused(String header, String text) throws Exception {
    for (String path :
        List.of("info", "list", "me", "b/missing", "b/missing/e", "io/missing/read")) {
      var answer = send(request("GET", path).header("authorization", header));
      assertThat(answer.summary()).isEqualTo("401 " + text);
      assertThat(answer.text()).isEqualTo("{\"detail\": \"" + text + "\"}");
      assertThat(answer.header("www-authenticate")).isEmpty();
    }
  }

  @Test
  void aMissingHeaderIsRefused() throws Exception {
    wire.write(ascii("GET /api/v1/info HTTP/1.1\r\nhost: x\r\n\r\n"));
    assertThat(wire.read(false).summary()).isEqualTo("401 No bearer token in request header");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/zz",
        "/api/v1",
        "/api/v1/",
        "/api/v1/zz",
        "/api/v1/list/",
        "/api/v1/INFO",
        "//api/v1/info",
        "/api/v1/b",
        "/api/v1/b/",
        "/api/v1/b/x/",
        "/api/v1/io/x/zz",
        "/api/v1/io/x",
        "/api/v1/io/x/read/more",
        "/api/v2/info"
      })
  void unknownPathsAreNotFound(String path) throws Exception {
    var get = send("GET", path);
    assertThat(get.summary()).isEqualTo("404 Not found");
    assertThat(get.text()).isEqualTo("{\"detail\": \"Not found\"}");
    var head = send("HEAD", path);
    assertThat(head.status()).isEqualTo(404);
    assertThat(head.header("content-length")).contains("23");
    var post = send("POST", path);
    assertThat(post.status()).isEqualTo(405);
    assertThat(post.header("allow")).contains("GET,HEAD");
    assertThat(post.header("x-reduct-error")).isEmpty();
    assertThat(post.body()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "POST   | info           | GET,HEAD",
        "DELETE | me             | GET,HEAD",
        "PATCH  | b/x            | GET,HEAD,POST,PUT,DELETE",
        "GET    | b/x/rename     | PUT",
        "DELETE | b/x/rename     | PUT",
        "GET    | io/x/q         | POST",
        "PUT    | io/x/read      | GET,HEAD",
        "GET    | io/x/write     | POST",
        "GET    | io/x/update    | PATCH",
        "GET    | io/x/remove    | DELETE"
      })
  void aWrongMethodIsToldTheRightOnes(String method, String path, String allow) throws Exception {
    var answer = send(request(method, path).header("authorization", "none"));
    assertThat(answer.status()).isEqualTo(405);
    assertThat(answer.header("allow")).contains(allow);
    assertThat(answer.body()).isEmpty();
    assertThat(answer.header("x-reduct-error")).isEmpty();
    assertThat(send("OPTIONS", path).header("allow")).contains(allow);
  }

  @Test
  void putOnAnEntryIsNotFound() throws Exception {
    assertThat(send("PUT", "b/" + bucket + "/e").summary()).isEqualTo("404 Not found");
    assertThat(send("PUT", "b/" + bucket + "/e/batch").summary()).isEqualTo("404 Not found");
  }

  @Test
  void optionsIsAnsweredEverywhereWithoutToken() throws Exception {
    for (String path : List.of("/", "/zz", "*", "/api/v1/b/x/e", "/api/v1/list")) {
      wire.write(ascii("OPTIONS " + path + " HTTP/1.1\r\nhost: x\r\n\r\n"));
      var answer = wire.read(false);
      assertThat(answer.status()).isEqualTo(200);
      assertThat(answer.header("access-control-allow-methods")).contains("*");
      assertThat(answer.header("access-control-allow-headers")).contains("*");
      assertThat(answer.header("access-control-allow-origin")).isEmpty();
      assertThat(answer.body()).isEmpty();
    }
  }

  @Test
  void theBaseLeadsToTheConsole() throws Exception {
    var answer = send("GET", "/");
    assertThat(answer.status()).isEqualTo(302);
    assertThat(answer.header("location")).contains("/ui/");
    assertThat(answer.header("content-type")).contains("text/plain; charset=utf-8");
    assertThat(send("GET", "/ui").header("location")).contains("/ui/");
    for (String path : List.of("/ui/", "/ui/index.html", "/ui/buckets/some-where")) {
      var page = send("GET", path);
      assertThat(page.status()).isEqualTo(200);
      assertThat(page.header("content-type")).contains("text/html; charset=utf-8");
      assertThat(page.text()).startsWith("<!doctype html>").doesNotContain("http://");
    }
    assertThat(send("GET", "/ui/missing.js").summary()).isEqualTo("404 Not found");
  }

  @Nested
  class WithCors extends ApiFixture {
    @Override
    ServerConfig configure(ServerConfig usual) {
      return usual.withCorsOrigins(List.of("http://one", "http://two"));
    }

    @Test
    void listedOriginsArePermitted() throws Exception {
      assertThat(
              send("GET", "info", r -> r.header("origin", "http://two"))
                  .header("access-control-allow-origin"))
          .contains("http://two");
      assertThat(
              send("GET", "b/missing", r -> r.header("origin", "http://one"))
                  .header("access-control-allow-origin"))
          .contains("http://one");
      assertThat(
              send("GET", "zz", r -> r.header("origin", "http://one"))
                  .header("access-control-allow-origin"))
          .contains("http://one");
      assertThat(
              send("GET", "info", r -> r.header("origin", "http://three"))
                  .header("access-control-allow-origin"))
          .isEmpty();
      assertThat(send("GET", "info").header("access-control-allow-origin")).isEmpty();
    }

    @Test
    void aPermittedOriginMaySendWhatItAsksFor() throws Exception {
      var answer =
          send(
              "OPTIONS",
              "info",
              r ->
                  r.header("origin", "http://one")
                      .header("access-control-request-headers", "authorization,x-y"));
      assertThat(answer.header("access-control-allow-headers")).contains("authorization,x-y");
      assertThat(answer.header("access-control-allow-origin")).contains("http://one");
      answer =
          send(
              "OPTIONS",
              "info",
              r ->
                  r.header("origin", "http://three")
                      .header("access-control-request-headers", "authorization"));
      assertThat(answer.header("access-control-allow-headers")).contains("*");
    }

    @Test
    void aStreamedAnswerHasItToo() throws Exception {
      send("POST", "b/" + bucket + "/e?ts=1", r -> r.body(bytes(2_000_000, 1)));
      var answer = send("GET", "b/" + bucket + "/e?ts=1", r -> r.header("origin", "http://one"));
      assertThat(answer.header("access-control-allow-origin")).contains("http://one");
      assertThat(answer.body()).isEqualTo(bytes(2_000_000, 1));
    }
  }

  @Nested
  class WithCorsForAll extends ApiFixture {
    @Override
    ServerConfig configure(ServerConfig usual) {
      return usual.withCorsOrigins(List.of("*"));
    }

    @Test
    void everybodyIsPermitted() throws Exception {
      assertThat(send("GET", "info").header("access-control-allow-origin")).contains("*");
      assertThat(send("OPTIONS", "zz").header("access-control-allow-origin")).contains("*");
    }
  }

  @Nested
  class WithBasePath extends ApiFixture {
    @Override
    ServerConfig configure(ServerConfig usual) {
      return usual.withBasePath("pre/fix");
    }

    @Test
    void nothingIsServedOutside() throws Exception {
      assertThat(send("GET", "/").status()).isEqualTo(404);
      assertThat(send("GET", "/api/v1/info").status()).isEqualTo(404);
      assertThat(send("GET", "/ui/").summary()).isEqualTo("404 Not found");
      assertThat(send("GET", "/pre/fix/api/v1/info").status()).isEqualTo(200);
      assertThat(send("GET", "/pre/fix/").header("location")).contains("/pre/fix/ui/");
      assertThat(send("GET", "/pre/fix").header("location")).contains("/pre/fix/ui/");
      assertThat(send("GET", "/pre/fix/ui").header("location")).contains("/pre/fix/ui/");
    }
  }

  @Test
  void beforeTheStoreIsOpenOnlyAliveAnswers() throws Exception {
    try (var starting = Server.start(ServerConfig.of(Optional.of(TOKEN)));
        var own = new Wire(starting.port())) {
      assertThat(own.send(request("GET", "alive")).status()).isEqualTo(200);
      assertThat(own.send(request("HEAD", "alive")).status()).isEqualTo(200);
      for (String path : List.of("ready", "info", "b/x", "zz", "/", "/api/v1/b/x/e?ts=1")) {
        var answer = own.send(request("GET", path));
        assertThat(answer.summary())
            .isEqualTo("503 The server is starting up, please try again later");
        assertThat(answer.header("x-reduct-log-hint")).contains("skip-error-log");
        assertThat(answer.header("x-reduct-api")).contains("1.21");
      }
      assertThat(own.send(request("OPTIONS", "info")).status()).isEqualTo(200);
    }
  }

  @Test
  void withoutATokenSettingNothingIsChecked() throws Exception {
    try (var open = Server.start(ServerConfig.of(Optional.empty()));
        var own = new Wire(open.port())) {
      open.open(store);
      assertThat(own.send(request("GET", "me").header("authorization", "x")).text())
          .startsWith("{\"name\":\"AUTHENTICATION-DISABLED\",");
    }
  }
}
