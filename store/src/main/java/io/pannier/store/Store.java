package io.pannier.store;

import io.pannier.model.Ack;
import io.pannier.model.BucketSettings;
import io.pannier.model.Clock;
import io.pannier.model.Limits;
import io.pannier.model.Names;
import io.pannier.model.PannierException;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.DiskFullException;
import io.pannier.store.remote.RemoteStatus;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A data folder, opened: buckets of entries of records. The only owner of every file in it. Any
 * thread may call; what blocks says so.
 *
 * <p>The engine has no threads: its own work (sync rounds, sealing, rewriting, deleting) goes to
 * the scheduler it is given.
 */
public final class Store implements AutoCloseable {
  private static final long RETRY_MILLIS = 1_000;

  final Disk disk;
  final Tally tally;

  /** Whether it is a state of a store that another process writes. */
  private final boolean following;

  final Clock clock;
  final Limits limits;
  final Scheduler scheduler;
  final StoreEvents events;
  final FileCache files;
  final IndexCache cache;
  final TimeFilters timeFilters;
  final SyncRounds sync;
  final RemoteRounds remote;
  final DirectBuffers directBuffers;
  final Room room;
  private final StoreConfig config;
  private final UUID id;
  private final Documents documents;
  private final Map<String, Bucket> buckets = new ConcurrentHashMap<>();
  private final Set<Bucket> removing = ConcurrentHashMap.newKeySet();

  /** Names of buckets that are being restored. */
  private final Set<String> restoring = ConcurrentHashMap.newKeySet();

  private final ReentrantLock structure = new ReentrantLock();
  private final Ballast ballast = new Ballast(this);
  private @Nullable StoreJournal journal;
  private int nextBucket = 1;
  private volatile boolean closed;

  /** Whether the journals end with the mark of a clean stop, or are about to. */
  private volatile boolean markedClean;

  private Store(StoreConfig config, UUID id, boolean following, Tally tally) {
    this.following = following;
    this.tally = tally;
    this.config = config;
    this.id = id;
    disk = new MeteredDisk(config.disk(), tally);
    clock = config.clock();
    limits = config.limits();
    scheduler = config.scheduler();
    events = tally.counting(config.events());
    files = new FileCache(disk, limits.openFiles(), tally);
    cache = new IndexCache(this, limits.indexCacheBytes());
    timeFilters = new TimeFilters(limits.indexCacheBytes() / 8);
    sync = new SyncRounds(this);
    remote = new RemoteRounds(this, config.disk());
    directBuffers = new DirectBuffers(limits.direct());
    room = new Room(this, limits.room());
    documents = new Documents(this);
  }

  /**
   * Opens a data folder, or makes one of an empty folder. When this returns, everything that was
   * acknowledged before is there.
   *
   * @throws StoreRefused when the folder is in use, foreign, too new or too old
   * @throws PannierException.Internal when it cannot be read or written
   */
  public static Store open(StoreConfig config) {
    try {
      FolderLock.take(config.disk(), config.holder());
      UUID id = StoreFormat.openOrCreate(config.disk(), config.random(), config.clock());
      var store = new Store(config, id, false, new Tally());
      store.start();
      return store;
    } catch (IOException failed) {
      throw new PannierException.Internal(
          "data folder cannot be used: " + failed.getMessage(), failed);
    }
  }

  /**
   * Opens a state of a store that another process writes, for reading.
   *
   * @param config its disk takes what a start writes
   * @param before the state before, whose counts go on; null for the first one
   */
  static Store follow(StoreConfig config, @Nullable Store before) throws IOException {
    UUID id = StoreFormat.read(config.disk());
    var store = new Store(config, id, true, before == null ? new Tally() : before.tally);
    store.journal = StoreJournal.open(store, config.random());
    for (Bucket bucket : store.everyBucket()) {
      Recovery.recover(bucket);
    }
    for (Bucket bucket : store.everyBucket()) {
      bucket.journal.close();
    }
    store.journal().close();
    store.files.closeIdle();
    return store;
  }

  /** Whether it is a state of a store that another process writes: nothing of it may change. */
  public boolean isFollowing() {
    return following;
  }

  /** Closes the files that nobody reads at this moment; who reads on opens them again. */
  void closeIdleFiles() {
    files.closeIdle();
  }

  private void start() throws IOException {
    ballast.open();
    disk.makeFolder("b");
    journal = StoreJournal.open(this, config.random());
    for (Bucket bucket : everyBucket()) {
      Recovery.recover(bucket);
    }
    if (journal.stoppedCleanly()) {
      journal.mark(StoreJournal.STARTED);
    } else {
      unlessFull(() -> journal().mark(StoreJournal.STARTED));
    }
    sync.round();
    lookForRoom();
    for (Bucket bucket : everyBucket()) {
      background(bucket::purge);
    }
    remote.start();
  }

  private StoreJournal journal() {
    return java.util.Objects.requireNonNull(journal);
  }

  /** Random id of this data folder. */
  public UUID id() {
    return id;
  }

  /** Settings of a new bucket where its creator gives none. */
  public BucketSettings defaults() {
    return config.defaults();
  }

  /** What an acknowledgement promises where neither bucket nor request says. */
  public Ack ack() {
    return config.ack();
  }

  /**
   * Begins a copy of what the store holds while it goes on. Whoever takes one closes it: blocks are
   * kept for it.
   */
  public Snapshot snapshot(BackupSelection selection) {
    return new Snapshot(this, selection);
  }

  /** When the data folder was made, µs. */
  long created() {
    return StoreFormat.said(disk, StoreFormat.FILE)
        .or(() -> StoreFormat.said(disk, StoreFormat.COPY))
        .map(StoreFormat.Said::createdMicros)
        .orElse(0L);
  }

  /** Small texts that belong to this store and are not records. */
  public Documents documents() {
    return documents;
  }

  // ---------------------------------------------------------------- buckets

  /** The bucket of this name, if there is one. Never waits. */
  public Optional<Bucket> findBucket(String name) {
    return Optional.ofNullable(buckets.get(name));
  }

  /** The bucket of this name. */
  public Bucket bucket(String name) {
    Bucket found = buckets.get(name);
    if (found == null) {
      throw new PannierException.NotFound("Bucket '" + name + "' is not found");
    }
    return found;
  }

  /** The bucket with this {@link Bucket#id}, if it is there still. */
  public Optional<Bucket> findBucket(int bucketId) {
    return buckets.values().stream().filter(bucket -> bucket.id == bucketId).findAny();
  }

  /** All buckets by name. */
  public List<Bucket> buckets() {
    return List.copyOf(new TreeMap<>(buckets).values());
  }

  /** Creates a bucket; may wait. */
  public Bucket createBucket(String name, BucketSettings settings) {
    Names.checkBucket(name);
    return create(name, settings);
  }

  /**
   * The bucket of the server itself, with these settings and provisioned; created if need be. Its
   * name begins with {@code $}, which no client can give.
   */
  public Bucket systemBucket(String name, BucketSettings settings) {
    structure.lock();
    try {
      Bucket bucket = buckets.get(name);
      if (bucket == null) {
        bucket = create(name, settings);
      } else if (!bucket.settings().equals(settings)) {
        bucket.changeSettings(settings);
      }
      bucket.setProvisioned(true);
      return bucket;
    } finally {
      structure.unlock();
    }
  }

  private Bucket create(String name, BucketSettings settings) {
    structure.lock();
    try {
      requireFree(name);
      journal().mend();
      int bucketId = nextBucket;
      String folder = "b/" + bucketId;
      deleteOrphan(folder);
      Bucket bucket =
          withBallast(() -> {
            disk.makeFolder(folder);
            Journal entries = Recovery.createJournal(this, bucketId, folder, config.random());
            disk.syncFolder("b");
            return new Bucket(this, bucketId, name, settings, entries);
          });
      try {
        journal().bucket(bucket, name, settings);
      } catch (IOException failed) {
        bucket.journal.close();
        throw failed;
      }
      nextBucket++;
      buckets.put(name, bucket);
      return bucket;
    } catch (DiskFullException full) {
      throw new PannierException.DiskFull(
          "Not enough free disk space in the data folder to create a bucket");
    } catch (IOException failed) {
      throw failure("bucket could not be created", name, failed);
    } finally {
      structure.unlock();
    }
  }

  /** Renames a bucket; queries, uploads and readers go on. */
  public void renameBucket(String name, String newName) {
    structure.lock();
    try {
      Bucket bucket = bucket(name);
      Names.checkBucket(newName);
      requireFree(newName);
      journal().bucket(bucket, newName, bucket.settings());
      buckets.remove(name);
      bucket.rename(newName);
      buckets.put(newName, bucket);
    } catch (IOException failed) {
      throw failure("bucket could not be renamed", name, failed);
    } finally {
      structure.unlock();
    }
  }

  /** Removes a bucket: it is not found from now on; its room is given back in the background. */
  public void removeBucket(String name) {
    structure.lock();
    try {
      Bucket bucket = bucket(name);
      journal().bucketGone(bucket);
      removing.add(bucket);
      buckets.remove(name);
      bucket.goAway();
      background(() -> purgeBucket(bucket));
    } catch (IOException failed) {
      throw failure("bucket could not be removed", name, failed);
    } finally {
      structure.unlock();
    }
  }

  /**
   * Begins to restore a bucket of a backup under a name that is free.
   *
   * @param nextEntry id that no entry of it has
   * @param range records outside of it are not restored
   * @throws PannierException.Conflict when there is a bucket of that name
   */
  public BucketImport restoreBucket(
      String name, BucketSettings settings, int nextEntry, TimeRange range) {
    Names.checkBucket(name);
    structure.lock();
    try {
      requireFree(name);
      journal().mend();
      String folder = "b/" + nextBucket;
      deleteOrphan(folder);
      var hidden = new Bucket(this, nextBucket, name, settings, null);
      hidden.goAway();
      // The device knows of the folder before it is made, so that a start deletes what a crash
      // leaves.
      journal().bucketBegun(hidden);
      nextBucket++;
      removing.add(hidden);
      restoring.add(name);
      boolean done = false;
      try {
        var begun = new BucketImport(this, hidden, nextEntry, range);
        done = true;
        return begun;
      } finally {
        if (!done) {
          abandon(hidden);
        }
      }
    } catch (DiskFullException full) {
      throw new PannierException.DiskFull(
          "Not enough free disk space in the data folder to restore a bucket");
    } catch (IOException failed) {
      throw failure("bucket could not be restored", name, failed);
    } finally {
      structure.unlock();
    }
  }

  private void requireFree(String name) {
    if (buckets.containsKey(name)) {
      throw new PannierException.Conflict("Bucket '" + name + "' already exists");
    }
    if (restoring.contains(name)) {
      throw new PannierException.Conflict("Bucket '" + name + "' is being restored");
    }
  }

  /** A restored bucket is whole: one frame makes it visible. */
  void publish(Bucket hidden) throws IOException {
    structure.lock();
    try {
      Bucket bucket =
          Recovery.load(this, hidden.id, hidden.name(), hidden.settings(), config.random(), false);
      if (!bucket.isUsable()) {
        throw new IOException("its journal cannot be read");
      }
      Recovery.recover(bucket);
      boolean done = false;
      try {
        journal().bucketRestored(hidden);
        done = true;
      } finally {
        if (!done) {
          bucket.goAway();
          bucket.journal.close();
        }
      }
      removing.remove(hidden);
      restoring.remove(hidden.name());
      buckets.put(bucket.name(), bucket);
    } finally {
      structure.unlock();
    }
  }

  /** A bucket that was being restored comes to nothing. */
  void abandon(Bucket hidden) {
    restoring.remove(hidden.name());
    background(() -> purgeBucket(hidden));
  }

  java.util.random.RandomGenerator random() {
    return config.random();
  }

  private void purgeBucket(Bucket bucket) {
    structure.lock();
    try {
      if (!removing.contains(bucket)) {
        return;
      }
      if (bucket.everyEntry().stream().anyMatch(Entry::isUploading)) {
        // They are told at their next step that the bucket is gone. Then we come again.
        backgroundLater(() -> purgeBucket(bucket));
        return;
      }
      journal().sync();
      bucket.journal.end();
      bucket.deleteAll();
      // The journal may not forget a name that could come back.
      disk.syncFolder("b");
      journal().bucketPurged(bucket);
      removing.remove(bucket);
    } catch (IOException failed) {
      failure("files of a removed bucket could not be deleted", bucket.folder(), failed);
      retryLater(() -> purgeBucket(bucket));
    } finally {
      structure.unlock();
    }
  }

  /** Something that needs the set of buckets to stand still. */
  interface Act {
    void run() throws IOException;
  }

  void underStructure(Act act) throws IOException {
    structure.lock();
    try {
      act.run();
    } finally {
      structure.unlock();
    }
  }

  void purged(Bucket bucket) {
    if (removing.contains(bucket)) {
      purgeBucket(bucket);
    }
  }

  void changeSettings(Bucket bucket, BucketSettings settings) {
    structure.lock();
    try {
      journal().bucket(bucket, bucket.name(), settings);
      bucket.apply(settings);
    } catch (IOException failed) {
      throw failure("settings could not be stored", bucket.name(), failed);
    } finally {
      structure.unlock();
    }
  }

  /** Buckets that are there or whose files may be. */
  List<Bucket> everyBucket() {
    var all = new ArrayList<>(buckets.values());
    all.addAll(removing);
    return all;
  }

  int nextBucketId() {
    return nextBucket;
  }

  void restoreNextBucket(int next) {
    nextBucket = Math.max(nextBucket, next);
  }

  void restore(Bucket bucket, boolean gone) {
    if (gone) {
      removing.add(bucket);
      bucket.goAway();
    } else {
      buckets.put(bucket.name(), bucket);
    }
  }

  // ---------------------------------------------------------------- durability

  /**
   * Calls back, on any thread, when everything acknowledged to the caller so far is on the device;
   * with an error when that could not be made sure.
   */
  public void whenDurable(Consumer<Optional<PannierException>> done) {
    sync.whenDurable(done);
  }

  /** Whether an acknowledgement can promise that something is in an object store. */
  public boolean isRemote() {
    return remote.isThere();
  }

  /**
   * Calls back, on any thread, when everything acknowledged to the caller so far is in the object
   * store; with an error when that could not be made sure, or there is none.
   */
  public void whenRemote(Consumer<Optional<PannierException>> done) {
    remote.whenRemote(done);
  }

  /** How the object store stands; empty without one. */
  public Optional<RemoteStatus> remoteStatus() {
    return remote.status();
  }

  /** Age of the oldest byte that is not on the device, µs; 0 when all are. */
  public long oldestUnsyncedMicros() {
    return TimeUnit.NANOSECONDS.toMicros(sync.oldestUnsyncedNanos());
  }

  /** What it has done since it was opened, and how it is; asks the device for its free room. */
  public StoreStats stats() {
    long usable;
    try {
      usable = disk.usableBytes();
    } catch (IOException unknown) {
      usable = -1;
    }
    return new StoreStats(
        tally.storedRecords.sum(),
        tally.storedBytes.sum(),
        new StoreStats.Device(tally.deviceWritten.sum(), tally.deviceRead.sum(), usable),
        sync.stats(),
        cache.stats(),
        files.stats(),
        new StoreStats.Rewrites(
            tally.reclaimed.sum(),
            tally.compressed.sum(),
            tally.salvaged.sum(),
            tally.rewrittenBefore.sum(),
            tally.rewrittenAfter.sum()),
        scheduler.waiting(Scheduler.Lane.SYNC),
        scheduler.waiting(Scheduler.Lane.BACKGROUND),
        tally.damage(),
        tally.losses(),
        tally.failures(),
        tally.ballastReleases.sum(),
        ballast.any(),
        room.chargedBytes(),
        limits.room().storageBytes(),
        limits.room().freeBytes());
  }

  /** How much of the journals is known to be on the device: by bucket, 0 for that of the store. */
  Map<Integer, Journal.Mark> durableJournals() {
    var marks = new TreeMap<Integer, Journal.Mark>();
    marks.put(0, journal().durable());
    for (Bucket bucket : buckets.values()) {
      if (bucket.isUsable()) {
        marks.put(bucket.id, bucket.journal.durable());
      }
    }
    return marks;
  }

  /** Nothing is durable as long as the journal of the store may hold what was refused. */
  void mendJournal() throws IOException {
    journal().mend();
  }

  /** Room that the journal of a store or bucket takes back after a round. */
  void afterRound() {
    if (markedClean) {
      return; // A new generation has no mark of a clean stop.
    }
    for (Bucket bucket : everyBucket()) {
      bucket.journal.compactIfWanted();
    }
    journal().compactIfWanted();
    ballast.refill();
    lookForRoom();
  }

  /** Others may have taken room on the device since. */
  private void lookForRoom() {
    try {
      room.look(0);
    } catch (IOException failed) {
      failure("free space could not be read", "data folder", failed);
    }
  }

  /**
   * Stops cleanly: everything is on the device and accounted for, so that the next start reads no
   * block. Writers must have stopped.
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (following) {
      files.closeIdle();
      return;
    }
    try {
      boolean whole = sync.round();
      sync.account(true);
      // The next start believes a clean stop without looking.
      if (whole && sync.isIdle()) {
        afterRound();
        markedClean = true;
        for (Bucket bucket : buckets.values()) {
          if (bucket.isUsable() && bucket.isSettled() && !bucket.isUploading()) {
            bucket.journal.mark(BucketJournal.CLEAN_STOP);
          }
        }
        journal().mark(StoreJournal.CLEAN_STOP);
      }
      sync.round();
    } catch (IOException failed) {
      failure("data folder could not be closed cleanly", "data folder", failed);
    } finally {
      sync.end();
      remote.end();
      for (Bucket bucket : everyBucket()) {
        bucket.journal.close();
      }
      journal().close();
      files.closeAll();
      try {
        disk.close();
      } catch (IOException failed) {
        failure("data folder could not be closed", "data folder", failed);
      }
    }
  }

  // ---------------------------------------------------------------- for the other classes of the
  // room

  /** Something that writes and may find the device full. */
  interface Writing<T> {
    T run() throws IOException;
  }

  /** Does what must work on a full device too. */
  <T> T withBallast(Writing<T> writing) throws IOException {
    return ballast.writing(writing);
  }

  /**
   * Does what is better done at a start but must not prevent it on a device that is full to the
   * last byte.
   */
  void unlessFull(Act act) throws IOException {
    try {
      act.run();
    } catch (DiskFullException full) {
      events.event(StoreEvents.Kind.NOTE, "device is full: put off", "journal", full);
    }
  }

  void createChangeLog(Block block, Active active) throws IOException {
    // Also when it fails: what is deleted then must not come back behind a clean stop.
    sync.dirtyFolder(block.entry.folder());
    DiskFile file = block.entry.createOver(active.changes, block.changesPath());
    try {
      ByteBuffer header = Frames.direct(FileHeader.BYTES);
      new FileHeader(
              FileHeader.Kind.CHANGES,
              id,
              active.salt,
              block.entry.bucket.id,
              block.entry.id,
              block.id,
              clock.wallMicros())
          .writeTo(header);
      file.append(header.flip());
    } catch (IOException failed) {
      disk.delete(block.changesPath());
      throw failed;
    } finally {
      active.changes.release();
    }
    block.entry.lock.lock();
    try {
      block.changeBytes = FileHeader.BYTES;
      active.hasChangeLog = true;
      sync.dirty(block, FileHeader.BYTES);
    } finally {
      block.entry.lock.unlock();
    }
    block.entry.bucket.disk(FileHeader.BYTES);
  }

  /** Deletes a folder with what is in it; a missing one is not an error. */
  void deleteFolder(String folder) throws IOException {
    deleteFolder(folder, false);
  }

  /**
   * Deletes a folder whose journal frame was lost with the power, so that nothing in it can come
   * back after the next loss of power, when the journal may speak of another thing of that id.
   */
  void deleteOrphan(String folder) throws IOException {
    deleteFolder(folder, true);
  }

  private void deleteFolder(String folder, boolean forGood) throws IOException {
    if (!disk.exists(folder)) {
      return;
    }
    for (String child : disk.list(folder)) {
      String path = folder + "/" + child;
      if (child.indexOf('.') < 0) {
        deleteFolder(path, forGood);
      } else {
        disk.delete(path);
      }
    }
    if (forGood) {
      disk.syncFolder(folder);
    }
    disk.delete(folder);
  }

  long sizeOf(String path) throws IOException {
    var slot = files.new Slot(path);
    DiskFile file = slot.acquire();
    try {
      return file.size();
    } finally {
      slot.release();
      slot.closeIfIdle();
    }
  }

  long salt() {
    return config.random().nextLong();
  }

  /** When a call that may wait gives up, by the monotonic clock. */
  long deadline() {
    return clock.monotonicNanos() + TimeUnit.MILLISECONDS.toNanos(limits.operationMillis());
  }

  void pause(long nanos) {
    LockSupport.parkNanos(nanos);
  }

  void background(Runnable task) {
    scheduler.run(Scheduler.Lane.BACKGROUND, task);
  }

  void backgroundLater(Runnable task) {
    scheduler.runLater(Scheduler.Lane.BACKGROUND, 100, task);
  }

  /** Whether it stops, or has stopped: work in the background is left to the next start. */
  boolean isClosed() {
    return closed;
  }

  /** Tries something again that has failed in the background. */
  void retryLater(Runnable task) {
    scheduler.runLater(
        Scheduler.Lane.BACKGROUND,
        RETRY_MILLIS,
        () -> {
          if (!closed) {
            task.run();
          }
        });
  }

  /** Tells of a failure and makes the error for the caller. */
  PannierException failure(String text, String subject, Throwable cause) {
    events.event(StoreEvents.Kind.FAILURE, text, subject, cause);
    return new PannierException.Internal("Internal error: " + text, cause);
  }

  @Override
  public String toString() {
    return id.toString();
  }
}
