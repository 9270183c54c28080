package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.PannierException;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a token began ends with it. */
class RevocationTest extends TokenFixture {
  private long queryOf(String token) throws IOException {
    record("e", 1 + (long) (1e6 * Math.abs(token.hashCode() % 1000)), "x");
    var answer = ask(token, "POST", "b/" + bucket + "/e/q", "{'query_type':'QUERY'}");
    assertThat(answer.status()).isEqualTo(200);
    return Long.parseLong(answer.text().replaceAll("[^0-9]", ""));
  }

  private String read(String token, long id) throws IOException {
    return ask(token, "GET", "b/" + bucket + "/e/batch?q=" + id).summary();
  }

  private static String notFound(long id) {
    return "404 Query "
        + id
        + " not found and it might have expired. Check TTL in your query request.";
  }

  @Test
  void aQueryBelongsToTheTokenThatMadeIt() throws Exception {
    long id = queryOf(reader("one"));
    assertThat(read(reader("two"), id)).isEqualTo(notFound(id));
    assertThat(read(TOKEN, id)).isEqualTo(notFound(id));
  }

  @Test
  void aTokenMadeAgainDoesNotReadTheQueriesOfTheOneBefore() throws Exception {
    String old = reader("one");
    long id = queryOf(old);
    ask(TOKEN, "DELETE", "tokens/one");
    assertThat(read(old, id)).isEqualTo("401 Invalid token");
    assertThat(read(reader("one"), id)).isEqualTo(notFound(id));
  }

  @Test
  void aRotatedTokenDoesNotReadTheQueriesOfItsOldValue() throws Exception {
    long id = queryOf(reader("one"));
    int before = server.context().queries.count();
    assertThat(read(rotated("one"), id)).isEqualTo(notFound(id));
    assertThat(server.context().queries.count()).isEqualTo(before - 1);
  }

  @Test
  void anExpiredTokenReadsNothing() throws Exception {
    String value =
        token(
            "one",
            "{'permissions':{'read':['*']},'expires_at':'"
                + java.time.Instant.EPOCH.plusSeconds(clock.wallMicros() / 1_000_000 + 30)
                + "'}");
    long id = queryOf(value);
    clock.pass(Duration.ofSeconds(31));
    assertThat(read(value, id)).isEqualTo("401 Token has expired");
  }

  @Test
  void aTokenThatLostItsBucketReadsNothing() throws Exception {
    String value = reader("one");
    long id = queryOf(value);
    send("DELETE", "b/" + bucket);
    send("POST", "b/" + bucket);
    assertThat(read(value, id))
        .isEqualTo("403 Token 'one' doesn't have read access to bucket '" + bucket + "'");
  }

  /** A read that waits for records that do not come. */
  private Wire waiting(String value) throws Exception {
    var own = new Wire(server.port());
    record("e", 1, "x");
    var begun =
        own.send(
            request("POST", "b/" + bucket + "/e/q")
                .as(value)
                .body("{\"query_type\":\"QUERY\",\"continuous\":true,\"start\":2}"));
    long id = Long.parseLong(begun.text().replaceAll("[^0-9]", ""));
    own.write(request("GET", "b/" + bucket + "/e/batch?q=" + id).as(value).bytes());
    Thread.sleep(200); // tidy: lets the read park; the test holds when it has not
    return own;
  }

  @ParameterizedTest
  @ValueSource(strings = {"DELETE tokens/one", "POST tokens/one/rotate"})
  void aReadThatWaitsEndsWhenItsTokenGoes(String call) throws Exception {
    try (var own = waiting(reader("one"))) {
      long began = clock.monotonicNanos();
      String[] parts = call.split(" ", -1);
      assertThat(ask(TOKEN, parts[0], parts[1]).status()).isEqualTo(200);
      assertThat(own.read(false).summary()).isEqualTo("401 Invalid token");
      assertThat(clock.monotonicNanos() - began).isLessThan(TimeUnit.SECONDS.toNanos(3));
    }
  }

  @Test
  void aReadThatWaitsGetsNoRecordBehindTheEndOfItsToken() throws Exception {
    String value =
        token(
            "one",
            "{'permissions':{'read':['*']},'expires_at':'"
                + java.time.Instant.EPOCH.plusSeconds(clock.wallMicros() / 1_000_000 + 30)
                + "'}");
    try (var own = waiting(value)) {
      clock.pass(Duration.ofSeconds(31));
      wire.close();
      wire = new Wire(server.port());
      record("e", 5, "secret");
      var answer = own.read(false);
      assertThat(answer.summary()).isEqualTo("401 Token has expired");
      assertThat(answer.text()).doesNotContain("secret");
    }
  }

  @Test
  void aReadThatWaitsEndsWhenItsBucketGoes() throws Exception {
    try (var own = waiting(reader("one"))) {
      send("DELETE", "b/" + bucket);
      assertThat(own.read(false).status()).isEqualTo(403);
    }
  }

  @Test
  void aReadThatWaitsGoesOnWhenAnotherTokenGoes() throws Exception {
    String other = reader("two");
    try (var own = waiting(reader("one"))) {
      ask(TOKEN, "DELETE", "tokens/two");
      record("e", 5, "y");
      assertThat(own.read(false).text()).isEqualTo("y");
    }
    assertThat(ask(other, "GET", "me").status()).isEqualTo(401);
  }

  @Test
  void aQueryGoesOnWhenItsBucketIsRenamed() throws Exception {
    String value = reader("one");
    long id = queryOf(value);
    assertThat(admin("PUT", "b/" + bucket + "/rename", "{'new_name':'fresh'}")).startsWith("200");
    assertThat(ask(value, "GET", "b/fresh/e/batch?q=" + id).status()).isEqualTo(200);
  }

  @Test
  void aBodyThatComesAfterItsTokenWentIsNotTaken() throws Exception {
    String value = token("one", "{'permissions':{'read':['*'],'write':['*']}}");
    record("e", 1, "x");
    for (String call : new String[] {"e?ts=7", "big?ts=7", "e/q"}) {
      ask(TOKEN, "POST", "tokens/one", "{'permissions':{'read':['*'],'write':['*']}}");
      String bearer = call.equals("e?ts=7") ? value : rotated("one");
      int length = call.startsWith("big") ? 2_000_000 : 22;
      byte[] body = call.endsWith("q") ? ascii("{\"query_type\":\"QUERY\"}") : bytes(length, 3);
      try (var own = new Wire(server.port())) {
        var request = request("POST", "b/" + bucket + "/" + call).as(bearer).body(body);
        own.write(request.head());
        own.write(java.util.Arrays.copyOf(body, 10));
        Thread.sleep(100); // tidy: lets the head arrive; the test holds when it has not
        rotated("one");
        own.write(java.util.Arrays.copyOfRange(body, 10, body.length));
        assertThat(own.read(false).summary()).as(call).isEqualTo("401 Invalid token");
      }
    }
    assertThat(send("GET", "b/" + bucket + "/e?ts=7").status()).isEqualTo(404);
    assertThat(send("GET", "b/" + bucket + "/big?ts=7").status()).isEqualTo(404);
  }

  @Test
  void aRecordOnItsWayIsCutOffWhenItsTokenGoes() throws Exception {
    String value = reader("one");
    int length = 64 << 20;
    send(request("POST", "b/" + bucket + "/big?ts=1").body(bytes(length, 3)));
    try (var own = new Wire(server.port())) {
      own.write(request("GET", "b/" + bucket + "/big?ts=1").as(value).bytes());
      Thread.sleep(200); // tidy: lets the answer fill what the network takes
      rotated("one");
      assertThatThrownBy(() -> own.read(false)).isInstanceOf(IOException.class);
    }
    try (var own = new Wire(server.port())) {
      assertThat(own.send(request("GET", "b/" + bucket + "/big?ts=1")).body()).hasSize(length);
    }
  }

  @Test
  void whatIsSealedInTheNameOfATokenHangsOnItsValue() throws Exception {
    reader("one");
    reader("two");
    var tokens = server.context().tokens();
    byte[] key = tokens.sealingKey("one");
    assertThat(key).hasSize(32).isNotEqualTo(tokens.sealingKey("two"));
    assertThat(tokens.sealingKey("one")).isEqualTo(key);
    tokens.requireIssuer("one", bucket);
    restart();
    tokens = server.context().tokens();
    assertThat(tokens.sealingKey("one")).isEqualTo(key);
    rotated("one");
    assertThat(tokens.sealingKey("one")).isNotEqualTo(key);
    ask(TOKEN, "DELETE", "tokens/two");
    var now = tokens;
    assertThatThrownBy(() -> now.sealingKey("two"))
        .isInstanceOf(PannierException.NotFound.class)
        .hasMessage("Token 'two' doesn't exist");
    assertThatThrownBy(() -> now.requireIssuer("two", bucket))
        .isInstanceOf(PannierException.NotFound.class);
    assertThatThrownBy(() -> now.requireIssuer("one", "else"))
        .isInstanceOf(PannierException.Forbidden.class)
        .hasMessage("Token 'one' doesn't have read access to bucket 'else'");
    token("short", "{'permissions':{'read':['*']},'ttl':5}");
    clock.pass(Duration.ofSeconds(6));
    assertThatThrownBy(() -> now.requireIssuer("short", bucket))
        .isInstanceOf(PannierException.Unauthorized.class)
        .hasMessage("Token has expired");
  }
}
