package io.pannier.server;

import static io.pannier.server.Wire.request;

import java.io.IOException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A server whose clock is turned by hand, and callers with tokens of their own. */
abstract class TokenFixture extends ApiFixture {
  private static final Pattern VALUE = Pattern.compile("\"value\":\"([^\"]+)\"");

  final TurnedClock clock = new TurnedClock();

  @Override
  ServerConfig configure(ServerConfig usual) {
    return usual.withClock(clock);
  }

  /** Asks on a connection of its own: an old one may be closed when time passes. */
  Wire.Answer ask(Wire.Request request) throws IOException {
    try (var own = new Wire(server.port())) {
      return own.send(request);
    }
  }

  Wire.Answer ask(String token, String method, String path) throws IOException {
    return ask(request(method, path).as(token));
  }

  Wire.Answer ask(String token, String method, String path, String body) throws IOException {
    return ask(request(method, path).as(token).body(body.replace('\'', '"')));
  }

  /** Status and error of a call of the owner of everything. */
  String admin(String method, String path, String body) throws IOException {
    return ask(TOKEN, method, path, body).summary();
  }

  /** Makes a token and returns its value. */
  String token(String name, String json) throws IOException {
    return issued(ask(TOKEN, "POST", "tokens/" + name, json));
  }

  String rotated(String name) throws IOException {
    return issued(ask(TOKEN, "POST", "tokens/" + name + "/rotate"));
  }

  String reader(String name) throws IOException {
    return token(name, "{'permissions':{'read':['" + bucket + "']}}");
  }

  private static String issued(Wire.Answer answer) {
    Matcher value = VALUE.matcher(answer.text());
    if (answer.status() != 200 || !value.find()) {
      throw new AssertionError("no token: " + answer.summary());
    }
    return value.group(1);
  }
}
