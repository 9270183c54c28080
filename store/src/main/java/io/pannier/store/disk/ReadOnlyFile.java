package io.pannier.store.disk;

import java.nio.ByteBuffer;

/** A file that is there to be read: everything else is a mistake of the engine. */
public abstract class ReadOnlyFile implements DiskFile {
  @Override
  public final void append(ByteBuffer buffer) {
    throw new UnsupportedOperationException();
  }

  @Override
  public final void append(ByteBuffer[] buffers) {
    throw new UnsupportedOperationException();
  }

  @Override
  public final void appendDirect(ByteBuffer buffer) {
    throw new UnsupportedOperationException();
  }

  @Override
  public final void truncate(long size) {
    throw new UnsupportedOperationException();
  }

  @Override
  public final void sync() {
    throw new UnsupportedOperationException();
  }
}
