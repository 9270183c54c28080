package io.pannier.model;

/**
 * Record times: unsigned 64-bit microseconds since the Unix epoch, carried as {@code long} so that
 * columns of them are plain arrays. The order is unsigned, therefore the operators {@code <} and
 * {@code >} are wrong for them and a test bans them: compare with the methods below.
 */
public final class Timestamp {
  /** The smallest time, 0. */
  public static final long MIN = 0;

  /** The largest time, 2⁶⁴−1. */
  public static final long MAX = -1L;

  private Timestamp() {}

  /** Whether {@code a} lies before {@code b}. */
  public static boolean isBefore(long a, long b) {
    return Long.compareUnsigned(a, b) < 0;
  }

  /** Whether {@code a} lies behind {@code b}. */
  public static boolean isAfter(long a, long b) {
    return Long.compareUnsigned(a, b) > 0;
  }

  /** Negative, zero or positive as {@code a} lies before, at or behind {@code b}. */
  public static int compare(long a, long b) {
    return Long.compareUnsigned(a, b);
  }

  /** How many digits its text has. */
  public static int digits(long timestamp) {
    if (timestamp < 0) {
      return toString(timestamp).length();
    }
    int digits = 1;
    for (long rest = timestamp; rest >= 10; rest /= 10) {
      digits++;
    }
    return digits;
  }

  /** The earlier of two times. */
  public static long min(long a, long b) {
    return isBefore(a, b) ? a : b;
  }

  /** The later of two times. */
  public static long max(long a, long b) {
    return isBefore(a, b) ? b : a;
  }

  /** Decimal digits without sign. */
  public static String toString(long timestamp) {
    return Long.toUnsignedString(timestamp);
  }

  /**
   * Reads decimal digits.
   *
   * @throws NumberFormatException for a sign, another character, no digit, or a number above 2⁶⁴−1
   */
  public static long parse(CharSequence digits) {
    int length = digits.length();
    if (length == 0) {
      throw new NumberFormatException("no digit");
    }
    long value = 0;
    for (int i = 0; i < length; i++) {
      int digit = digits.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        throw new NumberFormatException("not a digit: " + digits.charAt(i));
      }
      if (Long.compareUnsigned(value, TENTH_OF_MAX) > 0 || (value == TENTH_OF_MAX && digit > 5)) {
        throw new NumberFormatException("above 2^64-1");
      }
      value = value * 10 + digit;
    }
    return value;
  }

  private static final long TENTH_OF_MAX = Long.divideUnsigned(-1L, 10);
}
