package io.pannier.client;

import io.pannier.model.BucketSettings;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a store says about itself.
 *
 * @param version of the server
 * @param instanceName empty where the store does not say (before 1.21)
 * @param instanceRole in capitals; empty where the store does not say
 * @param bucketCount with the bucket {@code $system}
 * @param usageBytes what all records take
 * @param uptimeSeconds since the start
 * @param oldestRecord µs since the epoch, unsigned
 * @param latestRecord µs since the epoch, unsigned
 * @param defaults what a new bucket gets
 * @param raw the whole answer
 */
public record ServerInfo(
    String version,
    String instanceName,
    String instanceRole,
    long bucketCount,
    long usageBytes,
    long uptimeSeconds,
    long oldestRecord,
    long latestRecord,
    BucketSettings defaults,
    Map<String, @Nullable Object> raw) {
  static ServerInfo of(Map<String, @Nullable Object> json) {
    return new ServerInfo(
        Json.text(json, "version"),
        Json.text(json, "instance_name"),
        Json.text(json, "instance_role"),
        Json.number(json, "bucket_count"),
        Json.number(json, "usage"),
        Json.number(json, "uptime"),
        Json.number(json, "oldest_record"),
        Json.number(json, "latest_record"),
        BucketOptions.settings(Json.object(Json.object(json, "defaults"), "bucket")),
        json);
  }
}
