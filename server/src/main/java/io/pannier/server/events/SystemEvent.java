package io.pannier.server.events;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.pannier.model.Labels;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;

/**
 * Something that happened and becomes a record of {@code $system}: one flat JSON object.
 *
 * @param family first segment of the entry
 * @param name last segment of the entry, as it is; made fit for a path when it is written
 * @param timestamp when it happened, µs
 * @param status as of HTTP
 * @param labels labels beside {@code status}
 * @param fields members behind those that all events have
 */
record SystemEvent(
    String family,
    String name,
    long timestamp,
    int status,
    String message,
    Labels labels,
    Fields fields) {
  private static final JsonFactory FACTORY = new JsonFactory();

  /** Writes members of an object. */
  @FunctionalInterface
  interface Fields {
    void write(JsonGenerator json) throws IOException;
  }

  /** The entry it goes to. */
  String entry(String instance) {
    return family + "/" + segment(instance) + "/" + segment(name);
  }

  /** The text with every character that a path cannot have replaced. */
  private static String segment(String text) {
    var fit = new StringBuilder(text.isEmpty() ? "_" : text);
    for (int i = 0; i < fit.length(); i++) {
      char c = fit.charAt(i);
      boolean isFit =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '-'
              || c == '_';
      if (!isFit) {
        fit.setCharAt(i, '_');
      }
    }
    return fit.toString();
  }

  /** All its labels. */
  Labels allLabels() {
    return Labels.of("status", Integer.toString(status)).with(labels);
  }

  /** Its text, with another time where its own is taken. */
  ByteBuffer body(String instance, long time) {
    var out = new ByteArrayOutputStream(320);
    try (JsonGenerator json = FACTORY.createGenerator(out)) {
      json.writeStartObject();
      json.writeFieldName("timestamp");
      json.writeNumber(Long.toUnsignedString(time));
      json.writeStringField("instance", instance);
      json.writeNumberField("status", status);
      json.writeStringField("message", message);
      fields.write(json);
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return ByteBuffer.wrap(out.toByteArray());
  }
}
