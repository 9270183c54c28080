package io.pannier.store.remote;

import java.io.IOException;

/**
 * The object store is not used, and nothing in it or in the local folder was changed. The message
 * says to an operator what it is and what helps.
 */
public final class RemoteRefused extends IOException {
  private static final long serialVersionUID = 1L;

  /** Each with its own remedy. */
  public enum Reason {
    /** Another server writes to it. */
    IN_USE,
    /** It, or the local folder, belongs to something else. */
    FOREIGN,
    /** A newer program wrote it. */
    TOO_NEW,
    /** Two histories that cannot be joined. */
    DIVERGED,
    /** It does not do what is needed of it. */
    UNFIT
  }

  private final Reason reason;

  RemoteRefused(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  /** What stands against it. */
  public Reason reason() {
    return reason;
  }
}
