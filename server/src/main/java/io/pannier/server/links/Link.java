package io.pannier.server.links;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.query.Json;
import io.pannier.query.QueryOptions;
import java.math.BigInteger;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a link opens: one record of the result of a query (http-api.md §16.1).
 *
 * @param bucket the bucket
 * @param entry the entry, where the query names none
 * @param query the query as the client gave it
 * @param recordEntry entry of the record
 * @param recordTimestamp time of the record, unsigned µs
 * @param expireAt Unix seconds from which on it does not open, unsigned
 */
public record Link(
    String bucket,
    String entry,
    ObjectNode query,
    String recordEntry,
    long recordTimestamp,
    long expireAt) {

  /**
   * Reads the body of a request for a link.
   *
   * @throws PannierException.Invalid when it is malformed or not a query that only reads
   */
  public static Link parse(ObjectNode body) {
    String bucket = Json.requiredText(body, "bucket");
    String entry = Json.requiredText(body, "entry");
    if (!(body.get("query") instanceof ObjectNode query)) {
      throw Json.invalid(body.has("query") ? "'query' must be an object" : "missing field `query`");
    }
    OptionalLong expireAt = Json.unsigned(body, "expire_at");
    if (expireAt.isEmpty()) {
      throw Json.invalid("missing field `expire_at`");
    }
    if (QueryOptions.parse(query).kind() != QueryOptions.Kind.QUERY) {
      throw new PannierException.Invalid("Only 'Query' type is supported for query links");
    }
    Optional<String> recordEntry = Json.text(body, "record_entry");
    OptionalLong recordTimestamp = Json.unsigned(body, "record_timestamp");
    if (recordEntry.isEmpty() || recordTimestamp.isEmpty()) {
      throw new PannierException.Invalid(
          "Both 'record_entry' and 'record_timestamp' must be provided in payload");
    }
    return new Link(
        bucket, entry, query, recordEntry.get(), recordTimestamp.getAsLong(), expireAt.getAsLong());
  }

  /** The address that a client wants links to begin with; empty: the server's own. */
  public static Optional<URI> baseUrl(ObjectNode body) {
    Optional<String> text = Json.text(body, "base_url");
    if (text.isEmpty()) {
      return Optional.empty();
    }
    try {
      var url = new URI(text.get());
      if (url.getHost() == null
          || !("http".equals(url.getScheme()) || "https".equals(url.getScheme()))) {
        throw invalidBase("relative URL without a base");
      }
      return Optional.of(url);
    } catch (URISyntaxException malformed) {
      throw invalidBase(malformed.getReason());
    }
  }

  private static PannierException.Invalid invalidBase(String why) {
    return new PannierException.Invalid("Invalid base_url provided for query link: " + why);
  }

  /** The same link to another record of the result. */
  Link to(String otherEntry, long otherTimestamp) {
    return new Link(bucket, entry, query, otherEntry, otherTimestamp, expireAt);
  }

  /** With another record of the same result, where both parameters name one. */
  public Link redirected(Optional<String> e, Optional<String> ts) {
    if (e.isEmpty() && ts.isEmpty()) {
      return this;
    }
    if (e.isEmpty() || ts.isEmpty()) {
      throw new PannierException.Invalid("Both 'e' and 'ts' parameters must be provided together");
    }
    try {
      return to(e.get(), Timestamp.parse(ts.get()));
    } catch (NumberFormatException malformed) {
      throw new PannierException.Invalid("Invalid 'ts' parameter: invalid digit found in string");
    }
  }

  /** Text that {@link #decode} reads. */
  byte[] encode() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("bucket", bucket);
    json.put("entry", entry);
    json.set("query", query);
    json.put("record_entry", recordEntry);
    json.put("record_timestamp", unsigned(recordTimestamp));
    json.put("expire_at", unsigned(expireAt));
    return json.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static BigInteger unsigned(long value) {
    return new BigInteger(Long.toUnsignedString(value));
  }

  /** The link that {@link #encode} wrote. */
  static Link decode(byte[] text) {
    return parse(Json.object(text));
  }
}
