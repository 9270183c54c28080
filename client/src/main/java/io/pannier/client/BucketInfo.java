package io.pannier.client;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a store says about a bucket.
 *
 * @param sizeBytes what its records take
 * @param oldestRecord µs since the epoch, unsigned; 0 when it is empty
 * @param latestRecord µs since the epoch, unsigned; 0 when it is empty
 * @param isProvisioned whether it was declared in the environment of the server and cannot be
 *     changed
 * @param isDeleting whether it is being removed
 */
public record BucketInfo(
    String name,
    long entryCount,
    long sizeBytes,
    long oldestRecord,
    long latestRecord,
    boolean isProvisioned,
    boolean isDeleting) {
  static BucketInfo of(Map<String, @Nullable Object> json) {
    return new BucketInfo(
        Json.text(json, "name"),
        Json.number(json, "entry_count"),
        Json.number(json, "size"),
        Json.number(json, "oldest_record"),
        Json.number(json, "latest_record"),
        Json.flag(json, "is_provisioned"),
        Json.text(json, "status").equals("DELETING"));
  }
}
