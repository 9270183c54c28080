package io.pannier.cli.mcap;

import io.pannier.cli.ExitCodes;
import io.pannier.cli.Json;
import io.pannier.robotics.mcap.McapReader;
import io.pannier.robotics.mcap.McapRecord.Schema;
import io.pannier.robotics.mcap.MessageCursor;
import io.pannier.robotics.msg.DefinitionException;
import io.pannier.robotics.msg.MessageCodec;
import io.pannier.robotics.msg.MessageCodec.Layout;
import io.pannier.robotics.msg.MessageDefinition;
import io.pannier.robotics.msg.MessageException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code mcap cat}: messages as lines of JSON. */
@Command(
    name = "cat",
    mixinStandardHelpOptions = true,
    description =
        "Print messages by log time, a line of JSON each: ROS 1 and ROS 2 messages and JSON decoded, others as base64.",
    footer = {"", "Arrays of bytes are base64, NaN and infinities null."})
final class McapCatCommand extends McapCommand.OfFile {
  @Mixin private McapCommand.Wanted wanted = new McapCommand.Wanted();

  @Option(
      names = {"-n", "--limit"},
      paramLabel = "N",
      description = "At most so many messages.")
  private long limit = Long.MAX_VALUE;

  /** By schema; empty where messages cannot be decoded. */
  private final Map<Integer, Optional<MessageCodec>> codecs = new HashMap<>();

  @Override
  int run(McapReader reader, PrintWriter out) throws IOException {
    MessageCursor cursor = reader.messages(wanted.selection(spec()));
    long left = limit;
    while (left-- > 0) {
      MessageCursor.Found found = cursor.next();
      if (found == null) {
        break;
      }
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("topic", found.channel().topic());
      line.put("sequence", found.message().sequence());
      line.put("log_time", Long.toUnsignedString(found.message().logTime()));
      line.put("publish_time", Long.toUnsignedString(found.message().publishTime()));
      content(found, line);
      Json.line(out, line);
    }
    return ExitCodes.OK;
  }

  private void content(MessageCursor.Found found, Map<String, Object> line) throws IOException {
    ByteBuffer data = found.message().data();
    if (found.channel().messageEncoding().equals("json")) {
      line.put("data", Json.parse(StandardCharsets.UTF_8.decode(data).toString()));
      return;
    }
    Schema schema = found.schema().orElse(null);
    Optional<MessageCodec> codec =
        schema == null ? Optional.empty() : codecs.computeIfAbsent(schema.id(), _ -> codec(schema));
    if (codec.isPresent()) {
      try {
        line.put("data", plain(codec.get().decode(data)));
        return;
      } catch (MessageException malformed) {
        line.put("error", String.valueOf(malformed.getMessage()));
      }
    }
    line.put("base64", base64(data));
  }

  private static Optional<MessageCodec> codec(Schema schema) {
    String text = StandardCharsets.UTF_8.decode(schema.data()).toString();
    try {
      return switch (schema.encoding()) {
        case "ros1msg" ->
            Optional.of(
                new MessageCodec(MessageDefinition.parseRos1(schema.name(), text), Layout.ROS1));
        case "ros2msg" ->
            Optional.of(
                new MessageCodec(MessageDefinition.parseRos2(schema.name(), text), Layout.CDR));
        case "ros2idl" ->
            Optional.of(
                new MessageCodec(MessageDefinition.parseIdl(schema.name(), text), Layout.CDR));
        default -> Optional.empty();
      };
    } catch (DefinitionException unusable) {
      return Optional.empty();
    }
  }

  /** What JSON can hold. */
  private static @Nullable Object plain(Object value) {
    return switch (value) {
      case byte[] bytes -> base64(ByteBuffer.wrap(bytes));
      case Double number when !Double.isFinite(number) -> null;
      case Float number when !Float.isFinite(number) -> null;
      case List<?> list -> {
        var plain = new java.util.ArrayList<@Nullable Object>(list.size());
        list.forEach(each -> plain.add(plain(each)));
        yield plain;
      }
      case Map<?, ?> map -> {
        var plain = new LinkedHashMap<Object, @Nullable Object>();
        map.forEach((name, each) -> plain.put(name, plain(each)));
        yield plain;
      }
      default -> value;
    };
  }

  private static String base64(ByteBuffer data) {
    byte[] bytes = new byte[data.remaining()];
    data.duplicate().get(bytes);
    return Base64.getEncoder().encodeToString(bytes);
  }
}
