package io.pannier.query;

import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;

/** Errors of extensions as clients read them. */
final class ErrorTexts {
  /** Longest text of an error that is told whole: it travels in a header. */
  private static final int MAX = 1000;

  private ErrorTexts() {}

  /**
   * The same error with the record that it is about behind its text. Errors of conditions and of
   * stored bytes say what they say without it.
   */
  static PannierException withRecord(PannierException error, String entry, long timestamp) {
    String where = " in record " + entry + "/" + Timestamp.toString(timestamp);
    String text = shortened(String.valueOf(error.getMessage()));
    return switch (error) {
      case PannierException.Invalid _ -> new PannierException.Invalid(text + where);
      case PannierException.BadRequest _ -> new PannierException.BadRequest(text + where);
      case PannierException.Internal _ -> new PannierException.Internal(text + where, error);
      case PannierException other -> other;
    };
  }

  /** A text of bounded length. */
  static String shortened(String text) {
    return text.length() <= MAX ? text : text.substring(0, MAX) + "…";
  }
}
