package io.pannier.client;

import io.pannier.model.Clock;
import java.net.URI;
import java.util.Optional;

/**
 * Where a store is and how to speak to it.
 *
 * @param base address with its prefix, {@code http} or {@code https}
 * @param token sent with every request; empty: none
 * @param origin id of the store that what is written is copied from; empty: it is not a copy
 * @param tls how certificates are checked
 * @param connectMillis longest wait for a connection
 * @param stallMillis longest time without a byte in either direction
 * @param clock tells how long a connection stands still
 * @param throttle lets pass what is sent
 */
public record ClientOptions(
    URI base,
    Optional<String> token,
    Optional<String> origin,
    Tls tls,
    int connectMillis,
    int stallMillis,
    Clock clock,
    Throttle throttle) {
  /** Longest wait for a connection, as in the reference. */
  public static final int CONNECT_MILLIS = 10_000;

  /** Longest time without a byte. */
  public static final int STALL_MILLIS = 60_000;

  /** The usual times. */
  public static ClientOptions of(URI base, Optional<String> token, Tls tls, Clock clock) {
    return new ClientOptions(
        base, token, Optional.empty(), tls, CONNECT_MILLIS, STALL_MILLIS, clock, Throttle.NONE);
  }

  /** The same for copies from a store with this id. */
  public ClientOptions withOrigin(String store) {
    return new ClientOptions(
        base, token, Optional.of(store), tls, connectMillis, stallMillis, clock, throttle);
  }

  /** The same with a bound for what is sent in a second. */
  public ClientOptions withThrottle(Throttle bound) {
    return new ClientOptions(base, token, origin, tls, connectMillis, stallMillis, clock, bound);
  }

  /** Without the token: texts end up in logs. */
  @Override
  public String toString() {
    return "ClientOptions[" + base + "]";
  }
}
