package io.pannier.store;

import io.pannier.model.Limits;
import io.pannier.store.disk.DiskFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Memory in which uploads collect what goes past the page cache: a bounded number of buffers, made
 * when first needed, kept and used again.
 */
final class DirectBuffers {
  private final Limits.Direct limits;
  private final ArrayDeque<ByteBuffer> free = new ArrayDeque<>(); // guarded by this
  private int made; // guarded by this

  DirectBuffers(Limits.Direct limits) {
    this.limits = limits;
  }

  /** A cleared little-endian buffer whose memory begins at a page; null when all are in use. */
  synchronized @Nullable ByteBuffer tryTake() {
    ByteBuffer buffer = free.poll();
    if (buffer != null) {
      return buffer.clear();
    }
    if (made == limits.uploads()) {
      return null;
    }
    made++;
    return ByteBuffer.allocateDirect(limits.bufferBytes() + DiskFile.DIRECT_ALIGNMENT)
        .alignedSlice(DiskFile.DIRECT_ALIGNMENT)
        .limit(limits.bufferBytes())
        .slice()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  synchronized void giveBack(ByteBuffer buffer) {
    free.push(buffer);
  }
}
