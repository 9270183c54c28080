package io.pannier.query.when;

import io.pannier.model.PannierException;
import java.util.OptionalLong;

/** Durations as text: a row of parts such as {@code 1h -30m}, which are added up. */
public final class Durations {
  private enum Unit {
    D("d", 86_400_000_000L),
    H("h", 3_600_000_000L),
    M("m", 60_000_000L),
    S("s", 1_000_000L),
    MS("ms", 1_000L),
    US("us", 1L);

    final String symbol;
    final long micros;

    Unit(String symbol, long micros) {
      this.symbol = symbol;
      this.micros = micros;
    }
  }

  private Durations() {}

  /** Length in µs, modulo 2⁶⁴ as in the reference; absent when the text is no duration. */
  static OptionalLong parse(String text) {
    long sum = 0;
    boolean any = false;
    int at = 0;
    while (at < text.length()) {
      int end = at;
      while (end < text.length() && !isBlank(text.charAt(end))) {
        end++;
      }
      if (end > at) {
        OptionalLong part = part(text, at, end);
        if (part.isEmpty()) {
          return part;
        }
        sum += part.getAsLong();
        any = true;
      }
      at = end + 1;
    }
    return any ? OptionalLong.of(sum) : OptionalLong.empty();
  }

  /**
   * Length in µs, never rounded or wrapped: for settings, where a length that wraps around would do
   * the opposite of what was meant.
   *
   * @throws PannierException.Invalid when the text is no duration, or too long for 63 bits
   */
  public static long exact(String text) {
    long sum = 0;
    boolean any = false;
    for (int at = 0; at < text.length(); ) {
      int end = at;
      while (end < text.length() && !isBlank(text.charAt(end))) {
        end++;
      }
      if (end > at) {
        sum = exactSum(sum, text.substring(at, end));
        any = true;
      }
      at = end + 1;
    }
    if (!any) {
      throw new PannierException.Invalid("Duration literal cannot be empty");
    }
    return sum;
  }

  private static long exactSum(long sum, String part) {
    var number = new StringBuilder();
    var symbol = new StringBuilder();
    for (int i = 0; i < part.length(); i++) {
      (isNumeral(part.charAt(i)) ? number : symbol).append(part.charAt(i));
    }
    Unit unit = unit(symbol.toString());
    if (!isWhole(number)) {
      throw new PannierException.Invalid("Invalid duration value: " + part);
    }
    if (unit == null) {
      throw new PannierException.Invalid("Invalid duration unit: " + symbol);
    }
    try {
      long length = Math.multiplyExact(Long.parseLong(number.toString()), unit.micros);
      return Math.addExact(sum, length);
    } catch (NumberFormatException | ArithmeticException beyond64Bits) {
      throw new PannierException.Invalid("Invalid duration value: " + part);
    }
  }

  /**
   * One part. Digits, dots and signs, wherever they stand, are the number, the rest is the unit: so
   * {@code s5} is five seconds and {@code 1m2} twelve minutes.
   */
  private static OptionalLong part(String text, int from, int to) {
    if (to - from > 32) {
      return OptionalLong.empty(); // no number of 64 bits is that long; nor worth copying
    }
    var number = new StringBuilder();
    var symbol = new StringBuilder();
    for (int i = from; i < to; i++) {
      char c = text.charAt(i);
      (isNumeral(c) ? number : symbol).append(c);
    }
    Unit unit = unit(symbol.toString());
    if (unit == null || !isWhole(number)) {
      return OptionalLong.empty();
    }
    try {
      return OptionalLong.of(Long.parseLong(number.toString()) * unit.micros);
    } catch (NumberFormatException beyond64Bits) {
      return OptionalLong.empty();
    }
  }

  private static boolean isNumeral(char c) {
    return (c >= '0' && c <= '9') || c == '.' || c == '-';
  }

  private static boolean isWhole(StringBuilder number) {
    int digits = !number.isEmpty() && number.charAt(0) == '-' ? 1 : 0;
    for (int i = digits; i < number.length(); i++) {
      if (number.charAt(i) == '.' || number.charAt(i) == '-') {
        return false;
      }
    }
    return number.length() > digits;
  }

  /** White space of Unicode, all of which is one UTF-16 unit. */
  private static boolean isBlank(char c) {
    return (c >= 0x09 && c <= 0x0d) || c == 0x85 || Character.isSpaceChar(c);
  }

  private static @org.jspecify.annotations.Nullable Unit unit(String symbol) {
    for (Unit unit : Unit.values()) {
      if (unit.symbol.equals(symbol)) {
        return unit;
      }
    }
    return null;
  }

  /** As {@code 1d 2h 3ms}; every part of a negative one carries the sign. */
  static String toText(long micros) {
    var text = new StringBuilder();
    long rest = micros;
    for (Unit unit : Unit.values()) {
      long count = rest / unit.micros;
      rest -= count * unit.micros;
      if (count != 0) {
        text.append(text.isEmpty() ? "" : " ").append(count).append(unit.symbol);
      }
    }
    return text.isEmpty() ? "0us" : text.toString();
  }
}
