package io.pannier.replicate;

import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * How far a task has come.
 *
 * @param pendingRecords records to be sent as a whole
 * @param pendingBytes bytes of their bodies
 * @param pendingChanges changes of labels to be sent beside them
 * @param oldestTimestamp of the pending records, µs; of each entry the one counts that came first
 * @param oldestAgeSeconds how long ago that was by the wall clock
 * @param forecast what becomes of it
 */
public record Progress(
    long pendingRecords,
    long pendingBytes,
    long pendingChanges,
    OptionalLong oldestTimestamp,
    OptionalDouble oldestAgeSeconds,
    Forecast forecast) {}
