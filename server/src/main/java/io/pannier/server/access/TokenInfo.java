package io.pannier.server.access;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A token as clients see it.
 *
 * @param isProvisioned whether it comes from the configuration
 * @param ttlSeconds how long it may rest unused, as an unsigned number
 * @param lastAccess when it was used last; empty: never yet
 * @param isExpired whether it does not work any more
 */
public record TokenInfo(
    String name,
    Instant createdAt,
    Permissions permissions,
    boolean isProvisioned,
    Optional<Instant> expiresAt,
    OptionalLong ttlSeconds,
    Optional<Instant> lastAccess,
    List<String> ipAllowlist,
    boolean isExpired) {
  /** Copies the list. */
  public TokenInfo {
    ipAllowlist = List.copyOf(ipAllowlist);
  }
}
