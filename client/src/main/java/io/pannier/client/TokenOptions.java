package io.pannier.client;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a new token is to be. Immutable; begin with {@link #of}.
 *
 * @param expiresAt when it ends
 * @param ttl how long it may rest before it ends; whole seconds
 * @param allowedAddresses addresses and CIDR blocks that it may be used from; empty: any
 */
public record TokenOptions(
    Permissions permissions,
    Optional<Instant> expiresAt,
    Optional<Duration> ttl,
    List<String> allowedAddresses) {
  public TokenOptions {
    allowedAddresses = List.copyOf(allowedAddresses);
  }

  /** With these permissions, for ever and from anywhere. */
  public static TokenOptions of(Permissions permissions) {
    return new TokenOptions(permissions, Optional.empty(), Optional.empty(), List.of());
  }

  /** Ending then. */
  public TokenOptions expiringAt(Instant end) {
    return new TokenOptions(permissions, Optional.of(end), ttl, allowedAddresses);
  }

  /** Ending when it was not used for so long. */
  public TokenOptions unusedFor(Duration rest) {
    return new TokenOptions(permissions, expiresAt, Optional.of(rest), allowedAddresses);
  }

  /** Only from these addresses and CIDR blocks. */
  public TokenOptions onlyFrom(String... addresses) {
    return new TokenOptions(permissions, expiresAt, ttl, List.of(addresses));
  }

  /** As stores from 1.19 on take it; {@code minor} decides. */
  Map<String, @Nullable Object> json(int minor) {
    if (minor < 19) {
      if (expiresAt.isPresent() || ttl.isPresent() || !allowedAddresses.isEmpty()) {
        throw new ClientException.Unsupported(
            "Tokens that end or are bound to addresses need API 1.19, the store speaks 1." + minor);
      }
      return permissions.json();
    }
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("permissions", permissions.json());
    expiresAt.ifPresent(end -> json.put("expires_at", end.toString()));
    ttl.ifPresent(rest -> json.put("ttl", rest.toSeconds()));
    if (!allowedAddresses.isEmpty()) {
      json.put("ip_allowlist", allowedAddresses);
    }
    return json;
  }
}
