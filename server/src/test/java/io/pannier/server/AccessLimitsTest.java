package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.server.access.AddressRange;
import io.pannier.server.access.RateLimits;
import io.pannier.server.access.RateLimits.Rate;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where callers come from, and how much they may ask for. */
class AccessLimitsTest extends TokenFixture {
  // ---------------------------------------------------------------- addresses

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "10.1.2.3                    |                          | 10.1.2.3",
        "10.1.2.3, 9.9.9.9           |                          | 10.1.2.3",
        "10.1.2.3:8080               |                          | 10.1.2.3",
        "fd00::5                     |                          | fd00::5",
        "[FD00:0:0::5]:80            |                          | fd00::5",
        "::ffff:10.1.2.3             |                          | 10.1.2.3",
        "nonsense, 10.1.2.3          |                          | 127.0.0.1",
        "1                           |                          | 127.0.0.1",
        "                            | for=10.4.4.4             | 10.4.4.4",
        "9.9.9.9                     | For=\"10.4.4.4:99\";by=x | 10.4.4.4",
        "9.9.9.9                     | for=_hidden, for=unknown, proto=http;for=10.4.4.4 | 10.4.4.4",
        "                            | for=\"[2001:db8::1]:99\" | 2001:db8::1",
        "9.9.9.9                     | for=_hidden              | 9.9.9.9",
      })
  void aTrustedProxySaysWhoCalls(String list, String forwarded, String seen) throws Exception {
    String value = token("one", "{'ip_allowlist':['192.0.2.1']}");
    var request = request("GET", "me").as(value);
    if (list != null) {
      request.header("x-forwarded-for", list);
    }
    if (forwarded != null) {
      request.header("forwarded", forwarded);
    }
    assertThat(ask(request).summary()).isEqualTo("401 Token is not allowed for client IP " + seen);
  }

  @ParameterizedTest
  @CsvSource({
    "127.0.0.1, true",
    "127.0.0.0/8, true",
    "127.0.0.2/31, false",
    "127.0.0.0/31, true",
    "127.255.255.255/1, true",
    "128.0.0.0/1, false",
    "0.0.0.0/0, true",
    "10.0.0.0/8, false",
    "::/0, false",
    "::1, false",
    "::ffff:127.0.0.0/104, true"
  })
  void aTokenWorksFromItsAddresses(String range, boolean allowed) throws Exception {
    String value = token("one", "{'ip_allowlist':['192.0.2.1','" + range + "']}");
    assertThat(ask(value, "GET", "me").status()).isEqualTo(allowed ? 200 : 401);
  }

  @Nested
  class BehindNoProxy extends TokenFixture {
    @Override
    ServerConfig configure(ServerConfig usual) {
      return super.configure(usual).withTrustedProxies(List.of(AddressRange.parse("192.0.2.0/24")));
    }

    @Test
    void nobodyMaySayThatHeIsSomebodyElse() throws Exception {
      String value = token("one", "{'ip_allowlist':['10.0.0.0/8']}");
      assertThat(
              ask(request("GET", "me").as(value).header("x-forwarded-for", "10.1.1.1")).summary())
          .isEqualTo("401 Token is not allowed for client IP 127.0.0.1");
    }
  }

  // ---------------------------------------------------------------- guessing

  private Wire.Answer guess(int number, String from) throws IOException {
    return ask(request("GET", "me").as("guess" + number).header("x-forwarded-for", from));
  }

  @Test
  void guessingIsSlowedDownForItsAddressOnly() throws Exception {
    String value = token("one", "{}");
    for (int i = 0; i < 20; i++) {
      assertThat(guess(i, "10.0.0.1").summary()).isEqualTo("401 Invalid token");
    }
    var refused = guess(20, "10.0.0.1");
    assertThat(refused.summary())
        .isEqualTo("429 Invalid token, and too many of them from 10.0.0.1");
    assertThat(refused.header("retry-after"))
        .hasValueSatisfying(seconds -> assertThat(Integer.parseInt(seconds)).isBetween(50, 60));
    assertThat(guess(21, "10.0.0.2").status()).isEqualTo(401);
    assertThat(ask(request("GET", "me").as(value).header("x-forwarded-for", "10.0.0.1")).status())
        .as("a token that works, also one that was not used before")
        .isEqualTo(200);
    assertThat(
            ask(request("GET", "me").withoutToken().header("x-forwarded-for", "10.0.0.1")).status())
        .as("no guess at all")
        .isEqualTo(401);
    clock.pass(Duration.ofSeconds(61));
    assertThat(guess(22, "10.0.0.1").status()).isEqualTo(401);
  }

  @Test
  void aNetworkOfOneCustomerIsOneGuesser() throws Exception {
    for (int i = 0; i < 20; i++) {
      assertThat(guess(i, "2001:db8:0:7::" + i).status()).isEqualTo(401);
    }
    assertThat(guess(20, "2001:db8:0:7:1::1").status()).isEqualTo(429);
    assertThat(guess(20, "2001:db8:0:8::1").status()).isEqualTo(401);
  }

  // ---------------------------------------------------------------- rates

  @Nested
  class WithRequestLimit extends TokenFixture {
    @Override
    ServerConfig configure(ServerConfig usual) {
      return super.configure(usual)
          .withRates(
              new RateLimits(Optional.of(new Rate(5, 60)), Optional.empty(), Optional.empty()));
    }

    @Test
    void requestsAreCountedPerClientInAWindow() throws Exception {
      // The fixture has made its bucket.
      for (String path : List.of("alive", "info", "zz", "/ui/")) {
        assertThat(ask(request("GET", path)).status()).as(path).isNotEqualTo(429);
        assertThat(ask(request("OPTIONS", path)).status()).isEqualTo(200);
      }
      for (String path : List.of("alive", "info", "zz", "/")) {
        var answer = ask(request("GET", path));
        assertThat(answer.summary())
            .matches(
                "429 rate limit for api requests \\(client 127.0.0.1\\) exceeded: "
                    + "used=6 limit=5 retry_after=(59|60)s");
        assertThat(answer.header("retry-after"))
            .hasValueSatisfying(seconds -> assertThat(Integer.parseInt(seconds)).isBetween(50, 60));
        assertThat(answer.header("x-reduct-api")).contains("1.21");
      }
      assertThat(ask(request("GET", "info").header("x-forwarded-for", "10.0.0.1")).status())
          .isEqualTo(200);
      clock.pass(Duration.ofSeconds(60));
      assertThat(ask(request("GET", "info")).status()).isEqualTo(200);
    }
  }

  @Nested
  class WithByteLimits extends TokenFixture {
    @Override
    ServerConfig configure(ServerConfig usual) {
      return super.configure(usual)
          .withRates(
              new RateLimits(
                  Optional.empty(),
                  Optional.of(new Rate(2000, 60)),
                  Optional.of(new Rate(1500, 60))));
    }

    private Wire.Answer write(long ts, int length) throws IOException {
      return ask(request("POST", "b/" + bucket + "/e?ts=" + ts).body(bytes(length, (int) ts)));
    }

    @Test
    void bytesThatArriveAreCountedByTheirAnnouncedLength() throws Exception {
      assertThat(write(1, 700).status()).isEqualTo(200);
      assertThat(write(2, 700).status()).isEqualTo(200);
      assertThat(write(3, 700).summary())
          .isEqualTo(
              "429 rate limit for ingress bytes (client 127.0.0.1) exceeded: "
                  + "used=2.1 KiB (2100) limit=2.0 KiB (2000) retry_after=60s");
      assertThat(write(4, 600).status()).as("what was refused does not count").isEqualTo(200);
      assertThat(write(5, 1).status()).isEqualTo(429);
      var batch =
          request("POST", "b/" + bucket + "/e/batch").header("x-reduct-time-9", "3,").body("abc");
      assertThat(ask(batch).status()).isEqualTo(429);
      clock.pass(Duration.ofSeconds(60));
      assertThat(ask(batch).status()).isEqualTo(200);
      assertThat(send("POST", "b/more", "{\"quota_size\":" + "1".repeat(10) + "}").status())
          .as("settings are no records")
          .isEqualTo(200);
    }

    @Test
    void bytesOfRecordsThatLeaveAreCounted() throws Exception {
      write(1, 700);
      write(2, 700);
      String path = "b/" + bucket + "/e?ts=";
      assertThat(ask(request("GET", path + 1)).status()).isEqualTo(200);
      for (int i = 0; i < 5; i++) {
        assertThat(ask(request("HEAD", path + 1)).status()).isEqualTo(200);
      }
      assertThat(ask(request("GET", path + 2)).status()).isEqualTo(200);
      assertThat(ask(request("GET", path + 1)).summary())
          .isEqualTo(
              "429 rate limit for egress bytes (client 127.0.0.1) exceeded: "
                  + "used=2.1 KiB (2100) limit=1.5 KiB (1500) retry_after=60s");
    }

    @Test
    void aQueryLosesNoRecordToALimit() throws Exception {
      write(1, 700);
      write(2, 700);
      write(3, 300);
      write(4, 300);
      String path = "b/" + bucket + "/e";
      assertThat(ask(request("GET", path + "?ts=1")).status()).isEqualTo(200);
      long id = query(path + "/q", "{'query_type':'QUERY'}");
      var first = ask(request("GET", path + "/batch?q=" + id));
      assertThat(first.own("x-reduct-time-")).hasSize(1);
      assertThat(first.header("x-reduct-last")).contains("false");
      assertThat(ask(request("GET", path + "/batch?q=" + id)).status()).isEqualTo(429);
      clock.pass(Duration.ofSeconds(55));
      assertThat(ask(request("GET", path + "/batch?q=" + id)).status()).isEqualTo(429);
      clock.pass(Duration.ofSeconds(6));
      var rest = ask(request("GET", path + "/batch?q=" + id));
      assertThat(rest.own("x-reduct-time-")).hasSize(3);
      assertThat(rest.header("x-reduct-last")).contains("true");
    }
  }
}
