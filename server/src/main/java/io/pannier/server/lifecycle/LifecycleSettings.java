package io.pannier.server.lifecycle;

import java.util.List;
import java.util.Optional;

/**
 * Settings of a policy as the HTTP API has them; texts of durations are kept as they were given.
 *
 * @param bucket whose records it is about
 * @param entries patterns; empty: all entries
 * @param olderThan age from which on a record is old, at least {@code 1h}
 * @param interval time between runs, at least {@code 10m}
 * @param processingInterval span of record time that one run handles; empty: 24 × interval
 * @param when condition as JSON; empty: every record
 */
public record LifecycleSettings(
    Type type,
    String bucket,
    List<String> entries,
    String olderThan,
    String interval,
    Optional<String> processingInterval,
    Optional<String> when,
    Mode mode) {
  /** What is done to old records. */
  public enum Type {
    DELETE,
    COMPRESS
  }

  /** Whether it is done. */
  public enum Mode {
    ENABLED,
    DISABLED,
    /** Only counted and told. */
    DRY_RUN
  }

  /** Interval of a policy that gives none. */
  public static final String DEFAULT_INTERVAL = "3600s";

  /** Copies the list. */
  public LifecycleSettings {
    entries = List.copyOf(entries);
  }

  /** The same with another mode. */
  public LifecycleSettings withMode(Mode changed) {
    return new LifecycleSettings(
        type, bucket, entries, olderThan, interval, processingInterval, when, changed);
  }

  /** The same for a bucket of another name. */
  LifecycleSettings withBucket(String renamed) {
    return new LifecycleSettings(
        type, renamed, entries, olderThan, interval, processingInterval, when, mode);
  }
}
