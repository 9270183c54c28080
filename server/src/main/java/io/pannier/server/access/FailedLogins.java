package io.pannier.server.access;

import io.pannier.model.Clock;
import io.pannier.model.PannierException;
import io.pannier.model.Refusal;
import java.net.InetAddress;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;

/**
 * Slows down whoever guesses: from one address only so many values that no token has are answered
 * 401 in a while, further ones 429. A token that works does so from there all the same, so that
 * nobody can lock out others behind the same proxy.
 */
final class FailedLogins {
  /** Failures in {@link #WINDOW_SECONDS}. */
  static final int FAILURES_MAX = 20;

  static final int WINDOW_SECONDS = 60;

  private final ClientWindows windows;
  private final LongAdder count = new LongAdder();

  FailedLogins(Clock clock) {
    windows = new ClientWindows(clock, WINDOW_SECONDS, ClientWindows.CLIENTS_MAX);
  }

  boolean areTooMany(Optional<InetAddress> client) {
    return windows.isAt(client, FAILURES_MAX);
  }

  /** Values since the start that no token has. */
  long count() {
    return count.sum();
  }

  /** Counts one and makes the answer to it. */
  PannierException failure(Optional<InetAddress> client) {
    count.increment();
    Optional<ClientWindows.Excess> excess = windows.add(client, 1, FAILURES_MAX);
    if (excess.isEmpty()) {
      return new PannierException.Unauthorized(Tokens.UNKNOWN);
    }
    return new PannierException.TooMany(
        Refusal.FAILED_LOGINS,
        "Invalid token, and too many of them from "
            + client.map(ClientAddress::text).orElse("unknown addresses"),
        excess.get().retrySeconds());
  }
}
