package io.pannier.store;

import io.pannier.model.Labels;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.UUID;

/**
 * A record to be written, with its body in memory.
 *
 * @param timestamp µs since the epoch, unsigned
 * @param contentType empty: {@code application/octet-stream}
 * @param labels its labels
 * @param origin id of the store that it was copied from
 * @param body the remaining bytes are the body; read during the call only, position and limit stay
 */
public record NewRecord(
    long timestamp, String contentType, Labels labels, Optional<UUID> origin, ByteBuffer body) {
  /** A record that comes from nowhere else. */
  public NewRecord(long timestamp, String contentType, Labels labels, ByteBuffer body) {
    this(timestamp, contentType, labels, Optional.empty(), body);
  }
}
