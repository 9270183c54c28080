package io.pannier.client;

import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a store says about a token; its value is told only when it is made.
 *
 * @param createdAt when it was made
 * @param isProvisioned whether it was declared in the environment of the server
 * @param expiresAt when it ends
 * @param ttl how long it may rest
 * @param lastAccess when it was used last
 * @param allowedAddresses addresses that it may be used from; empty: any
 */
public record TokenInfo(
    String name,
    Optional<Instant> createdAt,
    Permissions permissions,
    boolean isProvisioned,
    Optional<Instant> expiresAt,
    Optional<Duration> ttl,
    Optional<Instant> lastAccess,
    List<String> allowedAddresses,
    boolean isExpired) {
  static TokenInfo of(Map<String, @Nullable Object> json) {
    return new TokenInfo(
        Json.text(json, "name"),
        instant(json, "created_at"),
        Permissions.of(Json.object(json, "permissions")),
        Json.flag(json, "is_provisioned"),
        instant(json, "expires_at"),
        json.get("ttl") instanceof Number seconds
            ? Optional.of(Duration.ofSeconds(seconds.longValue()))
            : Optional.empty(),
        instant(json, "last_access"),
        Json.texts(json, "ip_allowlist"),
        Json.flag(json, "is_expired"));
  }

  static Optional<Instant> instant(Map<String, @Nullable Object> json, String name) {
    String text = Json.text(json, name);
    try {
      return text.isEmpty()
          ? Optional.empty()
          : Optional.of(java.time.OffsetDateTime.parse(text).toInstant());
    } catch (DateTimeParseException odd) {
      return Optional.empty();
    }
  }
}
