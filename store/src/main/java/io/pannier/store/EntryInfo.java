package io.pannier.store;

/**
 * What an entry holds at a moment, exactly.
 *
 * @param size reported bytes of live records
 * @param oldestRecord µs; 0 when empty
 * @param latestRecord µs; 0 when empty
 */
public record EntryInfo(
    String name,
    long size,
    long recordCount,
    long blockCount,
    long oldestRecord,
    long latestRecord) {}
