package io.pannier.cli.client;

import io.pannier.client.Json;
import io.pannier.client.PannierClient;
import io.pannier.client.ReplicationInfo;
import io.pannier.client.TaskMode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code replica}: copies of what a bucket receives. */
@Command(
    name = "replica",
    aliases = "replication",
    description = "Manage replication tasks",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      ReplicaCommands.Create.class,
      ReplicaCommands.Update.class,
      ReplicaCommands.Ls.class,
      ReplicaCommands.Show.class,
      ReplicaCommands.Enable.class,
      ReplicaCommands.Disable.class,
      ReplicaCommands.Pause.class,
      ReplicaCommands.Rm.class,
      picocli.CommandLine.HelpCommand.class
    })
public final class ReplicaCommands {
  private static final String PATH =
      "Path to a replication (e.g. SERVER_ALIAS/NAME or http://localhost:8383/NAME)";
  private static final String TARGET =
      "Destination bucket (e.g. SERVER_ALIAS/BUCKET or https://TOKEN@host/BUCKET)";

  /** Options of a replication. */
  static final class Settings {
    @Option(
        names = {"-n", "--entries"},
        arity = "0..*",
        split = ",",
        paramLabel = "<ENTRY_NAME>",
        description =
            "Entries to copy; all if not given. Patterns with * and ** and exclusions with ! are supported")
    @Nullable List<String> entries;

    @Option(
        names = "--prefix",
        paramLabel = "<PREFIX>",
        description = "Prefix added to destination entry names")
    @Nullable String prefix;

    @Option(
        names = {"-w", "--when"},
        paramLabel = "<CONDITION>",
        description = "Copy only records for which this JSON condition holds; null: all")
    @Nullable String when;

    @Option(
        names = {"-c", "--compression"},
        paramLabel = "<COMPRESSION>",
        description = "Compression on the way: none, gzip, zstd")
    @Nullable String compression;

    @Option(
        names = {"-X", "--ext", "--ext-params"},
        paramLabel = "<JSON>",
        description = {
          "Send what extensions make of each record in its place; null: records as they are.",
          "(Pannier only)"
        })
    @Nullable String ext;

    @Option(
        names = {"-N", "--each-n"},
        hidden = true,
        description = "(DEPRECATED) Every n-th record")
    @Nullable Long eachN;

    @Option(
        names = {"-S", "--each-s"},
        hidden = true,
        description = "(DEPRECATED) A record every n seconds")
    @Nullable Double eachS;

    @Option(
        names = "--dest-token-file",
        paramLabel = "<PATH>",
        description = "A file that holds the token of the destination; - for standard input")
    @Nullable Path tokenFile;

    @Option(
        names = "--dest-token-env",
        paramLabel = "<NAME>",
        description = "An environment variable that holds the token of the destination")
    @Nullable String tokenVariable;

    void into(Map<String, @Nullable Object> json) {
      if (entries != null) {
        json.put("entries", entries);
      }
      if (prefix != null) {
        json.put("dst_prefix", prefix);
      }
      if (when != null || eachN != null || eachS != null) {
        json.put("when", Conditions.with(when, eachN, eachS, null));
      }
      if (ext != null) {
        try {
          json.put("ext", Json.parse(ext));
        } catch (IllegalArgumentException malformed) {
          throw new Failure("Failed to parse ext-params: " + malformed.getMessage());
        }
      }
      if (compression != null) {
        if (!compression.matches("none|gzip|zstd")) {
          throw Failure.value(
              compression, "--compression <COMPRESSION>", "expected none, gzip or zstd");
        }
        json.put("compression", compression);
      }
    }
  }

  /** Where to. */
  private static void target(
      Map<String, @Nullable Object> json, Place.Resource bucket, Settings settings)
      throws IOException {
    Alias alias = bucket.instance().alias();
    json.put("dst_bucket", bucket.name());
    json.put("dst_host", alias.url());
    String token =
        AliasCommands.Secrets.token(null, settings.tokenFile, settings.tokenVariable, false)
            .orElse(alias.token());
    if (!token.isEmpty()) {
      json.put("dst_token", token);
    }
  }

  /** {@code replica create}. */
  @Command(
      name = "create",
      description = "Create a replication task",
      footer = {
        "",
        "A token in the URL of the destination can be seen by others on this machine (ps). Better: an alias, --dest-token-file or --dest-token-env."
      })
  static final class Create extends TaskCommand {
    @Parameters(index = "0", paramLabel = "<REPLICATION_PATH>", description = PATH)
    private String path = "";

    @Parameters(
        index = "1",
        paramLabel = "<SOURCE_BUCKET_NAME>",
        description = "Source bucket on the replicated instance")
    private String source = "";

    @Parameters(index = "2", paramLabel = "<DEST_BUCKET_PATH>", description = TARGET)
    private String destination = "";

    @Mixin private final Settings settings = new Settings();

    @Option(
        names = "--from",
        paramLabel = "<START>",
        description =
            "now (default), oldest, or a time: with which records it begins (Pannier servers)")
    private @Nullable String from;

    @Override
    int run() throws IOException {
      Place.Resource task = resource(path, "<REPLICATION_PATH>");
      Map<String, @Nullable Object> json = new LinkedHashMap<>();
      json.put("src_bucket", source);
      target(json, resource(destination, "<DEST_BUCKET_PATH>"), settings);
      settings.into(json);
      if (from != null && !from.equals("now")) {
        json.put(
            "from",
            from.equals("oldest")
                ? from
                : Long.toUnsignedString(Objects.requireNonNull(time(from))));
      }
      PannierClient client = client(task.instance());
      client.call("POST", "replications/" + task.name(), Json.write(json));
      done("");
      return Exit.OK;
    }
  }

  /** {@code replica update}. */
  @Command(
      name = "update",
      description = "Update a replication task; what is not given stays as it is")
  static final class Update extends TaskCommand {
    @Parameters(index = "0", paramLabel = "<REPLICATION_PATH>", description = PATH)
    private String path = "";

    @Parameters(
        index = "1",
        arity = "0..1",
        paramLabel = "<DEST_BUCKET_PATH>",
        description = TARGET)
    private @Nullable String destination;

    @Option(
        names = {"-s", "--source-bucket"},
        paramLabel = "<BUCKET>",
        description = "Source bucket on the replicated instance")
    private @Nullable String source;

    @Mixin private final Settings settings = new Settings();

    @Override
    int run() throws IOException {
      Place.Resource task = resource(path, "<REPLICATION_PATH>");
      PannierClient client = client(task.instance());
      Map<String, @Nullable Object> json = settings(client, "replications/" + task.name());
      json.remove("dst_token");
      if (destination != null) {
        target(json, resource(destination, "<DEST_BUCKET_PATH>"), settings);
      } else if (settings.tokenFile != null || settings.tokenVariable != null) {
        AliasCommands.Secrets.token(null, settings.tokenFile, settings.tokenVariable, false)
            .ifPresent(token -> json.put("dst_token", token));
      }
      if (source != null) {
        json.put("src_bucket", source);
      }
      settings.into(json);
      client.call("PUT", "replications/" + task.name(), Json.write(json));
      done("");
      return Exit.OK;
    }
  }

  /** {@code replica ls}. */
  @Command(name = "ls", description = "List replication tasks")
  static final class Ls extends ListingCommand<ReplicationInfo> {
    @Override
    @Nullable Object json(PannierClient client) {
      return Json.parseObject(client.call("GET", "replications", "")).get("replications");
    }

    @Override
    List<ReplicationInfo> all(PannierClient client) {
      return client.replications();
    }

    @Override
    String name(ReplicationInfo task) {
      return task.name();
    }

    @Override
    Table table(List<ReplicationInfo> tasks) {
      var table = new Table("Name", "Status", "Mode", "Pending Records", "Provisioned");
      for (ReplicationInfo task : tasks) {
        table.row(
            task.name(),
            active(task.isActive()),
            TaskCommand.mode(task.mode().name().toLowerCase(Locale.ROOT)),
            "" + task.pendingRecords(),
            BucketCommands.mark(task.isProvisioned()));
      }
      return table;
    }
  }

  private static String active(boolean isActive) {
    return isActive ? "✅ Ok" : "❌ Error";
  }

  /** {@code replica show}. */
  @Command(name = "show", description = "Show details about a replication task")
  static final class Show extends TaskCommand {
    @Parameters(paramLabel = "<REPLICATION_PATH>", description = PATH)
    private String path = "";

    @Override
    int run() {
      Place.Resource task = resource(path, "<REPLICATION_PATH>");
      Map<String, @Nullable Object> detail =
          Json.parseObject(client(task.instance()).call("GET", "replications/" + task.name(), ""));
      if (globals.json) {
        out().println(Json.write(detail));
        return Exit.OK;
      }
      Map<String, @Nullable Object> info = object(detail.get("info"));
      Map<String, @Nullable Object> settings = object(detail.get("settings"));
      Map<String, @Nullable Object> hourly =
          object(object(detail.get("diagnostics")).get("hourly"));
      String prefix = String.valueOf(settings.getOrDefault("dst_prefix", ""));
      List<List<String>> rows = new ArrayList<>();
      rows.add(
          List.of(
              "Name: " + info.get("name"),
              "Active: " + active(Boolean.TRUE.equals(info.get("is_active")))));
      rows.add(
          List.of(
              "Mode: " + mode(info.get("mode")),
              "Provisioned: "
                  + BucketCommands.mark(Boolean.TRUE.equals(info.get("is_provisioned")))));
      rows.add(
          List.of(
              "Ok Records (hourly): " + hourly.get("ok"),
              "Errors (hourly): " + hourly.get("errored")));
      rows.add(
          List.of(
              "Source Bucket: " + settings.get("src_bucket"),
              "Destination Bucket: " + settings.get("dst_bucket")));
      rows.add(
          List.of(
              "Destination Server: " + settings.get("dst_host"),
              "Compression: " + capital(settings.getOrDefault("compression", "none"))));
      rows.add(
          List.of(
              "Destination Prefix: " + (prefix.isEmpty() ? "None" : prefix),
              "Entries: " + entries(settings.get("entries"))));
      rows.add(
          List.of(
              "When: " + condition(settings.get("when")),
              settings.get("ext") == null ? "" : "Extensions: " + Json.write(settings.get("ext"))));
      Table.block(out(), rows);
      Map<String, @Nullable Object> errors = object(hourly.get("errors"));
      if (!errors.isEmpty()) {
        var table = new Table("Error Code", "Count", "Last Message");
        Map<Integer, Map<String, @Nullable Object>> byCode = new TreeMap<>();
        errors.forEach((code, error) -> byCode.put(Integer.valueOf(code), object(error)));
        byCode.forEach((code, error) ->
            table.row("" + code, "" + error.get("count"), "" + error.get("last_message")));
        table.print(out());
      }
      return Exit.OK;
    }
  }

  /** What switches a replication. */
  abstract static class Switch extends TaskCommand {
    @Parameters(paramLabel = "<REPLICATION_PATH>", description = PATH)
    private String path = "";

    final int to(TaskMode mode) {
      Place.Resource task = resource(path, "<REPLICATION_PATH>");
      client(task.instance()).setReplicationMode(task.name(), mode);
      done("Replication '" + task.name() + "' " + mode.name().toLowerCase(Locale.ROOT));
      return Exit.OK;
    }
  }

  /** {@code replica enable}. */
  @Command(name = "enable", description = "Enable a replication task")
  static final class Enable extends Switch {
    @Override
    int run() {
      return to(TaskMode.ENABLED);
    }
  }

  /** {@code replica disable}. */
  @Command(name = "disable", description = "Disable a replication task")
  static final class Disable extends Switch {
    @Override
    int run() {
      return to(TaskMode.DISABLED);
    }
  }

  /** {@code replica pause}. */
  @Command(name = "pause", description = "Pause a replication task")
  static final class Pause extends Switch {
    @Override
    int run() {
      return to(TaskMode.PAUSED);
    }
  }

  /** {@code replica rm}. */
  @Command(name = "rm", description = "Remove a replication task")
  static final class Rm extends RemovalCommand {
    @Parameters(paramLabel = "<REPLICATION_PATH>", description = PATH)
    private String path = "";

    @Override
    int run() {
      Place.Resource task = resource(path, "<REPLICATION_PATH>");
      PannierClient client = client(task.instance());
      return remove("replication", task.name(), () -> client.removeReplication(task.name()));
    }
  }
}
