package io.pannier.query.ext;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;

/** Work that nobody limits. */
final class UnboundedWork implements Work {
  @Override
  public void check() {}

  @Override
  public void reserve(long bytes) {}

  @Override
  public void release(long bytes) {}

  @Override
  public long memoryBytes() {
    return Long.MAX_VALUE;
  }

  @Override
  public long memoryLeft() {
    return Long.MAX_VALUE;
  }

  @Override
  public long cpuNanosLeft() {
    return Long.MAX_VALUE;
  }

  @Override
  public Hook onStop(Runnable hook) {
    return () -> {};
  }

  @Override
  public Spool spool() {
    return new MemorySpool();
  }

  private static final class MemorySpool implements Spool {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    @Override
    public void write(ByteBuffer more) {
      byte[] copy = new byte[more.remaining()];
      more.get(copy);
      bytes.writeBytes(copy);
    }

    @Override
    public long length() {
      return bytes.size();
    }

    @Override
    public Body finish() {
      return Body.of(bytes.toByteArray());
    }

    @Override
    public void close() {}
  }
}
