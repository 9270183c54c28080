package io.pannier.client;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a store says about a replication.
 *
 * @param isActive whether the destination answers
 * @param isProvisioned whether it was declared in the environment of the server
 * @param pendingRecords what is still to be sent
 */
public record ReplicationInfo(
    String name, TaskMode mode, boolean isActive, boolean isProvisioned, long pendingRecords) {
  static ReplicationInfo of(Map<String, @Nullable Object> json) {
    return new ReplicationInfo(
        Json.text(json, "name"),
        TaskMode.of(Json.text(json, "mode")),
        Json.flag(json, "is_active"),
        Json.flag(json, "is_provisioned"),
        Json.number(json, "pending_records"));
  }
}
