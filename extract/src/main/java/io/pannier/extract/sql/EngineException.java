package io.pannier.extract.sql;

/** A request cannot be answered, for a reason that its sender is told. */
final class EngineException extends Exception {
  private static final long serialVersionUID = 1L;
  private final Reply.Fault fault;

  EngineException(Reply.Fault fault, String message) {
    super(message, null, false, false);
    this.fault = fault;
  }

  Reply.Fault fault() {
    return fault;
  }
}
