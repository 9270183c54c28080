package io.pannier.client;

import io.pannier.model.Labels;

/**
 * A record to be written.
 *
 * @param timestamp µs since the epoch, unsigned
 * @param contentType never empty
 */
public record Outgoing(long timestamp, String contentType, Labels labels, Body body) {
  /** Without labels, of no particular type. */
  public static Outgoing of(long timestamp, Body body) {
    return new Outgoing(timestamp, "application/octet-stream", Labels.EMPTY, body);
  }

  /** Of this type. */
  public Outgoing type(String mediaType) {
    return new Outgoing(timestamp, mediaType, labels, body);
  }

  /** With labels, as names and values in turn. */
  public Outgoing labels(String... namesAndValues) {
    return new Outgoing(timestamp, contentType, Labels.of(namesAndValues), body);
  }

  /** With these labels. */
  public Outgoing labels(Labels all) {
    return new Outgoing(timestamp, contentType, all, body);
  }
}
