package io.pannier.server.access;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a token is to be.
 *
 * @param expiresAt when it stops working; empty: never
 * @param ttlSeconds how long it may rest unused, as an unsigned number; empty: for ever
 * @param ipAllowlist addresses and blocks of them that it may come from; empty: any
 */
public record NewToken(
    Permissions permissions,
    Optional<Instant> expiresAt,
    OptionalLong ttlSeconds,
    List<String> ipAllowlist) {
  /** Copies the list. */
  public NewToken {
    ipAllowlist = List.copyOf(ipAllowlist);
  }
}
