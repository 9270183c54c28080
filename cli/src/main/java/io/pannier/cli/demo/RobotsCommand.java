package io.pannier.cli.demo;

import io.pannier.cli.ExitCodes;
import io.pannier.cli.client.Terminal;
import io.pannier.cli.tls.TlsException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** A demonstration in which robots record: what can be said about it, and how it ends. */
abstract class RobotsCommand implements Callable<Integer> {
  private static final int SECONDS_MIN = 3;

  /** What is shown, with all its processes. */
  interface Demo extends AutoCloseable {
    /** Shows it; false when something is missing in the end. */
    boolean run() throws IOException, TlsException, InterruptedException;

    /** Ends every process, also from another thread. */
    @Override
    void close();
  }

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      description = "How long the robots record (${DEFAULT-VALUE}).")
  private int seconds;

  @Option(
      names = "--robots",
      paramLabel = "N",
      description = "How many robots, each with a bucket of its own (${DEFAULT-VALUE}).")
  private int robots;

  @Option(
      names = "--keep",
      paramLabel = "DIR",
      description = "Work in this empty folder and leave everything there.")
  private @Nullable Path keep;

  @Option(names = "--json", description = "One JSON object per line of progress, and the result.")
  private boolean json;

  /** With what is usual for this demonstration. */
  RobotsCommand(int seconds, int robots) {
    this.seconds = seconds;
    this.robots = robots;
  }

  /** The demonstration, not begun. */
  abstract Demo demo(int seconds, int robots, Optional<Path> keep, Teller teller);

  /** What is wrong with the options of this demonstration alone; empty: nothing. */
  String mistake() {
    return "";
  }

  @Override
  public final Integer call() {
    CommandSpec command = Objects.requireNonNull(spec);
    PrintWriter out = command.commandLine().getOut();
    PrintWriter err = command.commandLine().getErr();
    String mistake =
        seconds < SECONDS_MIN || robots < 1 || robots > 20
            ? "--seconds must be at least " + SECONDS_MIN + ", --robots from 1 to 20"
            : mistake();
    if (!mistake.isEmpty()) {
      err.println(mistake);
      return ExitCodes.UNUSABLE;
    }
    Teller teller = Teller.of(out, json, Terminal.console() != null);
    try (Demo demo = demo(seconds, robots, Optional.ofNullable(keep), teller)) {
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

  private static void removeHook(Thread stop) {
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
