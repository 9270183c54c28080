package io.pannier.server.access;

import io.pannier.model.Clock;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts what each client did in a window of fixed length, which begins with what it does first.
 * Memory is bounded: of too many clients at once, those that come late share one count. Addresses
 * of one global IPv6 network of 64 bits are one client, for that is what a customer gets.
 */
final class ClientWindows {
  /** Clients that are counted each for itself: about 2 MB. */
  static final int CLIENTS_MAX = 16_384;

  private static final long SWEEP_NANOS = 1_000_000_000;

  private final Clock clock;
  private final long windowNanos;
  private final int clientsMax;
  private final Map<InetAddress, Window> windows = new ConcurrentHashMap<>();
  private final Window shared;
  private final AtomicLong nextSweepNanos;

  ClientWindows(Clock clock, long windowSeconds, int clientsMax) {
    this.clock = clock;
    // A century is for ever, and differences of nanoseconds stay far from overflow.
    windowNanos = Math.min(windowSeconds, 100L * 365 * 86_400) * 1_000_000_000;
    this.clientsMax = clientsMax;
    shared = new Window();
    nextSweepNanos = new AtomicLong(clock.monotonicNanos());
  }

  /**
   * A count that was exceeded.
   *
   * @param used what it would have been
   * @param retrySeconds until the window ends, rounded up
   * @param isShared whether it is that of many clients
   */
  record Excess(long used, int retrySeconds, boolean isShared) {}

  /** Counts, unless that would exceed the limit; then nothing is counted. */
  Optional<Excess> add(Optional<InetAddress> client, long amount, long limit) {
    return window(client).add(amount, limit);
  }

  /** Whether a client has reached the limit; counts nothing. */
  boolean isAt(Optional<InetAddress> client, long limit) {
    Window window = client.isEmpty() ? shared : windows.get(network(client.get()));
    return (window == null ? shared : window).isAt(limit);
  }

  private Window window(Optional<InetAddress> client) {
    if (client.isEmpty()) {
      return shared;
    }
    InetAddress key = network(client.get());
    Window known = windows.get(key);
    if (known != null) {
      return known;
    }
    if (windows.size() >= clientsMax) {
      sweep();
      if (windows.size() >= clientsMax) {
        return shared;
      }
    }
    return windows.computeIfAbsent(key, unknown -> new Window());
  }

  private void sweep() {
    long now = clock.monotonicNanos();
    long due = nextSweepNanos.get();
    if (now - due >= 0 && nextSweepNanos.compareAndSet(due, now + SWEEP_NANOS)) {
      windows.values().removeIf(Window::isOver);
    }
  }

  private static InetAddress network(InetAddress address) {
    byte[] bytes = address.getAddress();
    if (!(address instanceof Inet6Address) || (bytes[0] & 0xe0) != 0x20) {
      return address;
    }
    for (int i = 8; i < bytes.length; i++) {
      bytes[i] = 0;
    }
    try {
      return InetAddress.getByAddress(bytes);
    } catch (UnknownHostException e) {
      throw new IllegalStateException(e);
    }
  }

  private final class Window {
    private long beganNanos = clock.monotonicNanos();
    private long used;

    synchronized Optional<Excess> add(long amount, long limit) {
      long now = clock.monotonicNanos();
      if (now - beganNanos >= windowNanos) {
        beganNanos = now;
        used = 0;
      }
      long sum = used + amount;
      if (sum > limit || sum < 0) {
        long left = beganNanos + windowNanos - now;
        long seconds = Math.ceilDiv(left, 1_000_000_000L);
        return Optional.of(
            new Excess(
                sum < 0 ? Long.MAX_VALUE : sum,
                (int) Math.min(seconds, Integer.MAX_VALUE),
                this == shared));
      }
      used = sum;
      return Optional.empty();
    }

    synchronized boolean isAt(long limit) {
      return used >= limit && clock.monotonicNanos() - beganNanos < windowNanos;
    }

    synchronized boolean isOver() {
      return clock.monotonicNanos() - beganNanos >= windowNanos;
    }
  }
}
