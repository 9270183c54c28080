package io.pannier.model;

import java.util.Locale;

/**
 * The type that the condition language reads out of the text of a label (when.md §4). Decided by
 * the shape of the text alone, so blanks, hexadecimal digits or suffix letters, which the parsers
 * of the JDK let pass, make it a string. The order of the constants is that of the counts in a
 * block index.
 */
public enum LabelType {
  /** Exactly {@code true} or {@code false}. */
  BOOL,
  /** Digits with an optional sign, inside signed 64 bits: {@link Long#parseLong} takes them. */
  INT,
  /** A decimal number otherwise, infinity, or not a number: {@link #parseFloat} takes them. */
  FLOAT,
  /** Everything else. */
  STRING;

  /** The type of a text. */
  public static LabelType of(String value) {
    if (value.equals("true") || value.equals("false")) {
      return BOOL;
    }
    int length = value.length();
    int start = length > 0 && (value.charAt(0) == '+' || value.charAt(0) == '-') ? 1 : 0;
    int at = digits(value, start);
    int digits = at - start;
    if (at == length && digits > 0) {
      return fitsLong(value, start) ? INT : FLOAT;
    }
    if (at < length && value.charAt(at) == '.') {
      int fraction = at + 1;
      at = digits(value, fraction);
      digits += at - fraction;
    }
    if (digits == 0) {
      return isInfinity(value, start) || isNaN(value) ? FLOAT : STRING;
    }
    if (at < length && (value.charAt(at) == 'e' || value.charAt(at) == 'E')) {
      at++;
      if (at < length && (value.charAt(at) == '+' || value.charAt(at) == '-')) {
        at++;
      }
      int exponent = at;
      at = digits(value, exponent);
      if (at == exponent) {
        return STRING;
      }
    }
    return at == length ? FLOAT : STRING;
  }

  /** Value of a text that {@link #of} calls a float. */
  public static double parseFloat(String value) {
    if (isNaN(value)) {
      return Double.NaN;
    }
    boolean signed = value.charAt(0) == '+' || value.charAt(0) == '-';
    if (isInfinity(value, signed ? 1 : 0)) {
      return value.charAt(0) == '-' ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
    }
    return Double.parseDouble(value);
  }

  /** First position at or behind {@code at} that is not an ASCII digit. */
  private static int digits(String value, int at) {
    while (at < value.length() && value.charAt(at) >= '0' && value.charAt(at) <= '9') {
      at++;
    }
    return at;
  }

  /** Whether digits with an optional sign in front are inside signed 64 bits. */
  private static boolean fitsLong(String value, int start) {
    int at = start;
    while (at < value.length() && value.charAt(at) == '0') {
      at++;
    }
    int digits = value.length() - at;
    String limit = value.charAt(0) == '-' ? "9223372036854775808" : "9223372036854775807";
    return digits < limit.length()
        || (digits == limit.length() && value.substring(at).compareTo(limit) <= 0);
  }

  private static boolean isInfinity(String value, int start) {
    int length = value.length() - start;
    return (length == 3 && value.regionMatches(true, start, "inf", 0, 3) && isAscii(value))
        || (length == 8 && value.regionMatches(true, start, "infinity", 0, 8) && isAscii(value));
  }

  /** Whether a text reads as "not a number". */
  public static boolean isNaN(String value) {
    int start = !value.isEmpty() && (value.charAt(0) == '+' || value.charAt(0) == '-') ? 1 : 0;
    return value.length() == start + 3
        && value.substring(start).toLowerCase(Locale.ROOT).equals("nan");
  }

  /** Ignoring case would let a dotless or dotted i of other alphabets pass for an i. */
  private static boolean isAscii(String value) {
    return value.chars().allMatch(c -> c < 0x80);
  }
}
