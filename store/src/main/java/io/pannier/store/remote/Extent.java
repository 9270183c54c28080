package io.pannier.store.remote;

/**
 * A range of bytes in a segment.
 *
 * @param segment number of the segment
 * @param at position in it
 * @param length bytes
 * @param crc CRC32C of them
 */
record Extent(long segment, long at, long length, int crc) {
  static final Extent NONE = new Extent(0, 0, 0, 0);

  /** Whether there is nothing. */
  boolean isNone() {
    return length == 0;
  }
}
