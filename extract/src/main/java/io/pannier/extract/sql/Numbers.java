package io.pannier.extract.sql;

import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Which cells are numbers. */
final class Numbers {
  /** Digits that any long can have, whatever they are. */
  private static final int SAFE_DIGITS = 18;

  private Numbers() {}

  static boolean isBoolean(byte[] bytes, int from, int to) {
    String text = to - from <= 5 ? text(bytes, from, to) : "";
    return text.equals("true") || text.equals("false");
  }

  /** A whole number of 64 bits, with or without a sign. */
  static boolean isLong(byte[] bytes, int from, int to) {
    int at = from < to && (bytes[from] == '-' || bytes[from] == '+') ? from + 1 : from;
    if (at == to) {
      return false;
    }
    for (int i = at; i < to; i++) {
      if (!isDigit(bytes[i])) {
        return false;
      }
    }
    if (to - at <= SAFE_DIGITS) {
      return true;
    }
    try {
      Long.parseLong(text(bytes, from, to));
      return true;
    } catch (NumberFormatException e) {
      return false;
    }
  }

  /** A decimal number, with or without an exponent; also infinity and what is no number. */
  static boolean isNumber(byte[] bytes, int from, int to) {
    int at = from < to && (bytes[from] == '-' || bytes[from] == '+') ? from + 1 : from;
    int digits = at;
    while (at < to && isDigit(bytes[at])) {
      at++;
    }
    int found = at - digits;
    if (at < to && bytes[at] == '.') {
      at++;
      int fraction = at;
      while (at < to && isDigit(bytes[at])) {
        at++;
      }
      found += at - fraction;
    }
    if (found == 0) {
      return isSpecial(bytes, from, to);
    }
    if (at < to && (bytes[at] == 'e' || bytes[at] == 'E')) {
      at++;
      if (at < to && (bytes[at] == '-' || bytes[at] == '+')) {
        at++;
      }
      int exponent = at;
      while (at < to && isDigit(bytes[at])) {
        at++;
      }
      if (at == exponent) {
        return false;
      }
    }
    return at == to;
  }

  /** The number that such a text is. */
  static double parse(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "nan", "+nan", "-nan" -> Double.NaN;
      case "inf", "+inf", "infinity", "+infinity" -> Double.POSITIVE_INFINITY;
      case "-inf", "-infinity" -> Double.NEGATIVE_INFINITY;
      default -> Double.parseDouble(text);
    };
  }

  private static boolean isSpecial(byte[] bytes, int from, int to) {
    if (to - from < 3 || to - from > 9) {
      return false;
    }
    String text = text(bytes, from, to).toLowerCase(Locale.ROOT);
    String bare = text.startsWith("-") || text.startsWith("+") ? text.substring(1) : text;
    return bare.equals("nan") || bare.equals("inf") || bare.equals("infinity");
  }

  private static boolean isDigit(byte b) {
    return b >= '0' && b <= '9';
  }

  private static String text(byte[] bytes, int from, int to) {
    return new String(bytes, from, to - from, StandardCharsets.ISO_8859_1);
  }
}
