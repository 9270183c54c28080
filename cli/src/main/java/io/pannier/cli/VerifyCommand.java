package io.pannier.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.model.Clock;
import io.pannier.model.PannierException;
import io.pannier.model.SystemClock;
import io.pannier.store.StoreRefused;
import io.pannier.store.Verification;
import io.pannier.store.Verifier;
import io.pannier.store.disk.Disk;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Checks every byte of a data folder, or of a running server. */
@Command(
    name = "verify",
    mixinStandardHelpOptions = true,
    description =
        "Checks every record, index, change and journal of a data folder, or of a running server."
            + " Writes nothing.",
    footer = {
      "",
      "DAMAGE     bytes are not those that were written",
      "PAST_LOSS  was lost before, at a power cut or by damage, and reported then",
      "ORPHAN     a file that belongs to nothing",
      "NOTE       not wrong; the next start takes care of it",
      "",
      "Of a server the token is taken from --token-file, --token, or PANNIER_TOKEN or RS_API_TOKEN."
    },
    exitCodeListHeading = "%nExit code:%n",
    exitCodeList = {
      "0:nothing is damaged",
      "1:something is damaged",
      "2:not a store, in use, or unreadable"
    })
final class VerifyCommand implements Callable<Integer> {
  private static final long PROGRESS_NANOS = TimeUnit.SECONDS.toNanos(1);

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "DIR|URL",
      description =
          "The data folder (default: that of serve; with RS_REMOTE_BACKEND_TYPE=s3 the store in S3,"
              + " together with its local folder), or the address of a server.")
  private @Nullable String place;

  @Option(names = "--json", description = "One JSON object a line: each finding, then the sums.")
  private boolean json;

  @Option(
      names = "--in-use",
      description =
          "Go on although a server uses the folder; what it writes meanwhile can look like damage."
              + " Of a store in S3 what is there is checked, without the local folder.")
  private boolean inUse;

  @Option(
      names = {"-q", "--quiet"},
      description = "No progress.")
  private boolean quiet;

  @Mixin private RemoteOptions remote = new RemoteOptions();

  @Spec private @Nullable CommandSpec spec;

  private final Map<String, String> variables;

  VerifyCommand() {
    this(System.getenv());
  }

  VerifyCommand(Map<String, String> variables) {
    this.variables = variables;
  }

  @Override
  public Integer call() {
    CommandSpec here = java.util.Objects.requireNonNull(spec);
    PrintWriter out = here.commandLine().getOut();
    PrintWriter err = here.commandLine().getErr();
    String given = place;
    if (given != null && RemoteOptions.isUrl(given)) {
      try {
        return ofServer(given, out, err);
      } finally {
        out.flush();
        err.flush();
      }
    }
    Path folder = given == null ? null : Path.of(given);
    var progress = new Lines(err);
    Optional<DataDisk.Looked> looked;
    try {
      looked = DataDisk.forReading(folder, inUse, variables, err);
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
    String dir = looked.get().name();
    try (Disk disk = looked.get().disk()) {
      Verifier.Progress shown = quiet ? Verifier.Progress.NONE : progress;
      Verification found = inUse ? Verifier.runInUse(disk, shown) : Verifier.run(disk, shown);
      if (json) {
        printJson(out, dir, found);
      } else {
        print(out, dir, found);
      }
      return found.isClean() ? ExitCodes.OK : ExitCodes.DAMAGE;
    } catch (NoSuchFileException missing) {
      err.println("There is no " + missing.getMessage());
    } catch (StoreRefused refused) {
      err.println(refused.getMessage());
    } catch (PannierException | IOException failed) {
      err.println(dir + " cannot be read: " + failed.getMessage());
    } finally {
      out.flush();
      err.flush();
    }
    return ExitCodes.UNUSABLE;
  }

  private int ofServer(String url, PrintWriter out, PrintWriter err) {
    Map<String, Object> sums = Map.of();
    try (Remote server = remote.connect(url, variables);
        Remote.Answer answer = server.send("POST", "verify", HttpRequest.BodyPublishers.noBody())) {
      var lines = new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8));
      var progress = new Lines(err);
      for (String text = lines.readLine(); text != null; text = lines.readLine()) {
        JsonNode line = Json.parse(text);
        if (line.has("at")) {
          if (!quiet) {
            progress.at(
                line.path("at").asText(),
                line.path("done").asLong(),
                line.path("planned").asLong());
          }
        } else if (line.has("finding")) {
          String finding = line.path("finding").asText();
          String path = line.path("path").asText();
          String said = line.path("text").asText();
          if (json) {
            Json.line(out, Map.of("finding", finding, "path", path, "text", said));
          } else {
            out.println(finding + "  " + path + "  " + said);
          }
        } else {
          sums = Json.fields(line);
        }
      }
    } catch (RemoteFailed | PannierException refused) {
      err.println(refused.getMessage());
      return ExitCodes.UNUSABLE;
    } catch (IOException failed) {
      err.println(url + " cannot be verified: " + failed.getMessage());
      return ExitCodes.UNUSABLE;
    }
    if (sums.isEmpty()) {
      err.println(url + " cannot be verified: the answer was cut short");
      return ExitCodes.UNUSABLE;
    }
    boolean isClean = Boolean.TRUE.equals(sums.get("clean"));
    if (json) {
      var all = new LinkedHashMap<String, Object>();
      all.put("server", url);
      all.putAll(sums);
      Json.line(out, all);
    } else {
      out.println(
          url
              + ": "
              + sums.get("buckets")
              + " buckets, "
              + sums.get("entries")
              + " entries, "
              + sums.get("blocks")
              + " blocks, "
              + sums.get("records")
              + " records, "
              + sums.get("bytes")
              + " bytes read");
      out.println(isClean ? "Nothing is damaged." : "Something is damaged.");
    }
    return isClean ? ExitCodes.OK : ExitCodes.DAMAGE;
  }

  /** At most one line a second, so that a log stays readable and a person knows that it goes on. */
  private static final class Lines implements Verifier.Progress {
    private final PrintWriter err;
    private final Clock clock = new SystemClock();
    private long last = clock.monotonicNanos();

    Lines(PrintWriter err) {
      this.err = err;
    }

    @Override
    public void at(String path, long done, long planned) {
      long now = clock.monotonicNanos();
      if (now - last >= PROGRESS_NANOS) {
        last = now;
        long percent = planned == 0 ? 100 : 100 * done / planned;
        err.println(path + ": " + percent + " % of " + planned / 1_000_000 + " MB of its bucket");
        err.flush();
      }
    }
  }

  static void print(PrintWriter out, String dir, Verification found) {
    for (Verification.Finding finding : found.findings()) {
      out.println(finding.kind() + "  " + finding.path() + "  " + finding.text());
    }
    out.println(
        dir
            + ": "
            + found.buckets()
            + " buckets, "
            + found.entries()
            + " entries, "
            + found.blocks()
            + " blocks, "
            + found.records()
            + " records, "
            + found.bytes()
            + " bytes read");
    for (Verification.Kind kind : Verification.Kind.values()) {
      if (found.count(kind) > 0) {
        out.println(found.count(kind) + " x " + kind);
      }
    }
    out.println(found.isClean() ? "Nothing is damaged." : "Something is damaged.");
  }

  static void printJson(PrintWriter out, String dir, Verification found) {
    for (Verification.Finding finding : found.findings()) {
      Json.line(
          out,
          Map.of(
              "finding",
              finding.kind().toString(),
              "path",
              finding.path(),
              "text",
              finding.text()));
    }
    var sums = new LinkedHashMap<String, Object>();
    sums.put("folder", dir);
    sums.put("clean", found.isClean());
    sums.put("buckets", found.buckets());
    sums.put("entries", found.entries());
    sums.put("blocks", found.blocks());
    sums.put("records", found.records());
    sums.put("bytes", found.bytes());
    for (Verification.Kind kind : Verification.Kind.values()) {
      sums.put(kind.toString(), found.count(kind));
    }
    Json.line(out, sums);
  }
}
