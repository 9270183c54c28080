package io.pannier.server.access;

import io.pannier.model.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A token as it is kept.
 *
 * @param generation tells it from others of its name, before and after it, in this process: a value
 *     has one
 */
record StoredToken(
    String name,
    long generation,
    Secret secret,
    Instant createdAt,
    Permissions permissions,
    boolean isProvisioned,
    Optional<Instant> expiresAt,
    OptionalLong ttlSeconds,
    List<AddressRange> allowlist,
    Usage usage) {
  private static final long SECONDS_MAX = Long.MAX_VALUE / 1_000_000_000;

  StoredToken {
    allowlist = List.copyOf(allowlist);
  }

  /** Names it and its value, for what belongs to whoever has the value. */
  String owner() {
    return name + "#" + generation;
  }

  boolean isExpired(Clock clock) {
    return isOver(clock) || hasRestedTooLong(clock);
  }

  /** Whether its last day has come. */
  boolean isOver(Clock clock) {
    return expiresAt.isPresent()
        && !Instants.ofMicros(clock.wallMicros()).isBefore(expiresAt.get());
  }

  private boolean hasRestedTooLong(Clock clock) {
    if (ttlSeconds.isEmpty()) {
      return false;
    }
    long ttl = ttlSeconds.getAsLong();
    return Long.compareUnsigned(ttl, SECONDS_MAX) <= 0
        && usage.restNanos(clock, Instants.micros(createdAt)) > ttl * 1_000_000_000;
  }

  TokenInfo info(Clock clock) {
    OptionalLong last = usage.lastMicros();
    return new TokenInfo(
        name,
        createdAt,
        permissions,
        isProvisioned,
        expiresAt,
        ttlSeconds,
        last.isPresent() ? Optional.of(Instants.ofMicros(last.getAsLong())) : Optional.empty(),
        allowlist.stream().map(AddressRange::toString).toList(),
        isExpired(clock));
  }

  StoredToken withPermissions(Permissions changed) {
    return new StoredToken(
        name,
        generation,
        secret,
        createdAt,
        changed,
        isProvisioned,
        expiresAt,
        ttlSeconds,
        allowlist,
        usage);
  }

  /** The same as the configuration wants it. */
  StoredToken provisioned(Permissions given, Optional<Instant> end) {
    return new StoredToken(
        name,
        generation,
        secret,
        createdAt,
        given,
        true,
        end,
        OptionalLong.empty(),
        List.of(),
        usage);
  }

  /** The same token as an earlier one of the same value: what was made in its name goes on. */
  StoredToken continuing(StoredToken earlier) {
    return new StoredToken(
        name,
        earlier.generation,
        earlier.secret,
        createdAt,
        permissions,
        isProvisioned,
        expiresAt,
        ttlSeconds,
        allowlist,
        earlier.usage);
  }

  /** The same as a token of its own, whatever the configuration says. */
  StoredToken unmarked() {
    return new StoredToken(
        name,
        generation,
        secret,
        createdAt,
        permissions,
        false,
        expiresAt,
        ttlSeconds,
        allowlist,
        usage);
  }
}
