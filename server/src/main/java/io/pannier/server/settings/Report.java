package io.pannier.server.settings;

import java.util.List;

/**
 * What an environment says, and what is wrong with it. Nothing in it is secret.
 *
 * @param lines every variable, in the order of the table
 * @param warnings what does not stop the start
 * @param mistakes what does; each names the variable, its text and what was expected
 */
public record Report(List<Line> lines, List<String> warnings, List<String> mistakes) {
  /** Where a value comes from. */
  public enum Status {
    /** The environment, or the command line. */
    SET,
    /** Nowhere: it is not set. */
    DEFAULT,
    /** It is set to a text that cannot be read; the value is the default. */
    INVALID,
    /** The environment, and it has no effect here. */
    IGNORED
  }

  /**
   * One variable.
   *
   * @param name as it was set, else as documents write it
   * @param value in its own grammar; of secrets asterisks
   * @param isIgnored whether it has no effect, set or not
   * @param effect one sentence
   */
  public record Line(String name, String value, Status status, boolean isIgnored, String effect) {
    /** As a start shows it. */
    public String text() {
      if (status == Status.DEFAULT && value.isEmpty()) {
        return name + " (not set)";
      }
      return name
          + " = "
          + value
          + switch (status) {
            case SET -> "";
            case DEFAULT -> " (default)";
            case INVALID -> " (invalid)";
            case IGNORED -> " (ignored: " + effect + ")";
          };
    }
  }

  /** Copies the lists. */
  public Report {
    lines = List.copyOf(lines);
    warnings = List.copyOf(warnings);
    mistakes = List.copyOf(mistakes);
  }
}
