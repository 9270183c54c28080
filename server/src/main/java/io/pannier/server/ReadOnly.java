package io.pannier.server;

import io.pannier.model.PannierException;
import java.util.Optional;

/** What an instance refuses that only reads, in the reference's words (http-api.md §3). */
final class ReadOnly {
  private static final String ANY = "Cannot perform this operation in read-only mode";

  private ReadOnly() {}

  static PannierException.Forbidden refusal() {
    return refusal(ANY);
  }

  static PannierException.Forbidden refusal(String words) {
    return new PannierException.Forbidden(words);
  }

  /** How a route is refused; empty when it is served. */
  static Optional<String> refusalOf(String pattern, String method) {
    boolean isGet = method.equals("GET") || method.equals("HEAD");
    return switch (pattern) {
      case "replications/*" -> of(isGet, method, "replication");
      case "lifecycles/*" -> of(isGet, method, "lifecycle");
      case "replications/*/mode" -> Optional.of("Cannot update replication mode in read-only mode");
      case "lifecycles/*/mode" -> Optional.of("Cannot set lifecycle mode in read-only mode");
      case "tokens/*" ->
          isGet
              ? Optional.empty()
              : Optional.of(
                  method.equals("DELETE")
                      ? "Cannot remove token in read-only mode"
                      : "Cannot generate token in read-only mode");
      case "tokens/*/rotate" -> Optional.of("Cannot rotate token in read-only mode");
      // Queries that remove are refused when it is known that they do.
      case "b/*/**/q" -> method.equals("DELETE") ? Optional.of(ANY) : Optional.empty();
      case "io/*/q", "links/*", "links/*/**", "verify" -> Optional.empty();
      case "b/*/**" ->
          isGet || method.equals("PUT") ? Optional.empty() : Optional.of(ANY); // no such PUT
      default -> isGet ? Optional.empty() : Optional.of(ANY);
    };
  }

  private static Optional<String> of(boolean isGet, String method, String what) {
    String verb =
        switch (method) {
          case "POST" -> "create " + what;
          case "PUT" -> "update " + what;
          case "DELETE" -> "remove " + what;
          default -> "get " + what + " info";
        };
    assert isGet || !verb.startsWith("get");
    return Optional.of("Cannot " + verb + " in read-only mode");
  }
}
