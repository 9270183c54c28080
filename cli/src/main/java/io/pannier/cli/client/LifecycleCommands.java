package io.pannier.cli.client;

import io.pannier.client.Json;
import io.pannier.client.LifecycleInfo;
import io.pannier.client.PannierClient;
import io.pannier.client.TaskMode;
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

/** {@code lifecycle}: what becomes of old records. */
@Command(
    name = "lifecycle",
    aliases = "lc",
    description = "Manage lifecycle policies",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      LifecycleCommands.Create.class,
      LifecycleCommands.Update.class,
      LifecycleCommands.Ls.class,
      LifecycleCommands.Show.class,
      LifecycleCommands.Enable.class,
      LifecycleCommands.Disable.class,
      LifecycleCommands.DryRun.class,
      LifecycleCommands.Rm.class,
      picocli.CommandLine.HelpCommand.class
    })
public final class LifecycleCommands {
  private static final String PATH =
      "Path to a policy (e.g. SERVER_ALIAS/NAME or http://localhost:8383/NAME)";

  /** Options of a policy. */
  static final class Settings {
    @Option(
        names = "--type",
        paramLabel = "<ACTION>",
        description = "Lifecycle action type: delete (default) or compress")
    private @Nullable String type;

    @Option(
        names = {"--older-than", "--max-age"},
        paramLabel = "<DURATION>",
        description = "Match records older than this duration (e.g. 1h, 30d, 3600s)")
    private @Nullable String olderThan;

    @Option(
        names = "--interval",
        paramLabel = "<DURATION>",
        description = "Interval between lifecycle runs (e.g. 10m, 1h)")
    private @Nullable String interval;

    @Option(
        names = "--processing-interval",
        paramLabel = "<DURATION>",
        description = "Interval for processing lifecycle records (e.g. 6h, 12h, 1d)")
    private @Nullable String processingInterval;

    @Option(
        names = {"-n", "--entries"},
        arity = "0..*",
        split = ",",
        paramLabel = "<ENTRY_NAME>",
        description =
            "Entries that are meant; all if not given. Patterns with * and ** and exclusions with ! are supported")
    private @Nullable List<String> entries;

    @Option(
        names = {"-w", "--when"},
        paramLabel = "<CONDITION>",
        description = "Only records for which this JSON condition holds; null: all")
    private @Nullable String when;

    void into(Map<String, @Nullable Object> json) {
      put(json, "type", type);
      put(json, "older_than", olderThan);
      put(json, "interval", interval);
      put(json, "processing_interval", processingInterval);
      put(json, "entries", entries);
      if (when != null) {
        json.put("when", AliasCommands.condition(when));
      }
    }

    private static void put(
        Map<String, @Nullable Object> json, String name, @Nullable Object value) {
      if (value != null) {
        json.put(name, value);
      }
    }
  }

  /** {@code lifecycle create}. */
  @Command(name = "create", description = "Create a lifecycle policy")
  static final class Create extends TaskCommand {
    @Parameters(index = "0", paramLabel = "<LIFECYCLE_PATH>", description = PATH)
    private String path = "";

    @Parameters(
        index = "1",
        paramLabel = "<BUCKET_NAME>",
        description = "Bucket to apply lifecycle policy")
    private String bucket = "";

    @Mixin private final Settings settings = new Settings();

    @Override
    int run() {
      if (settings.olderThan == null) {
        throw new Failure(
            Exit.USAGE,
            "the following required arguments were not provided:\n  --older-than <DURATION>");
      }
      Map<String, @Nullable Object> json = new LinkedHashMap<>();
      json.put("type", "delete");
      json.put("bucket", bucket);
      settings.into(json);
      Place.Resource policy = resource(path, "<LIFECYCLE_PATH>");
      client(policy.instance()).call("POST", "lifecycles/" + policy.name(), Json.write(json));
      done("");
      return Exit.OK;
    }
  }

  /** {@code lifecycle update}. */
  @Command(
      name = "update",
      description = "Update a lifecycle policy; what is not given stays as it is")
  static final class Update extends TaskCommand {
    @Parameters(index = "0", paramLabel = "<LIFECYCLE_PATH>", description = PATH)
    private String path = "";

    @Option(
        names = "--bucket",
        paramLabel = "<BUCKET_NAME>",
        description = "Bucket to apply lifecycle policy")
    private @Nullable String bucket;

    @Mixin private final Settings settings = new Settings();

    @Override
    int run() {
      Place.Resource policy = resource(path, "<LIFECYCLE_PATH>");
      PannierClient client = client(policy.instance());
      Map<String, @Nullable Object> json = settings(client, "lifecycles/" + policy.name());
      if (bucket != null) {
        json.put("bucket", bucket);
      }
      settings.into(json);
      client.call("PUT", "lifecycles/" + policy.name(), Json.write(json));
      done("");
      return Exit.OK;
    }
  }

  private static String status(boolean isRunning) {
    return isRunning ? "✅ Running" : "⏸ Idle";
  }

  /** {@code lifecycle ls}. */
  @Command(name = "ls", description = "List lifecycle policies")
  static final class Ls extends ListingCommand<LifecycleInfo> {
    @Override
    @Nullable Object json(PannierClient client) {
      return Json.parseObject(client.call("GET", "lifecycles", "")).get("lifecycles");
    }

    @Override
    List<LifecycleInfo> all(PannierClient client) {
      return client.lifecycles();
    }

    @Override
    String name(LifecycleInfo policy) {
      return policy.name();
    }

    @Override
    Table table(List<LifecycleInfo> policies) {
      var table = new Table("Name", "Status", "Type", "Mode", "Provisioned");
      for (LifecycleInfo policy : policies) {
        table.row(
            policy.name(),
            status(policy.isRunning()),
            TaskCommand.capital(policy.type()),
            TaskCommand.mode(policy.mode().name().toLowerCase(Locale.ROOT)),
            BucketCommands.mark(policy.isProvisioned()));
      }
      return table;
    }
  }

  /** {@code lifecycle show}. */
  @Command(name = "show", description = "Show details about a lifecycle policy")
  static final class Show extends TaskCommand {
    @Parameters(paramLabel = "<LIFECYCLE_PATH>", description = PATH)
    private String path = "";

    @Override
    int run() {
      Place.Resource policy = resource(path, "<LIFECYCLE_PATH>");
      Map<String, @Nullable Object> detail =
          Json.parseObject(
              client(policy.instance()).call("GET", "lifecycles/" + policy.name(), ""));
      if (globals.json) {
        out().println(Json.write(detail));
        return Exit.OK;
      }
      Map<String, @Nullable Object> info = object(detail.get("info"));
      Map<String, @Nullable Object> settings = object(detail.get("settings"));
      Object processing = settings.get("processing_interval");
      List<List<String>> rows = new ArrayList<>();
      rows.add(
          List.of(
              "Name: " + info.get("name"),
              "Status: " + status(Boolean.TRUE.equals(info.get("is_running")))));
      rows.add(
          List.of(
              "Mode: " + mode(info.get("mode")),
              "Provisioned: "
                  + BucketCommands.mark(Boolean.TRUE.equals(info.get("is_provisioned")))));
      rows.add(
          List.of("Type: " + capital(settings.get("type")), "Bucket: " + settings.get("bucket")));
      rows.add(
          List.of(
              "Older Than: " + settings.get("older_than"),
              "Interval: " + settings.get("interval")));
      rows.add(
          List.of(
              "Processing Interval: " + (processing == null ? "None" : processing),
              "Entries: " + entries(settings.get("entries"))));
      rows.add(List.of("When: " + condition(settings.get("when")), ""));
      Table.block(out(), rows);
      return Exit.OK;
    }
  }

  /** What switches a policy. */
  abstract static class Switch extends TaskCommand {
    @Parameters(paramLabel = "<LIFECYCLE_PATH>", description = PATH)
    private String path = "";

    final int to(TaskMode mode, String told) {
      Place.Resource policy = resource(path, "<LIFECYCLE_PATH>");
      client(policy.instance()).setLifecycleMode(policy.name(), mode);
      done("Lifecycle '" + policy.name() + "' " + told);
      return Exit.OK;
    }
  }

  /** {@code lifecycle enable}. */
  @Command(name = "enable", description = "Enable a lifecycle policy")
  static final class Enable extends Switch {
    @Override
    int run() {
      return to(TaskMode.ENABLED, "enabled");
    }
  }

  /** {@code lifecycle disable}. */
  @Command(name = "disable", description = "Disable a lifecycle policy")
  static final class Disable extends Switch {
    @Override
    int run() {
      return to(TaskMode.DISABLED, "disabled");
    }
  }

  /** {@code lifecycle dry-run}. */
  @Command(name = "dry-run", description = "Set lifecycle policy mode to dry run")
  static final class DryRun extends Switch {
    @Override
    int run() {
      return to(TaskMode.DRY_RUN, "set to dry run");
    }
  }

  /** {@code lifecycle rm}. */
  @Command(name = "rm", description = "Remove a lifecycle policy")
  static final class Rm extends RemovalCommand {
    @Parameters(paramLabel = "<LIFECYCLE_PATH>", description = PATH)
    private String path = "";

    @Override
    int run() {
      Place.Resource policy = resource(path, "<LIFECYCLE_PATH>");
      PannierClient client = client(policy.instance());
      return remove("lifecycle", policy.name(), () -> client.removeLifecycle(policy.name()));
    }
  }
}
