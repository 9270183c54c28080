package io.pannier.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.model.PannierException;
import io.pannier.model.SystemClock;
import io.pannier.model.SystemRandom;
import io.pannier.store.BackupFolder;
import io.pannier.store.BackupRestore;
import io.pannier.store.BackupSelection;
import io.pannier.store.RestoreStream;
import io.pannier.store.StoreRefused;
import io.pannier.store.TimeRange;
import io.pannier.store.Verification;
import io.pannier.store.disk.RealDisk;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.http.HttpRequest;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Brings a restore point back. */
@Command(
    name = "restore",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Brings a restore point back: as a data folder, or single buckets into a running server."
            + " Nothing of it is visible before all of it is there.",
    customSynopsis = {
      "pannier restore FOLDER --data DIR [options]              into an empty data folder",
      "       pannier restore FOLDER URL --bucket NAME [--as NEW] [options]   into a running server"
    },
    footer = {
      "",
      "A restore that was cut short is repeated with the same command.",
      "The token is taken from --token-file, --token, or the variable PANNIER_TOKEN or RS_API_TOKEN."
    },
    exitCodeListHeading = "%nExit code:%n",
    exitCodeList = {
      "0:done",
      "1:done, and something in the backup is damaged: everything else is there",
      "2:nothing was done: wrong usage, a bucket that exists, server or folder cannot be used"
    })
final class RestoreCommand implements Callable<Integer> {
  @Parameters(
      arity = "1..2",
      paramLabel = "FOLDER URL",
      description = "The folder of the backup, and the address of a server.")
  private List<String> arguments = List.of();

  @Option(names = "--data", paramLabel = "DIR", description = "An empty folder for the data.")
  private @Nullable Path data;

  @Option(
      names = "--point",
      paramLabel = "N",
      description = "The restore point (default: the newest).")
  private int point;

  @Option(
      names = "--bucket",
      paramLabel = "NAME",
      description = "Only this bucket; may be repeated.")
  private List<String> buckets = new ArrayList<>();

  @Option(names = "--as", paramLabel = "NAME", description = "Another name for the bucket.")
  private @Nullable String as;

  @Mixin private BackupOptions options = new BackupOptions();
  @Mixin private RemoteOptions remote = new RemoteOptions();

  @Spec private @Nullable CommandSpec spec;

  private final Map<String, String> variables;
  private boolean isDamaged;

  RestoreCommand() {
    this(System.getenv());
  }

  RestoreCommand(Map<String, String> variables) {
    this.variables = variables;
  }

  @Override
  public Integer call() {
    CommandSpec here = Objects.requireNonNull(spec);
    PrintWriter out = here.commandLine().getOut();
    PrintWriter err = here.commandLine().getErr();
    checkUsage(here);
    Path source = Path.of(arguments.getFirst()).toAbsolutePath().normalize();
    try (var folder = BackupFolder.toRead(RealDisk.forReading(source))) {
      List<Integer> points = folder.points();
      if (points.isEmpty() || (point != 0 && !points.contains(point))) {
        err.println(
            points.isEmpty()
                ? source + " has no restore point"
                : source + " has no restore point " + point + ", but " + points);
        return ExitCodes.UNUSABLE;
      }
      int chosen = point != 0 ? point : points.getLast();
      if (data != null) {
        intoFolder(folder, chosen, data.toAbsolutePath().normalize(), out, err);
      } else {
        intoServer(folder, chosen, out, err);
      }
      return isDamaged ? ExitCodes.DAMAGE : ExitCodes.OK;
    } catch (NoSuchFileException missing) {
      err.println("There is no " + missing.getMessage());
    } catch (StoreRefused | RemoteFailed | PannierException | IOException failed) {
      err.println("Restore failed: " + failed.getMessage());
    } finally {
      out.flush();
      err.flush();
    }
    return ExitCodes.UNUSABLE;
  }

  private void checkUsage(CommandSpec here) {
    String wrong = null;
    if (data != null && arguments.size() != 1) {
      wrong = "expected the folder of the backup, and --data";
    } else if (data == null && arguments.size() != 2) {
      wrong = "expected the folder of the backup and the address of a server, or --data DIR";
    } else if (data == null && !RemoteOptions.isUrl(arguments.getLast())) {
      wrong = "not an address: " + arguments.getLast() + "; for a folder give --data";
    } else if (data == null && buckets.isEmpty()) {
      wrong = "a running server takes single buckets: name them by --bucket";
    } else if (as != null && (data != null || buckets.size() != 1)) {
      wrong = "--as gives one bucket another name in a running server";
    } else if (point < 0) {
      wrong = "expected the number of a restore point behind --point";
    }
    if (wrong == null) {
      wrong = options.mistake();
    }
    if (wrong != null) {
      throw new ParameterException(here.commandLine(), wrong);
    }
  }

  private void intoFolder(
      BackupFolder folder, int chosen, Path dir, PrintWriter out, PrintWriter err)
      throws IOException {
    BackupRestore.Report report;
    try (var target = new RealDisk(dir);
        var progress = options.progress(err, "restore")) {
      report =
          BackupRestore.run(
              folder,
              chosen,
              new BackupSelection(buckets, options.range()),
              target,
              Service.holder(),
              new SystemClock(),
              SystemRandom.secure(),
              progress);
    }
    report.damage().forEach(finding -> damage(out, finding));
    if (options.json()) {
      var fields = new LinkedHashMap<String, Object>();
      fields.put("folder", dir.toString());
      fields.put("point", chosen);
      fields.put("buckets", report.buckets());
      fields.put("entries", report.entries());
      fields.put("blocks", report.blocks());
      fields.put("records", report.records());
      fields.put("bytes", report.bytes());
      fields.put("documents", report.documents());
      fields.put("damaged", report.damage().size());
      Json.line(out, fields);
    } else {
      out.println(
          dir
              + " holds restore point "
              + chosen
              + ": "
              + report.buckets()
              + " buckets, "
              + report.entries()
              + " entries, "
              + report.records()
              + " records, "
              + Amounts.bytes(report.bytes()));
    }
  }

  private void damage(PrintWriter out, Verification.Finding finding) {
    if (finding.kind() == Verification.Kind.DAMAGE) {
      damage(out, finding.path(), finding.text());
    }
  }

  private void damage(PrintWriter out, String path, String text) {
    isDamaged = true;
    if (options.json()) {
      Json.line(out, Map.of("damage", path, "text", text));
    } else {
      out.println("DAMAGE  " + path + "  " + text);
    }
  }

  private void intoServer(BackupFolder folder, int chosen, PrintWriter out, PrintWriter err)
      throws IOException {
    try (Remote server = remote.connect(arguments.getLast(), variables)) {
      for (String bucket : buckets) {
        String name = as != null ? as : bucket;
        refuseExisting(server, name);
        restore(folder, chosen, server, bucket, name, out, err);
      }
    }
  }

  /** So that nobody sends gigabytes to be told that there is such a bucket. */
  private static void refuseExisting(Remote server, String name) throws IOException {
    try (var there =
        server.send("GET", "b/" + Remote.segment(name), HttpRequest.BodyPublishers.noBody())) {
      throw new RemoteFailed(
          there.response().statusCode(),
          "Bucket '" + name + "' already exists; give another name by --as");
    } catch (RemoteFailed refused) {
      if (refused.status() != 404) {
        throw refused;
      }
    }
  }

  private void restore(
      BackupFolder folder,
      int chosen,
      Remote server,
      String bucket,
      String name,
      PrintWriter out,
      PrintWriter err)
      throws IOException {
    JsonNode told;
    try (var progress = options.progress(err, "restore " + name);
        var stream = RestoreStream.of(folder, chosen, bucket, progress)) {
      TimeRange range = RestoreStream.both(options.range(), stream.range());
      String query =
          (range.start() == 0 ? "" : "from=" + Long.toUnsignedString(range.start()) + "&")
              + (range.bounded() ? "to=" + Long.toUnsignedString(range.stop()) : "");
      try (var answer =
          server.upload(
              "restores/" + Remote.segment(name) + (query.isEmpty() ? "" : "?" + query), stream)) {
        told = Json.parse(answer.text());
      }
      stream.damage().forEach(finding -> damage(out, finding));
    }
    for (JsonNode finding : told.path("damage")) {
      damage(out, finding.path("path").asText(), finding.path("text").asText());
    }
    if (options.json()) {
      var fields = new LinkedHashMap<String, Object>();
      fields.put("server", server.toString());
      fields.put("point", chosen);
      fields.put("bucket", name);
      fields.put("entries", told.path("entries").asLong());
      fields.put("records", told.path("records").asLong());
      fields.put("bytes", told.path("bytes").asLong());
      Json.line(out, fields);
    } else {
      out.println(
          "Bucket '"
              + name
              + "' of restore point "
              + chosen
              + " is in "
              + server
              + ": "
              + told.path("entries").asLong()
              + " entries, "
              + told.path("records").asLong()
              + " records, "
              + Amounts.bytes(told.path("bytes").asLong()));
    }
  }
}
