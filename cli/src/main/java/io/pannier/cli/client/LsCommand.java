package io.pannier.cli.client;

import io.pannier.client.BucketInfo;
import io.pannier.client.EntryInfo;
import io.pannier.client.Json;
import io.pannier.client.PannierClient;
import io.pannier.client.QueryOptions;
import io.pannier.client.RecordInfo;
import io.pannier.client.RecordStream;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ls}: aliases, buckets, entries, records. */
@Command(
    name = "ls",
    description =
        "List aliases, the buckets of an instance, the entries of a bucket, or the records of an entry",
    footer = {"", "With --json records come one object a line."})
public class LsCommand extends ClientCommand {
  @Parameters(
      arity = "0..1",
      paramLabel = "<PATH>",
      description = "SERVER_ALIAS, SERVER_ALIAS/BUCKET or SERVER_ALIAS/BUCKET/ENTRY")
  private @Nullable String path;

  @Mixin private final Selection selection = new Selection();

  @Option(
      names = {"-l", "--limit"},
      paramLabel = "<NUMBER>",
      description = "Records of an entry at most")
  private @Nullable Long limit;

  /** Whether a bucket stands for the records of its entries. */
  boolean isQuery() {
    return false;
  }

  @Override
  int run() {
    if (path == null) {
      if (isQuery()) {
        throw new Failure(
            Exit.USAGE, "the following required arguments were not provided:\n  <PATH>");
      }
      List<String> names = List.copyOf(aliasFile().read().keySet());
      print(names, String.join("\n", names));
      return Exit.OK;
    }
    Place place = place(path, "<PATH>");
    return switch (place) {
      case Place.Local _ -> throw Failure.value(path, "<PATH>");
      case Place.Instance instance -> {
        if (isQuery()) {
          throw Failure.value(Place.hidden(path), "<PATH>", "expected a bucket");
        }
        List<String> names = client(instance).buckets().stream().map(BucketInfo::name).toList();
        print(names, String.join("\n", names));
        yield Exit.OK;
      }
      case Place.Resource bucket -> {
        if (isQuery() || selection.entries != null || selection.hasCondition()) {
          yield records(bucket, selection.filter());
        }
        List<String> names =
            client(bucket.instance()).bucket(bucket.name()).entries().stream()
                .map(EntryInfo::name)
                .toList();
        print(names, String.join("\n", names));
        yield Exit.OK;
      }
      case Place.Entry entry -> records(entry.bucket(), selection.filter().add(entry.entry()));
    };
  }

  private int records(Place.Resource resource, EntryFilter filter) {
    PannierClient client = client(resource.instance());
    var bucket = client.bucket(resource.name());
    QueryOptions options = selection.options().metadata();
    if (limit != null) {
      options = options.limit(limit);
    }
    for (EntryInfo entry : bucket.entries()) {
      if (!filter.takes(entry.name()) || entry.recordCount() == 0) {
        continue;
      }
      try (RecordStream records = bucket.query(entry.name(), options)) {
        while (records.hasNext()) {
          RecordInfo record = records.next().info();
          Map<String, @Nullable Object> json = RecordLine.json(record);
          out().println(globals.json ? Json.write(json) : RecordLine.text(record));
          if (out().checkError()) {
            return Exit.OK; // whoever reads has enough
          }
        }
      } catch (io.pannier.client.ClientException.Refused refused) {
        if (refused.code() != 422
            || !String.valueOf(refused.getMessage()).contains("Start time must be before")) {
          throw refused;
        }
      }
    }
    return Exit.OK;
  }
}
