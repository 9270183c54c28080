package io.pannier.server.http;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The body of a request as a stream, for one worker thread at a time. Every method that waits fails
 * with {@link ClientGone} when the connection dies, and with {@code
 * PannierException.BadRequest("Timeout while receiving data")} when the client stalls. The first
 * wait is what makes a client that sent {@code Expect: 100-continue} begin to send.
 */
public interface BodyReader {
  /**
   * Copies what is there, waiting for at least one byte. Returns the number of bytes, 0 only if the
   * target is full, -1 at the end.
   */
  int read(ByteBuffer target);

  /**
   * The next bytes without a copy, at least one, or null at the end. The buffer is direct as a
   * rule, read-only, and valid until the next call on this reader or the return of the handler.
   */
  @Nullable ByteBuffer next();

  /** Reads to the end. Throws {@code PannierException.BadRequest} when there is more than that. */
  byte[] readAll(int maxBytes);

  /**
   * Reads to the end and throws away, so that the connection can serve another request. The server
   * does it by itself before it answers.
   */
  void drain();

  /** Bytes handed out so far. */
  long receivedBytes();
}
