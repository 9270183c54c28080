package io.pannier.cli.client;

import picocli.CommandLine.Option;

/** Removes something for good, once it is certain that this is meant. */
abstract class RemovalCommand extends ClientCommand {
  @Option(
      names = {"-y", "--yes"},
      description = "Do not ask for confirmation")
  private boolean yes;

  /** Asks whether it is meant, unless that was said already. */
  final boolean confirm(String question) {
    return confirm(yes, question);
  }

  /**
   * Removes it, or says that it was not removed.
   *
   * @param kind what it is, in lower case
   */
  final int remove(String kind, String name, Runnable removal) {
    boolean meant = confirm("Are you sure you want to delete " + kind + " '" + name + "'?");
    if (meant) {
      removal.run();
    }
    String told = Character.toUpperCase(kind.charAt(0)) + kind.substring(1) + " '" + name + "' ";
    done(told + (meant ? "deleted" : "not deleted"));
    return Exit.OK;
  }
}
