package io.pannier.client;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What a query is to find. Immutable; begin with {@link #all} and change what matters.
 *
 * @param start first time, µs since the epoch, unsigned; empty: from the oldest record
 * @param stop time behind the last; empty: up to the newest record
 * @param when condition
 * @param strict whether a record of which the condition cannot be judged ends the query with an
 *     error, instead of being passed over
 * @param limit records of an entry at most; in contrast to {@link When#limit} kept over an
 *     interruption
 * @param continuous whether the query waits for new records for ever
 * @param onlyMetadata whether bodies stay where they are
 * @param ttl how long the store keeps the query while nobody reads on; whole seconds
 */
public record QueryOptions(
    OptionalLong start,
    OptionalLong stop,
    Optional<When> when,
    boolean strict,
    OptionalLong limit,
    boolean continuous,
    boolean onlyMetadata,
    Duration ttl) {
  private static final QueryOptions ALL =
      new QueryOptions(
          OptionalLong.empty(),
          OptionalLong.empty(),
          Optional.empty(),
          false,
          OptionalLong.empty(),
          false,
          false,
          Duration.ofSeconds(60));

  /** Every record. */
  public static QueryOptions all() {
    return ALL;
  }

  /** Records for which this holds. */
  public static QueryOptions where(When condition) {
    return ALL.when(condition);
  }

  /** From this time on, µs since the epoch, unsigned. */
  public QueryOptions from(long micros) {
    return new QueryOptions(
        OptionalLong.of(micros), stop, when, strict, limit, continuous, onlyMetadata, ttl);
  }

  /** Up to this time, without it, µs since the epoch, unsigned. */
  public QueryOptions before(long micros) {
    return new QueryOptions(
        start, OptionalLong.of(micros), when, strict, limit, continuous, onlyMetadata, ttl);
  }

  /** Records for which this holds. */
  public QueryOptions when(When condition) {
    return new QueryOptions(
        start, stop, Optional.of(condition), strict, limit, continuous, onlyMetadata, ttl);
  }

  /** With an error for records of which the condition cannot be judged. */
  public QueryOptions strictly() {
    return new QueryOptions(start, stop, when, true, limit, continuous, onlyMetadata, ttl);
  }

  /** No more than so many records of an entry. */
  public QueryOptions limit(long records) {
    return new QueryOptions(
        start, stop, when, strict, OptionalLong.of(records), continuous, onlyMetadata, ttl);
  }

  /** Waiting for new records until the stream is closed. */
  public QueryOptions continuously() {
    return new QueryOptions(start, stop, when, strict, limit, true, onlyMetadata, ttl);
  }

  /** Without bodies. */
  public QueryOptions metadata() {
    return new QueryOptions(start, stop, when, strict, limit, continuous, true, ttl);
  }

  /** Kept so long by the store while nobody reads on. */
  public QueryOptions ttl(Duration time) {
    return new QueryOptions(start, stop, when, strict, limit, continuous, onlyMetadata, time);
  }

  /** The condition with the limit, as the store is told. */
  When condition() {
    When condition = when.orElseGet(When::always);
    return limit.isPresent() ? condition.limit(limit.getAsLong()) : condition;
  }

  /** The body of a request. */
  Map<String, @Nullable Object> body(String type, List<String> entries) {
    Map<String, @Nullable Object> body = new LinkedHashMap<>();
    body.put("query_type", type);
    if (!entries.isEmpty()) {
      body.put("entries", entries);
    }
    start.ifPresent(micros -> body.put("start", Json.unsigned(micros)));
    stop.ifPresent(micros -> body.put("stop", Json.unsigned(micros)));
    When condition = condition();
    if (!condition.isEmpty()) {
      body.put("when", condition.tree());
    }
    if (strict) {
      body.put("strict", true);
    }
    if (type.equals("QUERY")) {
      body.put("ttl", Math.max(1, ttl.toSeconds()));
      if (continuous) {
        body.put("continuous", true);
      }
      if (onlyMetadata) {
        body.put("only_metadata", true);
      }
    }
    return body;
  }
}
