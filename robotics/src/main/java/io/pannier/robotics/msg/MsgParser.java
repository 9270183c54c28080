package io.pannier.robotics.msg;

import io.pannier.robotics.msg.FieldType.Primitive;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code .msg} definitions of ROS 1 and ROS 2 (docs.ros.org: "Interfaces"; wiki.ros.org/msg):
 * a field a line, comments behind {@code #}, constants with {@code =}, defaults behind the name.
 */
final class MsgParser {
  /** Type with bound of a text and with array part, name, and what follows. */
  private static final Pattern LINE =
      Pattern.compile(
          "([A-Za-z][A-Za-z0-9_/]*)(<=\\d+)?\\s*(\\[(<=)?\\d*\\])?\\s+([A-Za-z][A-Za-z0-9_]*)\\s*(.*)");

  /** Longest line, without its comment: looking for a field takes the square of it at worst. */
  private static final int LINE_MAX = 4_096;

  private static final Map<String, FieldType> BUILT_IN =
      Map.ofEntries(
          Map.entry("bool", Primitive.BOOL),
          Map.entry("char", Primitive.UINT8),
          Map.entry("int8", Primitive.INT8),
          Map.entry("uint8", Primitive.UINT8),
          Map.entry("int16", Primitive.INT16),
          Map.entry("uint16", Primitive.UINT16),
          Map.entry("int32", Primitive.INT32),
          Map.entry("uint32", Primitive.UINT32),
          Map.entry("int64", Primitive.INT64),
          Map.entry("uint64", Primitive.UINT64),
          Map.entry("float32", Primitive.FLOAT32),
          Map.entry("float64", Primitive.FLOAT64),
          Map.entry("time", Primitive.TIME),
          Map.entry("duration", Primitive.DURATION),
          Map.entry("string", new FieldType.Text(false)),
          Map.entry("wstring", new FieldType.Text(true)));

  private final String rootName;
  private final boolean ros1;
  private final List<String> lines;
  private final Map<String, MessageType> types = new LinkedHashMap<>();

  MsgParser(String rootName, String text, boolean ros1) {
    this.rootName = MessageType.shortName(rootName);
    this.ros1 = ros1;
    lines = text.lines().toList();
  }

  Map<String, MessageType> parse() throws DefinitionException {
    String name = rootName;
    var fields = new ArrayList<MessageType.Field>();
    boolean begins = false;
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (isSeparator(line)) {
        end(name, fields);
        name = "";
        begins = true;
      } else if (begins && line.startsWith("MSG:")) {
        name = MessageType.shortName(line.substring(4).strip());
        begins = false;
      } else {
        MessageType.Field field = field(line, i + 1);
        if (field != null) {
          fields.add(field);
        }
      }
    }
    end(name, fields);
    return types;
  }

  private void end(String name, List<MessageType.Field> fields) {
    if (!name.isEmpty()) {
      types.putIfAbsent(name, new MessageType(name, fields));
    }
    fields.clear();
  }

  private static boolean isSeparator(String line) {
    return line.length() >= 3 && line.chars().allMatch(c -> c == '=');
  }

  /** Null for what is no field: an empty line, a comment, a constant. */
  private MessageType.@Nullable Field field(String line, int number) throws DefinitionException {
    int comment = line.indexOf('#');
    // In a constant of text, a number sign may be part of its value, and the line is not needed.
    String code = (comment < 0 ? line : line.substring(0, comment)).strip();
    if (code.isEmpty()) {
      return null;
    }
    if (code.length() > LINE_MAX) {
      throw new DefinitionException("line " + number + " has " + code.length() + " characters");
    }
    Matcher matcher = LINE.matcher(code);
    if (!matcher.matches()) {
      throw new DefinitionException("line " + number + " is no field: '" + line + "'");
    }
    if (matcher.group(6).startsWith("=")) {
      return null;
    }
    FieldType element = element(matcher.group(1));
    String array = matcher.group(3);
    if (array == null) {
      return new MessageType.Field(matcher.group(5), element);
    }
    boolean fixed = matcher.group(4) == null && array.length() > 2;
    int length = fixed ? length(array.substring(1, array.length() - 1), number) : 0;
    return new MessageType.Field(matcher.group(5), new FieldType.Array(element, length));
  }

  private FieldType element(String name) {
    if (name.equals("byte")) {
      // Signed in ROS 1, an octet in ROS 2.
      return ros1 ? Primitive.INT8 : Primitive.UINT8;
    }
    FieldType builtIn = BUILT_IN.get(name);
    return builtIn != null ? builtIn : new FieldType.Nested(MessageType.shortName(name));
  }

  private static int length(String digits, int number) throws DefinitionException {
    try {
      int length = Integer.parseInt(digits);
      if (length > 0) {
        return length;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new DefinitionException("line " + number + ": an array of " + digits + " elements");
  }
}
