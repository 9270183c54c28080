package io.pannier.query.ext;

import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Objects;

/** A body from its beginning to its end. */
final class BodyStream extends InputStream {
  private static final int PIECE = 64 * 1024;

  private final Body body;
  private final ByteBuffer piece;

  /** Where the next piece begins. */
  private long next;

  BodyStream(Body body) {
    this.body = body;
    piece = ByteBuffer.allocate((int) Math.min(PIECE, body.length()));
    piece.limit(0);
  }

  private boolean fill() {
    if (piece.hasRemaining()) {
      return true;
    }
    piece.clear();
    int count = body.read(next, piece);
    next += count;
    piece.flip();
    return count > 0;
  }

  @Override
  public int read() {
    return fill() ? piece.get() & 0xff : -1;
  }

  @Override
  public int read(byte[] target, int from, int length) {
    Objects.checkFromIndexSize(from, length, target.length);
    if (length == 0) {
      return 0;
    }
    if (!fill()) {
      return -1;
    }
    int count = Math.min(length, piece.remaining());
    piece.get(target, from, count);
    return count;
  }

  @Override
  public int available() {
    return piece.remaining();
  }
}
