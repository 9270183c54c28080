package io.pannier.cli.client;

import io.pannier.client.Json;
import io.pannier.client.RecordInfo;
import io.pannier.model.Timestamp;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A record in a list. */
final class RecordLine {
  private RecordLine() {}

  static Map<String, @Nullable Object> json(RecordInfo record) {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("entry", record.entry());
    json.put("timestamp", new java.math.BigInteger(Timestamp.toString(record.timestamp())));
    json.put("content_type", record.contentType());
    json.put("content_length", record.length());
    json.put("labels", record.labels().toMap());
    if (!record.computed().isEmpty()) {
      json.put("computed_labels", record.computed().toMap());
    }
    return json;
  }

  /** One line: time, entry, size, type, labels. */
  static String text(RecordInfo record) {
    return Timestamp.toString(record.timestamp())
        + "  "
        + record.entry()
        + "  "
        + Sizes.text(record.length())
        + "  "
        + record.contentType()
        + (record.labels().isEmpty() ? "" : "  " + Json.write(record.labels().toMap()));
  }
}
