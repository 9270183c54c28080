package io.pannier.cli;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.encoder.EncoderBase;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import org.slf4j.event.KeyValuePair;

/**
 * Writes each line of the log as one flat JSON object, for programs that collect them: {@code time}
 * in UTC, {@code level}, {@code logger}, {@code thread}, {@code message}, then the fields that
 * belong to the line, then {@code stack} if something was thrown. A field that is called like one
 * of these is left to the former.
 */
final class JsonLines extends EncoderBase<ILoggingEvent> {
  private static final JsonFactory FACTORY = new JsonFactory();
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);
  private static final List<String> OWN =
      List.of("time", "level", "logger", "thread", "message", "stack");

  @Override
  public byte[] headerBytes() {
    return new byte[0];
  }

  @Override
  public byte[] encode(ILoggingEvent event) {
    var out = new ByteArrayOutputStream(256);
    try (JsonGenerator json = FACTORY.createGenerator(out)) {
      json.writeStartObject();
      Instant at = event.getInstant();
      json.writeStringField(
          "time", TIME.format(at == null ? Instant.ofEpochMilli(event.getTimeStamp()) : at));
      json.writeStringField("level", event.getLevel().toString());
      json.writeStringField("logger", event.getLoggerName());
      json.writeStringField("thread", event.getThreadName());
      json.writeStringField("message", event.getFormattedMessage());
      List<KeyValuePair> fields = event.getKeyValuePairs();
      if (fields != null) {
        for (KeyValuePair field : fields) {
          write(json, field);
        }
      }
      if (event.getThrowableProxy() != null) {
        json.writeStringField("stack", ThrowableProxyUtil.asString(event.getThrowableProxy()));
      }
      json.writeEndObject();
    } catch (IOException inMemory) {
      throw new UncheckedIOException(inMemory);
    }
    out.write('\n');
    return out.toByteArray();
  }

  private static void write(JsonGenerator json, KeyValuePair field) throws IOException {
    if (OWN.contains(field.key)) {
      return;
    }
    if (field.value instanceof Number number) {
      json.writeNumberField(field.key, number.longValue());
    } else {
      json.writeStringField(field.key, String.valueOf(field.value));
    }
  }

  @Override
  public byte[] footerBytes() {
    return new byte[0];
  }
}
