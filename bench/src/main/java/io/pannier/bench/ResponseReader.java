package io.pannier.bench;

import java.io.EOFException;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;

/**
 * Reads one HTTP/1.1 response after the other from a connection that never has more than one
 * request under way. Understands the status, {@code content-length}, {@code connection: close} and
 * the {@code x-reduct-} headers that count records and tell errors; refuses chunked bodies. Bodies
 * are thrown away unless asked for.
 */
final class ResponseReader {
  private static final int LARGEST_HEAD = 4 * 1024 * 1024;
  private static final byte[] CONTENT_LENGTH = RequestBuffer.ascii("content-length:");
  private static final byte[] CONNECTION_CLOSE = RequestBuffer.ascii("connection: close");
  private static final byte[] TRANSFER_ENCODING = RequestBuffer.ascii("transfer-encoding:");
  private static final byte[] REDUCT = RequestBuffer.ascii("x-reduct-");
  private static final byte[] TIME = RequestBuffer.ascii("time-");
  private static final byte[] ERROR = RequestBuffer.ascii("error");
  private static final byte[] LAST_TRUE = RequestBuffer.ascii("last: true");

  private ByteBuffer in;
  private boolean withoutBody;
  private boolean keepBody;

  private boolean inBody;
  private int scanned;
  private int status;
  private long bodyBytes;
  private long missing;
  private int records;
  private int recordErrors;
  private boolean last;
  private boolean close;
  private String error = "";
  private byte[] body = new byte[0];
  private boolean compares;
  private ByteBuffer wanted = ByteBuffer.allocate(0);
  private boolean differs;
  private long headNanos;

  /** A reader that takes at most this many bytes in one system call. */
  ResponseReader(int bufferSize) {
    in = ByteBuffer.allocateDirect(bufferSize);
  }

  /**
   * Gets ready for the response to the next request.
   *
   * @param withoutBody whether the request was HEAD
   * @param keepBody whether {@link #bodyText} will be asked for
   */
  void expect(boolean withoutBody, boolean keepBody) {
    this.withoutBody = withoutBody;
    this.keepBody = keepBody;
    in.clear();
    scanned = 0;
    compares = false;
    differs = false;
    clearHead();
  }

  /** Gets ready for a response whose body must be what this buffer holds from 0 to its limit. */
  void expect(ByteBuffer content) {
    expect(false, false);
    compares = true;
    wanted = content;
  }

  private void clearHead() {
    inBody = false;
    status = 0;
    bodyBytes = 0;
    missing = 0;
    records = 0;
    recordErrors = 0;
    last = false;
    close = false;
    error = "";
  }

  /** One read from the channel; true when the response is complete. */
  boolean receive(ReadableByteChannel channel) throws IOException {
    if (inBody) {
      in.clear();
    } else if (!in.hasRemaining()) {
      grow();
    }
    int count = channel.read(in);
    if (count < 0) {
      throw new EOFException(
          status == 0 ? "connection closed before the response" : "connection closed in the body");
    }
    return inBody ? takeBody(0, count) : takeHead();
  }

  private boolean takeHead() throws IOException {
    while (true) {
      int end = endOfHead();
      if (end < 0) {
        return false;
      }
      parseHead(end);
      if (status >= 200) {
        inBody = true;
        headNanos = System.nanoTime();
        return takeBody(end, in.position() - end);
      }
      // An interim response such as 100 Continue: the real one follows.
      in.limit(in.position()).position(end);
      in.compact();
      scanned = 0;
      clearHead();
    }
  }

  private boolean takeBody(int offset, int count) throws ProtocolException {
    if (count > missing) {
      throw new ProtocolException("more bytes than content-length says");
    }
    if (keepBody) {
      in.get(offset, body, (int) (bodyBytes - missing), count);
    }
    if (compares && !differs && count > 0) {
      compare(offset, count);
    }
    missing -= count;
    return missing == 0;
  }

  private void compare(int offset, int count) {
    if (bodyBytes == wanted.limit()) {
      ByteBuffer expected = wanted.slice((int) (bodyBytes - missing), count);
      differs = in.slice(offset, count).mismatch(expected) >= 0;
    }
  }

  /** Offset after the empty line, or -1 if it has not come yet. */
  private int endOfHead() {
    int filled = in.position();
    for (int i = scanned; i + 4 <= filled; i++) {
      // Looks at the last of four bytes first, which is rarely a line end.
      if (in.get(i + 3) == '\n' && in.getInt(i) == 0x0d0a0d0a) {
        return i + 4;
      }
    }
    scanned = Math.max(0, filled - 3);
    return -1;
  }

  private void parseHead(int end) throws ProtocolException {
    if (in.get(8) != ' ' || !startsWith(0, RequestBuffer.ascii("http/1.1"))) {
      throw new ProtocolException("not a response of HTTP/1.1");
    }
    status = digit(9) * 100 + digit(10) * 10 + digit(11);
    boolean chunked = false;
    int line = nextLine(12);
    while (line < end - 2) {
      switch (in.get(line) | 0x20) {
        case 'c' -> {
          if (startsWith(line, CONTENT_LENGTH)) {
            bodyBytes = number(line + CONTENT_LENGTH.length);
          } else if (startsWith(line, CONNECTION_CLOSE)) {
            close = true;
          }
        }
        case 't' -> chunked |= startsWith(line, TRANSFER_ENCODING);
        case 'x' -> {
          if (startsWith(line, REDUCT)) {
            parseReduct(line + REDUCT.length);
          }
        }
        default -> {}
      }
      line = nextLine(line);
    }
    if (withoutBody || status == 204 || status == 304 || status < 200) {
      bodyBytes = 0;
    } else if (chunked) {
      throw new ProtocolException("chunked responses are not understood");
    }
    missing = bodyBytes;
    if (keepBody) {
      body = new byte[Math.toIntExact(bodyBytes)];
    }
  }

  private void parseReduct(int at) {
    byte first = in.get(at);
    if ((first >= '0' && first <= '9') || startsWith(at, TIME)) {
      records++;
    } else if (startsWith(at, ERROR)) {
      if (in.get(at + ERROR.length) == '-') {
        recordErrors++;
      }
      if (error.isEmpty()) {
        error = value(at);
      }
    } else if (startsWith(at, LAST_TRUE)) {
      last = true;
    }
  }

  private boolean startsWith(int at, byte[] lowerCase) {
    if (at + lowerCase.length > in.position()) {
      return false;
    }
    for (int i = 0; i < lowerCase.length; i++) {
      int c = in.get(at + i);
      if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != lowerCase[i]) {
        return false;
      }
    }
    return true;
  }

  private int nextLine(int from) {
    int at = from;
    while (in.get(at) != '\n') {
      at++;
    }
    return at + 1;
  }

  private int digit(int at) throws ProtocolException {
    int value = in.get(at) - '0';
    if (value < 0 || value > 9) {
      throw new ProtocolException("bad number in the head of a response");
    }
    return value;
  }

  private long number(int from) throws ProtocolException {
    int at = from;
    while (in.get(at) == ' ') {
      at++;
    }
    long value = 0;
    do {
      value = value * 10 + digit(at++);
    } while (in.get(at) != '\r');
    return value;
  }

  /** What follows the colon of this line. */
  private String value(int from) {
    int colon = from;
    while (in.get(colon) != ':' && in.get(colon) != '\r') {
      colon++;
    }
    int end = colon;
    while (in.get(end) != '\r') {
      end++;
    }
    var bytes = new byte[Math.max(0, end - colon - 1)];
    in.get(colon + 1, bytes);
    return new String(bytes, StandardCharsets.UTF_8).strip();
  }

  private void grow() throws ProtocolException {
    if (in.capacity() >= LARGEST_HEAD) {
      throw new ProtocolException("the head of a response is larger than " + LARGEST_HEAD);
    }
    ByteBuffer larger = ByteBuffer.allocateDirect(in.capacity() * 2);
    in = larger.put(in.flip());
  }

  /** The status, 200 or higher, once the response is complete. */
  int status() {
    return status;
  }

  /** Bytes of the body. */
  long bodyBytes() {
    return bodyBytes;
  }

  /** Whether the body is not the one that was expected. */
  boolean differs() {
    return compares && (differs || bodyBytes != wanted.limit());
  }

  /** Headers that stand for a record of a batch, of either protocol. */
  int records() {
    return records;
  }

  /** Headers that say that a record of a batch failed. */
  int recordErrors() {
    return recordErrors;
  }

  /** Whether the server said {@code x-reduct-last: true}. */
  boolean last() {
    return last;
  }

  /** Whether the server will close the connection. */
  boolean close() {
    return close;
  }

  /** The first {@code x-reduct-error} of any kind; empty if there is none. */
  String error() {
    return error;
  }

  /** The body, if it was asked for. */
  String bodyText() {
    return new String(body, StandardCharsets.UTF_8);
  }

  /** When the head was complete, on the clock of {@link System#nanoTime}. */
  long headNanos() {
    return headNanos;
  }
}
