package io.pannier.cli.mcap;

import io.pannier.cli.ExitCodes;
import io.pannier.cli.Json;
import io.pannier.robotics.mcap.McapReader;
import io.pannier.robotics.mcap.McapRecord.Channel;
import io.pannier.robotics.mcap.McapRecord.Schema;
import io.pannier.robotics.mcap.McapRecord.Statistics;
import io.pannier.robotics.mcap.McapSummary;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code mcap info}: what a file holds. */
@Command(
    name = "info",
    mixinStandardHelpOptions = true,
    description = "Show what a file holds: topics, messages, times, attachments.",
    footer = {"", "Exit code 0, 1 when the file is damaged or cut short, 2 when there is none."})
final class McapInfoCommand extends McapCommand.OfFile {
  private static final long NANOS = 1_000_000_000L;

  @Option(names = "--json", description = "As a JSON object.")
  private boolean json;

  @Override
  int run(McapReader reader, PrintWriter out) {
    McapSummary summary = reader.summary();
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("profile", reader.header().profile());
    fields.put("library", reader.header().library());
    summary.statistics().ifPresent(sums -> fields.putAll(times(sums)));
    fields.put("chunks", summary.chunks().size());
    fields.put(
        "compression",
        summary.chunks().stream().map(chunk -> chunk.compression()).distinct().sorted().toList());
    fields.put("attachments", summary.attachments().stream().map(each -> each.name()).toList());
    fields.put("metadata", summary.metadata().stream().map(each -> each.name()).toList());
    List<Map<String, Object>> topics = new ArrayList<>();
    for (Channel channel : summary.channels().values()) {
      topics.add(topic(summary, channel));
    }
    if (json) {
      fields.put("topics", topics);
      Json.line(out, fields);
    } else {
      fields.forEach((name, value) -> out.printf("%-12s %s%n", name, value));
      for (Map<String, Object> topic : topics) {
        out.printf(
            "%10s  %s  %s (%s, %s)%n",
            topic.get("messages"),
            topic.get("topic"),
            topic.get("schema"),
            topic.get("schema_encoding"),
            topic.get("encoding"));
      }
    }
    return ExitCodes.OK;
  }

  private static Map<String, Object> times(Statistics sums) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("messages", sums.messageCount());
    if (sums.messageCount() > 0) {
      fields.put("start", time(sums.startTime()));
      fields.put("end", time(sums.endTime()));
    }
    return fields;
  }

  private static String time(long nanos) {
    return Instant.ofEpochSecond(
            Long.divideUnsigned(nanos, NANOS), Long.remainderUnsigned(nanos, NANOS))
        .toString();
  }

  private static Map<String, Object> topic(McapSummary summary, Channel channel) {
    Map<String, Object> topic = new LinkedHashMap<>();
    topic.put("topic", channel.topic());
    topic.put("schema", summary.schemaOf(channel).map(Schema::name).orElse(""));
    topic.put("schema_encoding", summary.schemaOf(channel).map(Schema::encoding).orElse(""));
    topic.put("encoding", channel.messageEncoding());
    topic.put(
        "messages",
        summary.messageCounts().map(counts -> counts.getOrDefault(channel.id(), 0L)).orElse(0L));
    return topic;
  }
}
