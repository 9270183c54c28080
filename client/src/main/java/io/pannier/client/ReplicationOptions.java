package io.pannier.client;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a replication copies, and to where. Immutable; begin with {@link #of}.
 *
 * @param destinationHost address of the other store, as this store reaches it
 * @param destinationToken token there; empty when it is not told (it never is when it is asked for)
 *     and, in an update, to keep the one that is stored
 * @param entries names and patterns; empty: all
 * @param prefix in front of the names of entries there
 * @param when condition
 * @param compression of bodies on their way
 */
public record ReplicationOptions(
    String sourceBucket,
    String destinationHost,
    String destinationBucket,
    Optional<String> destinationToken,
    List<String> entries,
    String prefix,
    Optional<When> when,
    TaskMode mode,
    Coding compression) {
  public ReplicationOptions {
    entries = List.copyOf(entries);
  }

  /** Everything that comes into a bucket. */
  public static ReplicationOptions of(
      String sourceBucket, String destinationHost, String destinationBucket) {
    return new ReplicationOptions(
        sourceBucket,
        destinationHost,
        destinationBucket,
        Optional.empty(),
        List.of(),
        "",
        Optional.empty(),
        TaskMode.ENABLED,
        Coding.NONE);
  }

  /** With this token at the destination. */
  public ReplicationOptions token(String token) {
    return new ReplicationOptions(
        sourceBucket,
        destinationHost,
        destinationBucket,
        Optional.of(token),
        entries,
        prefix,
        when,
        mode,
        compression);
  }

  /** Only entries of these names and patterns. */
  public ReplicationOptions entries(String... names) {
    return new ReplicationOptions(
        sourceBucket,
        destinationHost,
        destinationBucket,
        destinationToken,
        List.of(names),
        prefix,
        when,
        mode,
        compression);
  }

  /** With a prefix in front of the names of entries there. */
  public ReplicationOptions prefix(String text) {
    return new ReplicationOptions(
        sourceBucket,
        destinationHost,
        destinationBucket,
        destinationToken,
        entries,
        text,
        when,
        mode,
        compression);
  }

  /** Only records for which this holds. */
  public ReplicationOptions when(When condition) {
    return new ReplicationOptions(
        sourceBucket,
        destinationHost,
        destinationBucket,
        destinationToken,
        entries,
        prefix,
        Optional.of(condition),
        mode,
        compression);
  }

  /** With bodies compressed on their way. */
  public ReplicationOptions compression(Coding coding) {
    return new ReplicationOptions(
        sourceBucket,
        destinationHost,
        destinationBucket,
        destinationToken,
        entries,
        prefix,
        when,
        mode,
        coding);
  }

  Map<String, @Nullable Object> json() {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("src_bucket", sourceBucket);
    json.put("dst_bucket", destinationBucket);
    json.put("dst_host", destinationHost);
    destinationToken.ifPresent(token -> json.put("dst_token", token));
    json.put("entries", entries);
    if (!prefix.isEmpty()) {
      json.put("dst_prefix", prefix);
    }
    when.ifPresent(condition -> json.put("when", condition.tree()));
    json.put("mode", mode.text());
    if (compression != Coding.NONE) {
      json.put("compression", compression.name().toLowerCase(Locale.ROOT));
    }
    return json;
  }

  static ReplicationOptions of(Map<String, @Nullable Object> json) {
    String coding = Json.text(json, "compression");
    return new ReplicationOptions(
        Json.text(json, "src_bucket"),
        Json.text(json, "dst_host"),
        Json.text(json, "dst_bucket"),
        Optional.empty(),
        Json.texts(json, "entries"),
        Json.text(json, "dst_prefix"),
        Optional.ofNullable(json.get("when")).map(when -> When.json(Json.write(when))),
        TaskMode.of(Json.text(json, "mode")),
        coding.isEmpty() ? Coding.NONE : Coding.valueOf(coding.toUpperCase(Locale.ROOT)));
  }

  /** Without the token: texts end up in logs. */
  @Override
  public String toString() {
    return "ReplicationOptions["
        + sourceBucket
        + " to "
        + destinationBucket
        + " at "
        + destinationHost
        + "]";
  }
}
