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
   * @param isDefined whether there is a definition; without one, the name has to be a known one
   * @param schema the definition, or the {@code FileDescriptorSet}; a message without fields has an
   *     empty definition
   */
  record EntrySchema(
      String topic, String encoding, String schemaName, boolean isDefined, ByteBuffer schema) {
    /** As MCAP calls it; empty where there is no schema. */
    String schemaEncoding() {
      if (!isDefined) {
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
        String name = attachment.path("schema_name").asText();
        Optional<ByteBuffer> schema = schema(attachment, encoding);
        boolean isDefined = schema.isPresent();
        if (isDefined || (encoding.equals("cdr") && !name.isEmpty())) {
          return Optional.of(
              new EntrySchema(
                  attachment.path("topic").asText(),
                  encoding,
                  name,
                  isDefined,
                  schema.orElseGet(() -> ByteBuffer.allocate(0))));
        }
      }
    }
    return Optional.empty();
  }

  /** Empty where there is none that can be used. */
  private static Optional<ByteBuffer> schema(JsonNode attachment, String encoding) {
    boolean isProtobuf = encoding.equals("protobuf");
    JsonNode base64 = attachment.path("schema_base64");
    JsonNode text = attachment.path("schema");
    if (isProtobuf && !text.asText().isEmpty()) {
      base64 = text;
    }
    try {
      if (base64.isTextual() && (isProtobuf || text.asText().isEmpty())) {
        byte[] decoded = Base64.getMimeDecoder().decode(base64.textValue());
        return isProtobuf && decoded.length == 0
            ? Optional.empty()
            : Optional.of(ByteBuffer.wrap(decoded));
      }
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
    return text.isTextual() && !isProtobuf
        ? Optional.of(ByteBuffer.wrap(text.textValue().getBytes(StandardCharsets.UTF_8)))
        : Optional.empty();
  }
}
