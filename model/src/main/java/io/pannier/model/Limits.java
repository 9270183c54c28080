package io.pannier.model;

/**
 * Every bound of the engine in one place.
 *
 * @param openFiles files kept open at once; more only while all are in use
 * @param openBlocksPerEntry blocks of one entry that may be written at once, each by one upload
 * @param blockRecords records after which a block is sealed whatever its bucket says
 * @param blockIndexBytes memory of an open block's index after which it is sealed
 * @param indexCacheBytes indexes of closed blocks kept in memory; filters of their times take an
 *     eighth more
 * @param unsyncedBytes bytes not yet on the device beyond which writers are slowed, then refused
 * @param unsyncedSeconds age of the oldest unsynced byte beyond which writers are slowed, then
 *     refused
 * @param syncDelayMillis longest time between a write and the beginning of the sync round that
 *     covers it
 * @param accountMillis time between two notes to the journal up to where open blocks are accounted
 *     for
 * @param ballastBytes room kept back so that removing works on a full device
 * @param evictAheadBytes most that FIFO makes free before the bytes that need it arrive
 * @param rewriteDeadPercent share of dead bytes from which a block is rewritten
 * @param goneReadersPercent share of a FIFO quota that readers may keep occupied with files that
 *     are gone; beyond it those that began to hold one first are cut off
 * @param operationMillis longest wait for another request: a timestamp in flight, a busy block, a
 *     slow sender
 * @param direct uploads past the page cache
 * @param room how much all buckets may take together
 */
public record Limits(
    int openFiles,
    int openBlocksPerEntry,
    int blockRecords,
    long blockIndexBytes,
    long indexCacheBytes,
    long unsyncedBytes,
    int unsyncedSeconds,
    int syncDelayMillis,
    int accountMillis,
    long ballastBytes,
    long evictAheadBytes,
    int rewriteDeadPercent,
    int goneReadersPercent,
    int operationMillis,
    Direct direct,
    Room room) {

  /**
   * Which uploads go past the page cache. Each has a buffer and a second handle of its file while
   * it lasts; one that finds no buffer free goes through the cache.
   *
   * @param uploads how many at once; 0 turns it off
   * @param bufferBytes what is collected for one write, a multiple of 4096
   * @param fromBytes shortest body
   */
  public record Direct(int uploads, int bufferBytes, long fromBytes) {
    /** All uploads go through the page cache. */
    public static final Direct OFF = new Direct(0, 4096, 0);

    /** For a machine of any size: ARCHITECTURE.md has the measured reasons. */
    public static final Direct DEFAULT = new Direct(16, 512 << 10, 512_000);

    public Direct {
      require(uploads >= 0 && fromBytes >= 0, "uploads and fromBytes must not be negative");
      require(
          bufferBytes >= 4096 && bufferBytes % 4096 == 0,
          "bufferBytes must be pages of 4096 bytes");
    }
  }

  /**
   * How much all buckets may take together.
   *
   * @param storageBytes most that they may hold, by the sizes that are reported of them
   * @param freeBytes room on the device that records leave free; what makes room may use it
   */
  public record Room(long storageBytes, long freeBytes) {
    /** As much as the device has. */
    public static final Room ALL = new Room(Long.MAX_VALUE, 0);

    public Room {
      require(storageBytes >= 0 && freeBytes >= 0, "room must not be negative");
    }
  }

  /** Handles that are neither files of the store nor connections: loops, timers, journals, logs. */
  private static final int HANDLES_OF_THE_JVM = 40;

  public Limits {
    require(openFiles >= 16, "openFiles must be at least 16");
    require(openBlocksPerEntry >= 2, "openBlocksPerEntry must be at least 2");
    require(blockRecords >= 1 && blockRecords <= 1 << 20, "blockRecords must be 1 to 2^20");
    require(blockIndexBytes >= 64 << 10, "blockIndexBytes must be at least 64 KiB");
    require(
        indexCacheBytes >= 2 * blockIndexBytes,
        "indexCacheBytes must hold two indexes of blockIndexBytes");
    require(unsyncedBytes > evictAheadBytes, "unsyncedBytes must be more than evictAheadBytes");
    require(
        unsyncedSeconds > 0 && syncDelayMillis < unsyncedSeconds * 1000,
        "a sync round must begin before unsyncedSeconds");
    require(
        rewriteDeadPercent >= 1 && rewriteDeadPercent <= 100,
        "rewriteDeadPercent must be 1 to 100");
    require(
        goneReadersPercent >= 0 && goneReadersPercent <= 100,
        "goneReadersPercent must be 0 to 100");
    require(operationMillis > 0 && accountMillis > 0, "times must be positive");
  }

  /**
   * What a robot of any size gets.
   *
   * @param fileHandleLimit handles the process may have open besides its libraries: some are kept
   *     for the JVM, and a quarter of the rest is for files of the store
   */
  public static Limits forHandles(long fileHandleLimit) {
    return new Limits(
        openFilesForHandles(fileHandleLimit),
        128,
        65_536,
        4L << 20,
        32L << 20,
        1L << 30,
        5,
        100,
        5_000,
        16L << 20,
        8L << 20,
        30,
        5,
        30_000,
        Direct.DEFAULT,
        Room.ALL);
  }

  /** The same with other bounds for uploads past the page cache. */
  public Limits withDirect(Direct changed) {
    return with(operationMillis, changed, room);
  }

  /** The same with another room. */
  public Limits withRoom(Room changed) {
    return with(operationMillis, direct, changed);
  }

  /** The same with another wait for other requests. */
  public Limits withOperationMillis(int changed) {
    return with(changed, direct, room);
  }

  private Limits with(int newOperationMillis, Direct newDirect, Room newRoom) {
    return new Limits(
        openFiles,
        openBlocksPerEntry,
        blockRecords,
        blockIndexBytes,
        indexCacheBytes,
        unsyncedBytes,
        unsyncedSeconds,
        syncDelayMillis,
        accountMillis,
        ballastBytes,
        evictAheadBytes,
        rewriteDeadPercent,
        goneReadersPercent,
        newOperationMillis,
        newDirect,
        newRoom);
  }

  /**
   * Connections that such a process may have at once: what files, uploads past the page cache and
   * the JVM leave.
   *
   * @param fileHandleLimit handles the process may have open besides its libraries
   */
  public static int connectionsForHandles(long fileHandleLimit) {
    long left =
        fileHandleLimit
            - HANDLES_OF_THE_JVM
            - openFilesForHandles(fileHandleLimit)
            - Direct.DEFAULT.uploads();
    return (int) Math.max(16, Math.min(4096, left));
  }

  private static int openFilesForHandles(long fileHandleLimit) {
    return (int) Math.max(16, Math.min(4096, (fileHandleLimit - HANDLES_OF_THE_JVM) / 4));
  }

  private static void require(boolean condition, String message) {
    if (!condition) {
      throw new IllegalArgumentException(message);
    }
  }
}
