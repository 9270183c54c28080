package io.pannier.cli.client;

import io.pannier.client.BatchErrors;
import io.pannier.client.Bucket;
import io.pannier.client.ClientException;
import io.pannier.client.EntryInfo;
import io.pannier.client.QueryOptions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code rm}: removes records. */
@Command(
    name = "rm",
    description = "Remove data from a bucket",
    footer = {"", "On a terminal, removing everything is asked back; --yes does not."})
public final class RmCommand extends ClientCommand {
  @Parameters(
      paramLabel = "<BUCKET_PATH>",
      description = "Bucket or entry (e.g. SERVER_ALIAS/BUCKET or SERVER_ALIAS/BUCKET/ENTRY)")
  private String path = "";

  @Mixin private final Selection selection = new Selection();

  @Option(
      names = {"-t", "--time"},
      arity = "0..*",
      split = ",",
      paramLabel = "<TIMESTAMP>",
      description = "Remove the records of exactly these times; the other options do not count")
  private @Nullable List<String> times;

  @Option(
      names = {"-y", "--yes"},
      description = "Do not ask for confirmation")
  private boolean yes;

  @Override
  int run() {
    Place place = place(path, "<BUCKET_PATH>");
    EntryFilter filter = selection.filter();
    Place.Resource resource = resource(path, "<BUCKET_PATH>");
    if (place instanceof Place.Entry entry) {
      filter.add(entry.entry());
    }
    List<Long> exact = new ArrayList<>();
    for (String text : Objects.requireNonNullElse(times, List.<String>of())) {
      exact.add(Objects.requireNonNull(time(text)));
    }
    QueryOptions options = selection.options();
    if (options.stop().isEmpty()) {
      options = options.before(CLOCK.wallMicros());
    }
    Bucket bucket = client(resource.instance()).bucket(resource.name());
    List<String> entries =
        bucket.entries().stream().map(EntryInfo::name).filter(filter::takes).toList();
    boolean isUnlimited = selection.isEmpty() && exact.isEmpty() && filter.isEmpty();
    if (isUnlimited
        && Terminal.console() != null
        && !confirm(yes, "Remove all records of bucket '" + resource.name() + "'?")) {
      print(List.of(), "Nothing removed");
      return Exit.OK;
    }
    List<Object> json = new ArrayList<>();
    int failed = 0;
    for (String entry : entries) {
      long removed = 0;
      int code = 0;
      String message = "";
      try {
        removed =
            exact.isEmpty() ? bucket.removeQuery(entry, options) : remove(bucket, entry, exact);
      } catch (ClientException refused) {
        code = refused.code();
        message = String.valueOf(refused.getMessage());
        // An entry that ends before the wanted time has nothing to lose.
        if (code == 422 && message.contains("Start time must be before stop time")) {
          code = 0;
          message = "";
        }
      }
      failed += code == 0 ? 0 : 1;
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("entry_name", entry);
      line.put("records_removed", removed);
      line.put("status_code", code);
      line.put("error_message", message);
      json.add(line);
      if (globals.json) {
        continue;
      }
      if (code == 0) {
        out().println("Removed " + removed + " records from '" + entry + "'");
      } else {
        err()
            .println(
                "Failed to remove records from '"
                    + entry
                    + "': ["
                    + Exit.name(code)
                    + "] "
                    + message);
      }
    }
    print(json, "");
    return failed == 0 ? Exit.OK : failed == entries.size() ? Exit.FAILED : Exit.PARTLY;
  }

  private static long remove(Bucket bucket, String entry, List<Long> times) {
    BatchErrors errors = bucket.removeBatch(entry, times);
    for (ClientException.Refused refused : errors.byRecord().values()) {
      if (refused.code() != 404) {
        throw refused;
      }
    }
    return (long) times.size() - errors.byRecord().size();
  }
}
