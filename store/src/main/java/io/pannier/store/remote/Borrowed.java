package io.pannier.store.remote;

import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;

/** A file that somebody else closes, for reading. */
final class Borrowed implements DiskFile {
  private final DiskFile lent;

  Borrowed(DiskFile lent) {
    this.lent = lent;
  }

  @Override
  public long size() {
    return lent.size();
  }

  @Override
  public int read(ByteBuffer target, long position) throws IOException {
    return lent.read(target, position);
  }

  @Override
  public void append(ByteBuffer buffer) {
    throw new UnsupportedOperationException("for reading only");
  }

  @Override
  public void append(ByteBuffer[] buffers) {
    throw new UnsupportedOperationException("for reading only");
  }

  @Override
  public void appendDirect(ByteBuffer buffer) {
    throw new UnsupportedOperationException("for reading only");
  }

  @Override
  public void truncate(long size) {
    throw new UnsupportedOperationException("for reading only");
  }

  @Override
  public void sync() {}

  @Override
  public void close() {}
}
