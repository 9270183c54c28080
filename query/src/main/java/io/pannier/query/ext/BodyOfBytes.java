package io.pannier.query.ext;

import java.nio.ByteBuffer;

/** A body in memory. */
record BodyOfBytes(ByteBuffer whole) implements Body {
  @Override
  public long length() {
    return whole.capacity();
  }

  @Override
  public int read(long position, ByteBuffer target) {
    if (position >= whole.capacity()) {
      return 0;
    }
    int count = Math.min(target.remaining(), whole.capacity() - (int) position);
    target.put(whole.slice((int) position, count));
    return count;
  }
}
