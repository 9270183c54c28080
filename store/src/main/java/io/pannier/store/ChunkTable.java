package io.pannier.store;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Where the chunks of a body stand and what their checksums are. Immutable. */
final class ChunkTable {
  private final long length;
  private final int[] crcs;

  /** Where each stored chunk begins behind the beginning of the body, and the last one ends. */
  private final long @Nullable [] bounds;

  private ChunkTable(long length, int[] crcs, long @Nullable [] bounds) {
    this.length = length;
    this.crcs = crcs;
    this.bounds = bounds;
  }

  /**
   * Reads a table of which the checksum holds.
   *
   * @param at where it begins in the buffer
   * @param length raw bytes of the body
   * @param stored stored bytes of the body
   * @return null when its lengths contradict each other
   */
  static @Nullable ChunkTable read(ByteBuffer in, int at, long length, long stored) {
    var crcs = new int[Frames.chunks(length)];
    if (stored == length) {
      for (int i = 0; i < crcs.length; i++) {
        crcs[i] = in.getInt(at + 4 * i);
      }
      return new ChunkTable(length, crcs, null);
    }
    var bounds = new long[crcs.length + 1];
    for (int i = 0; i < crcs.length; i++) {
      int bytes = in.getInt(at + 8 * i);
      if (bytes < 1 || bytes > rawBytes(length, i)) {
        return null;
      }
      bounds[i + 1] = bounds[i] + bytes;
      crcs[i] = in.getInt(at + 8 * i + 4);
    }
    return bounds[crcs.length] == stored ? new ChunkTable(length, crcs, bounds) : null;
  }

  private static int rawBytes(long length, int chunk) {
    return (int) Math.min(Frames.CHUNK, length - (long) chunk * Frames.CHUNK);
  }

  int count() {
    return crcs.length;
  }

  boolean isCompressed() {
    return bounds != null;
  }

  /** Raw bytes of a chunk. */
  int rawBytes(int chunk) {
    return rawBytes(length, chunk);
  }

  /** Stored bytes of a chunk; as many as raw ones when it stands as it is. */
  int storedBytes(int chunk) {
    return bounds == null ? rawBytes(chunk) : (int) (bounds[chunk + 1] - bounds[chunk]);
  }

  /** Where the stored bytes of a chunk begin, behind the beginning of the body. */
  long offset(int chunk) {
    return bounds == null ? (long) chunk * Frames.CHUNK : bounds[chunk];
  }

  /** Checksum of the stored bytes of a chunk. */
  int crc(int chunk) {
    return crcs[chunk];
  }

  /** Checksums of all chunks, in their order. */
  int[] crcs() {
    return crcs.clone();
  }

  /** Stored bytes of all chunks, in their order; null: each as many as raw ones. */
  int @Nullable [] storedLengths() {
    if (bounds == null) {
      return null;
    }
    var lengths = new int[crcs.length];
    for (int i = 0; i < lengths.length; i++) {
      lengths[i] = storedBytes(i);
    }
    return lengths;
  }
}
