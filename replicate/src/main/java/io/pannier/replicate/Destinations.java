package io.pannier.replicate;

import io.pannier.client.Throttle;

/** Makes destinations. */
public interface Destinations {
  /**
   * The destination of a task; connects later.
   *
   * @param throttle lets pass what is sent there
   * @throws io.pannier.model.PannierException.Invalid when it cannot be one
   */
  Destination of(ReplicationSettings settings, Throttle throttle);
}
