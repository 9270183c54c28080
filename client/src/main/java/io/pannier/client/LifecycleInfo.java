package io.pannier.client;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a store says about a lifecycle.
 *
 * @param isRunning whether it has a worker
 * @param isProvisioned whether it was declared in the environment of the server
 * @param lastRun when it ran last
 */
public record LifecycleInfo(
    String name,
    String type,
    TaskMode mode,
    boolean isRunning,
    boolean isProvisioned,
    Optional<Instant> lastRun) {
  static LifecycleInfo of(Map<String, @Nullable Object> json) {
    return new LifecycleInfo(
        Json.text(json, "name"),
        Json.text(json, "type"),
        TaskMode.of(Json.text(json, "mode")),
        Json.flag(json, "is_running"),
        Json.flag(json, "is_provisioned"),
        TokenInfo.instant(json, "last_run"));
  }
}
