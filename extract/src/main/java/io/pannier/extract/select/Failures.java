package io.pannier.extract.select;

import io.pannier.model.PannierException;
import io.pannier.query.ext.Item;

/** Errors that name the record in work. */
final class Failures {
  private Failures() {}

  /** The content of a record cannot be read. */
  static PannierException.Invalid parse(String format, Item item, String detail) {
    return new PannierException.Invalid("Failed to parse " + format + in(item) + ": " + detail);
  }

  /** A record has not what was asked for. */
  static PannierException.Invalid record(String message, Item item) {
    return new PannierException.Invalid(message + in(item));
  }

  private static String in(Item item) {
    return " in record '" + item.entry() + "/" + Long.toUnsignedString(item.timestamp()) + "'";
  }
}
