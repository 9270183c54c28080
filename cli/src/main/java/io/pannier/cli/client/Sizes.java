package io.pannier.cli.client;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes in bytes on the command line and in tables. */
final class Sizes {
  private static final Pattern SIZE = Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([a-z]*)");
  private static final Map<String, Long> UNITS =
      Map.ofEntries(
          Map.entry("", 1L),
          Map.entry("b", 1L),
          Map.entry("k", 1_000L),
          Map.entry("kb", 1_000L),
          Map.entry("m", 1_000_000L),
          Map.entry("mb", 1_000_000L),
          Map.entry("g", 1_000_000_000L),
          Map.entry("gb", 1_000_000_000L),
          Map.entry("t", 1_000_000_000_000L),
          Map.entry("tb", 1_000_000_000_000L),
          Map.entry("pb", 1_000_000_000_000_000L),
          Map.entry("kib", 1L << 10),
          Map.entry("mib", 1L << 20),
          Map.entry("gib", 1L << 30),
          Map.entry("tib", 1L << 40),
          Map.entry("pib", 1L << 50));

  private Sizes() {}

  static long parse(String text, String parameter) {
    Matcher size = SIZE.matcher(text.strip().toLowerCase(Locale.ROOT));
    Long unit = size.matches() ? UNITS.get(size.group(2)) : null;
    if (unit == null) {
      throw Failure.value(text, parameter);
    }
    try {
      return new BigDecimal(size.group(1))
          .multiply(BigDecimal.valueOf(unit))
          .toBigInteger()
          .longValueExact();
    } catch (ArithmeticException tooLarge) {
      throw Failure.value(text, parameter, "too large");
    }
  }

  /** With a unit of powers of 1000. */
  static String text(long bytes) {
    if (bytes < 1000) {
      return bytes + " B";
    }
    double value = bytes;
    int unit = -1;
    while (value >= 999.95 && unit < 4) {
      value /= 1000;
      unit++;
    }
    return String.format(Locale.ROOT, "%.1f %sB", value, "kMGTP".charAt(unit));
  }
}
