package io.pannier.store;

import io.pannier.model.DurationHistogram;
import java.util.Map;

/**
 * What a store has done since it was opened, and how it is at a moment: plain numbers for whoever
 * watches it. Sums that belong to one bucket are in {@link BucketStats}.
 *
 * @param storedRecords records that were committed, whoever wrote them
 * @param storedBytes reported sizes of those records
 * @param device bytes to and from files
 * @param sync making them durable
 * @param indexes indexes of blocks in memory
 * @param files open files
 * @param rewrites blocks that were written again
 * @param waitingRounds sync rounds that wait for their turn
 * @param waitingTasks other work of the engine that waits for its turn
 * @param damage places that did not match their checksums, each time one was met, by what was found
 * @param losses records and blocks that were found to be gone, by what was found
 * @param failures operations that failed and are tried again
 * @param ballastReleases how often the ballast was given up
 * @param hasBallast whether there is ballast to give up
 * @param chargedBytes reported sizes of live records and of reservations in all buckets
 * @param capBytes most that {@code chargedBytes} may be; {@link Long#MAX_VALUE} without a cap
 * @param keptFreeBytes room on the device that records leave free
 */
public record StoreStats(
    long storedRecords,
    long storedBytes,
    Device device,
    Sync sync,
    Indexes indexes,
    Files files,
    Rewrites rewrites,
    int waitingRounds,
    int waitingTasks,
    Map<String, Long> damage,
    Map<String, Long> losses,
    long failures,
    long ballastReleases,
    boolean hasBallast,
    long chargedBytes,
    long capBytes,
    long keptFreeBytes) {

  /**
   * What went to the device and came from it, through the page cache or past it.
   *
   * @param writtenBytes appended to files of any kind
   * @param readBytes read from files of any kind
   * @param usableBytes that a writer may still use; -1 when the device does not say
   */
  public record Device(long writtenBytes, long readBytes, long usableBytes) {}

  /**
   * Sync rounds.
   *
   * @param durations how long rounds took, also those that failed
   * @param failed rounds after which something was not on the device
   * @param unsyncedBytes appended and not on the device
   * @param unsyncedBytesMax beyond that writers wait
   * @param oldestUnsyncedMicros age of the oldest of them, µs; 0 when there is none
   * @param throttled whether writers wait at this moment
   */
  public record Sync(
      DurationHistogram.Snapshot durations,
      long failed,
      long unsyncedBytes,
      long unsyncedBytesMax,
      long oldestUnsyncedMicros,
      boolean throttled) {}

  /**
   * Indexes of closed blocks.
   *
   * @param hits uses of an index that was in memory
   * @param misses uses of one that had to be read
   * @param bytes that they take
   * @param bytesMax that they may take
   */
  public record Indexes(long hits, long misses, long bytes, long bytesMax) {}

  /**
   * Files.
   *
   * @param uses how often one was wanted
   * @param opens how often one was not open then
   * @param open that are open
   * @param openMax that may be
   */
  public record Files(long uses, long opens, long open, long openMax) {}

  /**
   * Blocks that were written again.
   *
   * @param reclaimed to win back the room of removed records, or for a new index
   * @param compressed to make them smaller
   * @param salvaged because a sync of theirs failed
   * @param bytesBefore of blocks that were exchanged
   * @param bytesAfter of those that took their places
   */
  public record Rewrites(
      long reclaimed, long compressed, long salvaged, long bytesBefore, long bytesAfter) {}
}
