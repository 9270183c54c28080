package io.pannier.robotics.msg;

/** Types of fields. */
public sealed interface FieldType {
  /** Numbers, flags and times of fixed size. */
  enum Primitive implements FieldType {
    /** One byte, 0 or 1. */
    BOOL(1),
    /** Signed, 8 bits. */
    INT8(1),
    /** Unsigned, 8 bits; also {@code byte} and {@code char}. */
    UINT8(1),
    /** Signed, 16 bits. */
    INT16(2),
    /** Unsigned, 16 bits. */
    UINT16(2),
    /** Signed, 32 bits. */
    INT32(4),
    /** Unsigned, 32 bits. */
    UINT32(4),
    /** Signed, 64 bits. */
    INT64(8),
    /** Unsigned, 64 bits. */
    UINT64(8),
    /** IEEE 754, 32 bits. */
    FLOAT32(4),
    /** IEEE 754, 64 bits. */
    FLOAT64(8),
    /** ROS 1: seconds and nanoseconds, unsigned; a map of {@code sec} and {@code nsec}. */
    TIME(8),
    /** ROS 1: seconds and nanoseconds, signed; a map of {@code sec} and {@code nsec}. */
    DURATION(8);

    private final int bytes;

    Primitive(int bytes) {
      this.bytes = bytes;
    }

    /** Size in bytes. */
    public int bytes() {
      return bytes;
    }
  }

  /**
   * A text.
   *
   * @param wide of 16-bit characters
   */
  record Text(boolean wide) implements FieldType {}

  /**
   * A message within the message.
   *
   * @param name package and type, {@code std_msgs/Header}, without {@code msg}
   */
  record Nested(String name) implements FieldType {}

  /**
   * Several of one type.
   *
   * @param length of a fixed array; 0: any number, told in front of them
   */
  record Array(FieldType element, int length) implements FieldType {
    /** Whether the number of elements stands in the definition, not in the message. */
    public boolean fixed() {
      return length > 0;
    }

    /** Whether the elements are bytes, so that they are kept as {@code byte[]}. */
    public boolean ofBytes() {
      return element == Primitive.UINT8 || element == Primitive.INT8;
    }
  }
}
