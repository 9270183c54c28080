package io.pannier.server.links;

import java.util.Optional;

/**
 * A part of a body (RFC 9110 §14).
 *
 * @param from first byte
 * @param to behind the last byte; more than {@code from}
 */
public record ByteRange(long from, long to) {
  /** A range that no byte of the body is in. */
  public static final class Unsatisfiable extends Exception {
    private static final long serialVersionUID = 1L;

    private Unsatisfiable() {
      super("no byte of the body is in the range", null, false, false);
    }
  }

  /**
   * Reads the header {@code range}. What is malformed, of another unit, or names several ranges is
   * ignored: the whole body is sent, as the RFC allows.
   *
   * @param length bytes of the body
   * @return the part, clipped to the body; empty: everything
   */
  public static Optional<ByteRange> parse(String header, long length) throws Unsatisfiable {
    String text = header.strip();
    if (!text.regionMatches(true, 0, "bytes=", 0, 6)) {
      return Optional.empty();
    }
    String spec = text.substring(6).strip();
    int dash = spec.indexOf('-');
    if (dash < 0) {
      return Optional.empty();
    }
    long first = number(spec.substring(0, dash));
    long last = number(spec.substring(dash + 1));
    boolean hasFirst = dash > 0;
    boolean hasLast = dash < spec.length() - 1;
    if ((hasFirst && first < 0) || (hasLast && last < 0) || (!hasFirst && !hasLast)) {
      return Optional.empty();
    }
    if (!hasFirst) {
      if (last == 0 || length == 0) {
        throw new Unsatisfiable();
      }
      return Optional.of(new ByteRange(Math.max(0, length - last), length));
    }
    if (hasLast && last < first) {
      return Optional.empty();
    }
    if (first >= length) {
      throw new Unsatisfiable();
    }
    return Optional.of(new ByteRange(first, hasLast ? Math.min(last, length - 1) + 1 : length));
  }

  /** Decimal digits as a number, the largest one if they are more; -1 when it is not one. */
  private static long number(String text) {
    long number = 0;
    for (int i = 0; i < text.length(); i++) {
      int digit = text.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        return -1;
      }
      number = number > (Long.MAX_VALUE - digit) / 10 ? Long.MAX_VALUE : number * 10 + digit;
    }
    return text.isEmpty() ? -1 : number;
  }
}
