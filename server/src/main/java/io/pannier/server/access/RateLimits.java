package io.pannier.server.access;

import java.util.Optional;

/**
 * How much one client may ask for (http-api.md §1.6); empty: as much as it likes.
 *
 * @param requests calls
 * @param ingress bytes of bodies that arrive
 * @param egress bytes of records that leave
 */
public record RateLimits(Optional<Rate> requests, Optional<Rate> ingress, Optional<Rate> egress) {
  /** No limits. */
  public static final RateLimits OFF =
      new RateLimits(Optional.empty(), Optional.empty(), Optional.empty());

  /**
   * An amount in a fixed window.
   *
   * @param amount calls or bytes
   * @param windowSeconds at least 1
   */
  public record Rate(long amount, long windowSeconds) {}
}
