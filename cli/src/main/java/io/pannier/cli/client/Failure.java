package io.pannier.cli.client;

/** A command cannot do what it was asked; the message is for the user as it is. */
final class Failure extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private final int exit;

  Failure(int exit, String message) {
    super(message, null, false, false);
    this.exit = exit;
  }

  /** Something failed. */
  Failure(String message) {
    this(Exit.FAILED, message);
  }

  /** An argument is not what it must be. */
  static Failure value(String text, String parameter) {
    return new Failure(Exit.USAGE, "invalid value '" + text + "' for '" + parameter + "'");
  }

  /** An argument is not what it must be, and why. */
  static Failure value(String text, String parameter, String why) {
    return new Failure(Exit.USAGE, "invalid value '" + text + "' for '" + parameter + "': " + why);
  }

  int exit() {
    return exit;
  }
}
