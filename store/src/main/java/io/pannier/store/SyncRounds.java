package io.pannier.store;

import io.pannier.model.Clock;
import io.pannier.model.Limits;
import io.pannier.model.PannierException;
import io.pannier.model.Refusal;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Makes what was appended durable, in rounds: one begins at most {@link Limits#syncDelayMillis}
 * after the first unsynced byte, or at once when somebody waits for the device, and covers
 * everything appended before it began. Few files are synced one by one, many by one call for the
 * whole file system. Behind a round the journal may be told how far blocks are accounted for.
 */
final class SyncRounds {
  /**
   * Files from which one call for the file system is cheaper than one per file (10 000 dirty files:
   * 918 ms against 80 ms).
   */
  private static final int SYNC_ALL_FROM = 32;

  private final Store store;
  private final Clock clock;
  private final Limits limits;
  private final ConcurrentLinkedQueue<Unsynced> queue = new ConcurrentLinkedQueue<>();
  private final Set<String> folders = new LinkedHashSet<>();
  private final Set<BucketJournal> journals = new LinkedHashSet<>();
  private final List<Consumer<Optional<PannierException>>> waiters = new ArrayList<>();
  private final AtomicBoolean scheduled = new AtomicBoolean();
  private final AtomicLong unsyncedBytes = new AtomicLong();

  /**
   * States that the last rounds made durable and the journal was not told of. Only the round's
   * thread touches it.
   */
  private final Map<Block, BlockState> accountable = new LinkedHashMap<>();

  /**
   * Blocks of which a sync failed and which are not saved yet. Only the round's thread touches it.
   */
  private final Set<Block> doubtful = new HashSet<>();

  private final Object progress = new Object();

  /** One round at a time. */
  private final ReentrantLock rounds = new ReentrantLock();

  private boolean ended;
  private volatile long oldestUnsyncedNanos;
  private volatile boolean anyUnsynced;
  private volatile boolean tooMuchUnsynced;
  private long lastAccountNanos;
  private boolean immediate;

  SyncRounds(Store store) {
    this.store = store;
    this.clock = store.clock;
    this.limits = store.limits;
    lastAccountNanos = clock.monotonicNanos();
  }

  /** Under the lock of the entry: bytes were appended to a block or its change log. */
  void dirty(Block block, long bytes) {
    Unsynced place = block.queued;
    if (place == null) {
      place = new Unsynced(block);
      block.queued = place;
      queue.add(place);
    }
    place.appended();
    long unsynced = unsyncedBytes.addAndGet(bytes);
    if (unsynced > limits.unsyncedBytes()) {
      tooMuchUnsynced = true;
    }
    schedule();
  }

  /** A block that is not under the lock of its entry. */
  void dirtyLater(Block block) {
    block.entry.lock.lock();
    try {
      dirty(block, FileHeader.BYTES);
    } finally {
      block.entry.lock.unlock();
    }
  }

  /** A name was created, renamed or deleted in a folder. */
  void dirtyFolder(String folder) {
    synchronized (folders) {
      folders.add(folder);
    }
    schedule();
  }

  void dirtyJournal(BucketJournal journal) {
    synchronized (journals) {
      journals.add(journal);
    }
    schedule();
  }

  private void schedule() {
    if (!scheduled.get() && scheduled.compareAndSet(false, true)) {
      if (!anyUnsynced) {
        oldestUnsyncedNanos = clock.monotonicNanos();
        anyUnsynced = true;
      }
      store.scheduler.runLater(Scheduler.Lane.SYNC, limits.syncDelayMillis(), this::round);
    }
  }

  /**
   * Calls back when everything appended before this call is on the device, or says why it may not
   * be.
   */
  void whenDurable(Consumer<Optional<PannierException>> done) {
    boolean start;
    synchronized (waiters) {
      waiters.add(done);
      start = !immediate;
      immediate = true;
    }
    if (start) {
      store.scheduler.run(Scheduler.Lane.SYNC, this::round);
    }
  }

  /** Whether writers must slow down: because of the device, or because of the object store. */
  boolean isThrottled() {
    return isDeviceThrottled() || store.remote.isStopping();
  }

  /** Whether so much is unsynced, or for so long, that writers must slow down. */
  private boolean isDeviceThrottled() {
    return tooMuchUnsynced
        || (anyUnsynced && ageNanos() > TimeUnit.SECONDS.toNanos(limits.unsyncedSeconds()));
  }

  private long ageNanos() {
    return clock.monotonicNanos() - oldestUnsyncedNanos;
  }

  /** Age of the oldest byte that is not on the device, in nanoseconds; 0 when all are. */
  long oldestUnsyncedNanos() {
    return anyUnsynced ? ageNanos() : 0;
  }

  StoreStats.Sync stats() {
    return new StoreStats.Sync(
        store.tally.syncs.snapshot(),
        store.tally.syncsFailed.sum(),
        unsyncedBytes.get(),
        limits.unsyncedBytes(),
        TimeUnit.NANOSECONDS.toMicros(oldestUnsyncedNanos()),
        isDeviceThrottled());
  }

  /** Waits while writers are to be slowed down; refuses them while too much is not uploaded. */
  void throttle(long deadline) {
    store.remote.requireRoom();
    throttleChanges(deadline);
  }

  /** The same for changes, which may be removals: they are never refused for lack of room. */
  void throttleChanges(long deadline) {
    store.remote.requireWriter();
    if (!isDeviceThrottled()) {
      return;
    }
    synchronized (progress) {
      while (isDeviceThrottled()) {
        long left = deadline - clock.monotonicNanos();
        if (left <= 0) {
          throw new PannierException.Unavailable(
              Refusal.DEVICE, "Device does not keep up with the writers", 5);
        }
        try {
          progress.wait(Math.min(100, TimeUnit.NANOSECONDS.toMillis(left) + 1));
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new PannierException.Unavailable(Refusal.STOPPING, "Server is stopping", 1);
        }
      }
    }
  }

  /**
   * One round. Runs on the lane of sync rounds, and in the thread that starts or stops the store;
   * never two at once.
   *
   * @return whether everything is on the device
   */
  boolean round() {
    rounds.lock();
    try {
      return !ended && roundLocked();
    } finally {
      rounds.unlock();
    }
  }

  /** There are no more rounds: those that are still scheduled find nothing to do. */
  void end() {
    rounds.lock();
    try {
      ended = true;
    } finally {
      rounds.unlock();
    }
  }

  private boolean roundLocked() {
    scheduled.set(false);
    List<Consumer<Optional<PannierException>>> waiting;
    synchronized (waiters) {
      waiting = List.copyOf(waiters);
      waiters.clear();
      immediate = false;
    }
    long began = clock.monotonicNanos();
    long bytes = unsyncedBytes.get();
    Optional<PannierException> failure = Optional.empty();
    try {
      store.mendJournal();
      sync();
    } catch (IOException | RuntimeException | Error failed) {
      failure = Optional.of(store.failure("sync round failed", "data folder", failed));
    }
    store.tally.syncs.record(clock.monotonicNanos() - began);
    if (failure.isPresent()) {
      store.tally.syncsFailed.increment();
    }
    unsyncedBytes.addAndGet(-bytes);
    tooMuchUnsynced = unsyncedBytes.get() > limits.unsyncedBytes();
    synchronized (progress) {
      if (scheduled.get()) {
        oldestUnsyncedNanos = began;
      } else {
        anyUnsynced = false;
        // A writer may have scheduled a round between the two lines above; it set the mark itself
        // or finds it set too late by microseconds.
        if (scheduled.get()) {
          oldestUnsyncedNanos = began;
          anyUnsynced = true;
        }
      }
      progress.notifyAll();
    }
    for (var waiter : waiting) {
      waiter.accept(failure);
    }
    account(false);
    store.afterRound();
    return failure.isEmpty();
  }

  /** A block that a round covers, as it was when the round began. */
  private record Dirty(Unsynced place, BlockState state) {
    Block block() {
      return place.block;
    }

    /** Whether a sync of the file alone tells if all of it could be written. */
    boolean wasOpen() {
      place.block.entry.lock.lock();
      try {
        return place.wasOpen();
      } finally {
        place.block.entry.lock.unlock();
      }
    }
  }

  private void sync() throws IOException {
    var dirty = new ArrayList<Dirty>();
    for (Unsynced place = queue.poll(); place != null; place = queue.poll()) {
      Block block = place.block;
      block.entry.lock.lock();
      try {
        block.queued = null;
        // A detached block is synced by the one who fills it.
        if (!block.gone && !block.entry.gone && !block.detached) {
          dirty.add(new Dirty(place, block.state()));
        }
      } finally {
        block.entry.lock.unlock();
      }
    }
    List<String> dirtyFolders;
    synchronized (folders) {
      dirtyFolders = List.copyOf(folders);
      folders.clear();
    }
    List<BucketJournal> dirtyJournals;
    synchronized (journals) {
      journals.removeIf(BucketJournal::isEnded);
      dirtyJournals = List.copyOf(journals);
      journals.clear();
    }
    if (dirty.isEmpty() && dirtyFolders.isEmpty() && dirtyJournals.isEmpty()) {
      requireNoneDoubtful();
      return;
    }
    try {
      boolean few = dirty.size() + dirtyFolders.size() + 2 * dirtyJournals.size() < SYNC_ALL_FROM;
      if (few && dirty.stream().allMatch(Dirty::wasOpen)) {
        syncEach(dirty, dirtyFolders, dirtyJournals);
      } else {
        syncAll(dirty, dirtyFolders, dirtyJournals);
      }
      requireNoneDoubtful();
      // Nothing of a round that failed in part: a block without its name on the device, or a record
      // without the removal of the one before it, must not be vouched for.
      for (Dirty item : dirty) {
        accountable.put(item.block(), item.state());
      }
    } catch (IOException | RuntimeException | Error failed) {
      // Names and journals that failed are tried again with the next round; so are blocks, unless a
      // sync of theirs failed: those are being saved to new ones.
      for (Dirty item : dirty) {
        requeueUnlessCovered(item);
      }
      synchronized (folders) {
        folders.addAll(dirtyFolders);
      }
      synchronized (journals) {
        journals.addAll(dirtyJournals);
      }
      schedule();
      throw failed;
    }
  }

  private void requeueUnlessCovered(Dirty item) {
    Block block = item.block();
    if (item.state().equals(accountable.get(block)) || doubtful.contains(block)) {
      return;
    }
    block.entry.lock.lock();
    try {
      if (block.queued != null) {
        block.queued.goOnFrom(item.place());
      } else if (!block.gone) {
        block.queued = item.place();
        queue.add(item.place());
      }
    } finally {
      block.entry.lock.unlock();
    }
  }

  /** What an earlier round could not make durable is not durable until it is saved. */
  private void requireNoneDoubtful() throws IOException {
    doubtful.removeIf(block -> block.gone || block.entry.gone);
    if (!doubtful.isEmpty()) {
      throw new IOException("an earlier sync of " + doubtful.iterator().next() + " failed");
    }
  }

  /**
   * One call for everything. When it fails it does not say what failed: those files that were open
   * all the time are asked one by one, and each tells of its own error; of the others nobody knows.
   */
  private void syncAll(
      List<Dirty> dirty, List<String> dirtyFolders, List<BucketJournal> dirtyJournals)
      throws IOException {
    var marks = new ArrayList<Journal.Mark>();
    try {
      for (BucketJournal journal : dirtyJournals) {
        marks.add(journal.beginSync());
      }
      store.disk.syncAll();
    } catch (IOException failed) {
      store.failure("sync of the file system failed", "data folder", failed);
      var open = new ArrayList<Dirty>();
      for (Dirty item : dirty) {
        if (item.wasOpen()) {
          open.add(item);
        } else if (!item.block().gone && !item.block().entry.gone) {
          saveLater(item.block());
        }
      }
      syncEach(open, dirtyFolders, dirtyJournals);
      return;
    }
    for (int i = 0; i < marks.size(); i++) {
      dirtyJournals.get(i).synced(marks.get(i));
    }
    for (Dirty item : dirty) {
      if (item.block().doubtful) {
        throw new IOException("an earlier sync of " + item.block() + " failed");
      }
    }
  }

  private void syncEach(
      List<Dirty> dirty, List<String> dirtyFolders, List<BucketJournal> dirtyJournals)
      throws IOException {
    IOException first = null;
    for (Dirty item : dirty) {
      try {
        if (item.block().doubtful) {
          throw new IOException("an earlier sync of the block failed");
        }
        syncFile(item.block().path());
        if (item.state().changeBytes() > 0) {
          syncFile(item.block().changesPath());
        }
      } catch (IOException failed) {
        if (!item.block().gone && !item.block().entry.gone) {
          first = failed;
          accountable.remove(item.block());
          saveLater(item.block());
        }
      }
    }
    var synced = new HashSet<String>();
    for (String folder : dirtyFolders) {
      try {
        if (synced.add(folder)) {
          store.disk.syncFolder(folder);
        }
      } catch (java.nio.file.NoSuchFileException removed) {
        // The entry was removed since: nothing in it needs to last.
      } catch (IOException failed) {
        first = first == null ? failed : first;
      }
    }
    for (BucketJournal journal : dirtyJournals) {
      try {
        journal.sync();
      } catch (IOException failed) {
        first = first == null ? failed : first;
      }
    }
    if (first != null) {
      throw first;
    }
  }

  private void syncFile(String path) throws IOException {
    var slot = store.files.new Slot(path);
    DiskFile file = slot.acquire();
    try {
      file.sync();
    } finally {
      slot.release();
      slot.closeIfIdle();
    }
  }

  /**
   * A failed sync is never taken for a success later: the block takes nothing more, and its records
   * are copied to a new one.
   */
  private void saveLater(Block block) {
    block.doubtful = true;
    doubtful.add(block);
    block.entry.lock.lock();
    try {
      if (!block.sealed && block.owner == null) {
        block.owner = BlockOwner.Work.BROKEN;
      }
    } finally {
      block.entry.lock.unlock();
    }
    store.background(() -> Rewriter.salvage(block));
  }

  /**
   * Tells the journal what is durable: every few seconds, and at a clean stop.
   *
   * @param now whether not to wait for the time
   */
  void account(boolean now) {
    rounds.lock();
    try {
      accountLocked(now);
    } finally {
      rounds.unlock();
    }
  }

  private void accountLocked(boolean now) {
    long time = clock.monotonicNanos();
    if (!now && time - lastAccountNanos < TimeUnit.MILLISECONDS.toNanos(limits.accountMillis())) {
      return;
    }
    lastAccountNanos = time;
    var entries = new HashSet<Entry>();
    var items = List.copyOf(accountable.entrySet());
    accountable.clear();
    for (var item : items) {
      Block block = item.getKey();
      try {
        account(block, item.getValue());
        entries.add(block.entry);
      } catch (IOException failed) {
        store.failure("block could not be accounted for", block.path(), failed);
        accountable.putIfAbsent(block, item.getValue());
      }
    }
    long idleBefore = clock.wallMicros() - TimeUnit.MILLISECONDS.toMicros(limits.accountMillis());
    for (Entry entry : entries) {
      Sealing.closeSurplus(entry, idleBefore);
    }
  }

  private void account(Block block, BlockState durable) throws IOException {
    synchronized (block) {
      boolean clean;
      block.entry.lock.lock();
      try {
        if (block.gone || block.entry.gone || block.detached) {
          return;
        }
        clean = block.sealed && block.state().equals(durable);
        if (clean) {
          // From here on a change has to take the monitor of the block and write its note behind
          // our frame.
          block.changesNoted = false;
        }
      } finally {
        block.entry.lock.unlock();
      }
      try {
        block.entry.bucket.journal.block(
            block,
            durable.withFlag(Block.DIRTY, !clean),
            () -> {
              if (clean) {
                block.journaled = null;
              }
            });
      } catch (IOException failed) {
        block.changesNoted = true;
        throw failed;
      }
    }
  }

  /** Whether anything waits for a round or to be accounted for. */
  boolean isIdle() {
    return queue.isEmpty() && accountable.isEmpty() && doubtful.isEmpty();
  }
}
