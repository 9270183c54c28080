package io.pannier.server.http;

/** What answers requests. */
@FunctionalInterface
public interface HttpHandler {
  /**
   * Decides how an exchange goes on. Called on the event loop as soon as the head of a request is
   * parsed, before its body is looked at. Must not block: it ends by one of {@link
   * Exchange#respond}, {@link Exchange#receiveWhole}, {@link Exchange#block}, or keeps the exchange
   * and calls one of these later from any thread. What it throws is answered through {@link
   * ErrorResponder}.
   */
  void handle(Exchange exchange) throws Exception;
}
