package io.pannier.store.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A file of a {@link RealDisk}. The end is known here, so an append is one relative write and asks
 * the system for nothing else; reads carry their own position and go beside it without a lock.
 *
 * <p>The position of the channel belongs to the one appender, whom the caller's lock keeps alone.
 * After a failed append the position lies somewhere behind {@link #size}; the next append or
 * truncate first cuts the file back, so a half-written frame can never become the front part of the
 * next one.
 *
 * <p>What goes past the page cache goes through a second channel with positions of its own. No page
 * holds bytes of both kinds that were written while it was held in the cache dirty: direct pieces
 * begin and end at pages. The kernel writes and drops cached pages in the way of a direct write, so
 * readers see one file.
 */
final class RealFile implements DiskFile {
  // The JDK copies heap buffers through a direct buffer of the same length that it keeps per
  // thread. Slices bound what each thread of the pool holds.
  private static final int HEAP_BYTES_AT_ONCE = 1 << 20;

  private final String path;
  private final FileChannel ownedChannel;
  private final Path file;
  private final DirectIo direct;
  private Optional<FileChannel> ownedDirect = Optional.empty(); // the appender's
  private volatile long size;
  private boolean tailUnknown; // guarded by the appender's lock, like the position of the channel

  RealFile(String path, FileChannel ownedChannel, long size, Path file, DirectIo direct)
      throws IOException {
    this.path = path;
    this.ownedChannel = ownedChannel;
    this.file = file;
    this.direct = direct;
    this.size = size;
    if (size > 0) {
      ownedChannel.position(size);
    }
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public void append(ByteBuffer buffer) throws IOException {
    closeDirect();
    long end = size + buffer.remaining();
    cutUnknownTail();
    tailUnknown = true;
    try {
      while (buffer.hasRemaining()) {
        writeSome(buffer);
      }
    } catch (IOException failure) {
      throw DeviceFailures.named(path, failure);
    }
    finished(end);
  }

  @Override
  public void append(ByteBuffer[] buffers) throws IOException {
    closeDirect();
    long end = size;
    for (ByteBuffer buffer : buffers) {
      end += buffer.remaining();
    }
    cutUnknownTail();
    tailUnknown = true;
    try {
      int first = 0;
      while (first < buffers.length) {
        if (buffers[first].hasRemaining()) {
          // The system may take fewer bytes or fewer buffers than offered: the loop offers the
          // rest.
          ownedChannel.write(buffers, first, buffers.length - first);
        } else {
          first++;
        }
      }
    } catch (IOException failure) {
      throw DeviceFailures.named(path, failure);
    }
    finished(end);
  }

  @Override
  public void appendDirect(ByteBuffer buffer) throws IOException {
    DirectIo.requireAligned(size, buffer);
    if (!ownedChannel.isOpen()) {
      throw new ClosedChannelException(); // the name can still be opened
    }
    long start = size;
    long end = start + buffer.remaining();
    cutUnknownTail();
    tailUnknown = true;
    try {
      writeDirect(buffer, start);
      // All of it unless refused; or what a short write has left that is not aligned.
      ownedChannel.position(end - buffer.remaining());
      while (buffer.hasRemaining()) {
        ownedChannel.write(buffer);
      }
    } catch (IOException failure) {
      throw DeviceFailures.named(path, failure);
    }
    finished(end);
  }

  private void writeDirect(ByteBuffer buffer, long start) throws IOException {
    if (ownedDirect.isEmpty()) {
      ownedDirect = direct.open(file);
      if (ownedDirect.isEmpty()) {
        return;
      }
    }
    FileChannel channel = ownedDirect.get();
    int first = buffer.position();
    try {
      while (buffer.hasRemaining() && DirectIo.isAligned(buffer.remaining())) {
        channel.write(buffer, start + buffer.position() - first);
      }
      direct.worked();
    } catch (IOException failure) {
      closeDirect();
      if (DeviceFailures.isFull(failure) || !direct.refused()) {
        throw failure;
      }
    }
  }

  @Override
  public int read(ByteBuffer target, long position) throws IOException {
    int total = 0;
    while (target.hasRemaining()) {
      int count = readSome(target, position + total);
      if (count < 0) {
        break;
      }
      total += count;
    }
    return total;
  }

  @Override
  public void truncate(long size) throws IOException {
    closeDirect();
    if (size < 0 || size > this.size) {
      throw new IllegalArgumentException(
          "cannot cut " + path + " of " + this.size + " bytes to " + size);
    }
    tailUnknown = true; // until the call is through
    ownedChannel.truncate(size); // takes the position back with it
    finished(size);
  }

  @Override
  public void sync() throws IOException {
    // A full device is not named here on purpose: a failed sync is never to be repeated as if room
    // was all it lacked.
    ownedChannel.force(false);
  }

  @Override
  public void close() throws IOException {
    closeDirect();
    ownedChannel.close();
  }

  private void closeDirect() {
    if (ownedDirect.isEmpty()) {
      return;
    }
    FileChannel closing = ownedDirect.get();
    ownedDirect = Optional.empty();
    try {
      closing.close();
    } catch (IOException _) {
      // Its writes have told of their failures themselves.
    }
  }

  private void cutUnknownTail() throws IOException {
    if (tailUnknown) {
      truncate(size);
    }
  }

  private void finished(long size) {
    this.size = size;
    tailUnknown = false;
  }

  private void writeSome(ByteBuffer buffer) throws IOException {
    if (buffer.isDirect() || buffer.remaining() <= HEAP_BYTES_AT_ONCE) {
      ownedChannel.write(buffer);
      return;
    }
    int limit = buffer.limit();
    buffer.limit(buffer.position() + HEAP_BYTES_AT_ONCE);
    try {
      ownedChannel.write(buffer);
    } finally {
      buffer.limit(limit);
    }
  }

  private int readSome(ByteBuffer target, long position) throws IOException {
    if (target.isDirect() || target.remaining() <= HEAP_BYTES_AT_ONCE) {
      return ownedChannel.read(target, position);
    }
    int limit = target.limit();
    target.limit(target.position() + HEAP_BYTES_AT_ONCE);
    try {
      return ownedChannel.read(target, position);
    } finally {
      target.limit(limit);
    }
  }
}
