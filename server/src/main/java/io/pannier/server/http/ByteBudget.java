package io.pannier.server.http;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Bytes that all connections together may hold in memory. Small bodies are below what is worth
 * counting.
 */
final class ByteBudget {
  private static final int NOT_COUNTED = 8 * 1024;
  private final AtomicLong left;

  ByteBudget(long bytes) {
    left = new AtomicLong(bytes);
  }

  boolean take(long bytes) {
    if (bytes <= NOT_COUNTED) {
      return true;
    }
    if (left.addAndGet(-bytes) < 0) {
      left.addAndGet(bytes);
      return false;
    }
    return true;
  }

  void give(long bytes) {
    if (bytes > NOT_COUNTED) {
      left.addAndGet(bytes);
    }
  }
}
