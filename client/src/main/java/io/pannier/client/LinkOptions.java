package io.pannier.client;

import java.time.Instant;
import java.util.Optional;

/**
 * What a link opens, and how long. Immutable; begin with {@link #of}.
 *
 * @param timestamp of the record, µs since the epoch, unsigned
 * @param fileName what a browser saves it as; empty: the name of the entry
 * @param expiresAt when the link ends; whole seconds
 * @param baseUrl what the link begins with, when it is not the address that the store knows of
 *     itself
 * @param query what the record has to be found by when the link is opened
 */
public record LinkOptions(
    String entry,
    long timestamp,
    String fileName,
    Instant expiresAt,
    Optional<String> baseUrl,
    QueryOptions query) {
  /** A link to one record. */
  public static LinkOptions of(String entry, long timestamp, Instant expiresAt) {
    return new LinkOptions(entry, timestamp, "", expiresAt, Optional.empty(), QueryOptions.all());
  }

  /** Saved under this name. */
  public LinkOptions fileName(String name) {
    return new LinkOptions(entry, timestamp, name, expiresAt, baseUrl, query);
  }

  /** Beginning with this address. */
  public LinkOptions baseUrl(String url) {
    return new LinkOptions(entry, timestamp, fileName, expiresAt, Optional.of(url), query);
  }

  /** To a record of the result of a query. */
  public LinkOptions query(QueryOptions options) {
    return new LinkOptions(entry, timestamp, fileName, expiresAt, baseUrl, options);
  }
}
