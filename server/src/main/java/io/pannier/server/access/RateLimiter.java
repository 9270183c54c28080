package io.pannier.server.access;

import io.pannier.model.Clock;
import io.pannier.model.PannierException;
import io.pannier.model.Refusal;
import java.net.InetAddress;
import java.util.Locale;
import java.util.Optional;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/** Keeps clients within {@link RateLimits}. What has no limit costs nothing. Thread-safe. */
public final class RateLimiter {
  private static final String[] UNITS = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

  private final @Nullable Counter requests;
  private final @Nullable Counter ingress;
  private final @Nullable Counter egress;

  public RateLimiter(RateLimits limits, Clock clock) {
    requests = counter("api requests", limits.requests(), Long::toString, clock);
    ingress = counter("ingress bytes", limits.ingress(), RateLimiter::bytes, clock);
    egress = counter("egress bytes", limits.egress(), RateLimiter::bytes, clock);
  }

  private static @Nullable Counter counter(
      String what, Optional<RateLimits.Rate> rate, LongFunction<String> text, Clock clock) {
    return rate.isEmpty()
        ? null
        : new Counter(
            what,
            rate.get().amount(),
            text,
            new ClientWindows(clock, rate.get().windowSeconds(), ClientWindows.CLIENTS_MAX));
  }

  /** Whether requests are counted. */
  public boolean countsRequests() {
    return requests != null;
  }

  /** Whether bytes that arrive are counted. */
  public boolean countsIngress() {
    return ingress != null;
  }

  /** Whether bytes that leave are counted. */
  public boolean countsEgress() {
    return egress != null;
  }

  /**
   * Counts a request.
   *
   * @throws PannierException.TooMany when it is one too many
   */
  public void request(Optional<InetAddress> client) {
    count(requests, client, 1);
  }

  /**
   * Counts bytes of records that a client is about to send.
   *
   * @throws PannierException.TooMany when they are too many
   */
  public void ingress(Optional<InetAddress> client, long bytes) {
    count(ingress, client, bytes);
  }

  /**
   * Counts bytes of records that are about to be sent to a client.
   *
   * @throws PannierException.TooMany when they are too many
   */
  public void egress(Optional<InetAddress> client, long bytes) {
    count(egress, client, bytes);
  }

  private static void count(@Nullable Counter counter, Optional<InetAddress> client, long amount) {
    if (counter != null) {
      counter.count(client, amount);
    }
  }

  /** Bytes as the reference tells them: {@code 2.1 KiB (2100)}. */
  static String bytes(long count) {
    if (count < 1024) {
      return count + " B (" + count + ")";
    }
    double value = count / 1024.0;
    int unit = 0;
    while (value >= 1024 && unit < UNITS.length - 1) {
      value /= 1024;
      unit++;
    }
    return String.format(Locale.ROOT, "%.1f %s (%d)", value, UNITS[unit], count);
  }

  private record Counter(
      String what, long limit, LongFunction<String> text, ClientWindows windows) {
    void count(Optional<InetAddress> client, long amount) {
      Optional<ClientWindows.Excess> found = windows.add(client, amount, limit);
      if (found.isPresent()) {
        ClientWindows.Excess excess = found.get();
        String whose =
            excess.isShared()
                ? "(global)"
                : "(client " + client.map(ClientAddress::text).orElse("") + ")";
        throw new PannierException.TooMany(
            Refusal.RATE_LIMIT,
            "rate limit for "
                + what
                + " "
                + whose
                + " exceeded: used="
                + text.apply(excess.used())
                + " limit="
                + text.apply(limit)
                + " retry_after="
                + excess.retrySeconds()
                + "s",
            excess.retrySeconds());
      }
    }
  }
}
