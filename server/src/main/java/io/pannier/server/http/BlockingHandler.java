package io.pannier.server.http;

/** Plain blocking code for one exchange, on a thread of the worker pool. */
@FunctionalInterface
public interface BlockingHandler {
  /**
   * May read the body, respond, or stream a response. May also return without having answered when
   * it has seen to it that somebody answers later. What it throws is answered through {@link
   * ErrorResponder}; {@link ClientGone} is not reported at all. The thread is never interrupted.
   */
  void handle(Exchange exchange) throws Exception;
}
