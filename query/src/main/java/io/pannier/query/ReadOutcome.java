package io.pannier.query;

import io.pannier.model.PannierException;

/** How a read of a query ended. */
public sealed interface ReadOutcome {
  /**
   * The sink holds records.
   *
   * @param last whether the end of the query was met while collecting
   */
  record Batch(boolean last) implements ReadOutcome {}

  /** No record: the query is at its end, or nothing new came in time to a continuous one. */
  record Nothing() implements ReadOutcome {}

  /** The read failed; the query goes on behind what made it fail. */
  record Failed(PannierException error) implements ReadOutcome {}
}
