package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.PannierException;
import io.pannier.server.access.Authentication;
import io.pannier.server.access.Permissions;
import io.pannier.server.access.TokenDeclaration;
import io.pannier.server.settings.Declarations;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** How tokens begin and end, within a process and across its restarts. */
class TokenLifeTest extends TokenFixture {
  private Authentication authentication = new Authentication.Provisioned(TOKEN);
  private List<TokenDeclaration> declared = List.of();

  @Override
  ServerConfig configure(ServerConfig usual) {
    return super.configure(usual)
        .withAuthentication(authentication)
        .withDeclarations(new Declarations(List.of(), declared, List.of()));
  }

  private String me(String token) throws IOException {
    var answer = ask(token, "GET", "me");
    return answer.status() == 200 ? answer.text() : answer.summary();
  }

  private String stored() {
    return new String(store.documents().load("tokens").orElseThrow(), StandardCharsets.UTF_8);
  }

  // ---------------------------------------------------------------- time

  @Test
  void aTokenEndsAtItsTime() throws Exception {
    Instant end = Instant.ofEpochSecond(clock.wallMicros() / 1_000_000 + 60);
    String value = token("one", "{'permissions':{},'expires_at':'" + end + "'}");
    assertThat(me(value))
        .contains("\"expires_at\":\"" + end + "\"")
        .contains("\"is_expired\":false");
    clock.pass(Duration.ofSeconds(60));
    assertThat(me(value)).isEqualTo("401 Token has expired");
    assertThat(send("GET", "tokens/one").text()).contains("\"is_expired\":true");
    assertThat(admin("POST", "tokens/one/rotate", ""))
        .isEqualTo("422 Can't rotate expired token 'one'");
    assertThat(admin("DELETE", "tokens/one", "")).startsWith("200");
  }

  @Test
  void aTokenEndsWhenItRestsTooLong() throws Exception {
    String value = token("one", "{'permissions':{},'ttl':10}");
    for (int i = 0; i < 3; i++) {
      clock.pass(Duration.ofSeconds(9));
      assertThat(me(value)).contains("\"is_expired\":false");
    }
    clock.pass(Duration.ofSeconds(11));
    assertThat(me(value)).isEqualTo("401 Token has expired");
    assertThat(me(value)).as("a refused use is none").isEqualTo("401 Token has expired");
  }

  @Test
  void aTokenThatIsNeverUsedRestsFromItsBeginning() throws Exception {
    String value = token("one", "{'permissions':{},'ttl':10}");
    clock.pass(Duration.ofSeconds(11));
    assertThat(me(value)).isEqualTo("401 Token has expired");
  }

  /** A robot without a clock of its own learns the time after its start. */
  @Test
  void restIsNotMeasuredByAWallClockThatJumps() throws Exception {
    String value = token("one", "{'permissions':{},'ttl':10}");
    assertThat(me(value)).contains("\"is_expired\":false");
    clock.jump(Duration.ofDays(20_000));
    assertThat(me(value)).contains("\"is_expired\":false");
    clock.jump(Duration.ofDays(-30_000));
    assertThat(me(value)).contains("\"is_expired\":false");
    clock.pass(Duration.ofSeconds(11));
    assertThat(me(value)).isEqualTo("401 Token has expired");
  }

  @Test
  void restAndLastUseSurviveARestart() throws Exception {
    String value = token("one", "{'permissions':{},'ttl':100}");
    assertThat(send("GET", "tokens/one").text()).contains("\"last_access\":null");
    clock.pass(Duration.ofSeconds(90));
    assertThat(me(value)).contains("\"is_expired\":false");
    clock.pass(Duration.ofSeconds(90));
    restart();
    String last = send("GET", "tokens/one").text();
    assertThat(last).contains("\"last_access\":\"2").contains("\"is_expired\":false");
    assertThat(me(value)).contains("\"is_expired\":false");
    restart();
    clock.pass(Duration.ofSeconds(101));
    assertThat(me(value)).isEqualTo("401 Token has expired");
  }

  @Test
  void theLastUseIsThatOfTheValue() throws Exception {
    String value = token("one", "{}");
    me(value);
    assertThat(send("GET", "tokens/one").text()).contains("\"last_access\":\"2");
    rotated("one");
    assertThat(send("GET", "tokens/one").text()).contains("\"last_access\":null");
  }

  // ---------------------------------------------------------------- store

  @Test
  void tokensSurviveARestart() throws Exception {
    String one =
        token(
            "one",
            "{'permissions':{'read':['a*'],'write':['$system']},'expires_at':'2100-01-01T00:00:00.5Z',"
                + "'ttl':18446744073709551615,'ip_allowlist':['127.0.0.0/8','fd00::/8']}");
    String two = token("two", "{'full_access':true}");
    ask(TOKEN, "DELETE", "tokens/two");
    String three = token("three", "{}");
    String fresh = rotated("three");
    String before = send("GET", "tokens/one").text();
    restart();
    assertThat(send("GET", "tokens/one").text()).isEqualTo(before);
    assertThat(me(one)).contains("\"name\":\"one\"");
    assertThat(me(two)).isEqualTo("401 Invalid token");
    assertThat(me(three)).isEqualTo("401 Invalid token");
    assertThat(me(fresh)).contains("\"name\":\"three\"");
  }

  /** The reference keeps one round of SHA-256, also of what people think up. */
  @Test
  void weakness50OnlySaltedHashesAreStoredAndGuessingShortValuesCosts() throws Exception {
    String one = token("one", "{}");
    String two = token("two", "{}");
    assertThat(stored())
        .doesNotContain(one.substring(4), two.substring(4))
        .containsPattern("\"name\":\"one\",\"secret\":\"sha256:[0-9a-f]{32}:[0-9a-f]{64}\"")
        .containsPattern(
            "\"name\":\"init-token\",\"secret\":\"pbkdf2-sha256:[0-9]{4,}:[0-9a-f]{32}:[0-9a-f]{64}\"");
  }

  @Test
  void weakness49AValueThatWasRotatedAwayStaysUselessAfterARestart() throws Exception {
    authentication = new Authentication.Initial("first");
    restart();
    String fresh = ask("first", "POST", "tokens/init-token/rotate").text();
    fresh = fresh.substring(10, fresh.indexOf('"', 10));
    assertThat(me("first")).isEqualTo("401 Invalid token");
    restart();
    assertThat(me("first")).isEqualTo("401 Invalid token");
    assertThat(me(fresh)).contains("\"name\":\"init-token\"");
  }

  // ---------------------------------------------------------------- the first token

  @Test
  void theProvisionedTokenIsImposedAtEveryStart() throws Exception {
    String value = token("init-too", "{'full_access':true}");
    assertThat(me(TOKEN)).contains("\"is_provisioned\":true");
    authentication = new Authentication.Provisioned("another");
    restart();
    assertThat(me(TOKEN)).isEqualTo("401 Invalid token");
    assertThat(me("another")).contains("\"name\":\"init-token\"", "\"is_provisioned\":true");
    assertThat(me(value)).contains("\"is_provisioned\":false");
  }

  @Test
  void theInitialTokenTakesThePlaceOfAProvisionedOneAndIsThenLikeAnyOther() throws Exception {
    authentication = new Authentication.Initial("first");
    restart();
    assertThat(me(TOKEN)).isEqualTo("401 Invalid token");
    assertThat(me("first")).contains("\"is_provisioned\":false", "\"full_access\":true");
    authentication = new Authentication.Initial("second");
    restart();
    assertThat(me("first")).contains("\"name\":\"init-token\"");
    assertThat(me("second")).isEqualTo("401 Invalid token");
    assertThat(ask("first", "DELETE", "tokens/init-token").summary())
        .isEqualTo(
            "409 Can't remove token 'init-token': at least one full-access token must remain");
    ask("first", "POST", "tokens/other", "{'full_access':true,'ip_allowlist':['10.0.0.1']}");
    assertThat(ask("first", "DELETE", "tokens/init-token").status()).isEqualTo(200);
    restart();
    assertThat(me("first")).as("removed for good").isEqualTo("401 Invalid token");
    assertThat(me("second")).isEqualTo("401 Invalid token");
  }

  @Test
  void aFullTokenThatHasExpiredIsNotOneThatRemains() throws Exception {
    authentication = new Authentication.Initial("first");
    restart();
    ask("first", "POST", "tokens/other", "{'permissions':{'full_access':true},'ttl':5}");
    clock.pass(Duration.ofSeconds(6));
    assertThat(ask("first", "DELETE", "tokens/init-token").status()).isEqualTo(409);
    assertThat(ask("first", "DELETE", "tokens/other").status()).isEqualTo(200);
  }

  @Test
  void tokensAreThereAgainAfterATimeWithoutAuthentication() throws Exception {
    String value = token("one", "{}");
    authentication = new Authentication.Disabled();
    restart();
    assertThat(send("GET", "tokens").text()).isEqualTo("{\"tokens\":[]}");
    authentication = new Authentication.Provisioned(TOKEN);
    restart();
    assertThat(me(value)).contains("\"name\":\"one\"");
  }

  // ---------------------------------------------------------------- declared ones

  private static TokenDeclaration declaration(String name, String value, String... read) {
    return new TokenDeclaration(
        name, value, new Permissions(false, List.of(read), List.of()), Optional.empty());
  }

  @Test
  void declaredTokensAreImposedAtEveryStartAndUnmarkedWhenTheyAreGone() throws Exception {
    token("robot", "{'full_access':true}");
    declared = List.of(declaration("robot", "robot-value", bucket));
    restart();
    assertThat(me("robot-value"))
        .contains("\"is_provisioned\":true", "\"full_access\":false", "\"read\":[\"" + bucket);
    assertThat(admin("DELETE", "tokens/robot", ""))
        .isEqualTo("409 Can't remove provisioned token 'robot'");
    assertThat(admin("POST", "tokens/robot/rotate", ""))
        .isEqualTo("409 Can't rotate provisioned token 'robot'");
    byte[] key = server.context().tokens().sealingKey("robot");
    restart();
    assertThat(server.context().tokens().sealingKey("robot")).isEqualTo(key);
    declared = List.of(declaration("robot", "another-value", bucket));
    restart();
    assertThat(me("robot-value")).isEqualTo("401 Invalid token");
    assertThat(server.context().tokens().sealingKey("robot")).isNotEqualTo(key);
    declared = List.of();
    restart();
    assertThat(me("another-value")).contains("\"is_provisioned\":false");
    assertThat(admin("DELETE", "tokens/robot", "")).startsWith("200");
  }

  @Test
  void weakness45ADeclarationThatCannotBeFollowedStopsTheStart() throws Exception {
    for (var wrong :
        List.of(
            List.of(declaration("a", "value-of-a", "not a name")),
            List.of(declaration("a", "", bucket)),
            List.of(declaration("", "value-of-a", bucket)),
            List.of(declaration("init-token", "value-of-a", bucket)),
            List.of(declaration("a", "value-of-a"), declaration("a", "value-of-b")),
            List.of(declaration("a", "same-value"), declaration("b", "same-value")),
            List.of(declaration("a", TOKEN)))) {
      declared = wrong;
      try (var other = Server.start(configure(ServerConfig.of(Optional.of(TOKEN))))) {
        assertThatThrownBy(() -> other.open(store)).isInstanceOf(PannierException.Invalid.class);
        try (var own = new Wire(other.port())) {
          assertThat(own.send(request("GET", "info")).status()).isEqualTo(503);
        }
      }
    }
    declared = List.of();
  }

  @Test
  void tokensThatCannotBeReadStopTheStart() throws Exception {
    String text = stored();
    for (String broken :
        List.of(
            "",
            "nonsense",
            "{}",
            text.replace("\"format\":1", "\"format\":2"),
            text.replace("pbkdf2-sha256", "md5"))) {
      store.documents().save("tokens", broken.getBytes(StandardCharsets.UTF_8));
      try (var other = Server.start(configure(ServerConfig.of(Optional.of(TOKEN))))) {
        assertThatThrownBy(() -> other.open(store)).isInstanceOf(PannierException.class);
      }
    }
    store.documents().save("tokens", text.getBytes(StandardCharsets.UTF_8));
  }

  /** The reference answers 503 there while it waits. */
  @Test
  void weakness46AServerThatIsNotReadyIsAlive() throws Exception {
    try (var starting = Server.start(configure(ServerConfig.of(Optional.of(TOKEN))));
        var own = new Wire(starting.port())) {
      assertThat(own.send(request("GET", "alive").withoutToken()).status()).isEqualTo(200);
      assertThat(own.send(request("HEAD", "alive").withoutToken()).status()).isEqualTo(200);
      assertThat(own.send(request("GET", "tokens")).status()).isEqualTo(503);
    }
  }
}
