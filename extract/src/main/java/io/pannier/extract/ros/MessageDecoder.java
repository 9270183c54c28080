package io.pannier.extract.ros;

import io.pannier.robotics.msg.MessageException;
import io.pannier.robotics.msg.MessageVisitor;
import java.nio.ByteBuffer;

/** Understands the bytes of messages of one type. May be used by many threads. */
interface MessageDecoder {
  /**
   * Tells what is in a message.
   *
   * @param message from its position on
   */
  void read(ByteBuffer message, MessageVisitor visitor) throws MessageException;
}
