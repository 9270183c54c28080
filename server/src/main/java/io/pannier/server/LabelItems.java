package io.pannier.server;

import io.pannier.model.PannierException;
import org.jspecify.annotations.Nullable;

/**
 * Walks over {@code name=value,name="va,lue"} behind length and content type of a record header;
 * both batch protocols have it.
 */
final class LabelItems {
  private final String text;
  private int at;
  private String name = "";
  private String value = "";

  LabelItems(String text, int from) {
    this.text = text;
    this.at = from;
  }

  static PannierException.Invalid malformed() {
    return new PannierException.Invalid("Invalid batched header");
  }

  /** Moves to the next item. Empty items are skipped. */
  boolean next() {
    for (; ; ) {
      if (at >= text.length()) {
        return false;
      }
      int equals = at;
      while (equals < text.length() && text.charAt(equals) != '=' && text.charAt(equals) != ',') {
        equals++;
      }
      if (equals == text.length() || text.charAt(equals) == ',') {
        if (!HeaderText.trim(text, at, equals).isEmpty()) {
          throw malformed();
        }
        at = equals + 1;
        continue;
      }
      name = HeaderText.trim(text, at, equals);
      if (name.isEmpty()) {
        throw new PannierException.Invalid("Label name must not be empty");
      }
      readValue(equals + 1);
      return true;
    }
  }

  private void readValue(int from) {
    while (from < text.length() && text.charAt(from) == ' ') {
      from++;
    }
    if (from < text.length() && text.charAt(from) == '"') {
      int quote = text.indexOf('"', from + 1);
      if (quote < 0) {
        throw malformed();
      }
      value = text.substring(from + 1, quote);
      int end = itemEnd(quote);
      if (!HeaderText.trim(text, quote + 1, end).isEmpty()) {
        throw malformed();
      }
      at = end + 1;
      return;
    }
    int end = itemEnd(from);
    // A part without a name belongs to the value in front of it: the Python client leaves out the
    // quotes that a comma needs, and the record must not be refused for it.
    while (end < text.length() && continues(end + 1)) {
      end = itemEnd(end + 1);
    }
    value = HeaderText.trim(text, from, end);
    at = end + 1;
  }

  /** Where the part that begins here ends: at the next comma. */
  private int itemEnd(int from) {
    int comma = text.indexOf(',', from);
    return comma < 0 ? text.length() : comma;
  }

  /** Whether the part that begins here has text and no name. */
  private boolean continues(int from) {
    int end = itemEnd(from);
    int equals = text.indexOf('=', from);
    return (equals < 0 || equals > end) && !HeaderText.trim(text, from, end).isEmpty();
  }

  String name() {
    return name;
  }

  String value() {
    return value;
  }

  private static boolean isPlainName(String name) {
    return name.indexOf(',') < 0 && name.indexOf('=') < 0 && name.indexOf('"') < 0;
  }

  /** Appends {@code ,name=value} in the form that {@link #next} and the clients read. */
  static void append(StringBuilder out, String name, @Nullable String value) {
    out.append(',').append(isPlainName(name) ? name : HeaderText.percentEncode(name)).append('=');
    if (value == null || value.isEmpty()) {
      return;
    }
    if (value.indexOf(',') < 0) {
      out.append(value);
    } else {
      // The grammar has no escape: a quote inside quotes would end the value early and shift
      // everything behind it.
      out.append('"').append(value.replace('"', '\'')).append('"');
    }
  }
}
