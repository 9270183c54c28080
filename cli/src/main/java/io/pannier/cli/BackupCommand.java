package io.pannier.cli;

import io.pannier.model.PannierException;
import io.pannier.model.SystemClock;
import io.pannier.model.SystemRandom;
import io.pannier.server.PlatformScheduler;
import io.pannier.server.settings.Settings;
import io.pannier.store.BackupCheck;
import io.pannier.store.BackupDamaged;
import io.pannier.store.BackupFolder;
import io.pannier.store.BackupRun;
import io.pannier.store.BackupSelection;
import io.pannier.store.BackupSource;
import io.pannier.store.Store;
import io.pannier.store.StoreConfig;
import io.pannier.store.StoreRefused;
import io.pannier.store.Verification;
import io.pannier.store.disk.RealDisk;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
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

/** Makes backups, and looks after them. */
@Command(
    name = "backup",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Adds a restore point to a folder: only what the folder does not have is copied, while the"
            + " store goes on working.",
    customSynopsis = {
      "pannier backup URL FOLDER [options]           of a running server",
      "       pannier backup --data DIR FOLDER [options]     of a data folder that no server uses",
      "       pannier backup --list|--verify|--prune=N FOLDER"
    },
    footer = {
      "",
      "The token is taken from --token-file, --token, or the variable PANNIER_TOKEN or RS_API_TOKEN.",
      "\"pannier restore\" brings a point back. docs/backup.md has the rest."
    },
    exitCodeListHeading = "%nExit code:%n",
    exitCodeList = {
      "0:done",
      "1:done, and something is damaged: in the store, or in the folder",
      "2:nothing was done: wrong usage, server or folder cannot be used"
    })
final class BackupCommand implements Callable<Integer> {
  @Parameters(
      arity = "1..2",
      paramLabel = "URL FOLDER",
      description = "Address of the server, such as http://robot:8383, and the folder.")
  private List<String> arguments = List.of();

  @Option(names = "--data", paramLabel = "DIR", description = "A data folder instead of a server.")
  private @Nullable Path data;

  @Option(
      names = "--bucket",
      paramLabel = "NAME",
      description = "Only this bucket, without tokens and other documents; may be repeated.")
  private List<String> buckets = new ArrayList<>();

  @Option(
      names = "--keep",
      paramLabel = "N",
      description = "Afterwards remove all but the N newest restore points.")
  private int keep;

  @Option(names = "--list", description = "Show the restore points of the folder.")
  private boolean list;

  @Option(
      names = "--verify",
      description = "Check every file of the folder, and every record of the newest point.")
  private boolean verify;

  @Option(
      names = "--prune",
      paramLabel = "N",
      description = "Remove all but the N newest restore points, with what only they need.")
  private int prune;

  @Mixin private BackupOptions options = new BackupOptions();
  @Mixin private RemoteOptions remote = new RemoteOptions();

  private static final int CONFLICT = 409;

  /** A ring that turns fast may give up a block while its copy is made. */
  private static final int TRIES = 10;

  @Spec private @Nullable CommandSpec spec;

  private final Map<String, String> variables;

  BackupCommand() {
    this(System.getenv());
  }

  BackupCommand(Map<String, String> variables) {
    this.variables = variables;
  }

  @Override
  public Integer call() {
    CommandSpec here = Objects.requireNonNull(spec);
    PrintWriter out = here.commandLine().getOut();
    PrintWriter err = here.commandLine().getErr();
    checkUsage(here);
    Path folder = Path.of(arguments.getLast()).toAbsolutePath().normalize();
    try {
      if (list) {
        return list(out, folder);
      }
      if (verify) {
        return verify(out, err, folder);
      }
      if (prune > 0) {
        try (var target = BackupFolder.toWrite(existing(folder))) {
          report(out, target.prune(prune));
        }
        return ExitCodes.OK;
      }
      return backUp(out, err, folder);
    } catch (NoSuchFileException missing) {
      err.println("There is no " + missing.getMessage());
    } catch (UncheckedIOException failed) {
      Throwable cause = failed.getCause();
      err.println("Backup failed: " + (cause == null ? failed : cause).getMessage());
    } catch (StoreRefused | RemoteFailed | PannierException | IOException failed) {
      err.println("Backup failed: " + failed.getMessage());
    } finally {
      out.flush();
      err.flush();
    }
    return ExitCodes.UNUSABLE;
  }

  private void checkUsage(CommandSpec here) {
    int modes = (list ? 1 : 0) + (verify ? 1 : 0) + (prune != 0 ? 1 : 0);
    String wrong = null;
    if (modes > 1) {
      wrong = "--list, --verify and --prune exclude each other";
    } else if (modes == 1 && (arguments.size() != 1 || data != null)) {
      wrong = "expected the folder of the backup, and nothing else";
    } else if (prune < 0 || keep < 0) {
      wrong = "expected a number above 0";
    } else if (modes == 0 && data != null && arguments.size() != 1) {
      wrong = "expected the folder of the backup behind --data";
    } else if (modes == 0 && data == null && arguments.size() != 2) {
      wrong = "expected the address of a server (or --data DIR), and the folder of the backup";
    } else if (modes == 0 && data == null && !RemoteOptions.isUrl(arguments.getFirst())) {
      wrong = "not an address: " + arguments.getFirst() + "; for a folder give --data";
    } else if (RemoteOptions.isUrl(arguments.getLast())) {
      wrong = "the backup goes to a folder, not to " + arguments.getLast();
    }
    if (wrong == null) {
      wrong = options.mistake();
    }
    if (wrong != null) {
      throw new ParameterException(here.commandLine(), wrong);
    }
  }

  private static RealDisk existing(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new NoSuchFileException(folder.toString());
    }
    return new RealDisk(folder);
  }

  // ---------------------------------------------------------------- making one

  private int backUp(PrintWriter out, PrintWriter err, Path folder) throws IOException {
    for (int left = TRIES - 1; ; left--) {
      try {
        return backUpOnce(out, err, folder);
      } catch (RemoteFailed failed) {
        if (failed.status() != CONFLICT || left == 0) {
          throw failed;
        }
        // A block that had to be given up was there under another name: what was copied counts.
        if (!options.quiet()) {
          err.println("Beginning again: " + failed.getMessage());
        }
      }
    }
  }

  private int backUpOnce(PrintWriter out, PrintWriter err, Path folder) throws IOException {
    BackupRun.Report report;
    BackupFolder.Pruned pruned = null;
    try (var target = BackupFolder.toWrite(new RealDisk(folder));
        var progress = options.progress(err, "backup")) {
      report =
          data == null
              ? ofServer(target, progress)
              : ofFolder(data.toAbsolutePath().normalize(), target, progress);
      if (keep > 0) {
        pruned = target.prune(keep);
      }
    }
    report(out, folder, report);
    if (pruned != null) {
      report(out, pruned);
    }
    return report.damage().isEmpty() ? ExitCodes.OK : ExitCodes.DAMAGE;
  }

  private BackupSelection selection() {
    return new BackupSelection(buckets, options.range());
  }

  private BackupRun.Report ofServer(BackupFolder target, ProgressLine progress) throws IOException {
    try (Remote server = remote.connect(arguments.getFirst(), variables);
        var source = new RemoteBackup(server, selection())) {
      return BackupRun.run(target, source, progress);
    }
  }

  private BackupRun.Report ofFolder(Path dir, BackupFolder target, ProgressLine progress)
      throws IOException {
    if (!Files.exists(dir.resolve("FORMAT")) && !Files.exists(dir.resolve("FORMAT.copy"))) {
      throw new IOException(dir + " is not the data folder of a store");
    }
    Settings settings =
        Environment.read(variables, dir, null, null)
            .settings()
            .orElseThrow(
                () -> new IOException("the environment is refused; see \"pannier settings\""));
    var scheduler = new PlatformScheduler(1);
    try (Store store =
            Store.open(
                new StoreConfig(
                    new RealDisk(dir),
                    new SystemClock(),
                    SystemRandom.secure(),
                    scheduler,
                    settings.limits(Service.handleLimit()),
                    settings.bucketDefaults(),
                    settings.ack(),
                    Service::log,
                    Service.holder()));
        BackupSource source = BackupSource.of(store.snapshot(selection()))) {
      return BackupRun.run(target, source, progress);
    } finally {
      scheduler.close();
    }
  }

  private void report(PrintWriter out, Path folder, BackupRun.Report report) {
    for (Verification.Finding finding : report.damage()) {
      if (options.json()) {
        Json.line(out, Map.of("damage", finding.path(), "text", finding.text()));
      } else {
        out.println("DAMAGE  " + finding.path() + "  " + finding.text());
      }
    }
    if (options.json()) {
      var fields = new LinkedHashMap<String, Object>();
      fields.put("folder", folder.toString());
      fields.put("point", report.point());
      fields.put("taken", report.taken());
      fields.put("buckets", report.buckets());
      fields.put("entries", report.entries());
      fields.put("blocks", report.blocks());
      fields.put("records", report.records());
      fields.put("copied_blocks", report.fetchedBlocks());
      fields.put("copied_bytes", report.fetchedBytes());
      fields.put("reused_bytes", report.reusedBytes());
      fields.put("lost_blocks", report.lostBlocks());
      fields.put("lost_records", report.lostRecords());
      fields.put("damaged", report.damage().size());
      Json.line(out, fields);
      return;
    }
    out.println(
        "Restore point "
            + report.point()
            + " of "
            + Amounts.time(report.taken())
            + " in "
            + folder
            + ": "
            + report.buckets()
            + " buckets, "
            + report.entries()
            + " entries, "
            + report.records()
            + " records; "
            + Amounts.bytes(report.fetchedBytes())
            + " copied, "
            + Amounts.bytes(report.reusedBytes())
            + " were there");
    if (report.lostBlocks() > 0) {
      out.println(
          report.lostBlocks()
              + " blocks with "
              + report.lostRecords()
              + " records were evicted or removed before they were copied");
    }
    if (!report.damage().isEmpty()) {
      out.println("Something is damaged, and was copied as it is.");
    }
  }

  private void report(PrintWriter out, BackupFolder.Pruned pruned) {
    if (options.json()) {
      Json.line(
          out,
          Map.of(
              "pruned",
              pruned.points(),
              "deleted_files",
              pruned.files(),
              "deleted_bytes",
              pruned.bytes()));
    } else {
      out.println(
          pruned.points().size()
              + " restore points removed, "
              + Amounts.bytes(pruned.bytes())
              + " freed");
    }
  }

  // ---------------------------------------------------------------- looking

  private int list(PrintWriter out, Path folder) throws IOException {
    List<BackupCheck.Point> points;
    try (var target = BackupFolder.toRead(RealDisk.forReading(folder))) {
      points = BackupCheck.points(target);
    }
    boolean isWhole = true;
    for (BackupCheck.Point point : points) {
      isWhole &= point.problem().isEmpty();
      if (options.json()) {
        Json.line(out, fields(point));
      } else if (!point.problem().isEmpty()) {
        out.println(point.number() + "  DAMAGED  " + point.problem());
      } else {
        out.println(
            point.number()
                + "  "
                + Amounts.time(point.taken())
                + "  "
                + point.records()
                + " records, "
                + Amounts.bytes(point.bytes())
                + ": "
                + String.join(", ", point.buckets())
                + (isUnbounded(point) ? "" : "  (a range of times)")
                + (point.lostBlocks() == 0 ? "" : "  (" + point.lostBlocks() + " blocks went)"));
      }
    }
    if (points.isEmpty() && !options.json()) {
      out.println("No restore point.");
    }
    return isWhole ? ExitCodes.OK : ExitCodes.DAMAGE;
  }

  private static boolean isUnbounded(BackupCheck.Point point) {
    return point.range().start() == 0 && !point.range().bounded();
  }

  private static Map<String, Object> fields(BackupCheck.Point point) {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("point", point.number());
    fields.put("taken", point.taken());
    fields.put("buckets", point.buckets());
    fields.put("blocks", point.blocks());
    fields.put("records", point.records());
    fields.put("bytes", point.bytes());
    fields.put("lost_blocks", point.lostBlocks());
    if (!isUnbounded(point)) {
      fields.put("from", Long.toUnsignedString(point.range().start()));
      fields.put("to", point.range().bounded() ? Long.toUnsignedString(point.range().stop()) : "");
    }
    if (!point.problem().isEmpty()) {
      fields.put("problem", point.problem());
    }
    return fields;
  }

  private int verify(PrintWriter out, PrintWriter err, Path folder) throws IOException {
    Verification found;
    try (var target = BackupFolder.toRead(RealDisk.forReading(folder));
        var progress = new ProgressLine(err, "verify", options.quiet(), 0)) {
      found = BackupCheck.verify(target, progress);
    } catch (BackupDamaged damaged) {
      err.println(damaged.getMessage());
      return ExitCodes.DAMAGE;
    }
    if (options.json()) {
      VerifyCommand.printJson(out, folder.toString(), found);
    } else {
      VerifyCommand.print(out, folder.toString(), found);
    }
    return found.isClean() ? ExitCodes.OK : ExitCodes.DAMAGE;
  }
}
