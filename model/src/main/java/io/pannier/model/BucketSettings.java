package io.pannier.model;

import org.jspecify.annotations.Nullable;

/**
 * Settings of a bucket as the HTTP API has them.
 *
 * @param quotaType what happens at the quota
 * @param quotaSize quota in bytes, unsigned
 * @param maxBlockSize bytes of bodies after which a new block is begun, unsigned
 * @param maxBlockRecords records after which a new block is begun, unsigned
 * @param ack acknowledgement of writes to this bucket; null: the server's
 */
public record BucketSettings(
    QuotaType quotaType,
    long quotaSize,
    long maxBlockSize,
    long maxBlockRecords,
    @Nullable Ack ack) {
  /** What the reference server gives a new bucket. */
  public static final BucketSettings DEFAULT =
      new BucketSettings(QuotaType.NONE, 0, 64_000_000, 1024, null);
}
