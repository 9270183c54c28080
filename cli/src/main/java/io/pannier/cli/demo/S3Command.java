package io.pannier.cli.demo;

import io.pannier.cli.ExitCodes;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** A stand-in for S3 to try things with. */
@Command(
    name = "s3",
    description = {
      "A stand-in for an S3 server, on this machine only, to try a store in S3 without one. Objects"
          + " are files of a folder; every access key is taken. Not for data that matters."
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "It runs until it is told to stop. Then, for instance:",
      "  RS_REMOTE_BACKEND_TYPE=s3 RS_REMOTE_BUCKET=robots RS_REMOTE_ENDPOINT=http://127.0.0.1:9000"
    })
final class S3Command implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Parameters(index = "0", paramLabel = "DIR", description = "Folder of the objects.")
  private @Nullable Path folder;

  @Option(
      names = "--port",
      paramLabel = "N",
      description = "Port to listen on (${DEFAULT-VALUE}); 0 for any free one.")
  private int port = 9000;

  @Option(names = "--bucket", paramLabel = "NAME", description = "Make this bucket.")
  private String bucket = "robots";

  @Override
  public Integer call() {
    CommandSpec command = Objects.requireNonNull(spec);
    PrintWriter out = command.commandLine().getOut();
    Path objects = Objects.requireNonNull(folder);
    if (bucket.isEmpty() || !bucket.matches("[a-z0-9][a-z0-9.-]*")) {
      command.commandLine().getErr().println("--bucket must be of a-z, 0-9, '.' and '-'");
      return ExitCodes.UNUSABLE;
    }
    try (var stand = S3Stand.start(objects, port)) {
      java.nio.file.Files.createDirectories(objects.resolve(bucket));
      out.println("  address  " + stand.endpoint());
      out.println("  bucket   " + bucket);
      out.flush();
      new CountDownLatch(1).await();
      return ExitCodes.OK;
    } catch (IOException failed) {
      command
          .commandLine()
          .getErr()
          .println("It cannot listen on port " + port + ": " + failed.getMessage());
      return ExitCodes.FAILED;
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      return ExitCodes.OK;
    }
  }
}
