package io.pannier.server.http;

import io.netty.buffer.ByteBuf;
import io.pannier.model.Clock;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Writes the heads of responses as bytes: status line, the response's own fields in their order,
 * then those that every response has. One per event loop; what it wrote last is in {@link #bytes}
 * up to {@link #length}.
 */
final class HeadWriter {
  private static final DateTimeFormatter HTTP_DATE =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ENGLISH)
          .withZone(ZoneOffset.UTC);
  private static final byte[][] STATUS_LINES = new byte[600][];
  private static final byte[] CONTENT_LENGTH = ascii("content-length: ");
  private static final byte[] REQUEST_ID = ascii(RequestIds.HEADER + ": ");
  private static final byte[] CHUNKED = ascii("transfer-encoding: chunked\r\n");
  private static final byte[] CLOSE = ascii("connection: close\r\n");
  private static final int KEPT_BYTES = 64 << 10;

  /**
   * For each ASCII character of a name, the byte to write: itself, in lower case, or an underscore.
   */
  private static final byte[] NAME_BYTES = new byte[128];

  static {
    for (int status = 200; status < 600; status++) {
      STATUS_LINES[status] = ascii("HTTP/1.1 " + status + " " + reason(status) + "\r\n");
    }
    for (char c = 0; c < 128; c++) {
      boolean token =
          Character.isLetterOrDigit(c) || (c > ' ' && "!#$%&'*+-.^_`|~".indexOf(c) >= 0);
      NAME_BYTES[c] = (byte) (token ? Character.toLowerCase(c) : '_');
    }
  }

  private final Clock clock;
  private final byte[] constant;
  private final RequestIds ids;
  private long dateSecond = Long.MIN_VALUE;
  private byte[] date = {};
  private byte[] bytes = new byte[4096];
  private int length;

  HeadWriter(HttpServerConfig config, RequestIds ids) {
    clock = config.clock();
    this.ids = ids;
    constant =
        ascii(
            "server: "
                + config.serverName()
                + "\r\nx-reduct-api: "
                + config.apiVersion()
                + "\r\nvary: origin\r\naccess-control-expose-headers: *\r\n");
  }

  /**
   * Writes a head.
   *
   * @param given what the client calls the request, or null
   * @param connection number of the connection
   * @param request number of the request on it
   * @param contentLength what to announce; -1 for nothing
   * @param chunked whether to announce chunks
   * @param close whether to announce the end of the connection
   */
  void write(
      Response response,
      @Nullable String given,
      long connection,
      long request,
      long contentLength,
      boolean chunked,
      boolean close) {
    if (bytes.length > KEPT_BYTES) {
      bytes = new byte[4096];
    }
    length = 0;
    put(STATUS_LINES[response.status()]);
    int fields = response.headerCount();
    for (int i = 0; i < fields; i++) {
      field(response.headerName(i), response.headerValue(i));
    }
    put(constant);
    requestId(given, connection, request);
    if (contentLength >= 0) {
      put(CONTENT_LENGTH);
      number(contentLength);
    } else if (chunked) {
      put(CHUNKED);
    }
    if (close) {
      put(CLOSE);
    }
    put(date());
  }

  /** Number of bytes written. */
  int length() {
    return length;
  }

  void copyTo(ByteBuf target) {
    target.writeBytes(bytes, 0, length);
  }

  private void field(String name, String value) {
    // A character is at most three bytes of UTF-8.
    ensure(name.length() * 3 + value.length() * 3 + 4);
    byte[] to = bytes;
    int at = putName(name, to, length);
    to[at++] = ':';
    to[at++] = ' ';
    at = putValue(value, to, at);
    to[at++] = '\r';
    to[at++] = '\n';
    length = at;
  }

  /** Writes a name as it may stand on the wire; returns where it ends. */
  static int putName(String name, byte[] to, int from) {
    int at = from;
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      to[at++] = c < 128 ? NAME_BYTES[c] : (byte) '_';
    }
    return at;
  }

  /**
   * Writes a value as it may stand on the wire, at most three bytes for each character; returns
   * where it ends.
   */
  static int putValue(String value, byte[] to, int from) {
    int at = from;
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c >= 0x7f) {
        if (c == 0x7f) {
          to[at++] = ' ';
          continue;
        }
        byte[] rest = value.substring(i).getBytes(StandardCharsets.UTF_8);
        for (byte b : rest) {
          to[at++] = (b >= 0 && b < ' ') || b == 0x7f ? (byte) ' ' : b;
        }
        break;
      }
      to[at++] = c < ' ' ? (byte) ' ' : (byte) c;
    }
    return at;
  }

  private void requestId(@Nullable String given, long connection, long request) {
    put(REQUEST_ID);
    if (given != null) {
      ensure(given.length() * 3 + 2);
      length = putValue(given, bytes, length);
    } else {
      ensure(RequestIds.MADE_MAX + 2);
      length = ids.put(connection, request, bytes, length);
    }
    bytes[length++] = '\r';
    bytes[length++] = '\n';
  }

  private void number(long value) {
    ensure(24);
    int digits = 1;
    for (long rest = value / 10; rest > 0; rest /= 10) {
      digits++;
    }
    long rest = value;
    for (int i = length + digits - 1; i >= length; i--) {
      bytes[i] = (byte) ('0' + rest % 10);
      rest /= 10;
    }
    length += digits;
    bytes[length++] = '\r';
    bytes[length++] = '\n';
  }

  private byte[] date() {
    long second = Math.floorDiv(clock.wallMicros(), 1_000_000L);
    if (second != dateSecond) {
      dateSecond = second;
      // With the empty line that ends the head.
      date = ascii("date: " + date(second) + "\r\n\r\n");
    }
    return date;
  }

  /** A second since 1970 as HTTP writes it. */
  static String date(long second) {
    return HTTP_DATE.format(Instant.ofEpochSecond(second));
  }

  private void put(byte[] source) {
    ensure(source.length);
    System.arraycopy(source, 0, bytes, length, source.length);
    length += source.length;
  }

  private void ensure(int more) {
    if (bytes.length - length < more) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, length + more));
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static String reason(int status) {
    return switch (status) {
      case 200 -> "OK";
      case 201 -> "Created";
      case 202 -> "Accepted";
      case 204 -> "No Content";
      case 206 -> "Partial Content";
      case 301 -> "Moved Permanently";
      case 302 -> "Found";
      case 304 -> "Not Modified";
      case 307 -> "Temporary Redirect";
      case 308 -> "Permanent Redirect";
      case 400 -> "Bad Request";
      case 401 -> "Unauthorized";
      case 403 -> "Forbidden";
      case 404 -> "Not Found";
      case 405 -> "Method Not Allowed";
      case 408 -> "Request Timeout";
      case 409 -> "Conflict";
      case 411 -> "Length Required";
      case 413 -> "Content Too Large";
      case 414 -> "URI Too Long";
      case 415 -> "Unsupported Media Type";
      case 416 -> "Range Not Satisfiable";
      case 417 -> "Expectation Failed";
      case 422 -> "Unprocessable Content";
      case 425 -> "Too Early";
      case 429 -> "Too Many Requests";
      case 431 -> "Request Header Fields Too Large";
      case 500 -> "Internal Server Error";
      case 503 -> "Service Unavailable";
      case 505 -> "HTTP Version Not Supported";
      case 507 -> "Insufficient Storage";
      default -> "Status";
    };
  }
}
