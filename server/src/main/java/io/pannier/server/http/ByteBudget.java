package io.pannier.server.http;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Memory that all connections share for what they must hold before it can be used: gathered bodies
 * and large heads. Who needs some asks once for all it may come to need, and waits in line without
 * holding anything; so nobody waits for somebody who waits. Every holder is under a timeout, so the
 * line moves.
 */
final class ByteBudget {
  /** A place in the line. */
  private static final class Waiter {
    final long bytes;
    final Runnable granted;

    Waiter(long bytes, Runnable granted) {
      this.bytes = bytes;
      this.granted = granted;
    }
  }

  private final long total;
  private final ArrayDeque<Waiter> line = new ArrayDeque<>();
  private long available;

  ByteBudget(long total) {
    this.total = total;
    this.available = total;
  }

  /** The most that one may ask for. */
  long total() {
    return total;
  }

  synchronized long available() {
    return available;
  }

  /** Those in line. */
  synchronized int waiting() {
    return line.size();
  }

  /**
   * Takes the bytes, or gets in line.
   *
   * @param granted called, on any thread, when the bytes were taken later
   * @return null if the bytes were taken at once, otherwise what to give to {@link #cancel} for not
   *     waiting any longer
   */
  synchronized @Nullable Object take(long bytes, Runnable granted) {
    if (bytes > total) {
      throw new IllegalArgumentException("more than there is: " + bytes);
    }
    if (line.isEmpty() && bytes <= available) {
      available -= bytes;
      return null;
    }
    var waiter = new Waiter(bytes, granted);
    line.add(waiter);
    return waiter;
  }

  /** Leaves the line. Returns false if the bytes were granted already; the caller then has them. */
  boolean cancel(Object place) {
    synchronized (this) {
      if (!line.remove((Waiter) place)) {
        return false;
      }
    }
    give(0);
    return true;
  }

  /** Gives bytes back. */
  void give(long bytes) {
    ArrayDeque<Runnable> ready = null;
    synchronized (this) {
      available += bytes;
      while (!line.isEmpty() && line.element().bytes <= available) {
        Waiter first = line.remove();
        available -= first.bytes;
        if (ready == null) {
          ready = new ArrayDeque<>();
        }
        ready.add(first.granted);
      }
    }
    if (ready != null) {
      ready.forEach(Runnable::run);
    }
  }
}
