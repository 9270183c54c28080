package io.pannier.server.http;

import java.nio.ByteBuffer;

/** Takes a request body that arrived whole. */
@FunctionalInterface
public interface BodyConsumer {
  /**
   * Called on the event loop; must not block. The buffer is valid until this returns or, when this
   * calls {@link Exchange#block}, until that handler returns. What it throws is answered through
   * {@link ErrorResponder}.
   *
   * @param body the bytes from position to limit, possibly none; direct as a rule
   */
  void accept(ByteBuffer body) throws Exception;
}
