package io.pannier.robotics.mcap;

/**
 * What reading one file may cost, whatever its lengths say. What would need more fails with {@link
 * McapException.Kind#UNSUPPORTED}.
 *
 * @param recordBytesMax longest record, and longest summary, read as a whole
 * @param chunkBytesMax longest chunk, uncompressed
 * @param heldBytesMax bytes of chunks and messages that a cursor may hold at once: chunks that
 *     overlap in time, or messages that have to be sorted
 */
public record McapLimits(long recordBytesMax, long chunkBytesMax, long heldBytesMax) {
  /** For programs of their own: records of 1 GiB, chunks of 512 MiB, held without bound. */
  public static final McapLimits WIDE = new McapLimits(1L << 30, 512L << 20, Long.MAX_VALUE);

  /** Arrays cannot be longer. */
  private static final long ARRAY_BYTES_MAX = Integer.MAX_VALUE - 8;

  /** Bounds what cannot be exceeded in any case. */
  public McapLimits {
    recordBytesMax = Math.clamp(recordBytesMax, 0, ARRAY_BYTES_MAX);
    chunkBytesMax = Math.clamp(chunkBytesMax, 0, ARRAY_BYTES_MAX);
  }

  /** Limits for a reader that may use so much memory in all. */
  public static McapLimits within(long memoryBytes) {
    // A chunk is held compressed while it is decompressed, and beside it those it overlaps with.
    return new McapLimits(memoryBytes / 2, memoryBytes / 2, memoryBytes / 2);
  }

  void requireHeld(long bytes, long position) throws McapException {
    if (bytes > heldBytesMax) {
      throw new McapException(
          McapException.Kind.UNSUPPORTED,
          "messages of one time lie so far apart that more than "
              + heldBytesMax
              + " bytes would have to be held",
          position);
    }
  }
}
