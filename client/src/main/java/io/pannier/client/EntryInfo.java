package io.pannier.client;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a store says about an entry.
 *
 * @param sizeBytes what its records take
 * @param oldestRecord µs since the epoch, unsigned; 0 when it is empty
 * @param latestRecord µs since the epoch, unsigned; 0 when it is empty
 * @param isDeleting whether it is being removed
 */
public record EntryInfo(
    String name,
    long sizeBytes,
    long recordCount,
    long blockCount,
    long oldestRecord,
    long latestRecord,
    boolean isDeleting) {
  static EntryInfo of(Map<String, @Nullable Object> json) {
    return new EntryInfo(
        Json.text(json, "name"),
        Json.number(json, "size"),
        Json.number(json, "record_count"),
        Json.number(json, "block_count"),
        Json.number(json, "oldest_record"),
        Json.number(json, "latest_record"),
        Json.text(json, "status").equals("DELETING"));
  }
}
