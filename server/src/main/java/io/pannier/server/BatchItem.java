package io.pannier.server;

import io.pannier.model.Labels;

/**
 * One record of a batch request.
 *
 * @param entry index into the entries of the request; 0 in protocol v1
 * @param timestamp its time
 * @param length bytes of its body in the request
 * @param contentType empty: the default
 * @param labels of a write the labels, of an update the changes
 */
record BatchItem(int entry, long timestamp, long length, String contentType, Labels labels) {}
