package io.pannier.robotics.mcap;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/**
 * Bytes that can be read anywhere: a file, memory, an object behind range requests. Each read may
 * be a request over a network, so readers ask for few and large ranges.
 */
public interface RangeSource {
  /** Length in bytes. */
  long size() throws IOException;

  /**
   * Reads from {@code position} until the target is full or the source ends.
   *
   * @return the number of bytes read, 0 at or behind the end
   */
  int read(ByteBuffer target, long position) throws IOException;

  /**
   * Bytes that are rather read in vain than skipped by a read more: many where a read is a request
   * over a network, few where it is a call.
   */
  default int gapBytes() {
    return 64 << 10;
  }

  /** A file; the channel stays the caller's. */
  static RangeSource of(FileChannel channel) {
    return new RangeSource() {
      @Override
      public long size() throws IOException {
        return channel.size();
      }

      @Override
      public int read(ByteBuffer target, long position) throws IOException {
        int total = 0;
        while (target.hasRemaining()) {
          int count = channel.read(target, position + total);
          if (count < 0) {
            break;
          }
          total += count;
        }
        return total;
      }

      @Override
      public int gapBytes() {
        return 8 << 10;
      }
    };
  }

  /** The remaining bytes of a buffer, whose position is not moved. */
  static RangeSource of(ByteBuffer bytes) {
    ByteBuffer whole = bytes.slice();
    return new RangeSource() {
      @Override
      public long size() {
        return whole.capacity();
      }

      @Override
      public int read(ByteBuffer target, long position) {
        if (position >= whole.capacity()) {
          return 0;
        }
        int count = Math.min(target.remaining(), whole.capacity() - (int) position);
        target.put(whole.slice((int) position, count));
        return count;
      }

      @Override
      public int gapBytes() {
        return 0;
      }
    };
  }
}
