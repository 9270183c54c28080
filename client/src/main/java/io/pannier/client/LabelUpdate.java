package io.pannier.client;

import io.pannier.model.Labels;

/**
 * Labels to be set, and by empty values removed.
 *
 * @param timestamp of the record, µs since the epoch, unsigned
 */
public record LabelUpdate(long timestamp, Labels labels) {}
