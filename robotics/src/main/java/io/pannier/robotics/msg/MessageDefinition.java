package io.pannier.robotics.msg;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A message type with all types that it is made of, every name resolved. Immutable. */
public final class MessageDefinition {
  /** Longest text of a definition that is read, in characters. */
  private static final int TEXT_MAX = 4 << 20;

  /** Messages within messages. */
  private static final int DEPTH_MAX = 64;

  /** That of ROS 2 has no counter. */
  private static final MessageType ROS1_HEADER =
      new MessageType(
          "std_msgs/Header",
          List.of(
              new MessageType.Field("seq", FieldType.Primitive.UINT32),
              new MessageType.Field("stamp", FieldType.Primitive.TIME),
              new MessageType.Field("frame_id", new FieldType.Text(false))));

  private final MessageType root;
  private final Map<String, MessageType> types;

  private MessageDefinition(MessageType root, Map<String, MessageType> types) {
    this.root = root;
    this.types = Map.copyOf(types);
  }

  /**
   * Parses definitions as ROS 1 bags and MCAP files carry them ({@code ros1msg}): the type itself,
   * then the types it is made of, each behind a line of {@code =} and one of {@code MSG:
   * package/Type}. Types that are left out are looked for in {@link CommonDefinitions}.
   *
   * @param name package and type of the message, with or without {@code msg} in the middle
   */
  public static MessageDefinition parseRos1(String name, String text) throws DefinitionException {
    Map<String, MessageType> parsed = new MsgParser(name, bounded(text), true).parse();
    parsed.putIfAbsent(ROS1_HEADER.name(), ROS1_HEADER);
    return resolve(MessageType.shortName(name), parsed);
  }

  /** As {@link #parseRos1} for the definitions of ROS 2 ({@code ros2msg}). */
  public static MessageDefinition parseRos2(String name, String text) throws DefinitionException {
    return resolve(MessageType.shortName(name), new MsgParser(name, bounded(text), false).parse());
  }

  /**
   * Parses {@code ros2idl}: OMG IDL modules, each behind a line of {@code IDL: package/msg/Type}.
   */
  public static MessageDefinition parseIdl(String name, String text) throws DefinitionException {
    return resolve(MessageType.shortName(name), new IdlParser(bounded(text)).parse());
  }

  private static String bounded(String text) throws DefinitionException {
    if (text.length() > TEXT_MAX) {
      throw new DefinitionException("a definition of " + text.length() + " characters");
    }
    return text;
  }

  static MessageDefinition common(String shortName) throws DefinitionException {
    return resolve(shortName, Map.of());
  }

  /** The message itself. */
  public MessageType root() {
    return root;
  }

  /** The type of a nested field. */
  public MessageType type(FieldType.Nested nested) {
    MessageType type = types.get(nested.name());
    if (type == null) {
      throw new IllegalStateException("unresolved: " + nested.name());
    }
    return type;
  }

  private static MessageDefinition resolve(String name, Map<String, MessageType> parsed)
      throws DefinitionException {
    var types = new HashMap<String, MessageType>();
    MessageType root = complete(name, "", parsed, types, new HashSet<>());
    return new MessageDefinition(root, types);
  }

  /** Adds a type with everything below it, fields renamed to what they were found under. */
  private static MessageType complete(
      String name,
      String usedIn,
      Map<String, MessageType> parsed,
      Map<String, MessageType> types,
      Set<String> open)
      throws DefinitionException {
    MessageType found = find(name, usedIn, parsed);
    MessageType done = types.get(found.name());
    if (done != null) {
      return done;
    }
    if (!open.add(found.name())) {
      throw new DefinitionException("type '" + found.name() + "' contains itself");
    }
    if (open.size() > DEPTH_MAX) {
      throw new DefinitionException("messages within messages, more than " + DEPTH_MAX + " deep");
    }
    var fields = new ArrayList<MessageType.Field>();
    for (MessageType.Field field : found.fields()) {
      FieldType type = resolved(field.type(), found.name(), parsed, types, open);
      fields.add(new MessageType.Field(field.name(), type));
    }
    open.remove(found.name());
    var complete = new MessageType(found.name(), fields);
    types.put(complete.name(), complete);
    return complete;
  }

  private static FieldType resolved(
      FieldType type,
      String usedIn,
      Map<String, MessageType> parsed,
      Map<String, MessageType> types,
      Set<String> open)
      throws DefinitionException {
    return switch (type) {
      case FieldType.Primitive primitive -> primitive;
      case FieldType.Text text -> text;
      case FieldType.Array array ->
          new FieldType.Array(
              resolved(array.element(), usedIn, parsed, types, open), array.length());
      case FieldType.Nested nested ->
          new FieldType.Nested(complete(nested.name(), usedIn, parsed, types, open).name());
    };
  }

  /** A short name is of the package it is used in, else of any package that was given. */
  private static MessageType find(String name, String usedIn, Map<String, MessageType> parsed)
      throws DefinitionException {
    String wanted = name;
    if (name.indexOf('/') < 0) {
      int slash = usedIn.indexOf('/');
      String sibling = slash < 0 ? name : usedIn.substring(0, slash + 1) + name;
      if (parsed.containsKey(sibling)) {
        return parsed.get(sibling);
      }
      // ROS 1 writes the header of a message without its package.
      wanted = name.equals("Header") ? "std_msgs/Header" : sibling;
      if (!parsed.containsKey(wanted) && !CommonDefinitions.has(wanted)) {
        String ending = "/" + name;
        var others = parsed.keySet().stream().filter(key -> key.endsWith(ending)).sorted().toList();
        if (!others.isEmpty()) {
          wanted = others.getFirst();
        }
      }
    }
    MessageType type = parsed.get(wanted);
    if (type == null) {
      type = CommonDefinitions.find(wanted);
    }
    if (type == null) {
      throw new DefinitionException(
          usedIn.isEmpty()
              ? "the definition does not say what '" + name + "' is"
              : "type '" + name + "' is used in '" + usedIn + "' and not defined");
    }
    return type;
  }
}
