package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.BucketSettings;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * Every route with every kind of caller. What a route needs stands here as http-api.md §4.4 says
 * it, and which routes there are comes from the server: a new one without a line here is an error.
 */
class PermissionMatrixTest extends TokenFixture {
  /** Who may call what; {@code QUERY} needs what its body says. */
  private static final Map<String, String> NEEDS =
      Map.ofEntries(
          Map.entry("GET alive", "nothing"),
          Map.entry("GET ready", "nothing"),
          Map.entry("GET openapi.json", "nothing"),
          Map.entry("GET info", "token"),
          Map.entry("GET list", "token"),
          Map.entry("GET metrics", "full"),
          Map.entry("GET me", "token"),
          Map.entry("GET tokens", "full"),
          Map.entry("GET tokens/*", "full"),
          Map.entry("POST tokens/*", "full"),
          Map.entry("DELETE tokens/*", "full"),
          Map.entry("POST tokens/*/rotate", "full"),
          Map.entry("GET b/*", "read"),
          Map.entry("HEAD b/*", "token"),
          Map.entry("POST b/*", "full"),
          Map.entry("PUT b/*", "full"),
          Map.entry("DELETE b/*", "full"),
          Map.entry("PUT b/*/rename", "full"),
          Map.entry("POST b/*/**", "write"),
          Map.entry("GET b/*/**", "read"),
          Map.entry("PATCH b/*/**", "write"),
          Map.entry("DELETE b/*/**", "write"),
          Map.entry("PUT b/*/**", "nothing"),
          Map.entry("POST b/*/**/batch", "write"),
          Map.entry("GET b/*/**/batch", "read"),
          Map.entry("PATCH b/*/**/batch", "write"),
          Map.entry("DELETE b/*/**/batch", "write"),
          Map.entry("POST b/*/**/q", "query"),
          Map.entry("GET b/*/**/q", "read"),
          Map.entry("DELETE b/*/**/q", "write"),
          Map.entry("PUT b/*/**/rename", "write"),
          Map.entry("POST io/*/q", "query"),
          Map.entry("GET io/*/read", "read"),
          Map.entry("POST io/*/write", "write"),
          Map.entry("PATCH io/*/update", "write"),
          Map.entry("DELETE io/*/remove", "write"),
          Map.entry("GET io/*/upload", "write"),
          Map.entry("POST io/*/upload", "write"),
          Map.entry("PUT io/*/upload", "write"),
          Map.entry("DELETE io/*/upload", "write"),
          Map.entry("GET replications", "full"),
          Map.entry("GET replications/*", "full"),
          Map.entry("POST replications/*", "full"),
          Map.entry("PUT replications/*", "full"),
          Map.entry("DELETE replications/*", "full"),
          Map.entry("PATCH replications/*/mode", "full"),
          Map.entry("GET lifecycles", "full"),
          Map.entry("GET lifecycles/*", "full"),
          Map.entry("POST lifecycles/*", "full"),
          Map.entry("PUT lifecycles/*", "full"),
          Map.entry("DELETE lifecycles/*", "full"),
          Map.entry("PATCH lifecycles/*/mode", "full"),
          Map.entry("POST backups", "full"),
          Map.entry("DELETE backups/*", "full"),
          Map.entry("GET backups/*/**", "full"),
          Map.entry("POST restores/*", "full"),
          Map.entry("POST verify", "full"),
          Map.entry("GET scrub", "full"),
          Map.entry("POST scrub", "full"),
          Map.entry("GET links/*", "nothing"),
          Map.entry("GET links/*/**", "nothing"),
          Map.entry("POST links/*", "link"),
          Map.entry("POST links/*/**", "link"));

  private static final String SYSTEM = "$system";

  /**
   * A caller.
   *
   * @param rights what it has, of: token, read, write, full
   * @param refusal why it is refused altogether, or empty
   */
  private record Kind(String name, String bearer, Set<String> rights, String refusal) {
    Wire.Request on(Wire.Request request) {
      return bearer.isEmpty() ? request.withoutToken() : request.header("authorization", bearer);
    }
  }

  private List<Kind> kinds(String of) throws IOException {
    String list = "['" + of + "']";
    String wildcards = "{'permissions':{'read':['*','" + of.charAt(0) + "*'],'write':['*']}}";
    Set<String> byWildcard =
        of.startsWith("$") ? Set.of("token") : Set.of("token", "read", "write");
    String expired =
        token(
            "expired",
            "{'permissions':{'full_access':true},'expires_at':'"
                + java.time.Instant.EPOCH.plusMillis(clock.wallMicros() / 1000 + 1000)
                + "'}");
    var kinds =
        List.of(
            new Kind("none", "", Set.of(), "No bearer token in request header"),
            new Kind("malformed", "bearer x", Set.of(), "No bearer token in request header"),
            new Kind("unknown", "Bearer undefined", Set.of(), "Invalid token"),
            new Kind("expired", "Bearer " + expired, Set.of(), "Token has expired"),
            new Kind(
                "elsewhere",
                "Bearer "
                    + token("elsewhere", "{'full_access':true,'ip_allowlist':['10.9.0.0/16']}"),
                Set.of(),
                "Token is not allowed for client IP 127.0.0.1"),
            kind("nothing", "{}", Set.of("token")),
            kind("reader", "{'read':" + list + "}", Set.of("token", "read")),
            kind("writer", "{'write':" + list + "}", Set.of("token", "write")),
            kind(
                "both",
                "{'read':" + list + ",'write':" + list + "}",
                Set.of("token", "read", "write")),
            kind("other", "{'read':['else'],'write':['else','elsewhere-*']}", Set.of("token")),
            kind("longer", "{'read':['" + of + "x*','" + of + "x']}", Set.of("token")),
            kind("wildcard", wildcards, byWildcard),
            kind("full", "{'full_access':true}", Set.of("token", "read", "write", "full")));
    clock.pass(Duration.ofSeconds(2));
    return kinds;
  }

  private Kind kind(String name, String json, Set<String> rights) throws IOException {
    return new Kind(name, "Bearer " + token(name, json), rights, "");
  }

  @Test
  void everyRouteAsksEveryCallerForWhatItNeeds() throws Exception {
    checkAll(bucket);
  }

  @Test
  void aWildcardDoesNotMeanTheServersOwnBucket() throws Exception {
    store.systemBucket(SYSTEM, BucketSettings.DEFAULT);
    checkAll(SYSTEM);
  }

  private void checkAll(String of) throws IOException {
    List<Kind> kinds = kinds(of);
    var wrong = new ArrayList<String>();
    var missing = new TreeSet<String>();
    var known = new TreeSet<>(NEEDS.keySet());
    for (var row : new Routes(server.context()).table().entrySet()) {
      for (String method : row.getValue()) {
        String own = method + " " + row.getKey();
        String line =
            method.equals("HEAD") && !NEEDS.containsKey(own) ? "GET " + row.getKey() : own;
        String needs = NEEDS.get(line);
        if (needs == null) {
          missing.add(own);
          continue;
        }
        known.remove(line);
        calls(method, row.getKey(), needs, of)
            .forEach((call, right) -> {
              for (Kind kind : kinds) {
                check(kind, call, right, of, wrong);
              }
            });
      }
    }
    assertThat(missing).as("routes that the matrix does not know").isEmpty();
    assertThat(
            known.stream().filter(line -> line.matches(".* (alive|b/.*|io/.*|tokens.*|links/.*)")))
        .as("routes that are gone")
        .isEmpty();
    assertThat(wrong).isEmpty();
  }

  /** A call: method, path, body. */
  private record Sent(String method, String path, String body) {}

  /** The calls of a row, each with the right that it needs. */
  private static Map<Sent, String> calls(String method, String pattern, String needs, String of) {
    // What only full access may do, is done to something that does not matter.
    String name = needs.equals("full") ? "ghost" : of;
    String path = pattern.replace("**", "e").replace("*", name);
    var calls = new LinkedHashMap<Sent, String>();
    if (needs.equals("query")) {
      calls.put(new Sent(method, path, "{\"query_type\":\"QUERY\"}"), "read");
      calls.put(new Sent(method, path, "{\"query_type\":\"QUERY\",\"explain\":true}"), "read");
      calls.put(
          new Sent(method, path, "{\"query_type\":\"REMOVE\",\"start\":0,\"explain\":true}"),
          "read");
      calls.put(new Sent(method, path, "{\"query_type\":\"REMOVE\",\"start\":0}"), "write");
    } else if (needs.equals("link")) {
      calls.put(
          new Sent(
              method,
              path,
              "{\"bucket\":\""
                  + of
                  + "\",\"entry\":\"e\",\"record_entry\":\"e\",\"record_timestamp\":1,"
                  + "\"expire_at\":1,\"query\":{\"query_type\":\"QUERY\"}}"),
          "read");
    } else {
      calls.put(new Sent(method, path, ""), needs);
    }
    return calls;
  }

  private void check(Kind kind, Sent call, String right, String of, List<String> wrong) {
    // Failed logins are counted; this is another test's concern.
    clock.pass(Duration.ofSeconds(61));
    try {
      var answer = ask(kind.on(request(call.method(), call.path()).body(call.body())));
      boolean passes = answer.status() != 401 && answer.status() != 403;
      String expected;
      if (right.equals("nothing")) {
        expected = passes ? answer.summary() : "to be answered";
      } else if (!kind.refusal().isEmpty()) {
        expected = "401 " + kind.refusal();
      } else if (kind.rights().contains(right) && right.equals("write") && of.equals(SYSTEM)) {
        expected = "403 Bucket '$system' is written by the server only: clients may read it";
      } else if (kind.rights().contains(right)) {
        expected = passes ? answer.summary() : "to be allowed";
      } else {
        expected =
            "403 Token '"
                + kind.name()
                + "' doesn't have "
                + (right.equals("full") ? "full access" : right + " access to bucket '" + of + "'");
      }
      if (!answer.summary().equals(expected) || answer.status() == 500) {
        wrong.add(kind.name() + ": " + call + " -> " + answer.summary() + ", not " + expected);
      }
    } catch (IOException e) {
      wrong.add(kind.name() + ": " + call + " -> " + e);
    }
  }

  @Test
  void theListHasWhatTheCallerMayRead() throws Exception {
    store.systemBucket(SYSTEM, BucketSettings.DEFAULT);
    send("POST", "b/cam-one");
    send("POST", "b/cam-two");
    assertThat(listed(token("none", "{'write':['*']}"))).isEmpty();
    assertThat(listed(token("one", "{'read':['cam-one','missing']}"))).containsExactly("cam-one");
    assertThat(listed(token("cams", "{'read':['cam-*']}"))).containsExactly("cam-one", "cam-two");
    assertThat(listed(token("all", "{'read':['*']}")))
        .containsExactly(bucket, "cam-one", "cam-two");
    assertThat(listed(token("system", "{'read':['$system']}"))).containsExactly(SYSTEM);
    assertThat(listed(token("wide", "{'read':['$*']}"))).isEmpty();
    assertThat(listed(TOKEN)).containsExactly(SYSTEM, bucket, "cam-one", "cam-two");
  }

  private List<String> listed(String token) throws IOException {
    return ask(token, "GET", "list")
        .text()
        .replaceAll("\\{\"buckets\":\\[|]}", "")
        .lines()
        .flatMap(line ->
            java.util.regex.Pattern.compile("\"name\":\"([^\"]+)\"").matcher(line).results())
        .map(match -> match.group(1))
        .toList();
  }

  @Test
  void whoMayNotIsNotToldWhatExists() throws Exception {
    String nothing = token("nothing", "{}");
    for (String path : List.of("b/%s", "b/%s/e", "io/%s/read")) {
      assertThat(ask(nothing, "GET", path.formatted(bucket)).error().replace(bucket, "?"))
          .isEqualTo(
              ask(nothing, "GET", path.formatted("missing")).error().replace("missing", "?"));
    }
    assertThat(ask(token("all", "{'read':['*']}"), "GET", "b/missing").summary())
        .isEqualTo("404 Bucket 'missing' is not found");
  }
}
