package io.pannier.client;

import io.pannier.model.Labels;

/**
 * A record to be written.
 *
 * @param timestamp µs since the epoch, unsigned
 * @param contentType never empty
 */
public record Outgoing(long timestamp, String contentType, Labels labels, Body body) {}
