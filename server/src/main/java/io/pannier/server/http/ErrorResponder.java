package io.pannier.server.http;

/** The one place where a failure becomes a response. */
@FunctionalInterface
public interface ErrorResponder {
  /**
   * The answer to a failure: anything a handler threw, and what the transport itself finds wrong
   * with a well-formed request, as {@link io.pannier.model.PannierException}. Called on the event
   * loop or a worker thread; must not block. The transport has logged what is not a {@code
   * PannierException}; if this throws in turn, the answer is a plain 500.
   */
  Response answer(Throwable failure);
}
