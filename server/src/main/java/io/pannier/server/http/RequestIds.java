package io.pannier.server.http;

import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Names requests, so that an answer, a line of the log and what a client has noted can be brought
 * together. A client that sends {@code x-request-id} gives the name itself, if it is sane; others
 * get one of three numbers: that of the process (random), of the connection, of the request on it.
 * Such a name is written with the head of the answer and is a string only where somebody asks.
 */
final class RequestIds {
  static final String HEADER = "x-request-id";

  /** Longest name that is taken from a client. */
  static final int GIVEN_MAX = 128;

  private static final byte[] DIGITS = {
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'
  };

  /** Bytes of the longest name that is made: three numbers and what stands between them. */
  static final int MADE_MAX = 8 + 1 + 16 + 1 + 16;

  private final int process;
  private final AtomicLong connections = new AtomicLong();

  /**
   * @param process a number that no other process is likely to have
   */
  RequestIds(int process) {
    this.process = process;
  }

  /** The number of a new connection. */
  long nextConnection() {
    return connections.incrementAndGet();
  }

  /** What a client calls its request, or null when it says nothing or nothing that can be used. */
  static @Nullable String given(RequestHead head) {
    String value = head.requestId();
    return value != null && isSane(value) ? value : null;
  }

  /** Letters, digits and what stands in UUIDs, trace ids and base64; nothing that breaks a line. */
  private static boolean isSane(String value) {
    if (value.isEmpty() || value.length() > GIVEN_MAX) {
      return false;
    }
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      boolean isSane =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || "-_.:/+=~@#".indexOf(c) >= 0;
      if (!isSane) {
        return false;
      }
    }
    return true;
  }

  /** Writes the name of a request; returns where it ends. There is room for {@link #MADE_MAX}. */
  int put(long connection, long request, byte[] to, int from) {
    int at = from;
    for (int shift = 28; shift >= 0; shift -= 4) {
      to[at++] = DIGITS[(process >>> shift) & 15];
    }
    to[at++] = '-';
    at = putNumber(connection, to, at);
    to[at++] = '-';
    return putNumber(request, to, at);
  }

  private static int putNumber(long number, byte[] to, int from) {
    int digits = Math.max(1, (67 - Long.numberOfLeadingZeros(number)) / 4);
    for (int i = digits - 1, at = from; i >= 0; i--, at++) {
      to[at] = DIGITS[(int) (number >>> (4 * i)) & 15];
    }
    return from + digits;
  }

  /** The same as a string. */
  String text(long connection, long request) {
    var bytes = new byte[MADE_MAX];
    int length = put(connection, request, bytes, 0);
    return new String(bytes, 0, length, java.nio.charset.StandardCharsets.ISO_8859_1);
  }
}
