package io.pannier.query.ext;

import io.pannier.model.PannierException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/**
 * The bytes of an item, readable anywhere: a record of many gigabytes is never in memory as a
 * whole. Read by another thread than the one that made it, also while its step goes on. A body of a
 * stored record may be read as long as its query lives; every range is verified before it is given.
 * Reading 64 KiB at a multiple of 64 KiB is what costs least.
 */
public interface Body extends AutoCloseable {
  /** Length in bytes; known before anything is read. */
  long length();

  /**
   * Reads from {@code position} until the target is full or the body ends.
   *
   * @return the number of bytes read, 0 at or behind the end
   * @throws PannierException.Damaged when bytes do not match their checksum
   * @throws PannierException.NotFound when the record went away meanwhile; the pipeline leaves it
   *     out then
   */
  int read(long position, ByteBuffer target);

  /** Gives up what it holds; called by the query for every item that it was given. */
  @Override
  default void close() {}

  /**
   * The whole body.
   *
   * @param max most bytes that make sense
   * @throws PannierException.Invalid when it is longer
   */
  default byte[] bytes(int max) {
    if (length() > max) {
      throw new PannierException.Invalid(
          "Content of " + length() + " bytes is too long: at most " + max + " bytes are read");
    }
    byte[] all = new byte[(int) length()];
    ByteBuffer target = ByteBuffer.wrap(all);
    read(0, target);
    if (target.hasRemaining()) {
      throw new PannierException.Internal("Content ended early", null);
    }
    return all;
  }

  /** The body from its beginning; in pieces of 64 KiB. */
  default InputStream stream() {
    return new BodyStream(this);
  }

  /** A part of this body, which it shares; closing the part closes the whole. */
  default Body slice(long from, long length) {
    return from == 0 && length == length() ? this : new BodySlice(this, from, length);
  }

  /** A body of these bytes, which it takes over. */
  static Body of(byte[] bytes) {
    return new BodyOfBytes(ByteBuffer.wrap(bytes));
  }

  /** A body of the remaining bytes of a buffer, which it takes over. */
  static Body of(ByteBuffer bytes) {
    return new BodyOfBytes(bytes.slice());
  }
}
