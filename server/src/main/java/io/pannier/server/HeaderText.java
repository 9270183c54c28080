package io.pannier.server;

import io.pannier.server.http.Exchange;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Texts in header fields: what the batch grammars and their error answers share. Nearly all of it
 * is plain ASCII and passes through untouched.
 */
final class HeaderText {
  private static final char[] HEX = "0123456789ABCDEF".toCharArray();

  private HeaderText() {}

  /** A header's value as text, or null when its bytes are not UTF-8. */
  static @Nullable String value(Exchange exchange, int index) {
    String text = exchange.headerValue(index);
    // The transport hands over bytes that are not UTF-8 as they are.
    return isAscii(text) || !text.equals(exchange.rawHeaderValue(index)) ? text : null;
  }

  /**
   * A message as a field: what is not printable ASCII is replaced, because clients show it and do
   * not decode it.
   */
  static String message(String text) {
    int i = 0;
    while (i < text.length() && isPlain(text.charAt(i))) {
      i++;
    }
    if (i == text.length()) {
      return text;
    }
    var safe = new StringBuilder(text.length());
    for (i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      safe.append(isPlain(c) ? c : c <= ' ' ? ' ' : '?');
    }
    return safe.toString();
  }

  private static boolean isPlain(char c) {
    return c >= ' ' && c < 0x7f;
  }

  private static boolean isAscii(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) >= 0x80) {
        return false;
      }
    }
    return true;
  }

  /**
   * A name as part of a header: bytes outside of the token set, and the percent sign, as {@code
   * %XX}.
   */
  static String percentEncode(String name) {
    int i = 0;
    while (i < name.length() && isToken(name.charAt(i))) {
      i++;
    }
    if (i == name.length()) {
      return name;
    }
    var out = new StringBuilder(name.length() + 16);
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xff);
      if (isToken(c)) {
        out.append(c);
      } else {
        out.append('%').append(HEX[c >> 4]).append(HEX[c & 15]);
      }
    }
    return out.toString();
  }

  /** Characters of a token (RFC 9110 §5.6.2), but not the percent sign. */
  private static boolean isToken(char c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || (c < 0x7f && c > ' ' && c != '%' && "!#$&'*+-.^_`|~".indexOf(c) >= 0);
  }

  /**
   * Replaces {@code %XX} by what it stands for; other percent signs stay. Bytes that are not UTF-8
   * become U+FFFD.
   */
  static String percentDecode(String text) {
    int percent = text.indexOf('%');
    if (percent < 0) {
      return text;
    }
    byte[] in = text.getBytes(StandardCharsets.UTF_8);
    byte[] out = new byte[in.length];
    int length = 0;
    for (int i = 0; i < in.length; i++) {
      int high = i + 2 < in.length && in[i] == '%' ? hex(in[i + 1]) : -1;
      int low = high >= 0 ? hex(in[i + 2]) : -1;
      if (low >= 0) {
        out[length++] = (byte) (high << 4 | low);
        i += 2;
      } else {
        out[length++] = in[i];
      }
    }
    return new String(out, 0, length, StandardCharsets.UTF_8);
  }

  /** Whether the percent sign at this place is followed by two hexadecimal digits. */
  static boolean isPercentCode(String text, int at) {
    return at + 2 < text.length()
        && Character.digit(text.charAt(at + 1), 16) >= 0
        && Character.digit(text.charAt(at + 2), 16) >= 0;
  }

  private static int hex(byte b) {
    return Character.digit((char) (b & 0xff), 16);
  }

  /** Whether the whole text is decimal digits; false for the empty one. */
  static boolean isDigits(String text, int from) {
    if (from >= text.length()) {
      return false;
    }
    for (int i = from; i < text.length(); i++) {
      if (text.charAt(i) < '0' || text.charAt(i) > '9') {
        return false;
      }
    }
    return true;
  }

  /** {@link String#strip} for the blanks that may stand around an item. */
  static String trim(String text, int from, int to) {
    while (from < to && isBlank(text.charAt(from))) {
      from++;
    }
    while (from < to && isBlank(text.charAt(to - 1))) {
      to--;
    }
    return text.substring(from, to);
  }

  private static boolean isBlank(char c) {
    return c == ' ' || c == '\t';
  }
}
