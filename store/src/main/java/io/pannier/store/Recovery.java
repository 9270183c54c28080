package io.pannier.store;

import io.pannier.model.BucketSettings;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * Brings a bucket back from its journal. After a clean stop that is all; after a crash the blocks
 * that took records or changes are walked behind their accounted lengths ({@code docs/format.md},
 * "Walk"). Every step may be cut short by another crash and done again.
 */
final class Recovery {
  static final String PREFIX = "journal";

  private Recovery() {}

  static Journal createJournal(Store store, int bucketId, String folder, RandomGenerator random)
      throws IOException {
    return Journal.create(
        store.disk,
        folder,
        PREFIX,
        new Journal.Identity(store.id(), bucketId),
        random,
        store.clock,
        BucketJournal.SNAPSHOT_END,
        sink ->
            sink.frame(
                BucketJournal.SNAPSHOT_END,
                ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(1).flip()));
  }

  /**
   * Reads the journal of a bucket.
   *
   * @param gone whether the bucket is removed: then its journal may be deleted already
   */
  static Bucket load(
      Store store,
      int id,
      String name,
      BucketSettings settings,
      RandomGenerator random,
      boolean gone)
      throws IOException {
    String folder = "b/" + id;
    var replay = new Replay();
    Journal journal;
    try {
      journal =
          Journal.open(
              store.disk,
              folder,
              PREFIX,
              new Journal.Identity(store.id(), id),
              random,
              store.clock,
              BucketJournal.SNAPSHOT_END,
              replay);
    } catch (PannierException.Damaged | NoSuchFileException damaged) {
      if (!gone) {
        store.events.event(
            StoreEvents.Kind.DAMAGE, "journal of a bucket is damaged", name, damaged);
      }
      var bucket = new Bucket(store, id, name, settings, null);
      bucket.refuse(
          new PannierException.Damaged(
              "Bucket '" + name + "' is damaged: " + damaged.getMessage()));
      return bucket;
    }
    StoreJournal.tell(store, journal, "journal of bucket " + name);
    var bucket = new Bucket(store, id, name, settings, journal);
    replay.into(bucket);
    return bucket;
  }

  /** What the frames of a journal add up to. */
  static final class Replay implements Journal.Visitor {
    static final class EntryFacts {
      String name = "";
      int nextBlock = 1;
      long nextSequence = 1;
      boolean gone;
      final List<BlockState> blocks = new ArrayList<>(4);
    }

    final Map<Integer, EntryFacts> entries = new HashMap<>();
    final Map<Long, BlockState> unpurged = new HashMap<>();
    int nextEntry = 1;
    boolean clean;

    @Override
    public void frame(int kind, ByteBuffer in) {
      clean = kind == BucketJournal.CLEAN_STOP;
      switch (kind) {
        case BucketJournal.ENTRY -> {
          int id = in.getInt();
          EntryFacts facts = entries.computeIfAbsent(id, missing -> new EntryFacts());
          facts.nextBlock = Math.max(facts.nextBlock, in.getInt());
          facts.nextSequence = Math.max(facts.nextSequence, in.getLong());
          facts.name = BucketJournal.text(in, in.remaining());
          nextEntry = Math.max(nextEntry, id + 1);
        }
        case BucketJournal.ENTRIES_GONE -> {
          while (in.hasRemaining()) {
            EntryFacts facts = entries.get(in.getInt());
            if (facts != null) {
              facts.gone = true;
            }
          }
        }
        case BucketJournal.ENTRY_PURGED -> entries.remove(in.getInt());
        case BucketJournal.RENAMED -> {
          int length = in.getInt();
          String from = BucketJournal.text(in, length);
          String to = BucketJournal.text(in, in.remaining());
          for (EntryFacts facts : entries.values()) {
            if (!facts.gone && (facts.name.equals(from) || facts.name.startsWith(from + "/"))) {
              facts.name = to + facts.name.substring(from.length());
            }
          }
        }
        case BucketJournal.BLOCK -> {
          BlockState state = BucketJournal.readBlock(in);
          EntryFacts facts = entries.get(state.entry());
          int replaced = in.getInt();
          if (facts == null) {
            return;
          }
          put(facts, state);
          for (int i = 0; i < replaced; i++) {
            gone(facts, state.entry(), in.getInt());
          }
        }
        case BucketJournal.BLOCK_GONE -> {
          int entry = in.getInt();
          int block = in.getInt();
          EntryFacts facts = entries.get(entry);
          if (facts != null) {
            gone(facts, entry, block);
          }
        }
        case BucketJournal.BLOCK_PURGED -> unpurged.remove(key(in.getInt(), in.getInt()));
        case BucketJournal.SNAPSHOT_END -> nextEntry = Math.max(nextEntry, in.getInt());
        case BucketJournal.CLEAN_STOP, BucketJournal.STARTED -> {}
        default ->
            throw new PannierException.Internal(
                "journal of a bucket has frames of a newer version", null);
      }
    }

    private static long key(int entry, int block) {
      return ((long) entry << 32) | (block & 0xffffffffL);
    }

    /** Ids ascend as blocks are made, so the place is nearly always the last. */
    private static int find(EntryFacts facts, int block) {
      int low = 0;
      int high = facts.blocks.size() - 1;
      if (high >= 0 && facts.blocks.get(high).block() < block) {
        return -(high + 1) - 1;
      }
      while (low <= high) {
        int middle = (low + high) >>> 1;
        int id = facts.blocks.get(middle).block();
        if (id == block) {
          return middle;
        }
        if (id < block) {
          low = middle + 1;
        } else {
          high = middle - 1;
        }
      }
      return -low - 1;
    }

    private static void put(EntryFacts facts, BlockState state) {
      int at = find(facts, state.block());
      if (at >= 0) {
        facts.blocks.set(at, state);
      } else {
        facts.blocks.add(-at - 1, state);
      }
      facts.nextBlock = Math.max(facts.nextBlock, state.block() + 1);
      facts.nextSequence = Math.max(facts.nextSequence, state.lastSequence() + 1);
    }

    private void gone(EntryFacts facts, int entry, int block) {
      int at = find(facts, block);
      BlockState state = at >= 0 ? facts.blocks.remove(at) : null;
      unpurged.put(
          key(entry, block),
          state != null ? state : new BlockState(entry, block, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
      facts.nextBlock = Math.max(facts.nextBlock, block + 1);
    }

    void into(Bucket bucket) {
      bucket.restoreNextEntry(nextEntry);
      bucket.stoppedCleanly = clean;
      for (var found : entries.entrySet()) {
        EntryFacts facts = found.getValue();
        var entry = new Entry(bucket, found.getKey(), facts.name);
        entry.nextBlock = facts.nextBlock;
        entry.nextSequence = facts.nextSequence;
        if (facts.gone) {
          entry.gone = true;
          bucket.restoreRemoving(entry);
        } else {
          bucket.restoreEntry(entry);
        }
        var closed = new ArrayList<Block>();
        for (BlockState state : facts.blocks) {
          var block = new Block(entry, state.block());
          block.restore(state);
          boolean settled = block.sealed && !block.changesNoted;
          block.journaled = settled ? null : state;
          block.changesNoted = !settled;
          if (block.detached) {
            bucket.detached.add(block);
          } else if (block.sealed) {
            closed.add(block);
          } else {
            entry.open.add(block);
          }
        }
        entry.closed = BlockMap.of(closed);
        facts.blocks.clear();
      }
      for (BlockState state : unpurged.values()) {
        Entry entry = bucket.entryById(state.entry());
        if (entry != null) {
          var block = new Block(entry, state.block());
          block.restore(state);
          block.gone = true;
          bucket.unpurged.add(block);
          bucket.added(0, block.diskBytes(), 0);
        }
      }
    }
  }

  /** Makes a loaded bucket whole; afterwards it may be served. */
  static void recover(Bucket bucket) throws IOException {
    if (!bucket.isUsable()) {
      return;
    }
    Store store = bucket.store;
    if (bucket.journal.needsRewrite() && !store.isFollowing()) {
      bucket.journal.compact();
    }
    for (Block block : List.copyOf(bucket.detached)) {
      block.gone = true;
      bucket.added(0, block.diskBytes(), 0);
      bucket.discard(block);
    }
    var arrivals = new HashMap<Entry, Arrivals>();
    for (Entry entry : bucket.everyEntry()) {
      if (!bucket.stoppedCleanly && !entry.gone) {
        if (!store.isFollowing()) {
          sweep(store, entry);
        }
        var found = new Arrivals();
        for (Block block : unsettled(entry)) {
          recover(block, found);
        }
        arrivals.put(entry, found);
      } else if (!entry.gone) {
        // Never made, and the device was too full to say so.
        entry.open.stream()
            .filter(block -> block.bytes < FileHeader.BYTES)
            .toList()
            .forEach(Recovery::drop);
      }
      entry.count();
    }
    if (!store.isFollowing()) {
      settle(bucket);
    }
    for (var found : arrivals.entrySet()) {
      removeTwins(found.getKey(), found.getValue());
    }
  }

  /** Makes what was found the beginning of what is written from now on. */
  private static void settle(Bucket bucket) throws IOException {
    Store store = bucket.store;
    if (!bucket.stoppedCleanly) {
      store.deleteOrphan(bucket.folder() + "/" + bucket.nextEntryId());
    }
    if (bucket.journal.needsRewrite()) {
      bucket.journal.compact();
    } else if (!bucket.stoppedCleanly) {
      // The process before may have had failed syncs of what this one reads from the page cache.
      store.unlessFull(bucket.journal::compact);
    }
    if (bucket.stoppedCleanly) {
      bucket.journal.mark(BucketJournal.STARTED);
    } else {
      // The last frame is none that a crash from now on would be misled by.
      store.unlessFull(() -> bucket.journal.mark(BucketJournal.STARTED));
    }
    bucket.journal.sync();
  }

  /** Deletes files that the crash came before the journal: nothing in them was ever promised. */
  private static void sweep(Store store, Entry entry) throws IOException {
    if (!store.disk.exists(entry.folder())) {
      store.disk.makeFolder(entry.folder());
      store.sync.dirtyFolder(entry.bucket.folder());
    }
    var known = new HashSet<String>();
    for (Block block : entry.open) {
      known.add(block.path());
      known.add(block.changesPath());
    }
    for (int i = 0; i < entry.closed.size(); i++) {
      Block block = entry.closed.get(i);
      known.add(block.path());
      if (block.changesNoted || block.changeBytes > 0) {
        known.add(block.changesPath());
      }
    }
    for (Block block : entry.bucket.unpurged) {
      known.add(block.path());
      known.add(block.changesPath());
    }
    boolean deleted = false;
    for (String name : store.disk.list(entry.folder())) {
      String path = entry.folder() + "/" + name;
      if (!known.contains(path)) {
        store.disk.delete(path);
        deleted = true;
      }
    }
    if (deleted) {
      // Changes that were not served may not come back when the journal next speaks of a change
      // log.
      store.disk.syncFolder(entry.folder());
    }
  }

  private static List<Block> unsettled(Entry entry) {
    var blocks = new ArrayList<>(entry.open);
    for (int i = 0; i < entry.closed.size(); i++) {
      if (entry.closed.get(i).changesNoted) {
        blocks.add(entry.closed.get(i));
      }
    }
    return blocks;
  }

  private static void recover(Block block, Arrivals arrivals) throws IOException {
    Store store = block.entry.bucket.store;
    long accounted = block.bytes;
    var slot = store.files.new Slot(block.path());
    try {
      DiskFile file = slot.acquire();
      try {
        if (file.size() < FileHeader.BYTES && accounted <= FileHeader.BYTES) {
          drop(block);
          return;
        }
        if (!block.sealed) {
          recoverRecords(block, file, accounted, arrivals);
        }
      } finally {
        slot.release();
        slot.closeIfIdle();
      }
    } catch (NoSuchFileException missing) {
      if (block.records > 0) {
        store.events.event(
            StoreEvents.Kind.LOSS, "file of a block is missing", block.path(), missing);
      }
      drop(block);
      return;
    }
    recoverChanges(block);
    if (block.sealed && isCopied(block)) {
      arrivals.add(block);
    }
    block.entry.lock.lock();
    try {
      block.entry.nextSequence = Math.max(block.entry.nextSequence, block.lastSequence + 1);
      store.sync.dirty(block, 0);
    } finally {
      block.entry.lock.unlock();
    }
    store.sync.dirtyFolder(block.entry.folder());
  }

  private static boolean isCopied(Block block) {
    return block.journaled != null && (block.journaled.flags() & Block.COPIED) != 0;
  }

  private static void drop(Block block) {
    Bucket bucket = block.entry.bucket;
    block.live = 0;
    block.size = 0;
    block.entry.forget(block);
    bucket.added(0, block.diskBytes(), 0);
    bucket.discard(block);
  }

  /** Times of the records that no successful round vouches for. */
  private static final class Arrivals {
    final List<Long> times = new ArrayList<>();

    /** All records of a block that a rewrite has made. */
    void add(Block block) throws IOException {
      IndexCache cache = block.entry.bucket.store.cache;
      Active active = cache.hold(block);
      try {
        for (int row = 0; row < active.index.rows(); row++) {
          if (active.isLive(row)) {
            times.add(active.index.timestamp(row));
          }
        }
      } finally {
        cache.release(active);
      }
    }

    /** Those that lie within the times of what their own block held already. */
    final Set<Long> within = new HashSet<>();
  }

  /**
   * A power cut can take the removal of a record and keep a later one of the same time, which is
   * always one that was not accounted for, or was copied by a rewrite since the last round. Only
   * the later one may stay: the older is removed once more.
   */
  private static void removeTwins(Entry entry, Arrivals found) throws IOException {
    for (long time : found.times) {
      List<Active> holders = Lookup.holders(entry, entry.closed, time);
      try {
        for (Block block : entry.open) {
          if (Lookup.mayHold(block, time)) {
            holders = new ArrayList<>(holders);
            holders.add(entry.bucket.store.cache.hold(block));
          }
        }
        if (holders.size() > 1 || found.within.contains(time)) {
          removeTwins(entry, holders, time);
        }
      } finally {
        Lookup.release(entry, holders);
      }
    }
  }

  private static void removeTwins(Entry entry, List<Active> holders, long time) {
    var live = new ArrayList<StoredRecord>();
    for (Active active : holders) {
      BlockIndex index = active.index;
      for (int at = index.lowerBound(time);
          at < index.rows() && index.timestamp(index.rowAt(at)) == time;
          at++) {
        if (active.isLive(index.rowAt(at))) {
          live.add(StoredRecord.of(entry, active.block, active, index.rowAt(at)));
        }
      }
    }
    live.sort((a, b) -> Long.compareUnsigned(a.sequence(), b.sequence()));
    if (live.size() > 1) {
      new Changes(entry).removeTwins(live.subList(0, live.size() - 1));
    }
  }

  /** Sums up what a walk finds behind the accounted bytes. */
  private static final class Sums implements BlockWalk.Visitor {
    private final Block block;
    private final Arrivals arrivals;
    final List<IndexCodec.Hole> holes = new ArrayList<>();
    boolean damage;

    Sums(Block block, Arrivals arrivals) {
      this.block = block;
      this.arrivals = arrivals;
    }

    @Override
    public void record(long offset, Frames.Header header, long sequence, Meta meta) {
      long time = header.timestamp();
      if (block.live > 0
          && !Timestamp.isBefore(time, block.oldest)
          && !Timestamp.isAfter(time, block.newest)) {
        arrivals.within.add(time);
      }
      arrivals.times.add(time);
      block.cover(time);
      block.records++;
      block.live++;
      block.size += Active.sizeOf(header.length(), meta.labels());
      block.lastSequence = Math.max(block.lastSequence, sequence);
    }

    @Override
    public void damaged(long offset, long length, long timestamp, long sequence) {
      damage = true;
    }

    @Override
    public void hole(long from, long to) {
      damage = true;
      holes.add(new IndexCodec.Hole(from, to));
    }
  }

  /**
   * Whether the footer at the end of the file was made by a start that had found, and told of, all
   * these holes: then nothing was lost since. A footer that knows less was made before.
   */
  private static boolean footerHas(DiskFile file, List<IndexCodec.Hole> holes) throws IOException {
    try {
      return Footer.read(file).holes().containsAll(holes);
    } catch (PannierException.Damaged torn) {
      return false;
    }
  }

  private static void recoverRecords(Block block, DiskFile file, long accounted, Arrivals arrivals)
      throws IOException {
    Store store = block.entry.bucket.store;
    long salt;
    try {
      salt = store.cache.salt(block, file);
    } catch (PannierException.Damaged unreadable) {
      // Neither header nor a frame: the file was lost before its first sync, or all of it is
      // damaged.
      if (block.records > 0) {
        store.events.event(StoreEvents.Kind.LOSS, "block is unreadable", block.path(), unreadable);
      }
      throw new NoSuchFileException(block.path());
    }
    boolean shorter = file.size() < accounted;
    if (shorter) {
      store.events.event(
          StoreEvents.Kind.LOSS,
          "block ends before its accounted length",
          block + ", " + file.size(),
          null);
    }
    var sums = new Sums(block, arrivals);
    long from = Math.max(FileHeader.BYTES, accounted);
    BlockWalk.End end = null;
    if (!shorter) {
      end = new BlockWalk(file, salt).walk(from, from, sums);
    }
    boolean headless = !IndexCache.hasHeader(file);
    boolean damage = sums.damage;
    if (end != null && end.footer() >= 0 && !sums.holes.isEmpty()) {
      damage = !footerHas(file, sums.holes);
    }
    if (shorter || damage || headless) {
      var active =
          new Active(
              block,
              store.files.new Slot(block.path()),
              store.files.new Slot(block.changesPath()),
              salt,
              new OpenIndex(),
              new ArrayList<>());
      long vouched = Math.min(from, file.size());
      end =
          new BlockWalk(file, salt)
              .walk(FileHeader.BYTES, vouched, new IndexCache.Rows(store, active));
      store.cache.install(active);
      recount(block, active);
      // A block with holes takes no more records: its footer says where they are.
      block.owner = BlockOwner.Work.SEALING;
      store.background(() -> Sealing.seal(block));
      if (headless) {
        store.background(() -> Rewriter.rewrite(block));
      }
    }
    BlockWalk.End found = java.util.Objects.requireNonNull(end);
    if (found.footer() >= 0 && !damage && !headless) {
      block.sealed = true;
      block.owner = null;
      block.bytes = file.size();
      block.entry.settle(block);
    } else {
      block.bytes = found.end();
      if (file.size() > found.end()) {
        file.truncate(found.end());
      }
    }
  }

  /** Works out the sums of a block from its rows. */
  private static void recount(Block block, Active active) {
    block.records = 0;
    block.live = 0;
    block.size = 0;
    block.dead = 0;
    block.oldest = Timestamp.MAX;
    block.newest = Timestamp.MIN;
    boolean any = false;
    for (int row = 0; row < active.index.rows(); row++) {
      block.records++;
      block.lastSequence = Math.max(block.lastSequence, active.index.sequence(row));
      if (active.isLive(row)) {
        long timestamp = active.index.timestamp(row);
        block.oldest = any ? Timestamp.min(block.oldest, timestamp) : timestamp;
        block.newest = any ? Timestamp.max(block.newest, timestamp) : timestamp;
        any = true;
        block.live++;
        block.size += Active.sizeOf(active.index.length(row), active.labels(row));
      } else {
        block.dead += active.frameLength(row);
      }
    }
  }

  private static void recoverChanges(Block block) throws IOException {
    Store store = block.entry.bucket.store;
    long accounted = block.changeBytes;
    if (!store.disk.exists(block.changesPath())) {
      if (accounted <= FileHeader.BYTES) {
        // Nothing stood in it: an earlier start has deleted it and was ended before it could say
        // so.
        block.changeBytes = 0;
        return;
      }
      store.events.event(StoreEvents.Kind.LOSS, "change log is missing", block.changesPath(), null);
      block.changeBytes = 0;
      store.cache.hold(block).suspectBefore = -1;
      return;
    }
    long size = store.sizeOf(block.changesPath());
    if (size == accounted && block.active == null) {
      return;
    }
    block.changeBytes = 0;
    Active active = store.cache.hold(block);
    long end = store.cache.replay(active, size, accounted);
    block.changeBytes = accounted;
    if (end <= FileHeader.BYTES && accounted <= FileHeader.BYTES) {
      store.disk.delete(block.changesPath());
      active.hasChangeLog = false;
      end = 0;
    } else if (end < size) {
      DiskFile file = active.changes.acquire();
      try {
        file.truncate(end);
      } finally {
        active.changes.release();
      }
    }
    if (active.changeHoles > 0) {
      end = closeHoles(block, active, end);
    }
    block.changeBytes = end;
    block.lastSequence = Math.max(block.lastSequence, active.lastChange);
    recount(block, active);
    store.cache.release(active);
  }

  /**
   * Writes the whole frames of a change log with holes to a new log, which then takes its place.
   * The accounted part has no holes, so it keeps its length and a crash before the next accounting
   * finds what it expects.
   */
  private static long closeHoles(Block block, Active active, long end) throws IOException {
    Store store = block.entry.bucket.store;
    var whole = ByteBuffer.allocate(Math.toIntExact(end)).order(ByteOrder.LITTLE_ENDIAN);
    var frames = ByteBuffer.allocate(Math.toIntExact(end)).order(ByteOrder.LITTLE_ENDIAN);
    DiskFile file = active.changes.acquire();
    try {
      DiskReads.fill(file, whole, 0);
    } finally {
      active.changes.release();
    }
    whole.flip();
    new FileHeader(
            FileHeader.Kind.CHANGES,
            store.id(),
            active.salt,
            block.entry.bucket.id,
            block.entry.id,
            block.id,
            store.clock.wallMicros())
        .writeTo(frames);
    var crc = new Checksum();
    ChangeFrames.walk(
        whole
            .slice(FileHeader.BYTES, whole.limit() - FileHeader.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN),
        FileHeader.BYTES,
        block.changeBytes,
        active.salt,
        new ChangeFrames.Visitor() {
          @Override
          public void change(int kind, long target, long own, long timestamp, ByteBuffer content) {
            var bytes = new byte[content.remaining()];
            content.get(bytes);
            ChangeFrames.put(
                frames, kind, target, own, timestamp, bytes, active.salt, frames.position(), crc);
          }

          @Override
          public void damaged(long target, long own) {
            throw new PannierException.Damaged("change log is damaged in its accounted part");
          }

          @Override
          public void lost(long beforeSequence) {
            throw new PannierException.Damaged("change log is damaged in its accounted part");
          }

          @Override
          public void hole(long from, long to) {
            // Left out: that is the purpose.
          }
        });
    String fresh = block.changesPath() + ".new";
    store.disk.delete(fresh);
    try (DiskFile out = store.disk.create(fresh)) {
      out.append(frames.flip());
      out.sync();
    }
    active.changes.closeIfIdle();
    store.disk.rename(fresh, block.changesPath());
    store.disk.syncFolder(block.entry.folder());
    active.changeHoles = 0;
    return frames.limit();
  }
}
