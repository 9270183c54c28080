package io.pannier.robotics.msg;

import io.pannier.robotics.msg.FieldType.Primitive;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Turns the bytes of messages into values and back. What the values are stands in the package's
 * description. Immutable; may be used by many threads.
 */
public final class MessageCodec {
  /** How messages are laid out. */
  public enum Layout {
    /** ROS 1: little-endian, packed, lengths of 32 bits. */
    ROS1,
    /** ROS 2: CDR behind 4 bytes that say which; see {@link Encapsulation}. */
    CDR
  }

  /** Kinds of CDR (RTPS 2.5 §10.2, DDS-XTypes 1.3 §7.6.3.1.2). The ordinal is not the number. */
  public enum Encapsulation {
    /** XCDR1, big-endian. */
    CDR_BE(0, 8),
    /** XCDR1, little-endian: what ROS 2 writes. */
    CDR_LE(1, 8),
    /** XCDR2 without headers of members, big-endian. */
    PLAIN_CDR2_BE(6, 4),
    /** XCDR2 without headers of members, little-endian. */
    PLAIN_CDR2_LE(7, 4);

    final int number;
    final int alignmentMax;

    Encapsulation(int number, int alignmentMax) {
      this.number = number;
      this.alignmentMax = alignmentMax;
    }

    boolean littleEndian() {
      return number % 2 == 1;
    }

    /** Whether collections of what is not primitive have their length in bytes in front. */
    boolean delimited() {
      return alignmentMax == 4;
    }
  }

  /** Parts of a message that take no bytes are believed up to so many. */
  private static final long EMPTY_PARTS_MAX = 65_536;

  /** Messages within messages and elements that a byte may be part of. */
  private static final long PARTS_PER_BYTE = 8;

  /** Beyond this it does not matter how many. */
  private static final long LEAST_BYTES_MAX = 1 << 20;

  private final MessageDefinition definition;
  private final Layout layout;
  private final Map<String, Long> leastBytes = new HashMap<>();

  /** A codec for messages of one definition. */
  public MessageCodec(MessageDefinition definition, Layout layout) {
    this.definition = definition;
    this.layout = layout;
    measure(definition.root());
  }

  /** The definition. */
  public MessageDefinition definition() {
    return definition;
  }

  /**
   * Decodes a message. Bytes behind it are padding and left alone.
   *
   * @param message from its position on, which is not moved; with CDR the encapsulation in front
   * @throws MessageException when the bytes end too early or no message can look so
   */
  public Map<String, Object> decode(ByteBuffer message) throws MessageException {
    var tree = new TreeBuilder();
    read(message, tree);
    return tree.root();
  }

  /**
   * Decodes a message without building anything of it.
   *
   * @param message as for {@link #decode}
   * @param visitor is told the values; when this throws, it has been told those in front
   */
  public void read(ByteBuffer message, MessageVisitor visitor) throws MessageException {
    try {
      new Walk(new WireReader(message, layout), visitor, message.remaining())
          .message(definition.root());
    } catch (BufferUnderflowException e) {
      throw new MessageException(
          "the message of " + message.remaining() + " bytes ends in the middle of a field", e);
    }
  }

  /** Encodes a message; CDR as ROS 2 does, {@link Encapsulation#CDR_LE}. */
  public ByteBuffer encode(Map<String, ?> message) throws MessageException {
    return encode(message, Encapsulation.CDR_LE);
  }

  /**
   * Encodes a message.
   *
   * @param message values by field; a field that is left out is zero, empty or false
   * @param encapsulation which CDR; without meaning for ROS 1
   * @throws MessageException when a value does not fit its field
   */
  public ByteBuffer encode(Map<String, ?> message, Encapsulation encapsulation)
      throws MessageException {
    var out = new WireWriter(layout, encapsulation);
    encode(definition.root(), message, out, definition.root().name());
    return out.written();
  }

  // --- Decoding

  /** One way through a message. */
  private final class Walk {
    private final WireReader in;
    private final MessageVisitor visitor;

    /** Messages and elements that may still come, whatever definition and lengths say. */
    private long partsLeft;

    Walk(WireReader in, MessageVisitor visitor, int bytes) {
      this.in = in;
      this.visitor = visitor;
      partsLeft = PARTS_PER_BYTE * bytes + EMPTY_PARTS_MAX;
    }

    void message(MessageType type) throws MessageException {
      part();
      visitor.beginMessage(type.name());
      for (MessageType.Field field : type.fields()) {
        visitor.field(field.name());
        value(field.type());
      }
      if (type.fields().isEmpty()) {
        in.fillerOfEmptyMessage();
      }
      visitor.endMessage();
    }

    private void part() throws MessageException {
      partsLeft--;
      if (partsLeft < 0) {
        throw new MessageException("the definition asks for more parts than the message can have");
      }
    }

    private void value(FieldType type) throws MessageException {
      switch (type) {
        case Primitive primitive -> in.primitive(primitive, visitor);
        case FieldType.Text text -> visitor.text(in.text(text.wide()));
        case FieldType.Nested nested -> message(definition.type(nested));
        case FieldType.Array array -> array(array);
      }
    }

    private void array(FieldType.Array array) throws MessageException {
      if (!(array.element() instanceof Primitive)) {
        in.delimiter();
      }
      long count = array.fixed() ? array.length() : in.length();
      long least = leastBytes(array.element());
      if (least == 0 ? count > partsLeft : count > in.remaining() / least) {
        throw new MessageException(
            "an array of "
                + count
                + " elements in a message that has "
                + in.remaining()
                + " bytes left");
      }
      if (array.ofBytes()) {
        visitor.bytes(in.bytes((int) count), (Primitive) array.element());
        return;
      }
      visitor.beginArray((int) count);
      for (int i = 0; i < count; i++) {
        if (!(array.element() instanceof Primitive)) {
          part();
        }
        value(array.element());
      }
      visitor.endArray();
    }
  }

  /** Bytes that a value takes at least, so that lengths are not believed blindly. */
  private long leastBytes(FieldType type) {
    return switch (type) {
      case Primitive primitive -> primitive.bytes();
      case FieldType.Text _ -> 4;
      case FieldType.Nested nested -> leastBytes.getOrDefault(nested.name(), 0L);
      case FieldType.Array array ->
          array.fixed()
              ? Math.min(array.length() * leastBytes(array.element()), LEAST_BYTES_MAX)
              : 4;
    };
  }

  /** Each type once, those first that others are made of. */
  private void measure(MessageType type) {
    if (leastBytes.containsKey(type.name())) {
      return;
    }
    long sum = layout == Layout.CDR && type.fields().isEmpty() ? 1 : 0;
    for (MessageType.Field field : type.fields()) {
      FieldType element = field.type();
      while (element instanceof FieldType.Array array) {
        element = array.element();
      }
      if (element instanceof FieldType.Nested nested) {
        measure(definition.type(nested));
      }
      sum = Math.min(sum + leastBytes(field.type()), LEAST_BYTES_MAX);
    }
    leastBytes.put(type.name(), sum);
  }

  // --- Encoding

  private void encode(MessageType type, Map<String, ?> values, WireWriter out, String path)
      throws MessageException {
    for (String name : values.keySet()) {
      if (type.fields().stream().noneMatch(field -> field.name().equals(name))) {
        throw new MessageException("'" + path + "' has no field '" + name + "'");
      }
    }
    for (MessageType.Field field : type.fields()) {
      encode(field.type(), values.get(field.name()), out, path + "." + field.name());
    }
    if (type.fields().isEmpty()) {
      out.fillerOfEmptyMessage();
    }
  }

  private void encode(FieldType type, @Nullable Object value, WireWriter out, String path)
      throws MessageException {
    switch (type) {
      case Primitive primitive -> out.primitive(primitive, value, path);
      case FieldType.Text text -> {
        if (value != null && !(value instanceof String)) {
          throw unfit(path, "a text", value);
        }
        out.text(value == null ? "" : (String) value, text.wide());
      }
      case FieldType.Nested nested -> {
        if (value != null && !(value instanceof Map<?, ?>)) {
          throw unfit(path, "a message", value);
        }
        @SuppressWarnings("unchecked") // its keys are compared with texts only
        Map<String, ?> values = value == null ? Map.of() : (Map<String, ?>) value;
        encode(definition.type(nested), values, out, path);
      }
      case FieldType.Array array -> encode(array, value, out, path);
    }
  }

  private void encode(FieldType.Array array, @Nullable Object value, WireWriter out, String path)
      throws MessageException {
    int count =
        switch (value) {
          case null -> array.length();
          case byte[] bytes when array.ofBytes() -> bytes.length;
          case List<?> list -> list.size();
          default -> throw unfit(path, array.ofBytes() ? "bytes or a list" : "a list", value);
        };
    if (array.fixed() && count != array.length()) {
      throw new MessageException(
          "'" + path + "' has " + array.length() + " elements, not " + count);
    }
    int delimiter = array.element() instanceof Primitive ? -1 : out.beginDelimiter();
    if (!array.fixed()) {
      out.length(count);
    }
    if (value instanceof byte[] bytes) {
      out.bytes(bytes);
    } else {
      for (int i = 0; i < count; i++) {
        Object element = value instanceof List<?> list ? list.get(i) : null;
        encode(array.element(), element, out, path + "[" + i + "]");
      }
    }
    if (delimiter >= 0) {
      out.endDelimiter(delimiter);
    }
  }

  static MessageException unfit(String path, String expected, Object value) {
    return new MessageException(
        "'" + path + "' is " + expected + ", not " + value.getClass().getSimpleName());
  }
}
