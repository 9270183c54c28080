package io.pannier.cli.demo;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The list of demonstrations. */
@Command(
    name = "demo",
    description = "Show on this machine what a fleet of robots does, with real processes.",
    mixinStandardHelpOptions = true,
    subcommands = {ReplicationDemoCommand.class, CloudDemoCommand.class, S3Command.class})
public final class DemoCommand implements Runnable {
  @Spec private @Nullable CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        Objects.requireNonNull(spec).commandLine(),
        "Which one? For instance: pannier demo replication");
  }
}
