package io.pannier.cli.client;

import io.pannier.client.BucketInfo;
import io.pannier.client.EntryInfo;
import io.pannier.client.PannierClient;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code du}: what takes how much room. */
@Command(
    name = "du",
    description =
        "Show what takes how much room: buckets of an instance, or entries of a bucket, the largest first")
public final class DuCommand extends ClientCommand {
  @Parameters(paramLabel = "<PATH>", description = "SERVER_ALIAS or SERVER_ALIAS/BUCKET")
  private String path = "";

  @Option(
      names = {"-a", "--all"},
      description = "Of an instance, the entries of every bucket")
  private boolean all;

  private record Line(String name, long bytes, long records) {}

  @Override
  int run() {
    Place place = place(path, "<PATH>");
    List<Line> lines = new ArrayList<>();
    if (place instanceof Place.Instance instance) {
      PannierClient client = client(instance);
      for (BucketInfo bucket : client.buckets()) {
        List<EntryInfo> entries = client.bucket(bucket.name()).entries();
        if (all) {
          entries.forEach(entry -> lines.add(line(bucket.name() + "/" + entry.name(), entry)));
        } else {
          long records = entries.stream().mapToLong(EntryInfo::recordCount).sum();
          lines.add(new Line(bucket.name(), bucket.sizeBytes(), records));
        }
      }
    } else {
      Place.Resource bucket = resource(path, "<PATH>");
      String only = place instanceof Place.Entry entry ? entry.entry() : "";
      for (EntryInfo entry : client(bucket.instance()).bucket(bucket.name()).entries()) {
        if (only.isEmpty() || entry.name().equals(only) || entry.name().startsWith(only + "/")) {
          lines.add(line(entry.name(), entry));
        }
      }
    }
    lines.sort(Comparator.comparingLong(Line::bytes).reversed().thenComparing(Line::name));
    long bytes = lines.stream().mapToLong(Line::bytes).sum();
    long records = lines.stream().mapToLong(Line::records).sum();
    List<Object> json = new ArrayList<>();
    var table = new Table("Size", "Records", "Name");
    for (Line line : lines) {
      Map<String, @Nullable Object> object = new LinkedHashMap<>();
      object.put("name", line.name());
      object.put("size", line.bytes());
      object.put("record_count", line.records());
      json.add(object);
      table.row(Sizes.text(line.bytes()), "" + line.records(), line.name());
    }
    table.row(Sizes.text(bytes), "" + records, "(all)");
    if (globals.json) {
      print(json, "");
    } else {
      table.print(out());
    }
    return Exit.OK;
  }

  private static Line line(String name, EntryInfo entry) {
    return new Line(name, entry.sizeBytes(), entry.recordCount());
  }
}
