package io.pannier.store;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Per-thread working memory for encoding frames: taken for the length of one call, never across
 * calls.
 */
final class Scratch {
  /**
   * Frames of one append that fit here are copied together and written by one call with one buffer.
   */
  static final int BYTES = 256 * 1024;

  private static final ThreadLocal<Scratch> PER_THREAD = ThreadLocal.withInitial(Scratch::new);

  /**
   * Little-endian. Small until a thread first needs more: most threads only ever handle single
   * small records.
   */
  private ByteBuffer buffer = Frames.direct(16 * 1024);

  final Checksum crc = new Checksum();
  final Checksum frameCrc = new Checksum();

  /** A chunk as it is stored and as it was written; made when a thread first needs them. */
  private byte @Nullable [] stored;

  private byte @Nullable [] raw;

  static Scratch get() {
    return PER_THREAD.get();
  }

  /** Room for a chunk as it is stored. */
  byte[] stored() {
    byte[] made = stored;
    if (made == null) {
      made = new byte[Frames.CHUNK];
      stored = made;
    }
    return made;
  }

  /** Room for a chunk as it was written. */
  byte[] raw() {
    byte[] made = raw;
    if (made == null) {
      made = new byte[Frames.CHUNK];
      raw = made;
    }
    return made;
  }

  /** A cleared buffer with room for {@code bytes}; larger than {@link #BYTES} it is not kept. */
  ByteBuffer buffer(long bytes) {
    if (bytes > BYTES) {
      return Frames.direct(Math.toIntExact(bytes));
    }
    if (bytes > buffer.capacity()) {
      buffer = Frames.direct(BYTES);
    }
    return buffer.clear();
  }
}
