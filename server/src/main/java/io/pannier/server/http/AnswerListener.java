package io.pannier.server.http;

/** Hears how an exchange was answered. */
@FunctionalInterface
public interface AnswerListener {
  /**
   * The exchange is answered: its response is on its way, or would be if the client had waited for
   * it. On the event loop; must neither block nor throw.
   *
   * @param head status and header fields of the response
   * @param nanos since the head of the request was there
   */
  void answered(Exchange exchange, Response head, long nanos);
}
