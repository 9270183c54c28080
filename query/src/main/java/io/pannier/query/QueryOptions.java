package io.pannier.query;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.query.when.Condition;
import io.pannier.query.when.TransferLimits;
import io.pannier.store.TimeRange;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/**
 * What a query asks for (http-api.md §12.2).
 *
 * @param kind select or remove
 * @param entries names and patterns; absent in queries on one entry
 * @param start first time, inclusive; absent: from the oldest record
 * @param stop end, exclusive; absent: without end (not the newest time + 1, which does not exist
 *     for the largest time)
 * @param ttlSeconds how long the query lives without being read, unsigned
 * @param onlyMetadata no bodies are sent
 * @param continuous the query never ends; {@code stop} is ignored
 * @param strict whether an error in a condition fails the query
 * @param when the condition; absent is not the same as one that always holds, since a removal needs
 *     to be told what to remove
 */
public record QueryOptions(
    Kind kind,
    Optional<List<String>> entries,
    OptionalLong start,
    OptionalLong stop,
    long ttlSeconds,
    boolean onlyMetadata,
    boolean continuous,
    boolean strict,
    Optional<Condition> when) {

  /** What happens to the records. */
  public enum Kind {
    /** They are read. */
    QUERY,
    /** They are removed. */
    REMOVE
  }

  /** Seconds that a query lives without being read when the client does not say. */
  public static final long DEFAULT_TTL_SECONDS = 60;

  /** A query for the records of a range. */
  public static QueryOptions range(OptionalLong start, OptionalLong stop) {
    return new QueryOptions(
        Kind.QUERY,
        Optional.empty(),
        start,
        stop,
        DEFAULT_TTL_SECONDS,
        false,
        false,
        false,
        Optional.empty());
  }

  /** A removal of the records of a range, with a condition. */
  public static QueryOptions removal(
      OptionalLong start, OptionalLong stop, Optional<Condition> when) {
    return new QueryOptions(
        Kind.REMOVE, Optional.empty(), start, stop, DEFAULT_TTL_SECONDS, false, false, false, when);
  }

  /**
   * Reads the body of a request.
   *
   * @throws PannierException.Invalid when it is malformed or asks for what is not supported
   */
  public static QueryOptions parse(ObjectNode body) {
    Kind kind =
        switch (Json.requiredText(body, "query_type")) {
          case "QUERY" -> Kind.QUERY;
          case "REMOVE" -> Kind.REMOVE;
          default -> throw Json.invalid("unknown query_type, expected `QUERY` or `REMOVE`");
        };
    JsonNode when = body.get("when");
    return new QueryOptions(
        kind,
        Json.texts(body, "entries"),
        Json.unsigned(body, "start"),
        Json.unsigned(body, "stop"),
        Json.unsigned(body, "ttl").orElse(DEFAULT_TTL_SECONDS),
        Json.flag(body, "only_metadata"),
        Json.flag(body, "continuous"),
        Json.flag(body, "strict"),
        OldParameters.of(body)
            .addTo(
                when == null || when.isNull()
                    ? Optional.empty()
                    : Optional.of(Condition.parse(when))));
  }

  /** What has to hold. */
  public Condition condition() {
    return when.orElse(Condition.ALL);
  }

  /** How long a read collects: what the query wants, otherwise what the server has. */
  ReadLimits limits(ReadLimits server) {
    TransferLimits own = condition().transfer();
    return new ReadLimits(
        nanos(own.batchTimeoutMicros(), server.batchTimeoutNanos()),
        nanos(own.recordTimeoutMicros(), server.recordTimeoutNanos()));
  }

  private static long nanos(OptionalLong micros, long otherwise) {
    return micros.isEmpty()
        ? otherwise
        : TimeUnit.MICROSECONDS.toNanos(micros.getAsLong()); // saturates
  }

  /** The same with another time to live. */
  QueryOptions living(long seconds) {
    return new QueryOptions(
        kind, entries, start, stop, seconds, onlyMetadata, continuous, strict, when);
  }

  /** The same for what is there now. */
  QueryOptions ending() {
    return continuous
        ? new QueryOptions(
            kind, entries, start, stop, ttlSeconds, onlyMetadata, false, strict, when)
        : this;
  }

  /** The times asked for; a continuous query has no end. */
  public TimeRange range() {
    long from = start.orElse(0);
    return stop.isEmpty() || continuous
        ? TimeRange.from(from)
        : TimeRange.of(from, stop.getAsLong());
  }

  /**
   * @throws PannierException.Invalid when the start lies behind the stop
   */
  void requireOrder() {
    if (!continuous
        && start.isPresent()
        && stop.isPresent()
        && Timestamp.isAfter(start.getAsLong(), stop.getAsLong())) {
      throw startBehindStop();
    }
  }

  static PannierException.Invalid startBehindStop() {
    return new PannierException.Invalid("Start time must be before stop time");
  }
}
