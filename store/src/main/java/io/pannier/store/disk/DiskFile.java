package io.pannier.store.disk;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * An open append-only file. One thread appends or truncates at a time (the caller's lock); any
 * number may read at the same time, also below the end while it grows. There is no shared read
 * position.
 */
public interface DiskFile extends AutoCloseable {

  /** Length in bytes: what is appended next goes there. Kept in memory, costs no system call. */
  long size();

  /**
   * Appends all remaining bytes of the buffer at the end, in one system call where the system takes
   * them in one. After an exception the file may be longer by any prefix of the bytes; {@link
   * #size} tells how far the caller's last complete append went, and {@link #truncate} to it
   * removes the rest.
   */
  void append(ByteBuffer buffer) throws IOException;

  /**
   * As {@link #append(ByteBuffer)} for a row of buffers, gathered into one system call where
   * possible.
   */
  void append(ByteBuffer[] buffers) throws IOException;

  /**
   * Reads from {@code position} until the target is full or the file ends.
   *
   * @return the number of bytes read, 0 at or behind the end
   */
  int read(ByteBuffer target, long position) throws IOException;

  /**
   * Cuts the file to {@code size} bytes, also when bytes of a failed append lie behind {@link
   * #size}.
   */
  void truncate(long size) throws IOException;

  /** Makes the content durable ({@code fdatasync}). */
  void sync() throws IOException;

  /** Closes the handle. Never syncs. */
  @Override
  void close() throws IOException;
}
