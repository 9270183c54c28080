package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Names of requests in answers; those in the log are looked at where there is a log. */
class RequestIdTest extends ApiFixture {
  private String idOf(Wire.Request request) throws IOException {
    List<String> ids =
        send(request).headers().stream().filter(line -> line.startsWith("x-request-id: ")).toList();
    assertThat(ids).hasSize(1);
    return ids.getFirst().substring("x-request-id: ".length());
  }

  @Test
  void everyAnswerHasANameThatNoOtherHas() throws Exception {
    var ids = new HashSet<String>();
    ids.add(idOf(request("GET", "alive")));
    ids.add(idOf(request("GET", "info")));
    ids.add(idOf(request("GET", "nothing")));
    ids.add(idOf(request("POST", "b/" + bucket + "/e?ts=1").body("x")));
    ids.add(idOf(request("OPTIONS", "info")));
    // Large ones are streamed.
    send(request("POST", "b/" + bucket + "/big?ts=1").body(bytes(2_000_000, 1)));
    ids.add(idOf(request("GET", "b/" + bucket + "/big?ts=1")));
    try (Wire other = connect(server.port())) {
      ids.add(other.send(request("GET", "alive")).header("x-request-id").orElseThrow());
    }
    assertThat(ids).hasSize(7).allMatch(id -> id.matches("[0-9a-f]{8}-[0-9a-f]+-[0-9a-f]+"));
  }

  @Test
  void whatTheClientCallsItStands() throws Exception {
    for (String given :
        List.of(
            "a",
            "0af7651916cd43dd8448eb211c80319c",
            "7c9e6679-7425-40de-944b-e07fc1f90ae7",
            "Root=1-67891233-abcdef012345678912345678",
            "x".repeat(128))) {
      assertThat(idOf(request("GET", "info").header("x-request-id", given))).isEqualTo(given);
      assertThat(idOf(request("GET", "nothing").header("X-Request-ID", given))).isEqualTo(given);
    }
  }

  @Test
  void whatCouldBreakALineDoesNot() throws Exception {
    for (String bad : List.of("a b", "\"", "é", "{}", "x".repeat(129), "a\tb")) {
      assertThat(idOf(request("GET", "info").header("x-request-id", bad)))
          .matches("[0-9a-f]{8}-[0-9a-f]+-[0-9a-f]+");
    }
    assertThat(idOf(request("GET", "info").header("x-request-id", "")))
        .matches("[0-9a-f]{8}-[0-9a-f]+-[0-9a-f]+");
  }

  @Test
  void whatIsNoRequestHasANameToo() throws Exception {
    try (Wire raw = connect(server.port())) {
      raw.write(ascii("GET nowhere HTTP/1.1\r\n\r\n"));
      Wire.Answer answer = raw.read(false);
      assertThat(answer.status()).isEqualTo(400);
      assertThat(answer.header("x-request-id")).isPresent();
    }
  }
}
