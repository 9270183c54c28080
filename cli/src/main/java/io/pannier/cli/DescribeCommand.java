package io.pannier.cli;

import io.pannier.model.PannierException;
import io.pannier.store.Described;
import io.pannier.store.Describer;
import io.pannier.store.StoreRefused;
import io.pannier.store.disk.Disk;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Prints what stands in the files of a data folder. */
@Command(
    name = "describe",
    mixinStandardHelpOptions = true,
    description =
        "Prints what stands in the files of a data folder, structure by structure. Works beside a running server.",
    exitCodeListHeading = "%nExit code:%n",
    exitCodeList = {"0:described", "2:nothing of this name, or not a store"})
final class DescribeCommand implements Callable<Integer> {
  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "WHAT",
      defaultValue = "",
      description =
          "A bucket or BUCKET/ENTRY by name, or the path of a file or folder in the data folder (begin with ./ to force a path); without it,"
              + " an overview.")
  private String what = "";

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "The data folder (default: that of serve).")
  private @Nullable Path folder;

  @Option(names = "--json", description = "One JSON object a line.")
  private boolean json;

  @Spec private @Nullable CommandSpec spec;

  private final Map<String, String> variables;

  DescribeCommand() {
    this(System.getenv());
  }

  DescribeCommand(Map<String, String> variables) {
    this.variables = variables;
  }

  @Override
  public Integer call() {
    CommandSpec here = java.util.Objects.requireNonNull(spec);
    PrintWriter out = here.commandLine().getOut();
    PrintWriter err = here.commandLine().getErr();
    Optional<DataDisk.Looked> looked;
    try {
      looked = DataDisk.forReading(folder, false, variables, err);
    } catch (NoSuchFileException missing) {
      err.println("There is no " + missing.getMessage());
      err.flush();
      return ExitCodes.UNUSABLE;
    } catch (IOException failed) {
      err.println("Data cannot be read: " + failed.getMessage());
      err.flush();
      return ExitCodes.UNUSABLE;
    }
    if (looked.isEmpty()) {
      return ExitCodes.UNUSABLE;
    }
    Path dir = looked.get().folder();
    try (Disk disk = looked.get().disk()) {
      Describer.describe(disk, below(dir), line -> print(out, line));
      return ExitCodes.OK;
    } catch (NoSuchFileException missing) {
      err.println(
          missing.getReason() == null
              ? "There is no " + missing.getFile() + " in " + dir
              : missing.getMessage());
    } catch (StoreRefused refused) {
      err.println(refused.getMessage());
    } catch (PannierException | IOException | IllegalArgumentException failed) {
      err.println(dir + " cannot be read: " + failed.getMessage());
    } finally {
      out.flush();
      err.flush();
    }
    return ExitCodes.UNUSABLE;
  }

  /** A path may be given as the shell completes it. */
  private String below(Path dir) {
    Path path = Path.of(what);
    return path.isAbsolute() && path.startsWith(dir)
        ? "./" + dir.relativize(path.normalize())
        : what;
  }

  private void print(PrintWriter out, Described line) {
    if (!json) {
      out.println(line.text());
      return;
    }
    var fields = new LinkedHashMap<String, Object>();
    fields.put("kind", line.kind());
    fields.put("depth", line.depth());
    fields.putAll(line.fields());
    Json.line(out, fields);
  }
}
