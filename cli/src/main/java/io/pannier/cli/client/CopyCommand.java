package io.pannier.cli.client;

import io.pannier.client.Bucket;
import io.pannier.client.BucketDetail;
import io.pannier.client.BucketInfo;
import io.pannier.client.BucketOptions;
import io.pannier.client.EntryInfo;
import io.pannier.client.PannierClient;
import io.pannier.client.QueryOptions;
import io.pannier.client.RecordStream;
import io.pannier.client.StoredRecord;
import io.pannier.model.Timestamp;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code cp}: records between instances, and out of one into files. */
@Command(
    name = "cp",
    description = "Copy data between instances or between an instance and the local filesystem",
    footer = {
      "",
      "mcap: a channel for each entry and type, with schema where $schema or $ros is attached. Labels are lines of JSON in attachments of the file, pannier-records-N.ndjson;",
      "--with-meta gives every record a line. Records that are MCAP files themselves are refused: export them without --format.",
      "",
      "Exit code 0 when all went well, 7 when some entries failed, 1 when all did."
    })
public class CopyCommand extends ClientCommand {
  @Parameters(
      index = "0",
      paramLabel = "<SOURCE>",
      description =
          "Source bucket (e.g. SERVER_ALIAS/BUCKET, SERVER_ALIAS/BUCKET/ENTRY, 'SERVER_ALIAS/*')")
  private String source = "";

  @Parameters(
      index = "1",
      paramLabel = "<DESTINATION>",
      description =
          "Destination bucket, instance or folder (e.g. SERVER_ALIAS/BUCKET, SERVER_ALIAS or"
              + " ./folder)")
  private String destination = "";

  @Mixin private final Selection selection = new Selection();

  @Option(
      names = "--from-last",
      description = "Only records behind the newest one of each destination entry")
  private boolean fromLast;

  @Option(
      names = {"-l", "--limit"},
      paramLabel = "<NUMBER>",
      description = "Records of an entry at most")
  private @Nullable Long limit;

  @Option(
      names = {"-x", "--ext"},
      paramLabel = "<TEXT>",
      description = "Extension of every file; by the type of the record if not given")
  private @Nullable String extension;

  @Option(
      names = {"-m", "--with-meta", "--with-metadata"},
      description = "Also write the metadata of records, as JSON")
  private boolean withMeta;

  @Option(
      names = {"-q", "--quiet"},
      description = "Only errors and the last line")
  private boolean quiet;

  @Option(
      names = "--format",
      paramLabel = "<FORMAT>",
      description =
          "files (default), or one file: csv, ndjson, parquet, tar, mcap; mcap into a folder makes"
              + " a file for each entry")
  private String format = "files";

  @Option(
      names = "--resume",
      description = "Go on with an export behind the newest file of each entry")
  private boolean resume;

  /** Whether the destination is a folder, whatever it looks like. */
  boolean isFolder() {
    return false;
  }

  /** Whether side-cars have the names of the oldest tool. */
  boolean isOld() {
    return false;
  }

  @Override
  int run() throws IOException {
    if (!format.matches("files|csv|ndjson|parquet|tar|mcap")) {
      throw Failure.value(
          format, "--format <FORMAT>", "expected files, csv, ndjson, parquet, tar or mcap");
    }
    if (resume && !format.equals("files")) {
      throw new Failure(
          Exit.USAGE,
          "the argument '--resume' cannot be used with '--format "
              + format
              + "': such a file is written anew");
    }
    Place from = place(source, "<SOURCE>");
    Place to =
        isFolder() ? new Place.Local(Path.of(destination)) : place(destination, "<DESTINATION>");
    if (from instanceof Place.Local) {
      throw new Failure(
          to instanceof Place.Local
              ? "Folder to folder copy is not supported."
              : "Folder to bucket copy is not supported. (pannier put does it)");
    }
    if (from instanceof Place.Instance) {
      throw new Failure("Source must include a bucket name or use '*' for all buckets.");
    }
    if (fromLast && to instanceof Place.Local) {
      throw new Failure("--from-last is only supported for bucket-to-bucket copy");
    }
    if (fromLast && selection.start != null) {
      throw new Failure("--from-last can't be used with --start");
    }
    Place.Resource bucket =
        from instanceof Place.Entry entry ? entry.bucket() : (Place.Resource) from;
    EntryFilter filter = selection.filter();
    if (from instanceof Place.Entry entry) {
      filter.add(entry.entry());
    }
    if (bucket.name().indexOf('*') >= 0) {
      return every(bucket, to, filter);
    }
    if (to instanceof Place.Instance) {
      throw new Failure(
          "Destination bucket is required (e.g. ALIAS/BUCKET or http://host/BUCKET) unless the"
              + " source uses '*' to copy all buckets.");
    }
    return copy(bucket, to, filter);
  }

  /** Every bucket whose name fits, one after the other. */
  private int every(Place.Resource pattern, Place to, EntryFilter filter) throws IOException {
    if (!(to instanceof Place.Instance instance)) {
      throw new Failure("Wildcard bucket copy requires the destination to be an instance only.");
    }
    if (pattern.name().indexOf('*') != pattern.name().length() - 1) {
      throw new Failure("Bucket wildcard only supports a trailing '*' (e.g. test-*).");
    }
    String prefix = pattern.name().substring(0, pattern.name().length() - 1);
    List<String> names =
        client(pattern.instance()).buckets().stream()
            .map(BucketInfo::name)
            // What the server tells about itself is not data, and cannot be written elsewhere.
            .filter(name -> name.startsWith(prefix) && !name.startsWith("$"))
            .toList();
    if (names.isEmpty()) {
      throw new Failure(
          Exit.NOT_FOUND,
          "No buckets matched pattern '"
              + pattern.name()
              + "' on '"
              + pattern.instance().text()
              + "'.");
    }
    int worst = Exit.OK;
    for (String name : names) {
      if (!quiet && !globals.json) {
        out()
            .println(
                "Copying bucket '"
                    + name
                    + "' from '"
                    + pattern.instance().text()
                    + "' to '"
                    + instance.text()
                    + "'");
        out().flush();
      }
      int exit =
          copy(
              new Place.Resource(pattern.instance(), name),
              new Place.Resource(instance, name),
              filter);
      if (exit == Exit.FAILED) {
        return exit;
      }
      worst = Math.max(worst, exit);
    }
    return worst;
  }

  private int copy(Place.Resource from, Place to, EntryFilter filter) throws IOException {
    int timeout = globals.timeout != null ? globals.timeout : from.instance().alias().timeout();
    int parallel = parallel(from.instance());
    QueryOptions options = selection.options().ttl(Duration.ofSeconds((long) timeout * parallel));
    if (options.stop().isEmpty()) {
      options = options.before(CLOCK.wallMicros());
    }
    if (limit != null) {
      options = options.limit(limit);
    }
    PannierClient client = client(from.instance());
    Bucket bucket = client.bucket(from.name());
    BucketDetail detail = bucket.detail();
    List<EntryInfo> entries =
        detail.entries().stream().filter(entry -> filter.takes(entry.name())).toList();
    long expected = 0;
    if (selection.start == null && selection.stop == null && !selection.hasCondition()) {
      long most = limit == null ? Long.MAX_VALUE : limit;
      expected = entries.stream().mapToLong(e -> Math.min(most, e.recordCount())).sum();
    }
    List<String> names =
        entries.stream()
            // A parent without records of its own has nothing to ask for.
            .filter(entry -> entry.recordCount() > 0)
            .map(EntryInfo::name)
            .toList();
    QueryOptions wanted = options;
    try (var transfer =
        new Transfer(
            "Copied",
            "from bucket '" + from.name() + "'",
            err(),
            quiet || globals.json,
            expected)) {
      switch (to) {
        case Place.Local local -> export(bucket, names, wanted, local.path(), transfer, parallel);
        case Place.Resource target ->
            intoBucket(bucket, detail, names, wanted, target, transfer, parallel);
        case Place.Entry target ->
            intoBucket(bucket, detail, names, wanted, target.bucket(), transfer, parallel);
        case Place.Instance _ -> throw new IllegalStateException("no destination");
      }
      transfer.stop();
      return tell(transfer, from.name(), names.size());
    }
  }

  private int tell(Transfer transfer, String bucket, int entries) {
    transfer
        .failures()
        .forEach((entry, why) -> {
          if (!globals.json) {
            err().println("Failed to copy entry '" + entry + "': " + why);
          }
        });
    boolean none = !transfer.failures().isEmpty() && transfer.failures().size() >= entries;
    if (none && !globals.json) {
      throw new Failure("Failed to copy any entries from bucket '" + bucket + "'");
    }
    var json = transfer.json();
    json.put("bucket", bucket);
    print(json, transfer.summary());
    return none ? Exit.FAILED : transfer.failures().isEmpty() ? Exit.OK : Exit.PARTLY;
  }

  private void export(
      Bucket bucket,
      List<String> names,
      QueryOptions options,
      Path target,
      Transfer transfer,
      int parallel)
      throws IOException {
    if (format.equals("mcap")) {
      recordings(bucket, names, options, target, transfer);
      return;
    }
    if (!format.equals("files")) {
      archive(bucket, names, options, target, transfer);
      return;
    }
    var export = new ExportFolder(target, extension, withMeta, isOld());
    transfer.forEach(
        names,
        parallel,
        name -> {
          QueryOptions rest = options;
          var newest = resume ? export.newest(name) : java.util.OptionalLong.empty();
          if (newest.isPresent()) {
            Optional<Long> latest = bucket.findLatest(name).map(info -> info.timestamp());
            if (latest.isEmpty() || !Timestamp.isBefore(newest.getAsLong(), latest.get())) {
              return;
            }
            rest = options.from(newest.getAsLong() + 1);
          }
          each(bucket, name, rest, transfer, export::write);
        });
  }

  private void archive(
      Bucket bucket, List<String> names, QueryOptions options, Path target, Transfer transfer)
      throws IOException {
    Path file = isNamed(target) ? target : target.resolve(bucket.name() + "." + format);
    try (var archive = new ExportArchive(format, file, withMeta, extension)) {
      for (String name : names) {
        // In one file nothing may be missing in the middle: the first failure ends it.
        each(bucket, name, options, transfer, archive::write);
      }
      archive.finish();
    }
  }

  /** Whether the target is a file of the format, not a folder for it. */
  private boolean isNamed(Path target) {
    return target.getFileName() != null && target.getFileName().toString().endsWith("." + format);
  }

  /**
   * One file where one is named, else one for each entry, one after the other: each has a chunk.
   */
  private void recordings(
      Bucket bucket, List<String> names, QueryOptions options, Path target, Transfer transfer)
      throws IOException {
    if (isNamed(target)) {
      recording(bucket, names, options, target, transfer);
      return;
    }
    var folder = new ExportFolder(target, extension, withMeta, isOld());
    transfer.forEach(
        names,
        1,
        name -> {
          Path path = folder.folderOf(name);
          Path file = path.resolveSibling(path.getFileName() + ".mcap");
          recording(bucket, List.of(name), options, file, transfer);
        });
  }

  private void recording(
      Bucket bucket, List<String> names, QueryOptions options, Path file, Transfer transfer)
      throws IOException {
    Map<String, Map<String, String>> attachments = new LinkedHashMap<>();
    for (String name : names) {
      attachments.put(name, BucketCopy.attachmentsOf(bucket, name));
    }
    try (var recording = new ExportMcap(file, attachments, withMeta)) {
      for (String name : names) {
        each(bucket, name, options, transfer, recording::write);
      }
      recording.finish();
    }
  }

  private interface Sink {
    void write(StoredRecord record) throws IOException;
  }

  private static void each(
      Bucket bucket, String name, QueryOptions options, Transfer transfer, Sink sink)
      throws IOException {
    try (RecordStream records = bucket.query(name, options)) {
      while (records.hasNext()) {
        StoredRecord record = records.next();
        sink.write(record);
        transfer.copied(record.length());
      }
    } catch (io.pannier.client.ClientException.Refused refused) {
      boolean isBehind =
          refused.code() == 422
              && Objects.requireNonNullElse(refused.getMessage(), "")
                  .contains("Start time must be before stop time");
      // An entry that ends before the wanted time has nothing to give.
      if (!isBehind) {
        throw refused;
      }
    }
  }

  private void intoBucket(
      Bucket bucket,
      BucketDetail detail,
      List<String> names,
      QueryOptions options,
      Place.Resource target,
      Transfer transfer,
      int parallel) {
    Bucket destination =
        client(target.instance())
            .getOrCreateBucket(target.name(), BucketOptions.like(detail.settings()));
    List<String> deleting =
        destination.entries().stream().filter(EntryInfo::isDeleting).map(EntryInfo::name).toList();
    var copy = new BucketCopy(bucket, destination, transfer);
    transfer.forEach(
        names,
        parallel,
        name -> {
          if (deleting.contains(name)) {
            throw new Failure("Destination entry '" + name + "' is being deleted");
          }
          copy.entry(name, options, fromLast);
        });
  }
}
