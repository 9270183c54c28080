package io.pannier.server;

import io.pannier.model.PannierException;
import io.pannier.server.access.Authentication;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Tells who calls. There is one token, which may do everything; without it nothing is checked. */
final class Auth {
  private static final String BEARER = "Bearer ";

  private final byte @Nullable [] value;
  private final Token token;

  Auth(Authentication authentication, Instant now) {
    value =
        switch (authentication) {
          case Authentication.Disabled() -> null;
          case Authentication.Provisioned(String text) -> text.getBytes(StandardCharsets.UTF_8);
          case Authentication.Initial(String text) -> text.getBytes(StandardCharsets.UTF_8);
        };
    token = new Token(value == null ? "AUTHENTICATION-DISABLED" : "init-token", now, value != null);
  }

  /**
   * Checks the header {@code authorization}.
   *
   * @throws PannierException.Unauthorized when it does not prove who calls
   */
  Token check(@Nullable String header, Access access) {
    if (value == null || access == Access.NONE) {
      return token;
    }
    if (header == null || !header.startsWith(BEARER)) {
      throw new PannierException.Unauthorized("No bearer token in request header");
    }
    // Takes the same time wherever the first difference is.
    if (!MessageDigest.isEqual(
        value, header.substring(BEARER.length()).getBytes(StandardCharsets.UTF_8))) {
      throw new PannierException.Unauthorized("Invalid token");
    }
    return token;
  }
}
