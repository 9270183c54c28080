package io.pannier.robotics.msg;

import io.pannier.robotics.msg.FieldType.Primitive;
import java.nio.ByteBuffer;

/**
 * Is told the values of a message one after the other, in the order of the definition, so that
 * nothing has to be built of them. See {@link MessageCodec#read}.
 */
public interface MessageVisitor {
  /**
   * A message begins: the outermost one, or one that is the value of a field or element.
   *
   * @param type its name, {@code std_msgs/Header}
   */
  void beginMessage(String type) throws MessageException;

  /** What follows is the value of this field. */
  void field(String name) throws MessageException;

  /** The message that began last is complete. */
  void endMessage() throws MessageException;

  /** An array begins; so many values follow. */
  void beginArray(int count) throws MessageException;

  /** The array that began last is complete. */
  void endArray() throws MessageException;

  /** A flag. */
  void bool(boolean value) throws MessageException;

  /**
   * A whole number.
   *
   * @param value of a {@link Primitive#UINT64} the bits, to be taken as unsigned
   */
  void integer(long value, Primitive type) throws MessageException;

  /** A {@link Primitive#FLOAT32}. */
  void number(float value) throws MessageException;

  /** A {@link Primitive#FLOAT64}. */
  void number(double value) throws MessageException;

  /** A {@link Primitive#TIME} or {@link Primitive#DURATION} of ROS 1. */
  void time(long seconds, long nanoseconds) throws MessageException;

  /** A text. */
  void text(String value) throws MessageException;

  /**
   * An array of bytes.
   *
   * @param value a view of the message, to be read before the method returns
   * @param element {@link Primitive#UINT8} or {@link Primitive#INT8}
   */
  void bytes(ByteBuffer value, Primitive element) throws MessageException;
}
