package io.pannier.query.when;

import io.pannier.model.PannierException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Locale;

/** Sizes as text: {@code 3 MiB}, {@code 1.5GB}, {@code 100}. */
public final class ByteSizes {
  private static final String PREFIXES = "KMGTPE";

  private ByteSizes() {}

  /**
   * Number of bytes; a fraction of a byte is cut off, too many are 2⁶³−1.
   *
   * @throws PannierException.Invalid when it is none; the text is the reference's
   */
  public static long parse(String text) {
    String trimmed = text.strip();
    int digits = 0;
    while (digits < trimmed.length() && isNumeral(trimmed.charAt(digits))) {
      digits++;
    }
    String number = trimmed.substring(0, digits);
    if (number.isEmpty()) {
      throw malformed(text, "ByteSize", "cannot parse float from empty string");
    }
    if (number.indexOf('.') != number.lastIndexOf('.') || number.equals(".")) {
      throw malformed(text, "ByteSize", "invalid float literal");
    }
    BigDecimal bytes =
        new BigDecimal(number).multiply(new BigDecimal(unit(trimmed.substring(digits).strip())));
    BigInteger whole = bytes.toBigInteger();
    return whole.bitLength() < Long.SIZE ? whole.longValue() : Long.MAX_VALUE;
  }

  private static boolean isNumeral(char c) {
    return (c >= '0' && c <= '9') || c == '.';
  }

  private static BigInteger unit(String name) {
    String upper = name.toUpperCase(Locale.ROOT);
    if (upper.isEmpty() || upper.equals("B")) {
      return BigInteger.ONE;
    }
    int power = PREFIXES.indexOf(upper.charAt(0)) + 1;
    if (power > 0) {
      switch (upper.substring(1)) {
        case "", "B" -> {
          return BigInteger.valueOf(1000).pow(power);
        }
        case "I", "IB" -> {
          return BigInteger.valueOf(1024).pow(power);
        }
        default -> {
          // Not a unit; see below.
        }
      }
    }
    throw malformed(name, "known SI unit", "Failed to parse unit \"" + name + "\"");
  }

  private static PannierException.Invalid malformed(String text, String what, String why) {
    return new PannierException.Invalid(
        "couldn't parse \"" + text + "\" into a " + what + ", " + why);
  }
}
