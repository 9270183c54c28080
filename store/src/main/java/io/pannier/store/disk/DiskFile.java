package io.pannier.store.disk;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * An open append-only file. One thread appends or truncates at a time (the caller's lock); any
 * number may read at the same time, also below the end while it grows. There is no shared read
 * position.
 */
public interface DiskFile extends AutoCloseable {

  /**
   * What {@link #appendDirect} counts in: a page, and the block of most file systems. A file system
   * of larger blocks refuses such pieces.
   */
  int DIRECT_ALIGNMENT = 4096;

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
   * As {@link #append(ByteBuffer)} of a large piece, but past the page cache where the file system
   * lets us, and through it where not. What it appends is durable no sooner than other bytes.
   *
   * <p>That needs a second handle, which is kept until the next append, truncation or close:
   * whoever calls this calls one of those soon. The file still has the name that it was opened by,
   * or none.
   *
   * @param buffer direct memory; its address, its remaining bytes and {@link #size} are multiples
   *     of {@link #DIRECT_ALIGNMENT}
   * @throws IllegalArgumentException when one of them is not
   */
  void appendDirect(ByteBuffer buffer) throws IOException;

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

  /**
   * Tells that all of the file is to be read and then appended to. May wait for long where its
   * bytes are not at hand; afterwards appends do not.
   */
  default void willAppend() throws IOException {}

  /**
   * How much of the end of the file is best read at once by one who wants what was appended last,
   * and would read {@code wanted} bytes of a file at hand.
   */
  default int bytesAtEnd(int wanted) {
    return wanted;
  }

  /**
   * Tells that bytes that were read do not match their checksum. What is kept of them on the way is
   * dropped.
   *
   * @return whether another read may give others
   */
  default boolean forget() {
    return false;
  }

  /** Closes the handle. Never syncs. */
  @Override
  void close() throws IOException;
}
