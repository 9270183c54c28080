package io.pannier.robotics.msg;

import io.pannier.robotics.msg.FieldType.Primitive;
import io.pannier.robotics.msg.MessageCodec.Encapsulation;
import io.pannier.robotics.msg.MessageCodec.Layout;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes fields of a message; the counterpart of {@link WireReader}. */
final class WireWriter {
  private static final BigInteger UINT64_MAX =
      BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);

  private final boolean ros1;
  private final int origin;
  private final int alignmentMax;
  private final boolean delimited;
  private ByteBuffer out = ByteBuffer.allocate(256);

  WireWriter(Layout layout, Encapsulation encapsulation) {
    ros1 = layout == Layout.ROS1;
    alignmentMax = ros1 ? 1 : encapsulation.alignmentMax;
    delimited = !ros1 && encapsulation.delimited();
    if (ros1) {
      out.order(ByteOrder.LITTLE_ENDIAN);
    } else {
      out.putInt(encapsulation.number << 16);
      out.order(encapsulation.littleEndian() ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    }
    origin = out.position();
  }

  ByteBuffer written() {
    return out.slice(0, out.position());
  }

  private void room(int bytes) {
    if (out.remaining() < bytes) {
      int wanted = Math.max(2 * out.capacity(), Math.addExact(out.position(), bytes));
      ByteOrder order = out.order();
      out = ByteBuffer.allocate(wanted).put(out.flip()).order(order);
    }
  }

  private void align(int bytes) {
    int alignment = Math.min(bytes, alignmentMax);
    int beyond = (out.position() - origin) % alignment;
    int filler = beyond == 0 ? 0 : alignment - beyond;
    room(filler + bytes);
    for (int i = 0; i < filler; i++) {
      out.put((byte) 0);
    }
  }

  void primitive(Primitive type, @Nullable Object value, String path) throws MessageException {
    align(type.bytes());
    switch (type) {
      case BOOL -> {
        if (value != null && !(value instanceof Boolean)) {
          throw MessageCodec.unfit(path, "true or false", value);
        }
        out.put((byte) (Boolean.TRUE.equals(value) ? 1 : 0));
      }
      case INT8 -> out.put((byte) whole(value, Byte.MIN_VALUE, Byte.MAX_VALUE, path));
      case UINT8 -> out.put((byte) whole(value, 0, 0xff, path));
      case INT16 -> out.putShort((short) whole(value, Short.MIN_VALUE, Short.MAX_VALUE, path));
      case UINT16 -> out.putShort((short) whole(value, 0, 0xffff, path));
      case INT32 -> out.putInt((int) whole(value, Integer.MIN_VALUE, Integer.MAX_VALUE, path));
      case UINT32 -> out.putInt((int) whole(value, 0, 0xffffffffL, path));
      case INT64 -> out.putLong(whole(value, Long.MIN_VALUE, Long.MAX_VALUE, path));
      case UINT64 -> out.putLong(unsigned(value, path));
      case FLOAT32 -> out.putFloat(number(value, path).floatValue());
      case FLOAT64 -> out.putDouble(number(value, path).doubleValue());
      case TIME -> {
        out.putInt((int) part(value, "sec", 0, 0xffffffffL, path));
        out.putInt((int) part(value, "nsec", 0, 0xffffffffL, path));
      }
      case DURATION -> {
        out.putInt((int) part(value, "sec", Integer.MIN_VALUE, Integer.MAX_VALUE, path));
        out.putInt((int) part(value, "nsec", Integer.MIN_VALUE, Integer.MAX_VALUE, path));
      }
    }
  }

  private static long part(@Nullable Object value, String name, long min, long max, String path)
      throws MessageException {
    return switch (value) {
      case null -> 0;
      case Map<?, ?> time -> whole(time.get(name), min, max, path + "." + name);
      default -> throw MessageCodec.unfit(path, "a time with sec and nsec", value);
    };
  }

  private static Number number(@Nullable Object value, String path) throws MessageException {
    return switch (value) {
      case null -> 0;
      case Number number -> number;
      default -> throw MessageCodec.unfit(path, "a number", value);
    };
  }

  private static long whole(@Nullable Object value, long min, long max, String path)
      throws MessageException {
    Number number = number(value, path);
    if (number instanceof Double || number instanceof Float) {
      throw MessageCodec.unfit(path, "a whole number", number);
    }
    long whole =
        number instanceof BigInteger big && big.bitLength() > 63
            ? outside(path, big)
            : number.longValue();
    return whole < min || whole > max ? outside(path, number) : whole;
  }

  private static long outside(String path, Number value) throws MessageException {
    throw new MessageException("'" + path + "' cannot hold " + value);
  }

  private static long unsigned(@Nullable Object value, String path) throws MessageException {
    if (value instanceof BigInteger big) {
      return big.signum() < 0 || big.compareTo(UINT64_MAX) > 0
          ? outside(path, big)
          : big.longValue();
    }
    return whole(value, 0, Long.MAX_VALUE, path);
  }

  void length(int count) {
    align(4);
    out.putInt(count);
  }

  void text(String text, boolean wide) {
    if (wide) {
      boolean big = out.order() == ByteOrder.BIG_ENDIAN;
      byte[] content = text.getBytes(big ? StandardCharsets.UTF_16BE : StandardCharsets.UTF_16LE);
      length(content.length / 2);
      bytes(content);
      return;
    }
    byte[] content = text.getBytes(StandardCharsets.UTF_8);
    length(content.length + (ros1 ? 0 : 1));
    bytes(content);
    if (!ros1) {
      room(1);
      out.put((byte) 0);
    }
  }

  void bytes(byte[] content) {
    room(content.length);
    out.put(content);
  }

  /** Leaves room for the length in bytes of what follows; -1 where none is written. */
  int beginDelimiter() {
    if (!delimited) {
      return -1;
    }
    length(0);
    return out.position();
  }

  void endDelimiter(int start) {
    out.putInt(start - 4, out.position() - start);
  }

  void fillerOfEmptyMessage() {
    if (!ros1) {
      room(1);
      out.put((byte) 0);
    }
  }
}
