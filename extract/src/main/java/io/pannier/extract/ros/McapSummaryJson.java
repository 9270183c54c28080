package io.pannier.extract.ros;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.pannier.model.PannierException;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Work;
import io.pannier.robotics.mcap.McapReader;
import io.pannier.robotics.mcap.McapRecord.Channel;
import io.pannier.robotics.mcap.McapRecord.Schema;
import io.pannier.robotics.mcap.McapRecord.Statistics;
import io.pannier.robotics.mcap.McapSummary;
import java.io.IOException;
import java.math.BigInteger;
import java.util.TreeSet;

/** What a recording holds, as JSON. */
final class McapSummaryJson {
  private static final JsonFactory JSON = new JsonFactory();

  private McapSummaryJson() {}

  static Body of(McapReader reader, Work work) {
    McapSummary summary = reader.summary();
    try (var body = new BodyBuilder(work);
        JsonGenerator json = JSON.createGenerator(body)) {
      json.writeStartObject();
      json.writeNumberField("size", reader.contents().size());
      json.writeStringField("profile", reader.header().profile());
      json.writeStringField("library", reader.header().library());
      if (summary.statistics().isPresent()) {
        Statistics statistics = summary.statistics().get();
        json.writeFieldName("messages");
        json.writeNumber(unsigned(statistics.messageCount()));
        json.writeFieldName("start_ns");
        json.writeNumber(unsigned(statistics.startTime()));
        json.writeFieldName("end_ns");
        json.writeNumber(unsigned(statistics.endTime()));
      }
      json.writeArrayFieldStart("topics");
      for (Channel channel : summary.channels().values()) {
        topic(json, channel, summary);
      }
      json.writeEndArray();
      json.writeNumberField("chunks", summary.chunks().size());
      json.writeArrayFieldStart("compression");
      var compression = new TreeSet<String>();
      summary.chunks().forEach(chunk -> compression.add(chunk.compression()));
      for (String each : compression) {
        json.writeString(each.isEmpty() ? "none" : each);
      }
      json.writeEndArray();
      json.writeArrayFieldStart("attachments");
      for (var attachment : summary.attachments()) {
        json.writeString(attachment.name());
      }
      json.writeEndArray();
      json.writeArrayFieldStart("metadata");
      for (var metadata : summary.metadata()) {
        json.writeString(metadata.name());
      }
      json.writeEndArray();
      if (summary.damage().isPresent()) {
        json.writeStringField("damage", summary.damage().get().getMessage());
      }
      json.writeEndObject();
      json.flush();
      return body.finish();
    } catch (IOException e) {
      throw new PannierException.Internal("Failed to write JSON", e);
    }
  }

  private static void topic(JsonGenerator json, Channel channel, McapSummary summary)
      throws IOException {
    json.writeStartObject();
    json.writeStringField("topic", channel.topic());
    Schema schema = summary.schemaOf(channel).orElse(null);
    json.writeStringField("schema", schema == null ? "" : schema.name());
    json.writeStringField("schema_encoding", schema == null ? "" : schema.encoding());
    json.writeStringField("encoding", channel.messageEncoding());
    Long count = summary.messageCounts().map(counts -> counts.get(channel.id())).orElse(null);
    if (count != null) {
      json.writeFieldName("messages");
      json.writeNumber(unsigned(count));
    }
    json.writeEndObject();
  }

  private static BigInteger unsigned(long bits) {
    return new BigInteger(Long.toUnsignedString(bits));
  }
}
