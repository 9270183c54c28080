package io.pannier.extract.ros;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.robotics.mcap.McapRecord.Channel;
import io.pannier.robotics.mcap.McapRecord.Schema;
import io.pannier.robotics.msg.MessageType;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How the records of an entry are to be understood as messages, by its attachment {@code $schema},
 * else {@code $ros}.
 *
 * @param encoding of messages: {@code ros1}, {@code cdr} or {@code protobuf}
 * @param isDefined whether there is a definition; without one, the name has to be a known one
 * @param schema the definition, or the {@code FileDescriptorSet}; a message without fields has an
 *     empty definition
 */
public record EntrySchema(
    String topic, String encoding, String schemaName, boolean isDefined, ByteBuffer schema) {
  private static final List<String> ENCODINGS = List.of("ros1", "cdr", "protobuf");

  /**
   * That of an entry; empty without a usable attachment.
   *
   * @param attachments of the entry, by key
   */
  public static Optional<EntrySchema> of(JsonNode attachments) {
    for (String key : List.of("$schema", "$ros")) {
      JsonNode attachment = attachments.path(key);
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

  /**
   * The profile of a recording of messages in these encodings: {@code ros1}, {@code ros2}, none.
   */
  public static String profile(Collection<String> encodings) {
    var different = new HashSet<>(encodings);
    String only = different.size() == 1 ? different.iterator().next() : "";
    return switch (only) {
      case "ros1" -> "ros1";
      case "cdr" -> "ros2";
      default -> "";
    };
  }

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
        StandardCharsets.UTF_8.decode(schema.slice(0, Math.min(1_024, schema.limit()))).toString();
    return start.contains("\nIDL: ") || start.startsWith("IDL: ");
  }

  /** As people write it: {@code std_msgs/String}; of Protobuf the whole name. */
  String shownName() {
    return encoding.equals("protobuf") ? schemaName : MessageType.shortName(schemaName);
  }

  /** For a recording, without an id; empty where there is no definition. */
  public Optional<Schema> mcapSchema() {
    boolean isRos2 = encoding.equals("cdr") && schemaName.indexOf('/') > 0;
    // As ROS 2 calls them.
    String name = isRos2 ? MessageType.shortName(schemaName).replace("/", "/msg/") : schemaName;
    return isDefined
        ? Optional.of(new Schema(0, name, schemaEncoding(), schema))
        : Optional.empty();
  }

  /** For a recording, without ids. */
  public Channel mcapChannel(String entry, Map<String, String> metadata) {
    return new Channel(0, 0, topic.isEmpty() ? "/" + entry : topic, encoding, metadata);
  }
}
