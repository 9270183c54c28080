package io.pannier.extract.ros;

import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.Descriptors.Descriptor;
import io.pannier.model.PannierException;
import io.pannier.robotics.msg.CommonDefinitions;
import io.pannier.robotics.msg.DefinitionException;
import io.pannier.robotics.msg.MessageCodec;
import io.pannier.robotics.msg.MessageCodec.Layout;
import io.pannier.robotics.msg.MessageDefinition;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** Decoders by schema; each schema is read once in a query. One thread at a time. */
final class Decoders {
  private static final int KEPT_MAX = 256;

  private record Key(String schemaEncoding, String messageEncoding, String name, ByteBuffer data) {}

  private final Map<Key, MessageDecoder> decoders = new HashMap<>();

  /**
   * A decoder.
   *
   * @param topic for errors
   * @param schemaEncoding {@code ros1msg}, {@code ros2msg}, {@code ros2idl} or {@code protobuf};
   *     empty where there is no schema
   * @param data the schema, kept
   */
  MessageDecoder of(
      String topic, String schemaEncoding, String messageEncoding, String name, ByteBuffer data) {
    var key = new Key(schemaEncoding, messageEncoding, name, data);
    MessageDecoder known = decoders.get(key);
    if (known != null) {
      return known;
    }
    MessageDecoder made;
    try {
      made = make(topic, key);
    } catch (DefinitionException e) {
      throw new PannierException.Invalid(
          "Failed to read the schema '" + name + "' of topic '" + topic + "': " + e.getMessage());
    }
    if (decoders.size() >= KEPT_MAX) {
      decoders.clear();
    }
    decoders.put(key, made);
    return made;
  }

  private static MessageDecoder make(String topic, Key key) throws DefinitionException {
    String text = StandardCharsets.UTF_8.decode(key.data().duplicate()).toString();
    return switch (key.schemaEncoding()) {
      case "ros1msg" -> {
        requireEncoding(topic, key, "ros1");
        yield ros(MessageDefinition.parseRos1(key.name(), text), Layout.ROS1);
      }
      case "ros2msg" -> {
        requireEncoding(topic, key, "cdr");
        // Some recorders leave the text empty where they do not find it.
        yield text.isBlank() && CommonDefinitions.contains(key.name())
            ? ros(CommonDefinitions.definition(key.name()), Layout.CDR)
            : ros(MessageDefinition.parseRos2(key.name(), text), Layout.CDR);
      }
      case "ros2idl" -> {
        requireEncoding(topic, key, "cdr");
        yield ros(MessageDefinition.parseIdl(key.name(), text), Layout.CDR);
      }
      case "protobuf" -> {
        requireEncoding(topic, key, "protobuf");
        yield Protobuf.decoder(topic, key.name(), key.data().duplicate());
      }
      case "" -> {
        if (key.messageEncoding().equals("cdr") && !key.name().isEmpty()) {
          // Recorded where definitions could not be found; the common ones are known.
          yield ros(CommonDefinitions.definition(key.name()), Layout.CDR);
        }
        throw new PannierException.Invalid("Topic '" + topic + "' has no schema");
      }
      default ->
          throw new PannierException.Invalid(
              "Unsupported schema encoding '" + key.schemaEncoding() + "'");
    };
  }

  private static void requireEncoding(String topic, Key key, String expected) {
    if (!key.messageEncoding().equals(expected)) {
      throw new PannierException.Invalid(
          "Topic '"
              + topic
              + "' has messages in '"
              + key.messageEncoding()
              + "' with a schema in '"
              + key.schemaEncoding()
              + "'");
    }
  }

  private static MessageDecoder ros(MessageDefinition definition, Layout layout) {
    var codec = new MessageCodec(definition, layout);
    return codec::read;
  }

  /** Kept apart, so that the library is loaded only where such messages are. */
  private static final class Protobuf {
    static MessageDecoder decoder(String topic, String name, ByteBuffer schema) {
      FileDescriptorSet files = ProtobufDecoder.files(topic, schema);
      Descriptor type = ProtobufDecoder.find(topic, files, name);
      return new ProtobufDecoder(type);
    }
  }
}
