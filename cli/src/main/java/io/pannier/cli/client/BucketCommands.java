package io.pannier.cli.client;

import io.pannier.client.Bucket;
import io.pannier.client.BucketDetail;
import io.pannier.client.BucketInfo;
import io.pannier.client.BucketOptions;
import io.pannier.client.EntryInfo;
import io.pannier.client.Json;
import io.pannier.client.PannierClient;
import io.pannier.model.QuotaType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bucket}. */
@Command(
    name = "bucket",
    description = "Manage buckets",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      BucketCommands.Ls.class,
      BucketCommands.Show.class,
      BucketCommands.Create.class,
      BucketCommands.Update.class,
      BucketCommands.Rename.class,
      BucketCommands.Rm.class,
      picocli.CommandLine.HelpCommand.class
    })
public final class BucketCommands {
  private static final String PATH =
      "Path to a bucket (e.g. SERVER_ALIAS/BUCKET or http://localhost:8383/BUCKET)";

  static String status(boolean isDeleting) {
    return isDeleting ? "🗑 Deleting" : "✅ Ready";
  }

  static String mark(boolean is) {
    return is ? "✓" : "-";
  }

  static String tableTime(long micros, boolean isEmpty) {
    return isEmpty ? "---" : Times.seconds(micros);
  }

  /** {@code bucket ls}. */
  @Command(name = "ls", description = "List buckets")
  static final class Ls extends ListingCommand<BucketInfo> {
    @Override
    @Nullable Object json(PannierClient client) {
      return Json.parse(client.call("GET", "list", ""));
    }

    @Override
    List<BucketInfo> all(PannierClient client) {
      return client.buckets();
    }

    @Override
    String name(BucketInfo bucket) {
      return bucket.name();
    }

    @Override
    Table table(List<BucketInfo> buckets) {
      var table =
          new Table(
              "Name",
              "Entries",
              "Size",
              "Status",
              "Provisioned",
              "Oldest Record (UTC)",
              "Latest Record (UTC)");
      for (BucketInfo bucket : buckets) {
        boolean isEmpty = bucket.sizeBytes() == 0;
        table.row(
            bucket.name(),
            "" + bucket.entryCount(),
            Sizes.text(bucket.sizeBytes()),
            status(bucket.isDeleting()),
            mark(bucket.isProvisioned()),
            tableTime(bucket.oldestRecord(), isEmpty),
            tableTime(bucket.latestRecord(), isEmpty));
      }
      return table;
    }
  }

  /** {@code bucket show}. */
  @Command(name = "show", description = "Show bucket information")
  static final class Show extends ClientCommand {
    @Parameters(paramLabel = "<BUCKET_PATH>", description = PATH)
    private String path = "";

    @Option(
        names = {"-f", "--full"},
        description = "Show detailed bucket information with entries")
    private boolean full;

    @Override
    int run() {
      Place.Resource resource = resource(path, "<BUCKET_PATH>");
      PannierClient client = client(resource.instance());
      if (globals.json && full) {
        String answer = client.call("GET", "b/" + resource.name(), "");
        out().println(Json.write(Json.parse(answer)));
        return Exit.OK;
      }
      BucketDetail detail = client.bucket(resource.name()).detail();
      BucketInfo info = detail.info();
      boolean isEmpty = info.sizeBytes() == 0;
      String size = Sizes.text(info.sizeBytes());
      String oldest = tableTime(info.oldestRecord(), isEmpty);
      String latest = tableTime(info.latestRecord(), isEmpty);
      long blocks = detail.entries().stream().mapToLong(EntryInfo::blockCount).sum();
      if (globals.json) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("name", info.name());
        json.put("entries", info.entryCount());
        json.put("blocks", blocks);
        json.put("size", size);
        json.put("status", info.isDeleting() ? "Deleting" : "Ready");
        json.put("provisioned", "" + info.isProvisioned());
        json.put("Oldest Record (UTC)", oldest);
        json.put("Latest Record (UTC)", latest);
        out().println(Json.write(json));
        return Exit.OK;
      }
      List<String> left = new ArrayList<>();
      left.add("Name: " + info.name());
      left.add("Entries: " + info.entryCount());
      left.add(full ? "Size: " + size : "Blocks: " + blocks);
      left.add(full ? "Blocks: " + blocks : "Size: " + size);
      left.add("Status: " + status(info.isDeleting()));
      left.add("Provisioned: " + mark(info.isProvisioned()));
      left.add("Oldest Record (UTC): " + oldest);
      left.add("Latest Record (UTC): " + latest);
      if (!full) {
        Table.block(out(), left.stream().map(List::of).toList());
        return Exit.OK;
      }
      List<String> right =
          List.of(
              "Quota Type: " + detail.settings().quotaType(),
              "Quota Size: " + Sizes.text(detail.settings().quotaSize()),
              "Max. Block Size: " + Sizes.text(detail.settings().maxBlockSize()),
              "Max. Block Records: " + detail.settings().maxBlockRecords());
      List<List<String>> rows = new ArrayList<>();
      for (int i = 0; i < left.size(); i++) {
        rows.add(List.of(left.get(i), i < right.size() ? right.get(i) : ""));
      }
      Table.block(out(), rows);
      var table =
          new Table(
              "Name",
              "Records",
              "Blocks",
              "Status",
              "Size",
              "Oldest Record (UTC)",
              "Latest Record (UTC)");
      for (EntryInfo entry : detail.entries()) {
        boolean none = entry.recordCount() == 0;
        table.row(
            entry.name(),
            "" + entry.recordCount(),
            "" + entry.blockCount(),
            status(entry.isDeleting()),
            Sizes.text(entry.sizeBytes()),
            tableTime(entry.oldestRecord(), none),
            tableTime(entry.latestRecord(), none));
      }
      table.print(out());
      return Exit.OK;
    }
  }

  /** Settings of a bucket as options. */
  static final class Settings {
    @Option(
        names = {"-Q", "--quota-type"},
        paramLabel = "<TEXT>",
        description = "Quota type: NONE, FIFO or HARD")
    private @Nullable String quotaType;

    @Option(
        names = {"-s", "--quota-size"},
        paramLabel = "<SIZE>",
        description = "Quota size, e.g. 10GB or 4GiB")
    private @Nullable String quotaSize;

    @Option(
        names = {"-b", "--block-size"},
        paramLabel = "<SIZE>",
        description = "Max. block size, e.g. 64MB")
    private @Nullable String blockSize;

    @Option(
        names = {"-R", "--block-records"},
        paramLabel = "<NUMBER>",
        description = "Max. number of records in a block")
    private @Nullable String blockRecords;

    BucketOptions options() {
      BucketOptions options = BucketOptions.unchanged();
      if (quotaType != null) {
        try {
          options = options.quotaType(QuotaType.valueOf(quotaType.toUpperCase(Locale.ROOT)));
        } catch (IllegalArgumentException unknown) {
          throw Failure.value(quotaType, "--quota-type <TEXT>", "expected NONE, FIFO or HARD");
        }
      }
      if (quotaSize != null) {
        options = options.quotaBytes(Sizes.parse(quotaSize, "--quota-size <SIZE>"));
      }
      if (blockSize != null) {
        options = options.blockBytes(Sizes.parse(blockSize, "--block-size <SIZE>"));
      }
      if (blockRecords != null) {
        String parameter = "--block-records <NUMBER>";
        if (!blockRecords.matches("\\d{1,9}")) {
          throw Failure.value(blockRecords, parameter, "invalid digit found in string");
        }
        long count = Long.parseLong(blockRecords);
        if (count < 32 || count >= 4048) {
          throw Failure.value(blockRecords, parameter, count + " is not in 32..4048");
        }
        options = options.blockRecords(count);
      }
      return options;
    }
  }

  /** {@code bucket create}. */
  @Command(name = "create", description = "Create a bucket")
  static final class Create extends ClientCommand {
    @Parameters(paramLabel = "<BUCKET_PATH>", description = PATH)
    private String path = "";

    @Mixin private final Settings settings = new Settings();

    @Override
    int run() {
      BucketOptions options = settings.options();
      Place.Resource bucket = resource(path, "<BUCKET_PATH>");
      client(bucket.instance()).createBucket(bucket.name(), options);
      done("Bucket '" + bucket.name() + "' created");
      return Exit.OK;
    }
  }

  /** {@code bucket update}. */
  @Command(name = "update", description = "Update bucket settings")
  static final class Update extends ClientCommand {
    @Parameters(paramLabel = "<BUCKET_PATH>", description = PATH)
    private String path = "";

    @Mixin private final Settings settings = new Settings();

    @Override
    int run() {
      BucketOptions options = settings.options();
      Place.Resource bucket = resource(path, "<BUCKET_PATH>");
      client(bucket.instance()).bucket(bucket.name()).setSettings(options);
      done("Bucket '" + bucket.name() + "' updated");
      return Exit.OK;
    }
  }

  /** {@code bucket rename}. */
  @Command(name = "rename", description = "Rename a bucket or an entry")
  static final class Rename extends ClientCommand {
    @Parameters(index = "0", paramLabel = "<BUCKET_PATH>", description = PATH)
    private String path = "";

    @Parameters(
        index = "1",
        paramLabel = "<NEW_NAME>",
        description = "New name for the bucket or entry")
    private String newName = "";

    @Option(
        names = {"-e", "--only-entry"},
        paramLabel = "<ENTRY_NAME>",
        description = "Rename an entry instead of a bucket")
    private @Nullable String entry;

    @Override
    int run() {
      Place.Resource resource = resource(path, "<BUCKET_PATH>");
      Bucket bucket = client(resource.instance()).bucket(resource.name());
      if (entry != null) {
        bucket.renameEntry(entry, newName);
        done("Entry '" + entry + "' renamed to '" + newName + "'");
      } else {
        bucket.rename(newName);
        done("Bucket '" + bucket.name() + "' renamed to '" + newName + "'");
      }
      return Exit.OK;
    }
  }

  /** {@code bucket rm}. */
  @Command(name = "rm", description = "Remove a bucket")
  static final class Rm extends RemovalCommand {
    @Parameters(index = "0", paramLabel = "<BUCKET_PATH>", description = PATH)
    private String path = "";

    @Option(
        names = {"-e", "--only-entries"},
        arity = "1..*",
        split = ",",
        paramLabel = "<ENTRY_NAME>",
        description =
            "Remove only these entries instead of the whole bucket; * at the end of a name stands for any rest")
    private @Nullable List<String> only;

    @Override
    int run() {
      Place.Resource resource = resource(path, "<BUCKET_PATH>");
      Bucket bucket = client(resource.instance()).bucket(resource.name());
      if (only == null) {
        return remove("bucket", bucket.name(), bucket::remove);
      }
      var filter = new EntryFilter(only);
      List<String> found =
          bucket.entries().stream().map(EntryInfo::name).filter(filter::takes).toList();
      if (found.isEmpty()) {
        done("No entries found to delete");
      } else if (confirm("Are you sure you want to delete entries " + found + "?")) {
        for (String entry : found) {
          // An entry above it may have taken it along.
          if (found.stream().noneMatch(other -> entry.startsWith(other + "/"))) {
            bucket.removeEntry(entry);
          }
        }
        done("Entries " + Json.write(found).replace(",", ", ") + " deleted");
      } else {
        done("Entries not deleted");
      }
      return Exit.OK;
    }
  }
}
