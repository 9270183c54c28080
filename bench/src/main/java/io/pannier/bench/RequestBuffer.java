package io.pannier.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/**
 * The outgoing request of one connection. Its fixed part, headers and a small body, lies in a
 * direct buffer and is written once; the request line, which changes, is put before it from right
 * to left, and digits inside the fixed part can be patched. A large body is a view of a buffer that
 * all connections share.
 */
final class RequestBuffer {
  /** Bodies up to this many bytes are copied behind the headers: one buffer, one system call. */
  static final int EMBED_LIMIT = 128 * 1024;

  /** Room for a request line and a few headers before the fixed part, in bytes. */
  static final int SMALL_FRONT = 1024;

  private final ByteBuffer buffer;
  private final ByteBuffer[] both;
  private final int fixed;
  private final int embedded;
  private ByteBuffer body;
  private int front;

  /**
   * A request with a fixed part.
   *
   * @param room how many bytes can be prepended
   * @param head header lines, each with its line end, and the empty line
   * @param body what follows; position to limit
   */
  RequestBuffer(int room, String head, ByteBuffer body) {
    fixed = room;
    front = room;
    var bytes = ascii(head);
    boolean embed = body.remaining() <= EMBED_LIMIT;
    embedded = embed ? fixed + bytes.length : -1;
    buffer = ByteBuffer.allocateDirect(fixed + bytes.length + (embed ? body.remaining() : 0));
    buffer.put(fixed, bytes);
    if (embed) {
      buffer.put(fixed + bytes.length, body, body.position(), body.remaining());
    }
    this.body = embed ? ByteBuffer.allocate(0) : body.slice();
    both = new ByteBuffer[] {buffer, this.body};
  }

  /** A request whose line and first headers need less than 1 KB. */
  RequestBuffer(String head, ByteBuffer body) {
    this(SMALL_FRONT, head, body);
  }

  /** A request without body. */
  RequestBuffer(String head) {
    this(head, ByteBuffer.allocate(0));
  }

  static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** Forgets what was prepended. */
  void clear() {
    front = fixed;
  }

  /** Puts bytes before all that is there. */
  void prepend(byte[] bytes) {
    front -= bytes.length;
    buffer.put(front, bytes);
  }

  /** Puts a decimal number, not negative, before all that is there. */
  void prepend(long number) {
    long rest = number;
    do {
      buffer.put(--front, (byte) ('0' + rest % 10));
      rest /= 10;
    } while (rest != 0);
  }

  /**
   * Overwrites digits in the fixed part.
   *
   * @param offset where they are, from the beginning of the head
   * @param digits how many there are; the number must fill them
   */
  void patch(int offset, int digits, long number) {
    long rest = number;
    for (int at = fixed + offset + digits - 1; at >= fixed + offset; at--) {
      buffer.put(at, (byte) ('0' + rest % 10));
      rest /= 10;
    }
    if (rest != 0) {
      throw new IllegalStateException(number + " has more than " + digits + " digits");
    }
  }

  /** Replaces the body by one of the same length. */
  void body(ByteBuffer other) {
    if (embedded >= 0) {
      buffer.put(embedded, other, other.position(), other.remaining());
    } else {
      body = other;
      both[1] = other;
    }
  }

  /** Makes the request ready to be sent from its beginning. */
  void rewind() {
    buffer.limit(buffer.capacity()).position(front);
    body.rewind();
  }

  /** Sends as much as the channel takes; true when nothing is left. */
  boolean send(SocketChannel channel) throws IOException {
    if (!body.hasRemaining()) {
      channel.write(buffer);
    } else if (buffer.hasRemaining()) {
      channel.write(both);
    } else {
      channel.write(body);
    }
    return sent();
  }

  /** Whether everything was sent. */
  boolean sent() {
    return !buffer.hasRemaining() && !body.hasRemaining();
  }
}
