package io.pannier.extract.select;

import io.pannier.model.PannierException;

/** Errors of records; the query says which record it was. */
final class Failures {
  private Failures() {}

  /** The content of a record cannot be read. */
  static PannierException.Invalid parse(String format, String detail) {
    return new PannierException.Invalid("Failed to parse " + format + ": " + detail);
  }

  /** A record has not what was asked for. */
  static PannierException.Invalid record(String message) {
    return new PannierException.Invalid(message);
  }
}
