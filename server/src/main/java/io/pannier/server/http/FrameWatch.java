package io.pannier.server.http;

import io.netty.buffer.ByteBuf;

/**
 * Walks over the frames of an HTTP/2 connection as they pass, to know whether a header block is
 * under way and how long it is already; Netty tells of one only when it is complete.
 */
final class FrameWatch {
  private static final int PREFACE_BYTES = 24;
  private static final int FRAME_HEAD_BYTES = 9;
  private static final int HEADERS = 1;
  private static final int CONTINUATION = 9;
  private static final int END_HEADERS = 4;

  /** What is left of the current frame. */
  private int left = PREFACE_BYTES;

  private long headBits;
  private int headBytes;
  private boolean ofBlock;
  private boolean endsBlock;
  private boolean inBlock;
  private long blockBytes;

  /** Looks at bytes without taking them. */
  void look(ByteBuf bytes) {
    int at = bytes.readerIndex();
    int end = bytes.writerIndex();
    while (at < end) {
      if (left > 0) {
        int passed = Math.min(left, end - at);
        at += passed;
        left -= passed;
        if (ofBlock) {
          blockBytes += passed;
        }
      } else {
        int next = bytes.getUnsignedByte(at++);
        // Length, type and flags are the first five bytes; the others are the stream.
        if (headBytes < 5) {
          headBits = headBits << 8 | next;
        }
        if (++headBytes == FRAME_HEAD_BYTES) {
          begin();
        }
      }
      if (left == 0 && headBytes == 0 && endsBlock) {
        inBlock = false;
        ofBlock = false;
        endsBlock = false;
        blockBytes = 0;
      }
    }
  }

  private void begin() {
    left = (int) (headBits >>> 16);
    int type = (int) (headBits >>> 8) & 0xff;
    ofBlock = type == HEADERS || type == CONTINUATION;
    endsBlock = ofBlock && (headBits & END_HEADERS) != 0;
    inBlock |= ofBlock;
    headBits = 0;
    headBytes = 0;
  }

  /** Whether a header block has begun that is not complete. */
  boolean isInBlock() {
    return inBlock;
  }

  /** Bytes of that block so far. */
  long blockBytes() {
    return blockBytes;
  }
}
