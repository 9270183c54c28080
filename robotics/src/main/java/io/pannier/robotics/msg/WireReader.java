package io.pannier.robotics.msg;

import io.pannier.robotics.msg.FieldType.Primitive;
import io.pannier.robotics.msg.MessageCodec.Encapsulation;
import io.pannier.robotics.msg.MessageCodec.Layout;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Reads fields of a message. Throws BufferUnderflowException where it ends too early. */
final class WireReader {
  private final ByteBuffer in;
  private final int origin;
  private final int alignmentMax;
  private final boolean ros1;
  private final boolean delimited;

  WireReader(ByteBuffer message, Layout layout) throws MessageException {
    in = message.slice();
    ros1 = layout == Layout.ROS1;
    if (ros1) {
      in.order(ByteOrder.LITTLE_ENDIAN);
      alignmentMax = 1;
      delimited = false;
    } else {
      Encapsulation encapsulation = encapsulation(in);
      in.order(encapsulation.littleEndian() ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
      alignmentMax = encapsulation.alignmentMax;
      delimited = encapsulation.delimited();
    }
    origin = in.position();
  }

  private static Encapsulation encapsulation(ByteBuffer in) throws MessageException {
    if (in.remaining() < 4) {
      throw new MessageException("CDR begins with 4 bytes, there are " + in.remaining());
    }
    // The first two are the kind, big-endian always; the other two are options without meaning
    // here.
    int number = in.getInt() >>> 16;
    for (Encapsulation each : Encapsulation.values()) {
      if (each.number == number) {
        return each;
      }
    }
    throw new MessageException(
        "CDR of kind " + number + " is not supported: plain CDR and CDR2 are");
  }

  int remaining() {
    return in.remaining();
  }

  private void align(int bytes) {
    int alignment = Math.min(bytes, alignmentMax);
    int beyond = (in.position() - origin) % alignment;
    if (beyond != 0) {
      skip(alignment - beyond);
    }
  }

  private void skip(int bytes) {
    if (bytes > in.remaining()) {
      throw new java.nio.BufferUnderflowException();
    }
    in.position(in.position() + bytes);
  }

  Object primitive(Primitive type) {
    align(type.bytes());
    return switch (type) {
      case BOOL -> in.get() != 0;
      case INT8 -> (int) in.get();
      case UINT8 -> in.get() & 0xff;
      case INT16 -> (int) in.getShort();
      case UINT16 -> in.getShort() & 0xffff;
      case INT32 -> in.getInt();
      case UINT32 -> in.getInt() & 0xffffffffL;
      case INT64 -> in.getLong();
      case UINT64 -> unsigned(in.getLong());
      case FLOAT32 -> in.getFloat();
      case FLOAT64 -> in.getDouble();
      case TIME -> time(in.getInt() & 0xffffffffL, in.getInt() & 0xffffffffL);
      case DURATION -> time(in.getInt(), in.getInt());
    };
  }

  private static Object unsigned(long bits) {
    return bits >= 0 ? (Object) bits : new BigInteger(Long.toUnsignedString(bits));
  }

  private static Map<String, Object> time(Object seconds, Object nanoseconds) {
    var time = new LinkedHashMap<String, Object>();
    time.put("sec", seconds);
    time.put("nsec", nanoseconds);
    return time;
  }

  /** Number of elements of a sequence, or of bytes of a text. */
  long length() {
    align(4);
    return in.getInt() & 0xffffffffL;
  }

  String text(boolean wide) throws MessageException {
    long length = length();
    long bytes = wide ? 2 * length : length;
    if (bytes > in.remaining()) {
      throw new MessageException(
          "a text of " + bytes + " bytes in a message that has " + in.remaining() + " left");
    }
    byte[] content = bytes((int) bytes);
    if (wide) {
      return new String(
          content,
          in.order() == ByteOrder.BIG_ENDIAN
              ? StandardCharsets.UTF_16BE
              : StandardCharsets.UTF_16LE);
    }
    // CDR counts the zero at the end.
    int end = !ros1 && content.length > 0 && content[content.length - 1] == 0 ? 1 : 0;
    return new String(content, 0, content.length - end, StandardCharsets.UTF_8);
  }

  byte[] bytes(int count) {
    byte[] bytes = new byte[count];
    in.get(bytes);
    return bytes;
  }

  /** The length in bytes of a collection in XCDR2, which is not needed: all types are known. */
  void delimiter() {
    if (delimited) {
      length();
    }
  }

  /** A message without fields is one byte in CDR. */
  void fillerOfEmptyMessage() {
    if (!ros1 && in.hasRemaining()) {
      in.get();
    }
  }
}
