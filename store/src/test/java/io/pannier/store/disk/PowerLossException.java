package io.pannier.store.disk;

import java.io.IOException;

/**
 * The machine of the test has no power any more: nothing can be learned or done until it is started
 * again.
 */
public final class PowerLossException extends IOException {
  private static final long serialVersionUID = 1L;

  PowerLossException() {
    super("power is lost");
  }
}
