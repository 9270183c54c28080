package io.pannier.server;

import io.pannier.query.ReadLimits;

/**
 * Bounds of one exchange (http-api.md §1.7).
 *
 * @param batchBytes payload after which a read batch is closed
 * @param batchRecords most records in a read batch; the number of header fields follows from it
 * @param metadataBytes header bytes of a batch, in both directions
 * @param read how long a batch is collected
 * @param operationMillis longest stall of a sender or receiver
 * @param writersMax uploads and batches that are written at once; 0 for any number
 */
public record IoLimits(
    long batchBytes,
    int batchRecords,
    int metadataBytes,
    ReadLimits read,
    int operationMillis,
    int writersMax) {
  /** What the reference has. */
  public static final IoLimits DEFAULT =
      new IoLimits(8_000_000, 85, 512_000, ReadLimits.DEFAULT, 30_000, 0);

  public IoLimits {
    if (batchBytes < 1 || batchRecords < 1 || metadataBytes < 1024 || operationMillis < 1) {
      throw new IllegalArgumentException("limits must be positive");
    }
    if (writersMax < 0) {
      throw new IllegalArgumentException("writersMax must not be negative");
    }
  }

  /** Header fields that a request may have: those of a full batch and its company. */
  int headerFields() {
    return batchRecords + 15;
  }
}
