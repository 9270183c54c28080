package io.pannier.client;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a lifecycle does with old records. Immutable; begin with {@link #delete} or {@link
 * #compress}. Durations are texts with units, as {@code 30d} or {@code 1h 30m}.
 *
 * @param type {@code delete} or {@code compress}
 * @param interval between two runs; empty: the store's default, an hour
 * @param processingInterval how much time one run looks at; empty: the store's default
 */
public record LifecycleOptions(
    String type,
    String bucket,
    String olderThan,
    Optional<String> interval,
    Optional<String> processingInterval,
    List<String> entries,
    Optional<When> when,
    TaskMode mode) {
  public LifecycleOptions {
    entries = List.copyOf(entries);
  }

  /** Removes records older than this. */
  public static LifecycleOptions delete(String bucket, String olderThan) {
    return new LifecycleOptions(
        "delete",
        bucket,
        olderThan,
        Optional.empty(),
        Optional.empty(),
        List.of(),
        Optional.empty(),
        TaskMode.ENABLED);
  }

  /** Compresses blocks older than this. */
  public static LifecycleOptions compress(String bucket, String olderThan) {
    return new LifecycleOptions(
        "compress",
        bucket,
        olderThan,
        Optional.empty(),
        Optional.empty(),
        List.of(),
        Optional.empty(),
        TaskMode.ENABLED);
  }

  /** With so long between two runs. */
  public LifecycleOptions every(String time) {
    return new LifecycleOptions(
        type, bucket, olderThan, Optional.of(time), processingInterval, entries, when, mode);
  }

  /** Only entries of these names and patterns. */
  public LifecycleOptions entries(String... names) {
    return new LifecycleOptions(
        type, bucket, olderThan, interval, processingInterval, List.of(names), when, mode);
  }

  /** Only records for which this holds. */
  public LifecycleOptions when(When condition) {
    return new LifecycleOptions(
        type,
        bucket,
        olderThan,
        interval,
        processingInterval,
        entries,
        Optional.of(condition),
        mode);
  }

  /** In another mode from the beginning. */
  public LifecycleOptions mode(TaskMode other) {
    return new LifecycleOptions(
        type, bucket, olderThan, interval, processingInterval, entries, when, other);
  }

  Map<String, @Nullable Object> json() {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("type", type);
    json.put("bucket", bucket);
    json.put("entries", entries);
    json.put("older_than", olderThan);
    interval.ifPresent(time -> json.put("interval", time));
    processingInterval.ifPresent(time -> json.put("processing_interval", time));
    when.ifPresent(condition -> json.put("when", condition.tree()));
    json.put("mode", mode.text());
    return json;
  }

  static LifecycleOptions of(Map<String, @Nullable Object> json) {
    return new LifecycleOptions(
        Json.text(json, "type"),
        Json.text(json, "bucket"),
        Json.text(json, "older_than"),
        Optional.of(Json.text(json, "interval")).filter(time -> !time.isEmpty()),
        Optional.of(Json.text(json, "processing_interval")).filter(time -> !time.isEmpty()),
        Json.texts(json, "entries"),
        Optional.ofNullable(json.get("when")).map(when -> When.json(Json.write(when))),
        TaskMode.of(Json.text(json, "mode")));
  }
}
