package io.pannier.client;

import io.pannier.model.Labels;
import java.util.Optional;

/**
 * What a store says about a record.
 *
 * @param timestamp µs since the epoch, unsigned
 * @param length bytes of its body
 * @param labels as stored; with names in lower case when the record was read alone, as the protocol
 *     gives them there
 * @param computed labels that an extension made during a query
 * @param checksum CRC32C of the body, where the store tells it
 */
public record RecordInfo(
    String entry,
    long timestamp,
    long length,
    String contentType,
    Labels labels,
    Labels computed,
    Optional<Integer> checksum) {}
