package io.pannier.server.lifecycle;

import java.time.Instant;
import java.util.Optional;

/**
 * What a policy looks like from outside.
 *
 * @param isRunning whether it will ever do something: false when its bucket is gone
 * @param lastRun when its last run ended
 * @param obstacle why it does nothing although it is enabled
 */
public record LifecycleInfo(
    String name,
    boolean isProvisioned,
    boolean isRunning,
    LifecycleSettings settings,
    Optional<Instant> lastRun,
    Optional<String> obstacle) {}
