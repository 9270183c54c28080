package io.pannier.cli.client;

import io.pannier.client.EntryInfo;
import io.pannier.client.Json;
import io.pannier.client.PannierClient;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code top}: what comes in, now. */
@Command(
    name = "top",
    description = "Show how fast entries grow, the fastest first, until Ctrl-C",
    footer = {"", "What a ring gives up counts against it. With --json one array a round."})
public final class TopCommand extends ClientCommand {
  private static final int ROWS = 20;

  @Parameters(paramLabel = "<PATH>", description = "SERVER_ALIAS or SERVER_ALIAS/BUCKET")
  private String path = "";

  @Option(
      names = {"-d", "--interval"},
      paramLabel = "<SECONDS>",
      description = "Time between two rounds (2)")
  private double interval = 2;

  @Option(
      names = {"-c", "--count"},
      paramLabel = "<NUMBER>",
      description = "End after so many rounds")
  private @Nullable Integer count;

  private record Rate(
      String name, long records, long bytes, double perSecond, double bytesPerSecond) {}

  @Override
  int run() {
    if (!(interval > 0)) {
      throw Failure.value("" + interval, "--interval <SECONDS>", "must be positive");
    }
    Place place = place(path, "<PATH>");
    Place.Instance instance =
        place instanceof Place.Instance found ? found : resource(path, "<PATH>").instance();
    PannierClient client = client(instance);
    Map<String, EntryInfo> before = look(client, place);
    long beforeNanos = CLOCK.monotonicNanos();
    for (int round = 0; count == null || round < count; round++) {
      try {
        Thread.sleep((long) (interval * 1000));
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
        return Exit.OK;
      }
      Map<String, EntryInfo> now = look(client, place);
      long nanos = CLOCK.monotonicNanos();
      double seconds = (nanos - beforeNanos) / 1e9;
      List<Rate> rates = new ArrayList<>();
      for (var entry : now.entrySet()) {
        EntryInfo info = entry.getValue();
        EntryInfo was = before.get(entry.getKey());
        long records = info.recordCount() - (was == null ? 0 : was.recordCount());
        long bytes = info.sizeBytes() - (was == null ? 0 : was.sizeBytes());
        rates.add(
            new Rate(
                entry.getKey(),
                info.recordCount(),
                info.sizeBytes(),
                records / seconds,
                bytes / seconds));
      }
      rates.sort(
          Comparator.comparingDouble(Rate::bytesPerSecond).reversed().thenComparing(Rate::name));
      show(rates);
      before = now;
      beforeNanos = nanos;
      if (out().checkError()) {
        break;
      }
    }
    return Exit.OK;
  }

  private static Map<String, EntryInfo> look(PannierClient client, Place place) {
    Map<String, EntryInfo> found = new HashMap<>();
    if (place instanceof Place.Instance) {
      client.buckets().stream()
          .filter(bucket -> !bucket.isDeleting())
          .forEach(bucket ->
              client
                  .bucket(bucket.name())
                  .entries()
                  .forEach(entry -> found.put(bucket.name() + "/" + entry.name(), entry)));
    } else {
      String bucket =
          place instanceof Place.Entry entry
              ? entry.bucket().name()
              : ((Place.Resource) place).name();
      client
          .bucket(bucket)
          .entries()
          .forEach(entry -> found.put(bucket + "/" + entry.name(), entry));
    }
    return found;
  }

  private void show(List<Rate> rates) {
    if (globals.json) {
      List<Object> json = new ArrayList<>();
      for (Rate rate : rates) {
        Map<String, @Nullable Object> line = new LinkedHashMap<>();
        line.put("name", rate.name());
        line.put("record_count", rate.records());
        line.put("size", rate.bytes());
        line.put("records_per_second", rate.perSecond());
        line.put("bytes_per_second", rate.bytesPerSecond());
        json.add(line);
      }
      out().println(Json.write(json));
      return;
    }
    if (Terminal.console() != null) {
      out().control("\u001b[H\u001b[2J");
    }
    var table = new Table("Entry", "Records/s", "Bytes/s", "Records", "Size");
    for (Rate rate : rates.subList(0, Math.min(ROWS, rates.size()))) {
      table.row(
          rate.name(),
          String.format(Locale.ROOT, "%.1f", rate.perSecond()),
          (rate.bytesPerSecond() < 0 ? "-" : "")
              + Sizes.text(Math.abs(Math.round(rate.bytesPerSecond()))),
          "" + rate.records(),
          Sizes.text(rate.bytes()));
    }
    table.print(out());
    if (rates.size() > ROWS) {
      out().println("and " + (rates.size() - ROWS) + " more");
    }
    out().flush();
  }
}
