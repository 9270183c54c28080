package io.pannier.cli.client;

import io.pannier.client.Body;
import io.pannier.client.Bucket;
import io.pannier.client.BucketOptions;
import io.pannier.client.ClientException;
import io.pannier.client.Json;
import io.pannier.client.Outgoing;
import io.pannier.client.RecordInfo;
import io.pannier.model.Labels;
import io.pannier.model.Timestamp;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code put}: files as records. */
@Command(
    name = "put",
    description = "Write a file, or every file below a folder, as records",
    footer = {
      "",
      "A folder's files go into entries named after their folders, and take the time from a name made of digits only (as cp and export write them),",
      "else from their last change. TIMESTAMP-meta.json gives labels and type. What is there already with the same length is passed over, so the same",
      "command goes on after an interruption; a record of that time with another length is a failure.",
      "A file is one record, which a server stores whole or not at all: one that was cut short is sent again from its beginning."
    })
public final class PutCommand extends ClientCommand {
  @Parameters(index = "0", paramLabel = "<FILE_OR_FOLDER>", description = "What to write")
  private @Nullable Path source;

  @Parameters(
      index = "1",
      paramLabel = "<DESTINATION>",
      description =
          "SERVER_ALIAS/BUCKET or SERVER_ALIAS/BUCKET/ENTRY; the bucket is created if missing")
  private String destination = "";

  @Option(
      names = {"-t", "--timestamp"},
      paramLabel = "<TIME>",
      description = "Time of the record, for one file")
  private @Nullable String timestamp;

  @Option(
      names = {"-l", "--labels"},
      paramLabel = "<LABELS>",
      description = "Labels of every record, as key=value,key=value or a JSON object")
  private @Nullable String labels;

  @Option(
      names = {"-C", "--content-type"},
      paramLabel = "<MIME>",
      description = "Type of every record; by the name of the file if not given")
  private @Nullable String contentType;

  @Option(
      names = {"-q", "--quiet"},
      description = "Only errors and the last line")
  private boolean quiet;

  /** A file with what it becomes. */
  private record Planned(Path file, long timestamp, Labels labels, String type) {}

  @Override
  int run() throws IOException {
    Path from = Objects.requireNonNull(source);
    if (!Files.exists(from)) {
      throw new Failure(Exit.NOT_FOUND, "Path '" + from + "' does not exist");
    }
    Labels common = WriteCommand.labels(labels);
    Place place = place(destination, "<DESTINATION>");
    Place.Resource resource = resource(destination, "<DESTINATION>");
    String prefix = place instanceof Place.Entry entry ? entry.entry() : "";
    boolean isFolder = Files.isDirectory(from);
    if (!isFolder && prefix.isEmpty()) {
      throw new Failure("ENTRY_PATH must be alias/bucket/path/to/entry");
    }
    if (isFolder && timestamp != null) {
      throw new Failure(
          Exit.USAGE, "the argument '--timestamp <TIME>' cannot be used with a folder");
    }
    Map<String, List<Planned>> plan = new TreeMap<>();
    if (isFolder) {
      planFolder(from, prefix, common, plan);
    } else {
      plan.put(
          prefix,
          List.of(
              planned(
                  from,
                  common,
                  Objects.requireNonNullElseGet(time(timestamp), () -> timeOf(from)))));
    }
    long count = plan.values().stream().mapToLong(List::size).sum();
    Bucket bucket =
        client(resource.instance()).getOrCreateBucket(resource.name(), BucketOptions.unchanged());
    try (var transfer =
        new Transfer(
            "Wrote", "to bucket '" + resource.name() + "'", err(), quiet || globals.json, count)) {
      transfer.forEach(
          List.copyOf(plan.keySet()),
          parallel(resource.instance()),
          entry -> {
            for (Planned file : Objects.requireNonNull(plan.get(entry))) {
              put(bucket, entry, file, transfer);
            }
          });
      transfer.stop();
      transfer
          .failures()
          .forEach((what, why) -> {
            if (!globals.json) {
              err().println("Failed to write '" + what + "': " + why);
            }
          });
      print(transfer.json(), transfer.summary());
      boolean failed = !transfer.failures().isEmpty();
      boolean some = transfer.records.get() + transfer.skipped.get() > 0;
      return !failed ? Exit.OK : some ? Exit.PARTLY : Exit.FAILED;
    }
  }

  private void planFolder(Path root, String prefix, Labels common, Map<String, List<Planned>> plan)
      throws IOException {
    try (var files = Files.walk(root)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        String name = file.getFileName().toString();
        if (name.endsWith("-meta.json") || name.endsWith(".part") || name.startsWith(".")) {
          continue;
        }
        Path parent = root.relativize(file).getParent();
        List<String> segments = new ArrayList<>();
        if (!prefix.isEmpty()) {
          segments.add(prefix);
        }
        if (parent != null) {
          parent.forEach(segment -> segments.add(segment.toString()));
        }
        if (segments.isEmpty()) {
          segments.add(root.toAbsolutePath().normalize().getFileName().toString());
        }
        String entry = String.join("/", segments).replaceAll("[^A-Za-z0-9_/$-]", "_");
        plan.computeIfAbsent(entry, e -> new ArrayList<>())
            .add(planned(file, common, timeOf(file)));
      }
    }
  }

  private static long timeOf(Path file) {
    String name = file.getFileName().toString();
    int dot = name.indexOf('.');
    String digits = dot < 0 ? name : name.substring(0, dot);
    try {
      return digits.matches("\\d{1,20}")
          ? Timestamp.parse(digits)
          : Files.getLastModifiedTime(file).to(TimeUnit.MICROSECONDS);
    } catch (IOException failed) {
      throw new java.io.UncheckedIOException("Cannot read " + file, failed);
    } catch (NumberFormatException tooLarge) {
      throw new Failure("The name of " + file + " is no time");
    }
  }

  private Planned planned(Path file, Labels common, long time) throws IOException {
    String type = MediaTypes.ofFile(file.getFileName().toString());
    Labels own = Labels.EMPTY;
    Path meta = file.resolveSibling(Timestamp.toString(time) + "-meta.json");
    if (Files.isRegularFile(meta)) {
      try {
        Map<String, @Nullable Object> told = Json.parseObject(Files.readString(meta));
        if (told.get("content_type") instanceof String stored) {
          type = stored;
        }
        if (told.get("labels") instanceof Map<?, ?> stored) {
          var builder = new Labels.Builder();
          stored.forEach((name, value) -> builder.set("" + name, "" + value));
          own = builder.build();
        }
      } catch (IllegalArgumentException malformed) {
        throw new Failure("Metadata in " + meta + " cannot be read: " + malformed.getMessage());
      }
    }
    return new Planned(file, time, own.with(common), contentType == null ? type : contentType);
  }

  private static void put(Bucket bucket, String entry, Planned file, Transfer transfer) {
    Body body = Body.of(file.file());
    try {
      bucket.write(entry, new Outgoing(file.timestamp(), file.type(), file.labels(), body));
      transfer.copied(body.length());
    } catch (ClientException.Refused refused) {
      Optional<RecordInfo> there =
          refused.code() == 409 ? bucket.find(entry, file.timestamp()) : Optional.empty();
      if (there.isPresent() && there.get().length() == body.length()) {
        transfer.skipped.incrementAndGet();
      } else {
        transfer.failed(file.file().toString(), Transfer.reason(refused));
      }
    } catch (ClientException | java.io.UncheckedIOException failed) {
      transfer.failed(file.file().toString(), Transfer.reason(failed));
    }
  }
}
