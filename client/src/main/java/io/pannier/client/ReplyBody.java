package io.pannier.client;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * The body of an answer, read from its connection as it comes: of a length that was said, in
 * chunks, or up to the end of the connection.
 */
final class ReplyBody extends InputStream {
  private static final int LINE_MAX = 8 * 1024;
  private static final long CHUNKED = -1;
  private static final long TO_THE_END = -2;

  private final InputStream in;
  private final Runnable atEnd;
  private final long kind;

  /** Bytes that are left of the body, or of the chunk. */
  private long left;

  private boolean first = true;
  private boolean ended;

  private ReplyBody(InputStream in, long length, Runnable atEnd) {
    this.in = in;
    this.atEnd = atEnd;
    this.kind = length;
    left = Math.max(0, length);
    if (length == 0) {
      end();
    }
  }

  /**
   * The body that these headers announce.
   *
   * @param without whether there is none, whatever they say
   * @param atEnd told once, when all of it was read
   */
  static ReplyBody of(
      InputStream in, Map<String, List<String>> headers, boolean without, Runnable atEnd)
      throws IOException {
    if (without) {
      return new ReplyBody(in, 0, atEnd);
    }
    String coding = String.join(",", headers.getOrDefault("transfer-encoding", List.of()));
    if (coding.toLowerCase(java.util.Locale.ROOT).endsWith("chunked")) {
      return new ReplyBody(in, CHUNKED, atEnd);
    }
    List<String> lengths = headers.get("content-length");
    if (lengths == null) {
      return new ReplyBody(in, TO_THE_END, atEnd);
    }
    try {
      long length = Long.parseLong(lengths.getFirst());
      if (length >= 0) {
        return new ReplyBody(in, length, atEnd);
      }
    } catch (NumberFormatException malformed) {
      throw new IOException("malformed length in the answer", malformed);
    }
    throw new IOException("malformed length in the answer");
  }

  private void end() {
    if (!ended) {
      ended = true;
      atEnd.run();
    }
  }

  /** Whether all of it was read. */
  boolean isAtEnd() {
    return ended;
  }

  @Override
  public int read() throws IOException {
    var one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] bytes, int from, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (kind == CHUNKED && left == 0 && !ended) {
      nextChunk();
    }
    if (ended) {
      return -1;
    }
    int some = kind == TO_THE_END ? length : (int) Math.min(length, left);
    int got = in.read(bytes, from, some);
    if (got < 0) {
      if (kind == TO_THE_END) {
        end();
        return -1;
      }
      throw new EOFException("connection was closed in the middle of the answer");
    }
    if (kind != TO_THE_END) {
      left -= got;
      if (left == 0 && kind != CHUNKED) {
        end();
      }
    }
    return got;
  }

  private void nextChunk() throws IOException {
    if (!first) {
      line();
    }
    first = false;
    String line = line();
    int semicolon = line.indexOf(';');
    try {
      left = Long.parseLong((semicolon < 0 ? line : line.substring(0, semicolon)).strip(), 16);
    } catch (NumberFormatException malformed) {
      throw new IOException("malformed chunk in the answer", malformed);
    }
    if (left < 0) {
      throw new IOException("malformed chunk in the answer");
    }
    if (left == 0) {
      while (!line().isEmpty()) {
        // Trailers say nothing that anybody asked for.
      }
      end();
    }
  }

  private String line() throws IOException {
    var bytes = new ByteArrayOutputStream(16);
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        throw new EOFException("connection was closed in the middle of the answer");
      }
      if (bytes.size() >= LINE_MAX) {
        throw new IOException("line of the answer is too long");
      }
      bytes.write(b);
    }
    return bytes.toString(StandardCharsets.UTF_8).strip();
  }
}
