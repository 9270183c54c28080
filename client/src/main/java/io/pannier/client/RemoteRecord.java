package io.pannier.client;

import io.pannier.model.Labels;
import java.util.Optional;

/**
 * What a store says about a record.
 *
 * @param length bytes of its body
 * @param labels with names in lower case, as the protocol gives them
 * @param checksum CRC32C of the body, where the store tells it
 */
public record RemoteRecord(
    long length, String contentType, Labels labels, Optional<Integer> checksum) {}
