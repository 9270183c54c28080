package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.server.access.Authentication;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenRoutesTest extends TokenFixture {
  @Test
  void aTokenIsShownWithItsFieldsInOrderAndWithoutItsValue() throws Exception {
    token(
        "robot",
        "{'permissions':{'read':['cam*'],'write':['cam1']},'expires_at':'2100-01-01T00:00:00+02:00',"
            + "'ttl':10,'ip_allowlist':['127.0.0.1','10.0.0.0/8']}");
    String expected =
        "\\{\"name\":\"robot\",\"value\":\"\",\"created_at\":\"[0-9T:.-]+Z\","
            + "\"permissions\":\\{\"full_access\":false,\"read\":\\[\"cam\\*\"],\"write\":\\[\"cam1\"]},"
            + "\"is_provisioned\":false,\"expires_at\":\"2099-12-31T22:00:00Z\",\"ttl\":10,"
            + "\"last_access\":null,\"ip_allowlist\":\\[\"127.0.0.1\",\"10.0.0.0/8\"],"
            + "\"is_expired\":false}";
    assertThat(send("GET", "tokens/robot").text()).matches(expected);
    assertThat(send("GET", "tokens").text())
        .matches("\\{\"tokens\":\\[\\{\"name\":\"init-token\".*," + expected + "]}");
  }

  @Test
  void tokensAreListedByName() throws Exception {
    for (String name : List.of("zeta", "alpha", "mid")) {
      token(name, "{}");
    }
    assertThat(send("GET", "tokens").text().replaceAll(".*?\"name\":\"([^\"]+)\"", "$1 "))
        .startsWith("alpha init-token mid zeta ");
  }

  @Test
  void aValueIsTheNameAndRandomDigits() throws Exception {
    var answer = send("POST", "tokens/robot", "{}");
    assertThat(answer.text())
        .matches("\\{\"value\":\"robot-[0-9a-f]{32}\",\"created_at\":\"[0-9T:.-]+Z\"}");
    assertThat(token("other", "{}")).doesNotContain(answer.text().substring(16, 48));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{}|false||",
        "{'full_access':true}|true||",
        "{'full_access':false,'read':['a'],'write':['b','$system']}|false|\"a\"|\"b\",\"$system\"",
        "{'read':['*'],'ip_allowlist':[]}|false|\"*\"|",
        "{'permissions':{}}|false||",
        "{'permissions':{'full_access':true},'ttl':null,'expires_at':null}|true||",
        "{'permissions':{'read':['a']},'expires_at':'2100-01-01 00:00:00Z'}|false|\"a\"|",
        "{'permissions':{'write':['a*b']},'ttl':18446744073709551615}|false||\"a*b\"",
        "{'permissions':{'read':['a'],'unknown':1}}|false|\"a\"|"
      })
  void bothFormsOfTheBodyAreTaken(String body, boolean full, String read, String write)
      throws Exception {
    token("x", body);
    assertThat(send("GET", "tokens/x").text())
        .contains(
            "{\"full_access\":"
                + full
                + ",\"read\":["
                + (read == null ? "" : read)
                + "],\"write\":["
                + (write == null ? "" : write)
                + "]}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "nonsense",
        "[]",
        "{'permissions':null}",
        "{'permissions':[]}",
        "{'full_access':null}",
        "{'full_access':'yes'}",
        "{'full_access':true,'ttl':5}",
        "{'permissions':{'full_access':true},'full_access':true}",
        "{'permissions':{'read':'a'}}",
        "{'permissions':{},'ttl':-1}",
        "{'permissions':{},'ttl':1.5}",
        "{'permissions':{},'ttl':'5'}",
        "{'permissions':{},'expires_at':4102444800}",
        "{'permissions':{},'expires_at':'2100-01-01'}",
        "{'permissions':{},'expires_at':'2100-01-01T00:00:00'}",
        "{'permissions':{},'ip_allowlist':null}",
        "{'permissions':{},'ip_allowlist':'10.0.0.1'}"
      })
  void anotherBodyIsRefused(String body) throws Exception {
    assertThat(admin("POST", "tokens/x", body)).isEqualTo("422 Invalid body");
    assertThat(admin("GET", "tokens/x", "")).isEqualTo("404 Token 'x' doesn't exist");
  }

  /** A restriction that nobody understands must not be a token without it. */
  @Test
  void weakness45AMisspeltRestrictionIsRefused() throws Exception {
    assertThat(admin("POST", "tokens/x", "{'permissions':{},'expires':'2100-01-01T00:00:00Z'}"))
        .isEqualTo("422 Invalid body");
    assertThat(admin("POST", "tokens/x", "{'permissions':{},'ip_allow_list':['10.0.0.1']}"))
        .isEqualTo("422 Invalid body");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "{'permissions':{'read':['y y']}}|Permission can contain only bucket names or wildcard '*', got 'y y'",
        "{'write':['']}|Permission can contain only bucket names or wildcard '*', got ''",
        "{'read':['a/b']}|Permission can contain only bucket names or wildcard '*', got 'a/b'",
        "{'permissions':{},'ttl':0}|Token TTL must be greater than zero",
        "{'permissions':{},'expires_at':'2020-01-01T00:00:00Z'}|Token expiration date must not be in the past",
        "{'permissions':{},'ip_allowlist':['10.0.0.0/33']}|'10.0.0.0/33' is neither an IP address nor a block of them in CIDR form",
        "{'permissions':{},'ip_allowlist':['10.0.0.1','robot.local']}|'robot.local' is neither an IP address nor a block of them in CIDR form",
        "{'ip_allowlist':['fe80::1%eth0']}|'fe80::1%eth0' is neither an IP address nor a block of them in CIDR form"
      })
  void whatCouldNeverWorkIsRefused(String body, String text) throws Exception {
    assertThat(admin("POST", "tokens/x", body)).isEqualTo("422 " + text);
  }

  @ParameterizedTest
  @ValueSource(strings = {"%2E", "%2e%2E", "a%2Fb", "a%01b", "%7F"})
  void aNameThatIsAPathOrCannotBePrintedIsRefused(String name) throws Exception {
    assertThat(admin("POST", "tokens/" + name, "{}")).startsWith("422 Token name can't be");
  }

  @Test
  void aNameHasAtMost255Characters() throws Exception {
    assertThat(admin("POST", "tokens/" + "n".repeat(256), "{}"))
        .startsWith("422 Token name can't be");
    String value = token("n".repeat(255), "{}");
    assertThat(ask(value, "GET", "me").status()).isEqualTo(200);
  }

  @Test
  void aNameStandsForOneToken() throws Exception {
    String value = token("x", "{}");
    assertThat(admin("POST", "tokens/x", "{}")).isEqualTo("409 Token 'x' already exists");
    assertThat(ask(value, "GET", "me").status()).isEqualTo(200);
  }

  @Test
  void whatIsNotThereIsNotFound() throws Exception {
    for (String call : List.of("GET tokens/x", "DELETE tokens/x", "POST tokens/x/rotate")) {
      String[] parts = call.split(" ", -1);
      assertThat(admin(parts[0], parts[1], "")).isEqualTo("404 Token 'x' doesn't exist");
    }
    assertThat(send("PATCH", "tokens/x").header("allow")).contains("POST,GET,HEAD,DELETE");
    assertThat(send("GET", "tokens/x/rotate").header("allow")).contains("POST");
  }

  /** CVE-2026-0001 of the reference: a cache kept the old value alive. */
  @Test
  void weakness49ARotatedValueWorksNoMore() throws Exception {
    String old = reader("x");
    for (int i = 0; i < 3; i++) {
      assertThat(ask(old, "GET", "b/" + bucket).status()).isEqualTo(200);
    }
    String fresh = rotated("x");
    assertThat(fresh).isNotEqualTo(old).startsWith("x-");
    assertThat(ask(old, "GET", "b/" + bucket).summary()).isEqualTo("401 Invalid token");
    assertThat(ask(fresh, "GET", "b/" + bucket).status()).isEqualTo(200);
    assertThat(send("GET", "tokens/x").text()).contains("\"read\":[\"" + bucket + "\"]");
  }

  @Test
  void weakness49ARemovedValueWorksNoMore() throws Exception {
    String value = reader("x");
    assertThat(ask(value, "GET", "me").status()).isEqualTo(200);
    var answer = ask(TOKEN, "DELETE", "tokens/x");
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.body()).isEmpty();
    assertThat(ask(value, "GET", "me").summary()).isEqualTo("401 Invalid token");
    reader("x");
    assertThat(ask(value, "GET", "me").summary()).isEqualTo("401 Invalid token");
  }

  @Test
  void aTokenOfTheConfigurationStays() throws Exception {
    assertThat(admin("DELETE", "tokens/init-token", ""))
        .isEqualTo("409 Can't remove provisioned token 'init-token'");
    assertThat(admin("POST", "tokens/init-token/rotate", ""))
        .isEqualTo("409 Can't rotate provisioned token 'init-token'");
    assertThat(admin("POST", "tokens/init-token", "{}"))
        .isEqualTo("409 Token 'init-token' already exists");
  }

  @Test
  void errorsOfAuthenticationAllLookAlike() throws Exception {
    String narrow = token("narrow", "{'ip_allowlist':['10.9.9.9']}");
    var answers =
        List.of(
            ask(request("GET", "me").withoutToken()),
            ask(request("GET", "me").as("x")),
            ask(request("GET", "me").as(TOKEN + "x")),
            ask(request("GET", "me").as(narrow)));
    for (var answer : answers) {
      assertThat(answer.status()).isEqualTo(401);
      assertThat(answer.own())
          .containsExactly("content-type: application/json", "x-reduct-error: " + answer.error());
      assertThat(answer.text()).isEqualTo("{\"detail\": \"" + answer.error() + "\"}");
    }
  }

  @Test
  void eightThreadsMakeTurnAndRemoveTokens() throws Exception {
    var failures = new ConcurrentLinkedQueue<String>();
    var rounds = new AtomicInteger();
    try (var threads = Executors.newFixedThreadPool(8)) {
      for (int t = 0; t < 8; t++) {
        String name = "t" + t % 4;
        threads.execute(() -> {
          try (var own = new Wire(server.port())) {
            for (int i = 0; i < 10; i++) {
              // Two threads share a name: each call either does its work or is told why not.
              var made = own.send(request("POST", "tokens/" + name).body("{}"));
              var turned = own.send(request("POST", "tokens/" + name + "/rotate"));
              var gone = own.send(request("DELETE", "tokens/" + name));
              for (var answer : List.of(made, turned, gone)) {
                if (answer.status() != 200 && answer.status() != 404 && answer.status() != 409) {
                  failures.add(answer.summary());
                }
              }
              rounds.incrementAndGet();
            }
          } catch (java.io.IOException e) {
            failures.add(e.toString());
          }
        });
      }
      threads.shutdown();
      assertThat(threads.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(failures).isEmpty();
    assertThat(rounds).hasValue(80);
    for (int t = 0; t < 4; t++) {
      ask(TOKEN, "DELETE", "tokens/t" + t);
    }
    assertThat(send("GET", "tokens").text()).doesNotContain("\"name\":\"t");
    restart();
    assertThat(send("GET", "tokens").text()).doesNotContain("\"name\":\"t");
  }

  /** In the reference every request waits for one lock. */
  @Test
  void weakness23ACallerDoesNotWaitForAChangeOfTokens() throws Exception {
    String value = reader("x");
    var started = new java.util.concurrent.CountDownLatch(1);
    var go = new java.util.concurrent.CountDownLatch(1);
    var changing =
        Thread.ofPlatform()
            .start(() ->
                server
                    .context()
                    .tokens()
                    .createBucket(() -> {
                      started.countDown();
                      awaitIgnoring(go);
                    }));
    started.await();
    try {
      assertThat(ask(value, "GET", "b/" + bucket).status()).isEqualTo(200);
      assertThat(ask("wrong", "GET", "me").status()).isEqualTo(401);
      assertThat(send("GET", "tokens").status()).isEqualTo(200);
    } finally {
      go.countDown();
      changing.join();
    }
  }

  private static void awaitIgnoring(java.util.concurrent.CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Nested
  class WithoutAuthentication extends TokenFixture {
    @Override
    ServerConfig configure(ServerConfig usual) {
      return super.configure(usual).withAuthentication(new Authentication.Disabled());
    }

    @Test
    void everybodyMayDoEverythingAndThereAreNoTokens() throws Exception {
      for (var caller :
          List.of(request("GET", "me").withoutToken(), request("GET", "me").as("whatever"))) {
        assertThat(ask(caller).text())
            .startsWith("{\"name\":\"AUTHENTICATION-DISABLED\",")
            .contains("\"full_access\":true");
      }
      assertThat(send("GET", "tokens").text()).isEqualTo("{\"tokens\":[]}");
      assertThat(admin("GET", "tokens/x", "")).isEqualTo("400 Authentication is disabled");
      assertThat(admin("POST", "tokens/x", "{}")).isEqualTo("400 Authentication is disabled");
      assertThat(admin("POST", "tokens/x/rotate", "")).isEqualTo("400 Authentication is disabled");
      assertThat(send("DELETE", "tokens/x").status()).isEqualTo(200);
      assertThat(ask("x", "POST", "b/fresh").status()).isEqualTo(200);
      assertThat(ask("y", "DELETE", "b/fresh").status()).isEqualTo(200);
    }
  }
}
