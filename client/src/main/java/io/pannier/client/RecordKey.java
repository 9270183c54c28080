package io.pannier.client;

/**
 * What names a record in its bucket.
 *
 * @param timestamp µs since the epoch, unsigned
 */
public record RecordKey(String entry, long timestamp) {
  @Override
  public String toString() {
    return entry + "@" + Long.toUnsignedString(timestamp);
  }
}
