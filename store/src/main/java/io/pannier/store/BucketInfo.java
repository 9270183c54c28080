package io.pannier.store;

/**
 * What a bucket holds at a moment; attachments count in {@code size} only.
 *
 * @param size reported bytes
 * @param oldestRecord µs; 0 when empty
 * @param latestRecord µs; 0 when empty
 * @param hasRecords whether a visible entry has a record
 */
public record BucketInfo(
    String name,
    long entryCount,
    long size,
    long oldestRecord,
    long latestRecord,
    boolean isProvisioned,
    boolean hasRecords) {}
