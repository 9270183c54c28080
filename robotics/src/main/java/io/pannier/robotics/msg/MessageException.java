package io.pannier.robotics.msg;

/** Bytes that are no message of a definition, or values that do not fit it. */
public final class MessageException extends Exception {
  private static final long serialVersionUID = 1;

  /** Names what does not fit. */
  public MessageException(String message) {
    super(message);
  }

  /** Names what does not fit, and what found it. */
  public MessageException(String message, Throwable cause) {
    super(message, cause);
  }
}
