package io.pannier.replicate;

/** With what a new task begins. */
public sealed interface ReplicationStart {
  /** With what is written from now on, as in the reference. */
  record Now() implements ReplicationStart {}

  /** With the oldest record that is there. */
  record Oldest() implements ReplicationStart {}

  /**
   * With records from a time on.
   *
   * @param timestamp µs since the epoch, unsigned
   */
  record From(long timestamp) implements ReplicationStart {}
}
