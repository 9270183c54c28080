package io.pannier.query.ext;

import java.nio.ByteBuffer;
import java.util.Objects;

/** A part of a body. */
record BodySlice(Body whole, long from, long length) implements Body {
  BodySlice {
    Objects.checkFromIndexSize(from, length, whole.length());
  }

  @Override
  public int read(long position, ByteBuffer target) {
    if (position >= length) {
      return 0;
    }
    int room = target.remaining();
    if (room <= length - position) {
      return whole.read(from + position, target);
    }
    int limit = target.limit();
    target.limit(target.position() + (int) (length - position));
    try {
      return whole.read(from + position, target);
    } finally {
      target.limit(limit);
    }
  }

  @Override
  public void close() {
    whole.close();
  }
}
