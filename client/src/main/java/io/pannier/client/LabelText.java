package io.pannier.client;

import io.pannier.model.Labels;
import java.util.Locale;

/**
 * Labels in the grammar of batches (http-api.md §10.1), which has no escape: what it cannot say has
 * to travel alone, in headers of its own.
 */
final class LabelText {
  private LabelText() {}

  /** Whether a batch can carry the labels as they are. */
  static boolean fitsBatch(Labels labels) {
    for (int i = 0; i < labels.size(); i++) {
      String name = labels.name(i);
      String value = labels.value(i);
      if (hasAny(name, ",=\"\r\n")
          || !name.equals(name.strip())
          || hasAny(value, "\r\n")
          || (value.indexOf(',') >= 0 && value.indexOf('"') >= 0)
          || value.startsWith("\"")
          || !value.equals(value.strip())) {
        return false;
      }
    }
    return true;
  }

  /** Whether headers of a single record can carry them: names become lower case there. */
  static boolean fitsHeaders(Labels labels) {
    for (int i = 0; i < labels.size(); i++) {
      String name = labels.name(i);
      if (hasAny(name, ":,=\" \t\r\n")
          || !name.equals(name.toLowerCase(Locale.ROOT))
          || hasAny(labels.value(i), "\r\n")) {
        return false;
      }
    }
    return true;
  }

  private static boolean hasAny(String text, String characters) {
    return text.chars().anyMatch(c -> characters.indexOf(c) >= 0);
  }

  /** Appends {@code ,name=value} for each. */
  static void append(StringBuilder out, Labels labels) {
    for (int i = 0; i < labels.size(); i++) {
      String value = labels.value(i);
      out.append(',').append(labels.name(i)).append('=');
      if (value.indexOf(',') >= 0) {
        out.append('"').append(value.replace('"', '\'')).append('"');
      } else {
        out.append(value);
      }
    }
  }
}
