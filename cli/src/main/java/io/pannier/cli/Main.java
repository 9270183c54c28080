package io.pannier.cli;

import io.pannier.cli.demo.DemoCommand;
import io.pannier.cli.tls.TlsCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The {@code pannier} command: a list of its subcommands. */
@Command(
    name = "pannier",
    mixinStandardHelpOptions = true,
    version = "pannier " + Main.VERSION,
    description = "A time-series store for the blobs of robots; speaks the ReductStore HTTP API.",
    subcommands = {
      ServeCommand.class,
      SettingsCommand.class,
      TokenCommand.class,
      MetricsCommand.class,
      VerifyCommand.class,
      DescribeCommand.class,
      TlsCommand.class,
      DemoCommand.class,
      BackupCommand.class,
      RestoreCommand.class,
      ScrubCommand.class,
      AotTrainingCommand.class
    })
public final class Main {
  /** What this program calls itself. */
  public static final String VERSION = "0.1.0";

  private Main() {}

  /** The command line, ready to be run; a test gives it other writers. */
  static CommandLine commandLine() {
    return new CommandLine(new Main());
  }

  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }
}
