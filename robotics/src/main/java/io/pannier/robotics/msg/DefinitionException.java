package io.pannier.robotics.msg;

/** A message definition that cannot be understood; the message names line and reason. */
public final class DefinitionException extends Exception {
  private static final long serialVersionUID = 1;

  DefinitionException(String message) {
    super(message);
  }
}
