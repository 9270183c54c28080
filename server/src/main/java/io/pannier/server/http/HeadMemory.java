package io.pannier.server.http;

import org.jspecify.annotations.Nullable;

/** What a large head of a request takes from the memory that all connections share. */
final class HeadMemory {
  /** A head up to this size is not counted: every connection may have one. */
  static final int FREE_BYTES = 16 << 10;

  private final ByteBudget budget;
  private long charge;
  private @Nullable Object place;

  HeadMemory(ByteBudget budget) {
    this.budget = budget;
  }

  boolean isTaken() {
    return charge > 0;
  }

  /**
   * Takes the bytes; at most once before {@link #release}. Returns whether they are there; if not,
   * {@code granted} is called when they are, on any thread.
   */
  boolean take(long bytes, Runnable granted) {
    charge = bytes;
    place = budget.take(bytes, granted);
    return place == null;
  }

  /** To be called on the loop when the bytes were granted. */
  void granted() {
    place = null;
  }

  /** Gives back what was taken, or no longer waits for it. */
  void release() {
    long bytes = charge;
    Object waiting = place;
    charge = 0;
    place = null;
    if (bytes > 0 && (waiting == null || !budget.cancel(waiting))) {
      budget.give(bytes);
    }
  }
}
