package io.pannier.replicate;

/** Makes destinations. */
public interface Destinations {
  /**
   * The destination of a task; connects later.
   *
   * @throws io.pannier.model.PannierException.Invalid when it cannot be one
   */
  Destination of(ReplicationSettings settings);
}
