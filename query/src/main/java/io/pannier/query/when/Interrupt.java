package io.pannier.query.when;

/** {@code $limit} is used up: the query is at its end. Not an error. */
public final class Interrupt extends Exception {
  private static final long serialVersionUID = 1L;

  Interrupt() {
    super("limit reached", null, false, false);
  }
}
