package io.pannier.query.ext;

import java.nio.ByteBuffer;

/** Bytes of a body on their way. One thread at a time. */
public interface Spool extends AutoCloseable {
  /**
   * Adds the remaining bytes of a buffer, whose position moves to its limit.
   *
   * @throws io.pannier.model.PannierException.Invalid when the query takes more room than it may
   */
  void write(ByteBuffer bytes);

  /** Adds bytes. */
  default void write(byte[] bytes) {
    write(ByteBuffer.wrap(bytes));
  }

  /** How many bytes were added so far. */
  long length();

  /** The bytes as a body, which owns them from now on; nothing can be added any more. */
  Body finish();

  /** Throws the bytes away, unless {@link #finish} gave them to a body. */
  @Override
  void close();
}
