package io.pannier.query.when;

import org.jspecify.annotations.Nullable;

/** What a condition sees of a record. Its body is no part of it. */
public interface RecordFacts {
  /** µs since the epoch, unsigned. */
  long timestamp();

  /** Stored text of a label, or null if the record lacks it. */
  @Nullable String label(String name);

  /** A label that an extension made; stored records have none. */
  default @Nullable String computedLabel(String name) {
    return null;
  }
}
