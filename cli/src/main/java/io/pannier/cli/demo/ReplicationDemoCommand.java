package io.pannier.cli.demo;

import io.pannier.cli.ExitCodes;
import io.pannier.cli.client.Terminal;
import io.pannier.cli.tls.TlsException;
import io.pannier.model.SystemClock;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Robots record, the link to the cloud is cut and comes back, and nothing is missing there. */
@Command(
    name = "replication",
    description = {
      "Robots record camera pictures and IMU files into a store; what matters is copied to a second"
          + " store, over HTTPS with a CA of its own, through a link that is slow, cut, and breaks"
          + " in the middle. In the end both stores are compared record by record."
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Exit code 0 when both are equal, 1 when not or when something failed, 2 for wrong usage."
    })
final class ReplicationDemoCommand implements Callable<Integer> {
  private static final int SECONDS_MIN = 3;

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      description = "How long the robots record (${DEFAULT-VALUE}); the rest takes about ten more.")
  private int seconds = 20;

  @Option(
      names = "--robots",
      paramLabel = "N",
      description = "How many robots, each with a bucket of its own (${DEFAULT-VALUE}).")
  private int robots = 3;

  @Option(
      names = "--link-rate",
      paramLabel = "KB/S",
      description = "What the link carries, in kilobytes a second (${DEFAULT-VALUE}).")
  private int linkRate = 600;

  @Option(
      names = "--keep",
      paramLabel = "DIR",
      description = "Work in this empty folder and leave stores, certificates and logs there.")
  private @Nullable Path keep;

  @Option(names = "--json", description = "One JSON object per line of progress, and the result.")
  private boolean json;

  @Override
  public Integer call() {
    CommandSpec command = Objects.requireNonNull(spec);
    PrintWriter out = command.commandLine().getOut();
    PrintWriter err = command.commandLine().getErr();
    if (seconds < SECONDS_MIN || robots < 1 || robots > 20 || linkRate < 1) {
      err.println(
          "--seconds must be at least "
              + SECONDS_MIN
              + ", --robots from 1 to 20, --link-rate above 0");
      return ExitCodes.UNUSABLE;
    }
    var plan =
        new ReplicationDemo.Plan(seconds, robots, linkRate * 1000L, Optional.ofNullable(keep));
    try (var demo =
        new ReplicationDemo(
            plan, new SystemClock(), Teller.of(out, json, Terminal.console() != null))) {
      var stop = new Thread(demo::close, "demo-stop");
      Runtime.getRuntime().addShutdownHook(stop);
      try {
        return demo.run() ? ExitCodes.OK : ExitCodes.FAILED;
      } finally {
        removeHook(stop);
      }
    } catch (IOException | TlsException failed) {
      err.println("The demo cannot go on: " + failed.getMessage());
      return ExitCodes.FAILED;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return ExitCodes.FAILED;
    } finally {
      out.flush();
    }
  }

  static void removeHook(Thread stop) {
    try {
      Runtime.getRuntime().removeShutdownHook(stop);
    } catch (IllegalStateException stopping) {
      // The program is being stopped: the hook does its work, and nobody needs an answer.
      try {
        stop.join();
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
