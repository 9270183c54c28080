package io.pannier.server.access;

import java.time.Instant;

/**
 * A value that was just made: the only moment at which it can be told.
 *
 * @param value what clients send; never in a log
 */
public record IssuedToken(String value, Instant createdAt) {
  @Override
  public String toString() {
    return "IssuedToken[" + createdAt + "]";
  }
}
