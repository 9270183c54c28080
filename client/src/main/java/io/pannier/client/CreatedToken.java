package io.pannier.client;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A token that was made or made anew.
 *
 * @param value what clients send; it cannot be asked for again
 */
public record CreatedToken(String value, Optional<Instant> createdAt) {
  static CreatedToken of(Map<String, @Nullable Object> json) {
    return new CreatedToken(Json.text(json, "value"), TokenInfo.instant(json, "created_at"));
  }

  /** Without the value: texts end up in logs. */
  @Override
  public String toString() {
    return "CreatedToken[***]";
  }
}
