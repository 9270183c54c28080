package io.pannier.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelFuture;
import java.net.InetSocketAddress;

/**
 * What carries one exchange: an HTTP/1 connection, or one stream of an HTTP/2 connection. Used on
 * its event loop, except where it says so.
 */
interface Link {
  /** From any thread. */
  HttpServer server();

  /** From any thread. */
  ByteBufAllocator alloc();

  /** From any thread. */
  InetSocketAddress remoteAddress();

  /** Number of the connection. From any thread. */
  long number();

  /** Whether this is the event loop. From any thread. */
  boolean isOnLoop();

  /** Runs a task on the loop; false if the loop has ended. From any thread. */
  boolean execute(Runnable task);

  /** The time, in nanoseconds of the server's clock. From any thread. */
  long now();

  /** When bytes of this exchange arrived last. */
  long lastRead();

  /** Whether nothing can be sent any more. */
  boolean isDead();

  // ------------------------------------------------------------------------------------ body in

  /** Whether the reader of the body has enough for now. */
  void setBodyPaused(boolean paused);

  /** Whether the exchange waits for memory. */
  void setBudgetPaused(boolean paused);

  /** Tells a client that waits for it to send its body. */
  void writeContinue();

  /** So many bytes of the body were taken by a worker. On that worker. */
  void bodyTaken(int bytes);

  /** So many bytes of the body were used or thrown away on the loop. */
  void bodyUsed(int bytes);

  /**
   * Whether a response may end while the client still sends. If not, the rest of the body must be
   * read first, or the connection ends.
   */
  boolean answersEarly();

  // ------------------------------------------------------------------------------------ response

  /**
   * Writes a response.
   *
   * @param bodyless whether the body is left out, as for {@code HEAD}
   * @param close whether the connection ends behind it
   * @param linger whether the client may still be sending then
   */
  void write(Response response, boolean bodyless, boolean close, boolean linger);

  /** Writes the head of a streamed response; without a flush. */
  void writeHead(Response head, long contentLength, boolean chunked, boolean close);

  /** Writes a piece of a streamed response, which is then the link's; without a flush. */
  ChannelFuture writeBody(ByteBuf bytes, boolean chunked);

  /** Writes the end of a streamed response; without a flush. */
  ChannelFuture writeEnd(boolean chunked);

  /** Flushes, unless that will happen anyway when what was read has been looked at. */
  void flushUnlessReading();

  /** Ends the connection when a write is done. */
  void closeAfter(ChannelFuture done, boolean linger);

  /** Ends the exchange in the middle: the client must notice. From any thread. */
  void cut();

  /** {@link #cut} where the end of the connection would mean the end of the body. */
  void cutUntilClose();

  /** The exchange is over as far as this link is concerned. */
  void ended(HttpExchange exchange);
}
