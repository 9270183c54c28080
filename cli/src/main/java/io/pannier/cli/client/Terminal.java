package io.pannier.cli.client;

import java.io.Console;
import org.jspecify.annotations.Nullable;

/** Whether a person is at the other end. */
public final class Terminal {
  private Terminal() {}

  /** The terminal; null when input or output is none. */
  @SuppressWarnings("SystemConsoleNull") // JDK 25's own console is null where there is no terminal
  public static @Nullable Console console() {
    Console console = System.console();
    return console != null && console.isTerminal() ? console : null;
  }
}
