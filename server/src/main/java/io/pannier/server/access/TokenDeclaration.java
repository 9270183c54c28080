package io.pannier.server.access;

import java.time.Instant;
import java.util.Optional;

/**
 * A token that the configuration gives.
 *
 * @param value what clients send; never in a log
 * @param expiresAt when it stops working; empty: never
 */
public record TokenDeclaration(
    String name, String value, Permissions permissions, Optional<Instant> expiresAt) {
  @Override
  public String toString() {
    return "TokenDeclaration[" + name + ", " + permissions + ", " + expiresAt + "]";
  }
}
