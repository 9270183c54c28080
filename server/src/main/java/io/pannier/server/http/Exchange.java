package io.pannier.server.http;

import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * One request and its one response. An HTTP/1 connection has one at a time: the next request waits
 * until the answer of this one is on its way. An HTTP/2 connection has up to a hundred; what is
 * said here of the connection then holds for the stream of the exchange.
 *
 * <p>The head of the request may be read from any thread. The exchange ends by exactly one of
 * {@link #respond} and {@link #startResponse}.
 */
public interface Exchange {
  /** As sent: {@code GET}, {@code POST}, … */
  String method();

  /**
   * The raw path, still percent-encoded, beginning with a slash ({@code *} in {@code OPTIONS *}).
   */
  String path();

  /** What follows the question mark, raw; empty if there is none. */
  String query();

  /** The first value of a field, as {@link #headerValue}, or null. */
  @Nullable String header(String lowerCaseName);

  /**
   * Number of header fields. They keep the order in which they were sent; repeated ones are all
   * there.
   */
  int headerCount();

  /** A field's name in lower case. */
  String headerName(int index);

  /** A field's value as text: decoded as UTF-8 when it is that, otherwise as ISO 8859-1. */
  String headerValue(int index);

  /** A field's value as sent, one character per byte. Equal to {@link #headerValue} for ASCII. */
  String rawHeaderValue(int index);

  /**
   * Length of the body as announced: 0 if there is none, -1 if it is coded or {@link #isChunked},
   * so that its length is unknown.
   */
  long contentLength();

  /** Whether the body is as long as it turns out to be: in chunks, or a stream without length. */
  boolean isChunked();

  /** What the request is called in the answer and in the log. From any thread. */
  String requestId();

  /** Says which route the request is one of; on the event loop, before the response. */
  void countAs(RouteMeter route);

  /** The socket's peer. */
  InetSocketAddress clientAddress();

  /**
   * Whether the connection is known to be dead. A client that merely stopped reading looks alive.
   */
  boolean isClientGone();

  /**
   * Calls back exactly once when the exchange is over: its response was handed to the socket, or
   * the connection died before. On the event loop; must not block. At once if it is over already.
   * For counters of requests in flight.
   */
  void onEnd(Runnable action);

  /**
   * Tells the listener, once, how the exchange was answered. To be called on the event loop, before
   * the response; for a record of calls, so it costs no more than a field.
   */
  void onAnswer(AnswerListener listener);

  /**
   * Gathers the whole body on the event loop, then calls back there, but on a worker where the body
   * is coded; within this call if the body is there already or empty. To be called on the event
   * loop, at most once. A body larger than {@code maxBytes} is answered 413, one that stalls 400;
   * the consumer is not called then, nor when the client goes away.
   */
  void receiveWhole(int maxBytes, BodyConsumer consumer);

  /**
   * Continues on a worker thread. From any thread, before the response. When all workers are busy
   * and their queue is full, the answer is 503 with {@code retry-after: 1} and the handler is not
   * called.
   */
  void block(BlockingHandler handler);

  /**
   * The body as a stream, in blocking code only; always the same reader. Codings that clients may
   * use ({@code gzip}, {@code zstd}) are undone.
   */
  BodyReader body();

  /**
   * Sends a complete response. From any thread, without waiting. What the client still sends of its
   * body is read and thrown away first. Does nothing when the client is gone; throws
   * IllegalStateException when there is a response already.
   */
  void respond(Response response);

  /**
   * Begins a response whose body is streamed, in blocking code only. The head gives status and
   * header fields; its {@link Response#contentLength} is announced, without one the body is sent in
   * chunks. For {@code HEAD} what is written is thrown away.
   */
  ResponseStream startResponse(Response head);
}
