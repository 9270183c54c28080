package io.pannier.query;

/** What one answer to a query is collected in. Used by one thread at a time. */
public sealed interface ReadSink permits BatchSink, ItemSink {
  /** Whether nothing was taken yet. */
  boolean isEmpty();

  /** Whether the batch is to be closed now. */
  boolean isFull();
}
