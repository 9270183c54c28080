package io.pannier.store;

/**
 * The data folder is not opened, and nothing in it was changed. The message says to an operator
 * what it is and what helps.
 */
public final class StoreRefused extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Each with its own remedy. */
  public enum Reason {
    /** Another process has it. */
    IN_USE,
    /** It holds something that is not a store. */
    FOREIGN,
    /** A newer program wrote it. */
    TOO_NEW,
    /** A program wrote it whose format is no longer read. */
    TOO_OLD,
    /** Both copies of FORMAT are unreadable, or they contradict each other. */
    DAMAGED,
    /** A restore into it was cut short. */
    UNFINISHED
  }

  private final Reason reason;

  StoreRefused(Reason reason, String message) {
    super(message, null, false, false);
    this.reason = reason;
  }

  /** What stands against it. */
  public Reason reason() {
    return reason;
  }
}
