package io.pannier.store;

import io.pannier.model.BucketSettings;
import io.pannier.model.Names;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.model.Timestamp;
import io.pannier.store.disk.DiskFullException;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A set of entries under one quota. Any thread may call. */
public final class Bucket {
  final Store store;
  final int id;
  private volatile String name;
  private volatile BucketSettings settings;
  private volatile boolean isProvisioned;
  private volatile BlockLimits limits;
  final BucketJournal journal;

  /** Entries by name; changed under {@link #structure}, together with the journal. */
  private final Map<String, Entry> entries = new ConcurrentHashMap<>();

  /** Entries that are removed and whose files are not. */
  private final Set<Entry> removing = ConcurrentHashMap.newKeySet();

  /** Blocks that are gone and whose files are not. */
  final Set<Block> unpurged = ConcurrentHashMap.newKeySet();

  /**
   * Those of them that stay for a while, because a snapshot has still to read them; first come
   * first.
   */
  private final ArrayDeque<Block> spared = new ArrayDeque<>(0);

  /** Unfinished copies of blocks. */
  final Set<Block> detached = ConcurrentHashMap.newKeySet();

  /** Deleted files that are still read, first come first; guarded by itself. */
  private final ArrayDeque<Held> held = new ArrayDeque<>(0);

  /** Guarded by {@link #held}. */
  private long heldBytes;

  /** Blocks that are not rewritten, with the number of the damaged record that prevents it. */
  final Map<Block, Long> kept = new ConcurrentHashMap<>(0);

  /** Blocks that came to nothing, of which the journal still has to be told so. */
  private final Set<Block> abandoned = ConcurrentHashMap.newKeySet();

  private final ReentrantLock structure = new ReentrantLock();
  private int nextEntry = 1;
  private volatile boolean gone;
  private volatile @Nullable PannierException unusable;

  /** Reported size of live records, exactly. */
  private final AtomicLong size = new AtomicLong();

  /** {@link #size} and what writes in flight have reserved: what HARD is measured by. */
  private final AtomicLong charged = new AtomicLong();

  /** Bytes of all files, exactly: what FIFO is measured by. */
  private final AtomicLong disk = new AtomicLong();

  private final AtomicLong records = new AtomicLong();
  private final LongAdder removedRecords = new LongAdder();
  private final LongAdder evictedRecords = new LongAdder();
  private final LongAdder evictedBlocks = new LongAdder();
  private final LongAdder evictedBytes = new LongAdder();
  private final LongAdder aheadRecords = new LongAdder();

  /** Bytes that records have taken in files since the store was opened. */
  private final AtomicLong taken = new AtomicLong();

  private final AtomicBoolean purgingAgain = new AtomicBoolean();
  private final ReentrantLock makingRoom = new ReentrantLock();
  private final CopyOnWriteArrayList<Consumer<Entry>> listeners = new CopyOnWriteArrayList<>();
  private final CopyOnWriteArrayList<Follower> followers = new CopyOnWriteArrayList<>();

  /** When a block is full. */
  record BlockLimits(long records, long bytes) {}

  /** What a quota says to a write. */
  enum Grant {
    GRANTED,
    OVER_CAP,
    OVER_QUOTA,
    NEVER_FITS,
    NEEDS_ROOM
  }

  /** Whether the journal ended with a clean stop; known at start only. */
  boolean stoppedCleanly;

  Bucket(Store store, int id, String name, BucketSettings settings, @Nullable Journal journal) {
    this.store = store;
    this.id = id;
    this.name = name;
    this.settings = settings;
    this.limits = limitsOf(settings);
    this.journal = new BucketJournal(store, this, journal);
  }

  private BlockLimits limitsOf(BucketSettings of) {
    long most = store.limits.blockRecords();
    long wanted = of.maxBlockRecords();
    long bytes = of.maxBlockSize() < 0 ? Long.MAX_VALUE : of.maxBlockSize();
    return new BlockLimits(wanted < 0 ? most : Math.max(1, Math.min(most, wanted)), bytes);
  }

  BlockLimits blockLimits() {
    return limits;
  }

  /** Number that no other bucket of the store has or ever gets; stays when the name changes. */
  public int id() {
    return id;
  }

  /** Whether it belongs to this store, or state of one. */
  public boolean isOf(Store other) {
    return store == other;
  }

  /** Its name at this moment; names change, the bucket stays. */
  public String name() {
    return name;
  }

  void rename(String newName) {
    name = newName;
  }

  /** Its settings. */
  public BucketSettings settings() {
    return settings;
  }

  /** Changes settings for what is written from now on. */
  public void changeSettings(BucketSettings changed) {
    store.changeSettings(this, changed);
  }

  void apply(BucketSettings changed) {
    settings = changed;
    limits = limitsOf(changed);
  }

  String folder() {
    return "b/" + id;
  }

  // ---------------------------------------------------------------- entries

  /** The entry of this name, if there is one. Never waits. */
  public Optional<Entry> findEntry(String entryName) {
    requireHere();
    return Optional.ofNullable(entries.get(entryName));
  }

  /** The entry of this name. */
  public Entry entry(String entryName) {
    return findEntry(entryName)
        .orElseThrow(() ->
            new PannierException.NotFound(
                "Entry '" + entryName + "' not found in bucket '" + name + "'"));
  }

  /** All entries by name, those of attachments too. */
  public List<Entry> entries() {
    requireHere();
    return List.copyOf(new TreeMap<>(entries).values());
  }

  /** The entry of this name, created with its parents if it is missing; may wait. */
  public Entry entryForWrite(String entryName) {
    requireHere();
    Entry found = entries.get(entryName);
    if (found != null) {
      return found;
    }
    Names.checkEntry(entryName);
    structure.lock();
    try {
      requireHere();
      for (int slash = entryName.indexOf('/');
          slash >= 0;
          slash = entryName.indexOf('/', slash + 1)) {
        createEntry(entryName.substring(0, slash));
      }
      return createEntry(entryName);
    } catch (DiskFullException full) {
      throw deviceFull(FileHeader.BYTES);
    } catch (IOException failed) {
      throw store.failure("entry could not be created", name + "/" + entryName, failed);
    } finally {
      structure.unlock();
    }
  }

  /**
   * The same for a record of so many bytes: an entry that is missing is not made for a record that
   * the quota or the cap refuses, or a client that is refused all the time would fill the bucket
   * with empty entries.
   *
   * @param recordBytes length of the body
   */
  public Entry entryForWrite(String entryName, long recordBytes) {
    requireHere();
    if (!entries.containsKey(entryName)) {
      Names.checkEntry(entryName);
      Grant grant = reserve(recordBytes, 0, recordBytes);
      if (grant != Grant.GRANTED) {
        throw refusal(grant);
      }
      unreserve(recordBytes);
    }
    return entryForWrite(entryName);
  }

  private Entry createEntry(String entryName) throws IOException {
    Entry existing = entries.get(entryName);
    if (existing != null) {
      return existing;
    }
    var entry = new Entry(this, nextEntry, entryName);
    store.deleteOrphan(entry.folder());
    store.disk.makeFolder(entry.folder());
    journal.entry(
        entry,
        entryName,
        () -> {
          nextEntry++;
          entries.put(entryName, entry);
        });
    store.sync.dirtyFolder(folder());
    return entry;
  }

  /**
   * Renames an entry with everything below it.
   *
   * @throws PannierException.Conflict when there is an entry of the new name, or it lies below the
   *     old one
   */
  public void renameEntry(String entryName, String newName) {
    Names.checkEntry(newName);
    structure.lock();
    try {
      entry(entryName);
      if (newName.equals(entryName)
          || newName.startsWith(entryName + "/")
          || entries.containsKey(newName)) {
        throw new PannierException.Conflict(
            "Entry '" + newName + "' already exists in bucket '" + name + "'");
      }
      if (Names.isMeta(entryName) || Names.isMeta(newName)) {
        throw new PannierException.Invalid("Can't rename system entry '" + entryName + "'");
      }
      int slash = newName.lastIndexOf('/');
      if (slash >= 0) {
        entryForWrite(newName.substring(0, slash));
      }
      journal.renamed(entryName, newName, () -> applyRename(entryName, newName));
    } catch (IOException failed) {
      throw store.failure("entry could not be renamed", name + "/" + entryName, failed);
    } finally {
      structure.unlock();
    }
  }

  void applyRename(String from, String to) {
    for (Entry entry : below(from)) {
      String fresh = to + entry.name().substring(from.length());
      entries.remove(entry.name());
      entry.rename(fresh);
      entries.put(fresh, entry);
    }
  }

  private List<Entry> below(String entryName) {
    var found = new ArrayList<Entry>();
    for (Entry entry : entries.values()) {
      if (entry.name().equals(entryName) || entry.name().startsWith(entryName + "/")) {
        found.add(entry);
      }
    }
    return found;
  }

  /**
   * Removes an entry with everything below it: nothing of it is found from now on; its room is
   * given back in the background.
   */
  public void removeEntry(String entryName) {
    structure.lock();
    try {
      entry(entryName);
      if (Names.isMeta(entryName)) {
        throw new PannierException.Invalid(
            "Can't delete system entry '" + entryName + "'; remove the parent entry instead");
      }
      List<Entry> leaving = below(entryName);
      journal.entriesGone(leaving, () -> applyGone(leaving));
    } catch (IOException failed) {
      throw store.failure("entry could not be removed", name + "/" + entryName, failed);
    } finally {
      structure.unlock();
    }
    store.background(this::purge);
  }

  void applyGone(Collection<Entry> leaving) {
    for (Entry entry : leaving) {
      removing.add(entry);
      entries.remove(entry.name());
      entry.goAway();
    }
  }

  /** Calls the listener on the committing thread after each call that committed records. */
  public Registration onCommit(Consumer<Entry> listener) {
    listeners.add(listener);
    return () -> listeners.remove(listener);
  }

  /** Ends a listener's life. */
  public interface Registration extends AutoCloseable {
    @Override
    void close();
  }

  void committed(Entry entry) {
    for (Consumer<Entry> listener : listeners) {
      listener.accept(entry);
    }
    moved(entry);
  }

  /** Lets somebody follow all entries of this bucket, those to come too. */
  public Registration follow(Follower follower) {
    followers.add(follower);
    return () -> followers.remove(follower);
  }

  /** Records of an entry were committed or changed. */
  void moved(Entry entry) {
    for (Follower follower : followers) {
      follower.moved(entry);
    }
  }

  /** What an entry was like up to a sequence number is about to be forgotten. */
  void beforeLoss(Entry entry, long sequence) {
    for (Follower follower : followers) {
      follower.beforeLoss(entry, sequence);
    }
  }

  // ---------------------------------------------------------------- who owns it

  /** Whether it comes from the configuration; the mark is not stored. */
  public boolean isProvisioned() {
    return isProvisioned;
  }

  /** Marks it as one that comes from the configuration, or takes the mark away. */
  public void setProvisioned(boolean provisioned) {
    isProvisioned = provisioned;
  }

  // ---------------------------------------------------------------- what it holds

  /** What the bucket holds. */
  public BucketInfo info() {
    requireHere();
    long count = 0;
    long oldest = 0;
    long newest = 0;
    boolean any = false;
    for (Entry entry : entries.values()) {
      if (entry.isMeta()) {
        continue;
      }
      count++;
      EntryInfo info = entry.info();
      if (info.recordCount() > 0) {
        oldest = any ? Timestamp.min(oldest, info.oldestRecord()) : info.oldestRecord();
        newest = any ? Timestamp.max(newest, info.latestRecord()) : info.latestRecord();
        any = true;
      }
    }
    return new BucketInfo(name, count, size.get(), oldest, newest, isProvisioned, any);
  }

  /** What the visible entries hold, by name. */
  public List<EntryInfo> entryInfos() {
    var infos = new ArrayList<EntryInfo>();
    for (Entry entry : entries()) {
      if (!entry.isMeta()) {
        infos.add(entry.info());
      }
    }
    return infos;
  }

  /** Bytes of all its files. */
  public long diskBytes() {
    return disk.get();
  }

  /** What it holds, and what happened to it since the store was opened. */
  public BucketStats stats() {
    long blocks = 0;
    long visible = 0;
    for (Entry entry : entries.values()) {
      blocks += entry.blockCount();
      visible += entry.isMeta() ? 0 : 1;
    }
    BucketSettings now = settings;
    return new BucketStats(
        name,
        size.get(),
        disk.get(),
        now.quotaType(),
        now.quotaType() == QuotaType.NONE ? 0 : now.quotaSize(),
        records.get(),
        blocks,
        visible,
        removedRecords.sum(),
        evictedRecords.sum(),
        evictedBlocks.sum(),
        evictedBytes.sum(),
        aheadRecords.sum());
  }

  /** Live records went, because somebody removed them or to make room. */
  void lost(long count, boolean evicted) {
    (evicted ? evictedRecords : removedRecords).add(count);
  }

  /** Records were committed whose times lie far ahead of the clock. */
  void metAhead(long count) {
    aheadRecords.add(count);
  }

  /** Bytes that records have taken in files since the store was opened, for rates. */
  public long takenBytes() {
    return taken.get();
  }

  /**
   * How far the block with this place among those to go is from being given up. Looks at every
   * block.
   *
   * @param place as of {@link History#placeInRing}
   * @return empty when this is no ring
   */
  public Optional<RingDistance> distance(long place) {
    long ring = ringBytes();
    if (ring == Long.MAX_VALUE) {
      return Optional.empty();
    }
    long all = disk.get();
    long inFront = 0;
    for (Entry entry : entries.values()) {
      if (!entry.isMeta()) {
        inFront += entry.bytesInFrontOf(place);
      }
    }
    return Optional.of(
        new RingDistance(Math.max(0, ring - all), inFront, Math.max(0, all - inFront)));
  }

  // ---------------------------------------------------------------- quota

  /**
   * Reserves the size of a record.
   *
   * @param frameBytes bytes about to be appended, 0 when they are claimed piece by piece
   * @param alone bytes of a block that holds nothing but the record
   */
  Grant reserve(long recordSize, long frameBytes, long alone) {
    if (!store.room.reserve(recordSize)) {
      return Grant.OVER_CAP;
    }
    Grant grant = reserveHere(recordSize, frameBytes, alone);
    if (grant != Grant.GRANTED) {
      store.room.release(recordSize);
    }
    return grant;
  }

  private Grant reserveHere(long recordSize, long frameBytes, long alone) {
    BucketSettings now = settings;
    switch (now.quotaType()) {
      case NONE -> {}
      case HARD -> {
        long after = charged.addAndGet(recordSize);
        if (Long.compareUnsigned(after, now.quotaSize()) > 0) {
          charged.addAndGet(-recordSize);
          return Grant.OVER_QUOTA;
        }
        return Grant.GRANTED;
      }
      case FIFO -> {
        if (Long.compareUnsigned(alone, now.quotaSize()) > 0) {
          return Grant.NEVER_FITS;
        }
        if (frameBytes > 0 && !roomFor(frameBytes)) {
          return Grant.NEEDS_ROOM;
        }
      }
    }
    charged.addAndGet(recordSize);
    return Grant.GRANTED;
  }

  /** Reserves the growth of labels. */
  Grant reserveGrowth(long bytes) {
    return reserve(bytes, 0, 0);
  }

  /** Takes a reservation back. */
  void unreserve(long recordSize) {
    charged.addAndGet(-recordSize);
    store.room.release(recordSize);
  }

  /** Records that were reserved are committed. */
  void committedReserved(long recordSize, long diskBytes, long count) {
    taken.addAndGet(diskBytes);
    changed(recordSize, diskBytes, count);
  }

  private void changed(long recordSize, long diskBytes, long count) {
    size.addAndGet(recordSize);
    disk.addAndGet(diskBytes);
    records.addAndGet(count);
  }

  /** Sums change without a reservation: a start, a removal. */
  void added(long recordSize, long diskBytes, long count) {
    // What goes is given back after it has gone: in between nobody may take its place.
    changed(recordSize, diskBytes, count);
    charged.addAndGet(recordSize);
    store.room.release(-recordSize);
  }

  /** Bytes of files came or went. */
  void disk(long bytes) {
    disk.addAndGet(bytes);
  }

  /** Whether FIFO lets so many bytes be appended without evicting. */
  boolean roomFor(long bytes) {
    return bytes <= ringBytes() - disk.get();
  }

  /** Bytes that the files of a ring may take; of others, as many as they like. */
  private long ringBytes() {
    BucketSettings now = settings;
    return now.quotaType() != QuotaType.FIFO || now.quotaSize() < 0
        ? Long.MAX_VALUE
        : now.quotaSize();
  }

  /**
   * Bytes that a block takes which holds nothing but one record: more than that cannot be required
   * of a ring.
   */
  static long aloneBytes(int metaLength, long frameLength) {
    return FileHeader.BYTES + frameLength + Footer.bytesForOne(metaLength);
  }

  /** Whether a ring can hold so many bytes at all, everything else evicted. */
  boolean canHold(long bytes) {
    return bytes <= ringBytes();
  }

  /** Counts bytes of an upload about to be appended, making room for them. */
  void claim(long bytes, long deadline) {
    if (!roomFor(bytes)) {
      long ahead = Math.min(store.limits.evictAheadBytes(), Math.max(0, settings.quotaSize() / 16));
      makeRoom(bytes, Math.max(bytes, ahead), deadline);
    }
    taken.addAndGet(bytes);
    disk.addAndGet(bytes);
  }

  /** Evicts blocks until so many bytes can be appended. */
  void makeRoom(long bytes, long deadline) {
    makeRoom(bytes, bytes, deadline);
  }

  /** Evicts blocks until the wanted bytes can be appended, or all are gone and those needed can. */
  private void makeRoom(long bytes, long wanted, long deadline) {
    while (!roomFor(wanted)) {
      boolean evicted = false;
      makingRoom.lock();
      try {
        if (roomFor(wanted)) {
          return;
        }
        Block victim = oldestBlock();
        if (victim != null) {
          evict(victim);
          evicted = true;
        }
      } catch (IOException failed) {
        throw store.failure("block could not be evicted", name, failed);
      } finally {
        makingRoom.unlock();
      }
      if (!evicted && roomFor(bytes)) {
        return;
      }
      if (!evicted) {
        if (store.clock.monotonicNanos() >= deadline) {
          throw new PannierException.Unavailable("Every block of bucket '" + name + "' is busy", 1);
        }
        store.pause(TimeUnit.MILLISECONDS.toNanos(10));
      }
    }
  }

  /**
   * Makes room for bytes of the engine's own (heads, footers, changes, copies), which are few and
   * cannot be refused: evicts as long as there is a block to go.
   */
  void makeWay(long bytes) throws IOException {
    while (!roomFor(bytes)) {
      makingRoom.lock();
      try {
        Block victim = roomFor(bytes) ? null : oldestBlock();
        if (victim == null) {
          return;
        }
        evict(victim);
      } finally {
        makingRoom.unlock();
      }
    }
  }

  /**
   * Makes room on a device that is full although the quota is not: the ring is what gives way.
   *
   * @return false when this is no ring, or nothing in it can go
   */
  boolean giveWay() {
    if (!isRing()) {
      return false;
    }
    makingRoom.lock();
    try {
      Block victim = oldestBlock();
      if (victim == null) {
        return false;
      }
      evict(victim);
      return true;
    } catch (IOException failed) {
      store.failure("block could not be evicted", name, failed);
      return false;
    } finally {
      makingRoom.unlock();
    }
  }

  private void evict(Block victim) throws IOException {
    long bytes = victim.diskBytes();
    if (retire(List.of(victim), true) > 0) {
      evictedBlocks.increment();
      evictedBytes.add(bytes);
    }
    purgeBlocks();
    store.background(this::winBack);
  }

  /**
   * Rewrites the block with most dead bytes whose copy fits into the room that an eviction has left
   * over, and then the next: what was removed goes before what was not. Nobody waits for it: when
   * it comes too late, the next eviction gives it another chance.
   */
  private void winBack() {
    if (gone || !isRing() || store.isClosed()) {
      return;
    }
    Block best = null;
    for (Entry entry : entries.values()) {
      BlockMap map = entry.closed;
      for (int i = 0; i < map.size(); i++) {
        Block block = map.get(i);
        if ((best == null || block.dead > best.dead) && Rewriter.isWorthwhile(block)) {
          best = block;
        }
      }
    }
    if (best != null && Rewriter.winBack(best)) {
      store.background(this::winBack);
    }
  }

  /** The block to be evicted next; null when all are busy. Attachments are never evicted. */
  private @Nullable Block oldestBlock() {
    var choice = new EvictionChoice();
    for (Entry entry : entries.values()) {
      if (!entry.isMeta()) {
        entry.offerBlocks(choice);
      }
    }
    return choice.chosen();
  }

  /** The error of a reservation that was not granted for good. */
  PannierException refusal(Grant grant) {
    return switch (grant) {
      case OVER_CAP -> new PannierException.OverCap("storage limit exceeded");
      case OVER_QUOTA -> new PannierException.BadRequest("Quota of '" + name + "' exceeded");
      case NEVER_FITS ->
          new PannierException.BadRequest(
              "Record is larger than the quota of bucket '" + name + "' and can never be stored");
      case GRANTED, NEEDS_ROOM -> throw new IllegalArgumentException(grant + " is no refusal");
    };
  }

  PannierException deviceFull(long bytes) {
    long available = 0;
    try {
      available = store.room.offered(store.disk.usableBytes());
    } catch (IOException unknown) {
      store.failure("free space could not be read", name, unknown);
    }
    return new PannierException.DiskFull(
        "Not enough free disk space in the data folder to write a record of "
            + bytes
            + " bytes: only "
            + available
            + " bytes available");
  }

  /** Refuses a large record before its first byte when the device has no room for it. */
  void checkDevice(long bytes) {
    try {
      if (bytes > store.disk.usableBytes() && settings.quotaType() != QuotaType.FIFO) {
        throw deviceFull(bytes);
      }
    } catch (IOException failed) {
      throw store.failure("free space could not be read", name, failed);
    }
  }

  // ---------------------------------------------------------------- blocks that go

  /**
   * Takes blocks out of their entries: told to the journal, then forgotten; their files are deleted
   * later. Blocks that are owned by somebody else stay.
   */
  int retire(List<Block> blocks) {
    return retire(blocks, false);
  }

  private int retire(List<Block> blocks, boolean evicted) {
    int retired = 0;
    for (Block block : blocks) {
      try {
        if (retire(block, evicted)) {
          retired++;
        }
      } catch (IOException failed) {
        throw store.failure("block could not be removed", block.path(), failed);
      }
    }
    if (retired > 0) {
      store.background(this::purge);
    }
    return retired;
  }

  private boolean retire(Block block, boolean evicted) throws IOException {
    BlockOwner owner;
    long lastSequence;
    block.entry.lock.lock();
    try {
      owner = block.owner;
      if (block.gone
          || block.entry.gone
          || block.frozen
          || (owner != null && owner != BlockOwner.Work.SEALING && owner != BlockOwner.Work.BROKEN)
          || (owner == BlockOwner.Work.SEALING && block.live > 0)) {
        return false;
      }
      // From here on nobody appends to it.
      block.owner = BlockOwner.Work.DROPPING;
      lastSequence = block.lastSequence;
    } finally {
      block.entry.lock.unlock();
    }
    Active rows = null;
    boolean retired = false;
    try {
      // Without the monitor of the block: followers read it.
      beforeLoss(block.entry, lastSequence);
      rows = rowsForFollowers(block);
      take(block, rows, evicted);
      retired = true;
    } finally {
      if (rows != null) {
        store.cache.release(rows);
      }
      if (!retired) {
        block.entry.lock.lock();
        try {
          block.owner = owner;
        } finally {
          block.entry.lock.unlock();
        }
      }
    }
    return true;
  }

  private void take(Block block, @Nullable Active rows, boolean evicted) throws IOException {
    synchronized (block) {
      // The counters of the entry must outlive its blocks. They go first: when either frame fails
      // the block is still there.
      journal.entry(block.entry, block.entry.name(), () -> {});
      journal.blockGone(
          block,
          () -> {
            block.entry.lock.lock();
            try {
              unpurged.add(block);
              if (!block.entry.gone) {
                block.entry.drop(block, evicted);
              }
              if (rows != null) {
                tellFollowers(rows, evicted);
              }
            } finally {
              block.entry.lock.unlock();
            }
          });
    }
  }

  /** The records of a block that goes, held, if a follower wants to know them. */
  private @Nullable Active rowsForFollowers(Block block) {
    if (followers.stream().noneMatch(follower -> follower.caresFor(block.entry))) {
      return null;
    }
    try {
      return store.cache.hold(block);
    } catch (IOException | PannierException unreadable) {
      // It goes all the same: followers find out when they look for one of its records.
      store.failure("index of a block that goes could not be read", block.path(), unreadable);
      return null;
    }
  }

  /** Under the lock of the entry. */
  private void tellFollowers(Active rows, boolean evicted) {
    var sequences = new long[rows.index.rows()];
    var lengths = new long[sequences.length];
    var live = new BitSet(sequences.length);
    for (int row = 0; row < sequences.length; row++) {
      sequences[row] = rows.index.sequence(row);
      lengths[row] = rows.index.length(row);
      live.set(row, rows.isLive(row));
    }
    for (Follower follower : followers) {
      follower.gone(rows.block.entry, sequences, lengths, live, evicted);
    }
  }

  /**
   * Removes closed blocks that lie within the range, as a whole. Returns the number of their live
   * records.
   */
  long dropBlocksWithin(Entry entry, TimeRange range, int max) {
    if (entry.isMeta()) {
      return 0;
    }
    long removed = 0;
    int dropped = 0;
    BlockMap map = entry.closed;
    for (int i = 0; i < map.size() && dropped < max; i++) {
      Block block = map.get(i);
      int live;
      entry.lock.lock();
      try {
        live = block.live;
        if (block.gone
            || live == 0
            || !range.contains(block.oldest)
            || !range.contains(block.newest)) {
          continue;
        }
      } finally {
        entry.lock.unlock();
      }
      if (retire(List.of(block)) > 0) {
        removed += live;
        dropped++;
      }
    }
    return removed;
  }

  void purgeSoon(Block block) {
    unpurged.add(block);
    store.background(this::purge);
  }

  /**
   * Deletes a block that came to nothing. Where the journal cannot be told, it is told later: until
   * then there is no clean stop, for its file is known to nobody else.
   */
  void discard(Block block) {
    try {
      synchronized (block) {
        block.gone = true;
        journal.blockGone(
            block,
            () -> {
              detached.remove(block);
              unpurged.add(block);
              abandoned.remove(block);
            });
      }
    } catch (IOException failed) {
      store.failure("unfinished block could not be removed", block.path(), failed);
      abandoned.add(block);
      store.retryLater(() -> discard(block));
    }
    store.background(this::purge);
  }

  /** Whether the journal says no more and no less than what is there. */
  boolean isSettled() {
    return abandoned.isEmpty();
  }

  /**
   * Deletes the files of what is gone. Runs in the background; whatever fails is tried again a
   * little later, and at start.
   */
  void purge() {
    if (journal.isEnded() || store.isClosed()) {
      return;
    }
    try {
      if (gone) {
        store.purged(this);
      } else {
        purgeBlocks();
        purgeEntries();
      }
    } catch (IOException failed) {
      if (store.isClosed()) {
        return; // The next start does it.
      }
      store.failure("files of removed data could not be deleted", folder(), failed);
      if (!purgingAgain.getAndSet(true)) {
        store.retryLater(() -> {
          purgingAgain.set(false);
          purge();
        });
      }
    }
  }

  private synchronized void purgeBlocks() throws IOException {
    if (unpurged.isEmpty()) {
      return;
    }
    var blocks = purgeable();
    if (blocks.isEmpty()) {
      return;
    }
    // A name must not be gone from the device before the reason is on it.
    journal.sync();
    var folders = new java.util.LinkedHashSet<String>();
    for (Block block : blocks) {
      deleteFiles(block);
      folders.add(block.entry.folder());
    }
    // Nor may the journal forget a name that could come back.
    for (String folder : folders) {
      if (store.disk.exists(folder)) {
        store.disk.syncFolder(folder);
      }
    }
    cutReaders();
    for (Block block : blocks) {
      journal.blockPurged(block, () -> unpurged.remove(block));
    }
  }

  /**
   * What is gone and needs to stay no longer. Blocks that a snapshot has still to read stay within
   * the share that readers of evicted blocks have, and as long as the device has room.
   */
  private List<Block> purgeable() throws IOException {
    var blocks = new ArrayList<Block>();
    for (Block block : unpurged) {
      if (!isPinned(block)) {
        blocks.add(block);
      } else if (!spared.contains(block)) {
        spared.addLast(block);
      }
    }
    spared.removeIf(block -> !isPinned(block) || !unpurged.contains(block));
    long bytes = spared.stream().mapToLong(Block::diskBytes).sum();
    boolean isShort = !spared.isEmpty() && !store.room.hasFree();
    while (!spared.isEmpty() && (isShort || bytes > sharedWithReaders())) {
      Block first = spared.removeFirst();
      bytes -= first.diskBytes();
      unpin(first, Integer.MAX_VALUE);
      blocks.add(first);
      store.events.event(
          StoreEvents.Kind.NOTE, "snapshot of a removed block was cut off", first.path(), null);
    }
    return blocks;
  }

  static boolean isPinned(Block block) {
    block.entry.lock.lock();
    try {
      return block.pins > 0;
    } finally {
      block.entry.lock.unlock();
    }
  }

  /** Takes pins off a block; what was put off because of them is made up for. */
  void unpin(Block block, int pins) {
    boolean last;
    block.entry.lock.lock();
    try {
      last = block.pins > 0 && block.pins <= pins;
      block.pins = Math.max(0, block.pins - pins);
    } finally {
      block.entry.lock.unlock();
    }
    if (!last) {
      return;
    }
    if (block.gone) {
      store.background(this::purge);
    } else {
      Rewriter.consider(block);
    }
  }

  private void deleteFiles(Block block) throws IOException {
    Active active;
    synchronized (block) {
      active = block.active;
      block.active = null;
    }
    FileCache.Slot data = active != null ? active.data : store.files.new Slot(block.path());
    FileCache.Slot changes =
        active != null ? active.changes : store.files.new Slot(block.changesPath());
    // What is deleted is counted once, also when the rest fails and all of it is tried again.
    long bytes = block.bytes;
    var held = new Held(data, bytes);
    if (data.delete(() -> released(held))) {
      held(held);
    }
    block.bytes = 0;
    long changeBytes = block.changeBytes;
    changes.delete(() -> disk(-changeBytes));
    block.changeBytes = 0;
  }

  /** A deleted file that readers still hold open. */
  private static final class Held {
    final FileCache.Slot slot;
    final long bytes;
    boolean released;

    Held(FileCache.Slot slot, long bytes) {
      this.slot = slot;
      this.bytes = bytes;
    }
  }

  private void held(Held file) {
    synchronized (held) {
      if (!file.released) {
        held.addLast(file);
        heldBytes += file.bytes;
      }
    }
  }

  private void released(Held file) {
    disk(-file.bytes);
    synchronized (held) {
      file.released = true;
      if (held.remove(file)) {
        heldBytes -= file.bytes;
      }
    }
  }

  /** Bytes of blocks that are gone which those who read them may keep. */
  private long sharedWithReaders() {
    return ringBytes() / 100 * store.limits.goneReadersPercent();
  }

  /**
   * In a ring every byte that a reader keeps is one that something newer is evicted for: beyond a
   * small share those who have kept a file longest lose it.
   */
  private void cutReaders() {
    long most = sharedWithReaders();
    for (; ; ) {
      Held first;
      synchronized (held) {
        if (heldBytes <= most) {
          return;
        }
        first = held.removeFirst();
        heldBytes -= first.bytes;
      }
      first.slot.cut();
      store.events.event(
          StoreEvents.Kind.NOTE, "reader of an evicted block was cut off", first.slot.path, null);
    }
  }

  /**
   * Deletes what a removed entry has in files, one by one: who has one open keeps its room for as
   * long as that, and nobody else does.
   */
  private void deleteFiles(Entry entry) throws IOException {
    for (Block block : entry.leaving()) {
      deleteFiles(block);
    }
  }

  /** Deletes all files of a removed bucket. */
  void deleteAll() throws IOException {
    for (Entry entry : everyEntry()) {
      deleteFiles(entry);
    }
    for (Block block : unpurged) {
      deleteFiles(block);
    }
    store.deleteFolder(folder());
  }

  private synchronized void purgeEntries() throws IOException {
    for (Entry entry : List.copyOf(removing)) {
      journal.sync();
      if (entry.isUploading()) {
        // It is told at its next step that the entry is gone, and cuts its block back. Then we come
        // again.
        store.backgroundLater(this::purge);
        return;
      }
      deleteFiles(entry);
      store.deleteFolder(entry.folder());
      entry.lock.lock();
      try {
        entry.closed = BlockMap.EMPTY;
        entry.open.clear();
      } finally {
        entry.lock.unlock();
      }
      // The journal may not forget a name that could come back.
      store.disk.syncFolder(folder());
      journal.entryPurged(entry, () -> removing.remove(entry));
    }
  }

  // ---------------------------------------------------------------- life

  /** Every entry of which files may exist, for a snapshot of the journal. */
  List<Entry> everyEntry() {
    var all = new ArrayList<>(entries.values());
    all.addAll(removing);
    return all;
  }

  int nextEntryId() {
    return nextEntry;
  }

  void restoreEntry(Entry entry) {
    entries.put(entry.name(), entry);
  }

  void restoreRemoving(Entry entry) {
    removing.add(entry);
  }

  void restoreNextEntry(int next) {
    nextEntry = Math.max(nextEntry, next);
  }

  /**
   * Its journal is damaged beyond what the second copy mends: everything but its removal is
   * refused.
   */
  void refuse(PannierException why) {
    unusable = why;
  }

  void goAway() {
    gone = true;
    for (Entry entry : entries.values()) {
      entry.goAway();
    }
  }

  boolean isRing() {
    return settings.quotaType() == QuotaType.FIFO;
  }

  boolean isUsable() {
    return unusable == null;
  }

  /** Whether an upload has left something behind the end of a block. */
  boolean isUploading() {
    return entries.values().stream().anyMatch(Entry::isUploading);
  }

  /** Does something while no entry comes, goes or gets another name. */
  void underStructure(Runnable act) {
    structure.lock();
    try {
      act.run();
    } finally {
      structure.unlock();
    }
  }

  @Nullable Entry entryById(int entryId) {
    for (Entry entry : everyEntry()) {
      if (entry.id == entryId) {
        return entry;
      }
    }
    return null;
  }

  /** Whether it was removed. */
  public boolean isGone() {
    return gone;
  }

  private void requireHere() {
    PannierException why = unusable;
    if (why != null) {
      throw why;
    }
    if (gone) {
      throw new PannierException.Conflict("Bucket '" + name + "' is being deleted");
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
