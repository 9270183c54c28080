package io.pannier.robotics.msg;

import io.pannier.robotics.msg.FieldType.Primitive;
import io.pannier.robotics.msg.MessageCodec.Encapsulation;
import io.pannier.robotics.msg.MessageCodec.Layout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

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

  void primitive(Primitive type, MessageVisitor visitor) throws MessageException {
    align(type.bytes());
    switch (type) {
      case BOOL -> visitor.bool(in.get() != 0);
      case INT8 -> visitor.integer(in.get(), type);
      case UINT8 -> visitor.integer(in.get() & 0xff, type);
      case INT16 -> visitor.integer(in.getShort(), type);
      case UINT16 -> visitor.integer(in.getShort() & 0xffff, type);
      case INT32 -> visitor.integer(in.getInt(), type);
      case UINT32 -> visitor.integer(in.getInt() & 0xffffffffL, type);
      case INT64, UINT64 -> visitor.integer(in.getLong(), type);
      case FLOAT32 -> visitor.number(in.getFloat());
      case FLOAT64 -> visitor.number(in.getDouble());
      case TIME -> visitor.time(in.getInt() & 0xffffffffL, in.getInt() & 0xffffffffL);
      case DURATION -> visitor.time(in.getInt(), in.getInt());
    }
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
    byte[] content = new byte[(int) bytes];
    in.get(content);
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

  /** A view of the message. */
  ByteBuffer bytes(int count) {
    ByteBuffer bytes = in.slice(in.position(), count);
    in.position(in.position() + count);
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
