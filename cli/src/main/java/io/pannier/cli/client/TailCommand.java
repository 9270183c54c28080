package io.pannier.cli.client;

import io.pannier.client.Bucket;
import io.pannier.client.Json;
import io.pannier.client.QueryOptions;
import io.pannier.client.RecordInfo;
import io.pannier.client.RecordStream;
import io.pannier.client.StoredRecord;
import io.pannier.model.Timestamp;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tail}: the newest records, and those that come. */
@Command(
    name = "tail",
    description = "Show the newest records of a bucket or an entry, and with -f those that come",
    footer = {"", "With --json one object a line. Ctrl-C ends it."})
public final class TailCommand extends ClientCommand {
  @Parameters(
      paramLabel = "<PATH>",
      description = "SERVER_ALIAS/BUCKET or SERVER_ALIAS/BUCKET/ENTRY")
  private String path = "";

  @Mixin private final Selection selection = new Selection();

  @Option(
      names = {"-l", "--lines"},
      paramLabel = "<NUMBER>",
      description = "Records at the beginning (10)")
  private int lines = 10;

  @Option(
      names = {"-f", "--follow"},
      description = "Wait for new records")
  private boolean follow;

  @Option(
      names = {"-c", "--count"},
      paramLabel = "<NUMBER>",
      description = "End after so many new records")
  private @Nullable Long count;

  @Option(names = "--text", description = "Also the bodies, as texts")
  private boolean text;

  @Override
  int run() {
    Place place = place(path, "<PATH>");
    Place.Resource resource = resource(path, "<PATH>");
    EntryFilter filter = selection.filter();
    List<String> patterns = new ArrayList<>();
    if (place instanceof Place.Entry entry) {
      filter.add(entry.entry());
      patterns.add(entry.entry());
    }
    if (selection.entries != null) {
      patterns.addAll(selection.entries);
    }
    Bucket bucket = client(resource.instance()).bucket(resource.name());
    QueryOptions options = selection.options();
    long from = CLOCK.wallMicros();
    // The newest of all: each entry gives at most so many, found without reading a body.
    Deque<RecordInfo> newest = new ArrayDeque<>();
    List<String> names =
        bucket.entries().stream()
            .filter(entry -> entry.recordCount() > 0 && filter.takes(entry.name()))
            .map(entry -> entry.name())
            .toList();
    if (lines > 0 && !names.isEmpty()) {
      try (RecordStream records = bucket.query(names, options.before(from).metadata())) {
        while (records.hasNext()) {
          newest.addLast(records.next().info());
          if (newest.size() > lines) {
            newest.removeFirst();
          }
        }
      }
    }
    for (RecordInfo record : newest) {
      if (text) {
        try (StoredRecord whole = bucket.read(record.entry(), record.timestamp())) {
          show(record, whole.text());
        }
      } else {
        show(record, null);
      }
    }
    if (!follow) {
      return Exit.OK;
    }
    QueryOptions coming = text ? options : options.metadata();
    if (coming.start().isEmpty() || Timestamp.isBefore(coming.start().getAsLong(), from)) {
      coming = coming.from(from);
    }
    try (RecordStream records = bucket.follow(patterns, coming)) {
      for (long shown = 0; (count == null || shown < count) && records.hasNext(); shown++) {
        StoredRecord record = records.next();
        show(record.info(), text ? record.text() : null);
        if (out().checkError()) {
          break;
        }
      }
    }
    return Exit.OK;
  }

  private void show(RecordInfo record, @Nullable String body) {
    if (globals.json) {
      Map<String, @Nullable Object> json = RecordLine.json(record);
      if (body != null) {
        json.put("text", body);
      }
      out().println(Json.write(json));
    } else {
      out().println(RecordLine.text(record));
      if (body != null) {
        out().println(body);
      }
    }
    out().flush();
  }
}
