package io.pannier.robotics.mcap;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import net.jpountz.xxhash.XXHash32;
import net.jpountz.xxhash.XXHashFactory;

/**
 * Decompresses LZ4 frames (lz4 Frame Format 1.6.4, lz4 Block Format) of known length. The library
 * cannot read frames whose blocks refer to those in front of them, which is how the recorders in
 * C++ and Python write them.
 */
final class Lz4Frame {
  private static final int MAGIC = 0x184D2204;
  private static final int VERSION = 1;
  private static final int FLAG_BLOCK_CHECKSUM = 0x10;
  private static final int FLAG_CONTENT_SIZE = 0x08;
  private static final int FLAG_CONTENT_CHECKSUM = 0x04;
  private static final int FLAG_DICTIONARY = 0x01;
  private static final int BLOCK_UNCOMPRESSED = 0x80000000;

  /** What a match is longer than its length says. */
  private static final int MATCH_MIN = 4;

  private final ByteBuffer in;
  private final byte[] target;
  private int at;

  private Lz4Frame(ByteBuffer in, byte[] target) {
    this.in = in;
    this.target = target;
  }

  /**
   * Fills an array.
   *
   * @param compressed one frame; its position is not moved
   * @throws IOException when it is damaged, or of another length than the array
   */
  static void decompress(ByteBuffer compressed, byte[] target) throws IOException {
    try {
      new Lz4Frame(compressed.slice().order(ByteOrder.LITTLE_ENDIAN), target).frame();
    } catch (BufferUnderflowException e) {
      throw new IOException("lz4: the frame ends too early", e);
    }
  }

  private void frame() throws IOException {
    if (in.getInt() != MAGIC) {
      throw damaged("no frame");
    }
    int flags = in.get();
    if ((flags & 0xff) >> 6 != VERSION || (flags & FLAG_DICTIONARY) != 0) {
      throw damaged("a frame of another version, or one that needs a dictionary");
    }
    in.get();
    if ((flags & FLAG_CONTENT_SIZE) != 0 && in.getLong() != target.length) {
      throw damaged("another number of bytes than " + target.length);
    }
    in.get();
    for (int size = in.getInt(); size != 0; size = in.getInt()) {
      int length = size & ~BLOCK_UNCOMPRESSED;
      if (length > in.remaining()) {
        throw damaged("a block of " + length + " bytes");
      }
      int end = in.position() + length;
      if ((size & BLOCK_UNCOMPRESSED) != 0) {
        literals(length);
      } else {
        block(end);
      }
      if ((flags & FLAG_BLOCK_CHECKSUM) != 0) {
        in.getInt();
      }
    }
    if (at != target.length) {
      throw damaged(at + " bytes instead of " + target.length);
    }
    if ((flags & FLAG_CONTENT_CHECKSUM) != 0) {
      XXHash32 hash = XXHashFactory.fastestJavaInstance().hash32();
      if (hash.hash(target, 0, target.length, 0) != in.getInt()) {
        throw damaged("the checksum differs");
      }
    }
  }

  private void literals(int length) throws IOException {
    if (length < 0 || length > target.length - at || length > in.remaining()) {
      throw damaged("more bytes than " + target.length);
    }
    in.get(target, at, length);
    at += length;
  }

  private void block(int end) throws IOException {
    while (in.position() < end) {
      int token = in.get() & 0xff;
      literals(length(token >> 4));
      if (in.position() >= end) {
        // The last sequence has no match.
        return;
      }
      int distance = in.getShort() & 0xffff;
      int length = length(token & 0xf) + MATCH_MIN;
      if (distance == 0 || distance > at || length < 0 || length > target.length - at) {
        throw damaged("a match that leads out of the content");
      }
      if (distance >= length) {
        System.arraycopy(target, at - distance, target, at, length);
        at += length;
      } else {
        // It repeats what it writes.
        for (int i = 0; i < length; i++, at++) {
          target[at] = target[at - distance];
        }
      }
    }
  }

  private int length(int nibble) throws IOException {
    int length = nibble;
    if (nibble == 15) {
      int more;
      do {
        more = in.get() & 0xff;
        length += more;
        if (length < 0) {
          throw damaged("a length beyond all bounds");
        }
      } while (more == 255);
    }
    return length;
  }

  private static IOException damaged(String what) {
    return new IOException("lz4: " + what);
  }
}
