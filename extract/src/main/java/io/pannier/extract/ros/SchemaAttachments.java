package io.pannier.extract.ros;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.robotics.msg.MessageType;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What the attachments of entries say about their messages: {@code $schema}, else {@code $ros}. */
final class SchemaAttachments {
  /**
   * How messages of an entry are to be understood.
   *
   * @param encoding of messages: {@code ros1}, {@code cdr} or {@code protobuf}
   * @param schema the definition, or the {@code FileDescriptorSet}
   */
  record EntrySchema(String topic, String encoding, String schemaName, ByteBuffer schema) {
    /** As MCAP calls it; empty where there is no schema. */
    String schemaEncoding() {
      if (!schema.hasRemaining()) {
        return "";
      }
      return switch (encoding) {
        case "ros1" -> "ros1msg";
        case "cdr" -> isIdl() ? "ros2idl" : "ros2msg";
        default -> "protobuf";
      };
    }

    private boolean isIdl() {
      String start =
          StandardCharsets.UTF_8
              .decode(schema.slice(0, Math.min(1_024, schema.limit())))
              .toString();
      return start.contains("\nIDL: ") || start.startsWith("IDL: ");
    }

    /** As people write it: {@code std_msgs/String}; of Protobuf the whole name. */
    String shownName() {
      return encoding.equals("protobuf") ? schemaName : MessageType.shortName(schemaName);
    }
  }

  private static final List<String> ENCODINGS = List.of("ros1", "cdr", "protobuf");

  private final JsonNode attachments;
  private final Map<String, Optional<EntrySchema>> read = new HashMap<>();

  SchemaAttachments(JsonNode attachments) {
    this.attachments = attachments;
  }

  /** That of an entry; empty without a usable attachment. */
  Optional<EntrySchema> of(String entry) {
    return read.computeIfAbsent(entry, _ -> read(attachments.path(entry)));
  }

  /** Encodings of all entries. */
  List<String> encodings() {
    var encodings = new ArrayList<String>();
    attachments
        .fieldNames()
        .forEachRemaining(entry -> of(entry).map(EntrySchema::encoding).ifPresent(encodings::add));
    return encodings;
  }

  private static Optional<EntrySchema> read(JsonNode ofEntry) {
    for (String key : List.of("$schema", "$ros")) {
      JsonNode attachment = ofEntry.path(key);
      String encoding = attachment.path("encoding").asText();
      if (ENCODINGS.contains(encoding)) {
        Optional<ByteBuffer> schema = schema(attachment, encoding);
        if (schema.isPresent()) {
          return Optional.of(
              new EntrySchema(
                  attachment.path("topic").asText(),
                  encoding,
                  attachment.path("schema_name").asText(),
                  schema.get()));
        }
      }
    }
    return Optional.empty();
  }

  /** Empty when it cannot be used. */
  private static Optional<ByteBuffer> schema(JsonNode attachment, String encoding) {
    String text = attachment.path("schema").asText();
    boolean inBase64 = encoding.equals("protobuf");
    if (text.isEmpty()) {
      text = attachment.path("schema_base64").asText();
      inBase64 = true;
    }
    if (text.isEmpty()
        && (encoding.equals("ros1") || attachment.path("schema_name").asText().isEmpty())) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          ByteBuffer.wrap(
              inBase64
                  ? Base64.getMimeDecoder().decode(text)
                  : text.getBytes(StandardCharsets.UTF_8)));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
