package io.pannier.extract.ros;

import io.pannier.query.ext.Body;
import io.pannier.query.ext.Spool;
import io.pannier.query.ext.Work;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Collects a body: a short one in memory, a long one where the query keeps such things. */
final class BodyBuilder extends OutputStream {
  private static final int MEMORY_BYTES = 256 << 10;

  private final Work work;
  private byte[] bytes = new byte[512];
  private int length;
  private @Nullable Spool spool;

  BodyBuilder(Work work) {
    this.work = work;
  }

  @Override
  public void write(int next) {
    write(new byte[] {(byte) next}, 0, 1);
  }

  @Override
  public void write(byte[] source, int from, int count) {
    if (spool == null && length + count > MEMORY_BYTES) {
      work.check();
      spool = work.spool();
      spool.write(ByteBuffer.wrap(bytes, 0, length));
    }
    if (spool != null) {
      spool.write(ByteBuffer.wrap(source, from, count));
      return;
    }
    if (length + count > bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, length + count));
    }
    System.arraycopy(source, from, bytes, length, count);
    length += count;
  }

  /** What was written. */
  Body finish() {
    return spool != null ? spool.finish() : Body.of(ByteBuffer.wrap(bytes, 0, length));
  }

  /** Throws it away, unless it was finished. */
  @Override
  public void close() {
    if (spool != null) {
      spool.close();
    }
  }
}
