package io.pannier.store;

import io.pannier.model.Labels;
import java.nio.ByteBuffer;

/**
 * A record made ready outside the lock: everything that costs time is computed, only place and
 * sequence number are missing.
 */
final class Draft {
  final long timestamp;
  final String contentType;
  final Labels labels;
  final ByteBuffer body;
  final byte[] meta;
  final int[] chunkCrcs;

  /** Bytes of the frame. */
  final long frameLength;

  /** Reported size. */
  final long size;

  Draft(NewRecord record, Checksum crc) {
    timestamp = record.timestamp();
    contentType = record.contentType().isEmpty() ? Meta.DEFAULT_CONTENT_TYPE : record.contentType();
    labels = record.labels();
    body = record.body();
    meta = Meta.encode(contentType, labels, record.origin());
    chunkCrcs = Frames.chunkCrcs(body, crc);
    frameLength = Frames.length(meta.length, body.remaining());
    size = Active.sizeOf(body.remaining(), labels);
  }

  /** Bytes of a block that holds nothing else. */
  long aloneBytes() {
    return Bucket.aloneBytes(meta.length, frameLength);
  }

  long length() {
    return body.remaining();
  }
}
