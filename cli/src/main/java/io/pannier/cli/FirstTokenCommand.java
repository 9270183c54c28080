package io.pannier.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Prints the token that the first start made, and nothing else, so that it can stand in a script.
 */
@Command(
    name = "first-token",
    mixinStandardHelpOptions = true,
    description = "Print the token with full access that the first start made.",
    footer = {
      "",
      "One that was rotated or removed through the API since then is printed all the same; a token that a setting gave is not kept."
    },
    exitCodeListHeading = "%nExit code:%n",
    exitCodeList = {"0:printed", "2:there is none, or it cannot be read"})
final class FirstTokenCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "The data folder (default: that of serve).")
  private @Nullable Path folder;

  @Option(names = "--json", description = "As a JSON object.")
  private boolean json;

  private final Map<String, String> variables;

  FirstTokenCommand() {
    this(System.getenv());
  }

  FirstTokenCommand(Map<String, String> variables) {
    this.variables = variables;
  }

  @Override
  public Integer call() {
    CommandSpec command = Objects.requireNonNull(spec);
    PrintWriter out = command.commandLine().getOut();
    PrintWriter err = command.commandLine().getErr();
    Path data = (folder != null ? folder : DataFolder.of(variables)).toAbsolutePath().normalize();
    try {
      Optional<String> token = GeneratedToken.kept(data);
      if (token.isPresent()) {
        if (json) {
          Json.line(out, Map.of("token", token.get()));
        } else {
          out.println(token.get());
        }
        out.flush();
        return ExitCodes.OK;
      }
      err.println(
          "There is no token in "
              + data
              + ": no server was started there yet, or a setting gives it its token");
    } catch (AccessDeniedException denied) {
      err.println("No permission for " + denied.getFile());
    } catch (IOException failed) {
      err.println(data + " cannot be read: " + failed.getMessage());
    }
    err.flush();
    return ExitCodes.UNUSABLE;
  }
}
