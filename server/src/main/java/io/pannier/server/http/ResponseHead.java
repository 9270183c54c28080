package io.pannier.server.http;

import io.netty.buffer.ByteBuf;
import io.pannier.model.Clock;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes status line and headers as bytes: record headers in their order, then the constant ones.
 */
final class ResponseHead {
  private static final DateTimeFormatter HTTP_DATE =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ENGLISH)
          .withZone(ZoneOffset.UTC);

  private static final Map<Integer, String> REASONS =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry(200, "OK"),
              Map.entry(204, "No Content"),
              Map.entry(206, "Partial Content"),
              Map.entry(302, "Found"),
              Map.entry(400, "Bad Request"),
              Map.entry(401, "Unauthorized"),
              Map.entry(403, "Forbidden"),
              Map.entry(404, "Not Found"),
              Map.entry(405, "Method Not Allowed"),
              Map.entry(409, "Conflict"),
              Map.entry(413, "Content Too Large"),
              Map.entry(415, "Unsupported Media Type"),
              Map.entry(416, "Range Not Satisfiable"),
              Map.entry(422, "Unprocessable Entity"),
              Map.entry(425, "Too Early"),
              Map.entry(429, "Too Many Requests"),
              Map.entry(431, "Request Header Fields Too Large"),
              Map.entry(500, "Internal Server Error"),
              Map.entry(503, "Service Unavailable"),
              Map.entry(507, "Insufficient Storage")));

  /** A date header for one second. */
  private static final class Dated {
    final long second;
    final byte[] line;

    Dated(long second, byte[] line) {
      this.second = second;
      this.line = line;
    }
  }

  private final Clock clock;
  private final byte[] constant;
  private final byte[] ok;
  private volatile Dated date = new Dated(-1, new byte[0]);

  ResponseHead(HttpServerConfig config) {
    clock = config.clock();
    constant =
        ("server: "
                + config.serverName()
                + "\r\nx-reduct-api: "
                + config.apiVersion()
                + "\r\nvary: origin\r\naccess-control-expose-headers: *\r\n")
            .getBytes(StandardCharsets.US_ASCII);
    ok = "HTTP/1.1 200 OK\r\n".getBytes(StandardCharsets.US_ASCII);
  }

  /**
   * Writes a whole head.
   *
   * @param length bytes of the body to announce
   * @param keepAliveTold whether an HTTP/1.0 client must be told that the connection stays open
   * @param close whether the connection ends behind the response
   */
  void write(ByteBuf out, Response response, long length, boolean keepAliveTold, boolean close) {
    if (response.status() == 200) {
      out.writeBytes(ok);
    } else {
      ascii(
          out,
          "HTTP/1.1 "
              + response.status()
              + " "
              + REASONS.getOrDefault(response.status(), "Status")
              + "\r\n");
    }
    for (int i = 0; i < response.headerCount(); i++) {
      ascii(out, response.headerName(i));
      out.writeByte(':').writeByte(' ');
      value(out, response.headerValue(i));
      out.writeByte('\r').writeByte('\n');
    }
    out.writeBytes(constant);
    if (response.status() != 204) {
      ascii(out, "content-length: ");
      number(out, length);
      out.writeByte('\r').writeByte('\n');
    }
    if (close) {
      ascii(out, "connection: close\r\n");
    } else if (keepAliveTold) {
      ascii(out, "connection: keep-alive\r\n");
    }
    out.writeBytes(date()).writeByte('\r').writeByte('\n');
  }

  private byte[] date() {
    long second = Math.floorDiv(clock.wallMicros(), 1_000_000);
    Dated now = date;
    if (now.second != second) {
      String text = "date: " + HTTP_DATE.format(Instant.ofEpochSecond(second)) + "\r\n";
      now = new Dated(second, text.getBytes(StandardCharsets.US_ASCII));
      date = now;
    }
    return now.line;
  }

  private static void ascii(ByteBuf out, String text) {
    out.writeCharSequence(text, StandardCharsets.US_ASCII);
  }

  private static void number(ByteBuf out, long value) {
    if (value >= 0 && value < 10) {
      out.writeByte('0' + (int) value);
    } else {
      ascii(out, Long.toUnsignedString(value));
    }
  }

  /** A header value: UTF-8, with control characters replaced, lest a value ends the header. */
  private static void value(ByteBuf out, String text) {
    boolean plain = true;
    for (int i = 0; i < text.length() && plain; i++) {
      char c = text.charAt(i);
      plain = c >= ' ' && c < 0x7f;
    }
    if (plain) {
      ascii(out, text);
      return;
    }
    var clean = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      clean.append(c < ' ' || c == 0x7f ? ' ' : c);
    }
    out.writeCharSequence(clean, StandardCharsets.UTF_8);
  }
}
