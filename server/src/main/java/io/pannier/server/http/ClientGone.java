package io.pannier.server.http;

/**
 * The connection died, or the server cut it, while a request was read or a response written. Nobody
 * is left to be told; let it pass.
 */
public final class ClientGone extends RuntimeException {
  private static final long serialVersionUID = 1L;

  ClientGone(String message) {
    super(message, null, false, false);
  }
}
