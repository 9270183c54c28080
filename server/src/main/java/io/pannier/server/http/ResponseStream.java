package io.pannier.server.http;

import java.nio.ByteBuffer;

/**
 * The body of a response, written by one worker thread at a time. Small writes are gathered; large
 * ones go to the socket without a copy. Memory is bounded: a write waits for a slow client, and
 * fails with {@link ClientGone} when the connection died or the client took nothing for the
 * operation timeout. Must be closed before the blocking handler returns; otherwise the connection
 * is cut.
 */
public interface ResponseStream extends AutoCloseable {
  /**
   * Writes the bytes between position and limit, moving the position. On return the buffer is the
   * caller's again.
   */
  void write(ByteBuffer source);

  /**
   * Gives the bytes away: returns as soon as few enough bytes are under way, so that the caller may
   * fill another buffer meanwhile. The source must stay untouched until {@code release} runs:
   * exactly once, on any thread, whether the bytes were sent or not, also when this throws.
   */
  void write(ByteBuffer source, Runnable release);

  /** Hands everything gathered so far to the socket without waiting for it. */
  void flush();

  /**
   * Ends the body. If fewer bytes were written than the head announced, the connection is cut, so
   * that the client notices. Never waits for the client and never throws because it is gone.
   * Without effect after {@link #abort}.
   */
  @Override
  void close();

  /** Cuts the connection: what the client has got so far must not look like a whole response. */
  void abort();

  /** As {@link #abort()}, and the log tells why; not where nobody waits any more. */
  void abort(Throwable cause);
}
