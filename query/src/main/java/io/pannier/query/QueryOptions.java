package io.pannier.query;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.store.TimeRange;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

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
 */
public record QueryOptions(
    Kind kind,
    Optional<List<String>> entries,
    OptionalLong start,
    OptionalLong stop,
    long ttlSeconds,
    boolean onlyMetadata,
    boolean continuous,
    boolean strict) {

  /** What happens to the records. */
  public enum Kind {
    /** They are read. */
    QUERY,
    /** They are removed. */
    REMOVE
  }

  /** Seconds that a query lives without being read when the client does not say. */
  public static final long DEFAULT_TTL_SECONDS = 60;

  /**
   * Parameters of older versions. A removal must not silently remove more than was asked for, so
   * there they are errors.
   */
  private static final List<String> REMOVED_PARAMETERS =
      List.of("limit", "each_n", "each_s", "include", "exclude");

  /** A query for the records of a range, with default options. */
  public static QueryOptions range(OptionalLong start, OptionalLong stop) {
    return new QueryOptions(
        Kind.QUERY, Optional.empty(), start, stop, DEFAULT_TTL_SECONDS, false, false, false);
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
    var options =
        new QueryOptions(
            kind,
            Json.texts(body, "entries"),
            Json.unsigned(body, "start"),
            Json.unsigned(body, "stop"),
            Json.unsigned(body, "ttl").orElse(DEFAULT_TTL_SECONDS),
            Json.flag(body, "only_metadata"),
            Json.flag(body, "continuous"),
            Json.flag(body, "strict"));
    // Some clients always send an empty condition; it holds for every record.
    if (Json.has(body, "when")
        && !(body.get("when") instanceof ObjectNode when && when.isEmpty())) {
      throw new PannierException.Invalid("Conditions are not supported yet");
    }
    if (kind == Kind.REMOVE) {
      for (String parameter : REMOVED_PARAMETERS) {
        if (Json.has(body, parameter)) {
          throw new PannierException.Invalid(
              "Parameter '"
                  + parameter
                  + "' is not supported in removals: use a condition in 'when'");
        }
      }
    }
    return options;
  }

  /**
   * Refuses extensions, none of which exist yet, with the reference's words.
   *
   * @param id of the query that would have been made; part of the text
   */
  static void refuseExtensions(ObjectNode body, long id) {
    JsonNode ext = body.get("ext");
    if (ext == null || ext.isNull()) {
      return;
    }
    String in = " in query id=" + Long.toUnsignedString(id);
    if (ext instanceof ObjectNode one) {
      throw unknownExtension(one, in);
    }
    if (!ext.isArray()) {
      throw new PannierException.Invalid(
          "Extension parameters must be a JSON object or an array of JSON objects" + in);
    }
    for (JsonNode step : ext) {
      if (!(step instanceof ObjectNode one)) {
        throw new PannierException.Invalid("Each '#ext' pipeline step must be a JSON object" + in);
      }
      throw unknownExtension(one, in);
    }
    throw new PannierException.Invalid("Extension name is not found" + in);
  }

  private static PannierException.Invalid unknownExtension(ObjectNode step, String in) {
    String name = null;
    for (var member : step.properties()) {
      if (!member.getKey().equals("when")) {
        if (name != null) {
          return new PannierException.Invalid("Multiple extensions are not supported" + in);
        }
        name = member.getKey();
      }
    }
    if (name == null) {
      return new PannierException.Invalid("Extension name is not found" + in);
    }
    return new PannierException.Invalid("Unknown extension '" + name + "'" + in);
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
