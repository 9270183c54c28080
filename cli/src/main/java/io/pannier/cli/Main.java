package io.pannier.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** The {@code pannier} command: finds the one that is called among {@link Commands}. */
@Command(
    name = "pannier",
    mixinStandardHelpOptions = true,
    version = "pannier " + Main.VERSION,
    synopsisSubcommandLabel = "COMMAND",
    description = "A time-series store for the blobs of robots; speaks the ReductStore HTTP API.",
    footer = {"", "\"help COMMAND\" tells more about a command. docs/cli.md has the whole guide."})
public final class Main {
  /** What this program calls itself. */
  public static final String VERSION = "0.1.0";

  private Main() {}

  /** The command line with every command; a test gives it other writers. */
  static CommandLine commandLine() {
    return line(name(), EnumSet.allOf(Commands.class));
  }

  /** What it was called by: a link named {@code reduct-cli} or {@code rcli} works as those do. */
  private static String name() {
    return System.getProperty("pannier.name", "pannier");
  }

  /**
   * The command line for these arguments: commands that they do not call are there by name only.
   */
  static CommandLine commandLine(String name, List<String> arguments) {
    String word = arguments.isEmpty() ? "" : arguments.getFirst();
    Set<Commands> needed =
        word.equals("help") ? EnumSet.allOf(Commands.class) : EnumSet.noneOf(Commands.class);
    for (Commands command : Commands.values()) {
      if (command.isCalled(word)) {
        needed.add(command);
      }
    }
    return line(name, needed);
  }

  /**
   * The command line.
   *
   * @param needed commands that are more than a name and a description
   */
  private static CommandLine line(String name, Set<Commands> needed) {
    var line = new CommandLine(new Main());
    line.setCommandName(name);
    for (Commands command : Commands.values()) {
      boolean isNeeded = needed.contains(command);
      if (command.description().isEmpty() && (!isNeeded || needed.size() > 1)) {
        continue; // not for users, and not in any list
      }
      Object made = isNeeded ? command.make() : stub(command);
      line.addSubcommand(command.word(), made, command.aliases().toArray(new String[0]));
    }
    line.addSubcommand("help", new CommandLine.HelpCommand());
    line.setParameterExceptionHandler((failure, arguments) -> {
      PrintWriter err = failure.getCommandLine().getErr();
      boolean isUnknown =
          failure.getCommandLine().getParent() == null
              && failure instanceof CommandLine.UnmatchedArgumentException;
      err.println(
          "error: "
              + (isUnknown
                  ? "unrecognized subcommand '" + arguments[0] + "'"
                  : failure.getMessage()));
      CommandLine.UnmatchedArgumentException.printSuggestions(failure, err);
      err.println();
      err.println("For more information, try '--help'.");
      err.flush();
      return ExitCodes.UNUSABLE;
    });
    return line;
  }

  /** A command for the list only. */
  private static CommandSpec stub(Commands command) {
    CommandSpec spec = CommandSpec.create().name(command.word());
    spec.usageMessage().description(command.description());
    return spec;
  }

  /** Runs one command line with these writers. */
  static int run(String name, PrintWriter out, PrintWriter err, String... arguments) {
    List<String> words = Words.inOrder(name, List.of(arguments));
    CommandLine line = commandLine(name, words);
    line.setOut(out).setErr(err);
    if (words.isEmpty()) {
      line.usage(err);
      err.flush();
      return ExitCodes.UNUSABLE;
    }
    return line.execute(words.toArray(new String[0]));
  }

  public static void main(String[] arguments) {
    // UTF-8 whatever the locale: names, labels and marks are.
    var out = new PrintWriter(System.out, false, StandardCharsets.UTF_8);
    var err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    System.exit(run(name(), out, err, arguments));
  }
}
