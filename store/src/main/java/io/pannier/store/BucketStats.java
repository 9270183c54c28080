package io.pannier.store;

import io.pannier.model.QuotaType;

/**
 * What a bucket holds at a moment, and what happened to it since the store was opened.
 *
 * @param size reported bytes of live records
 * @param diskBytes bytes of all its files
 * @param quotaType what the quota does
 * @param quotaBytes the quota; 0 for none
 * @param records live records
 * @param blocks blocks with live records, or open
 * @param entries visible entries
 * @param removedRecords live records that somebody removed, alone or with their block, entry or
 *     bucket
 * @param evictedRecords live records that went with evicted blocks
 * @param evictedBlocks blocks that a quota or a full device evicted
 * @param evictedBytes bytes of those
 * @param aheadRecords records that were accepted more than a day ahead of the clock
 */
public record BucketStats(
    String name,
    long size,
    long diskBytes,
    QuotaType quotaType,
    long quotaBytes,
    long records,
    long blocks,
    long entries,
    long removedRecords,
    long evictedRecords,
    long evictedBlocks,
    long evictedBytes,
    long aheadRecords) {}
