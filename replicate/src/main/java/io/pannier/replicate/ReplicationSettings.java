package io.pannier.replicate;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.client.Coding;
import io.pannier.query.when.Condition;
import java.util.List;
import java.util.Optional;

/**
 * What a task is to do (semantics.md §12.1).
 *
 * @param sourceBucket whose records are copied
 * @param destinationBucket where to; created when it is missing
 * @param destinationHost address of the other store, with its prefix
 * @param destinationToken empty: none
 * @param entries patterns; empty: all
 * @param destinationPrefix stands before the names of entries; outer slashes do not count
 * @param when condition as it was given
 * @param mode what the task does
 * @param compression of bodies on their way
 * @param start with what it begins when it is new
 * @param bytesPerSecondMax most bytes sent in a second; 0: no limit
 * @param ext parameters of extensions, whose results are sent in place of each record
 */
public record ReplicationSettings(
    String sourceBucket,
    String destinationBucket,
    String destinationHost,
    Optional<String> destinationToken,
    List<String> entries,
    String destinationPrefix,
    Optional<JsonNode> when,
    ReplicationMode mode,
    Coding compression,
    ReplicationStart start,
    long bytesPerSecondMax,
    Optional<JsonNode> ext) {

  public ReplicationSettings {
    entries = List.copyOf(entries);
  }

  /** Without extensions. */
  public ReplicationSettings(
      String sourceBucket,
      String destinationBucket,
      String destinationHost,
      Optional<String> destinationToken,
      List<String> entries,
      String destinationPrefix,
      Optional<JsonNode> when,
      ReplicationMode mode,
      Coding compression,
      ReplicationStart start,
      long bytesPerSecondMax) {
    this(
        sourceBucket,
        destinationBucket,
        destinationHost,
        destinationToken,
        entries,
        destinationPrefix,
        when,
        mode,
        compression,
        start,
        bytesPerSecondMax,
        Optional.empty());
  }

  /** The same in another mode. */
  public ReplicationSettings withMode(ReplicationMode newMode) {
    return new ReplicationSettings(
        sourceBucket,
        destinationBucket,
        destinationHost,
        destinationToken,
        entries,
        destinationPrefix,
        when,
        newMode,
        compression,
        start,
        bytesPerSecondMax,
        ext);
  }

  /** The same with another token. */
  public ReplicationSettings withToken(Optional<String> token) {
    return new ReplicationSettings(
        sourceBucket,
        destinationBucket,
        destinationHost,
        token,
        entries,
        destinationPrefix,
        when,
        mode,
        compression,
        start,
        bytesPerSecondMax,
        ext);
  }

  /** The same on another bucket. */
  public ReplicationSettings withSource(String bucket) {
    return new ReplicationSettings(
        bucket,
        destinationBucket,
        destinationHost,
        destinationToken,
        entries,
        destinationPrefix,
        when,
        mode,
        compression,
        start,
        bytesPerSecondMax,
        ext);
  }

  /** What has to hold for a record to be copied. */
  Condition condition() {
    return when.map(Condition::parse).orElse(Condition.ALL);
  }

  /** What stands before the names of entries; may be empty. */
  String prefix() {
    return destinationPrefix.replaceAll("^/+|/+$", "");
  }

  /** Name of an entry at the destination. */
  String destinationEntry(String entry) {
    String prefix = prefix();
    return prefix.isEmpty() ? entry : prefix + "/" + entry;
  }

  /** Without the token: texts end up in logs. */
  @Override
  public String toString() {
    return "ReplicationSettings["
        + sourceBucket
        + " to "
        + destinationHost
        + " "
        + destinationBucket
        + "]";
  }
}
