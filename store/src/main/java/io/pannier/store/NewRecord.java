package io.pannier.store;

import io.pannier.model.Labels;
import java.nio.ByteBuffer;

/**
 * A record to be written, with its body in memory.
 *
 * @param timestamp µs since the epoch, unsigned
 * @param contentType empty: {@code application/octet-stream}
 * @param labels its labels
 * @param body the remaining bytes are the body; read during the call only, position and limit stay
 */
public record NewRecord(long timestamp, String contentType, Labels labels, ByteBuffer body) {}
