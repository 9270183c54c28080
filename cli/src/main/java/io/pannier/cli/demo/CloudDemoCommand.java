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

/** From robots to a store in S3 that loses its machine, with a replica that reads along. */
@Command(
    name = "edge-to-cloud",
    description = {
      "Robots record into a store; what matters is copied over HTTPS to a cloud store whose data lies"
          + " in S3. The link is cut and comes back; the cloud store is killed and its local folder"
          + " deleted; it starts again from S3 alone, and a query by label is answered there and by"
          + " a replica. In the end all three are compared record by record."
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "S3 is spoken by MinIO when minio is on the PATH, else by a stand-in (pannier demo s3).",
      "A store that was killed holds its lease for 90 s: so long the demonstration waits.",
      "",
      "Exit code 0 when all are equal, 1 when not or when something failed, 2 for wrong usage."
    })
final class CloudDemoCommand implements Callable<Integer> {
  private static final int SECONDS_MIN = 3;

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      description = "How long the robots record (${DEFAULT-VALUE}); the rest takes two minutes.")
  private int seconds = 12;

  @Option(
      names = "--robots",
      paramLabel = "N",
      description = "How many robots, each with a bucket of its own (${DEFAULT-VALUE}).")
  private int robots = 2;

  @Option(
      names = "--keep",
      paramLabel = "DIR",
      description = "Work in this empty folder and leave stores, objects and logs there.")
  private @Nullable Path keep;

  @Option(names = "--json", description = "One JSON object per line of progress, and the result.")
  private boolean json;

  @Override
  public Integer call() {
    CommandSpec command = Objects.requireNonNull(spec);
    PrintWriter out = command.commandLine().getOut();
    PrintWriter err = command.commandLine().getErr();
    if (seconds < SECONDS_MIN || robots < 1 || robots > 20) {
      err.println("--seconds must be at least " + SECONDS_MIN + ", --robots from 1 to 20");
      return ExitCodes.UNUSABLE;
    }
    try (var demo =
        new CloudDemo(
            seconds,
            robots,
            Optional.ofNullable(keep),
            new SystemClock(),
            Teller.of(out, json, Terminal.console() != null))) {
      var stop = new Thread(demo::close, "demo-stop");
      Runtime.getRuntime().addShutdownHook(stop);
      try {
        return demo.run() ? ExitCodes.OK : ExitCodes.FAILED;
      } finally {
        ReplicationDemoCommand.removeHook(stop);
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
}
