package io.pannier.store;

import io.pannier.model.PannierException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * The journal of a bucket in terms of entries and blocks ({@code docs/format.md}, "Journals").
 * Every act that is journaled holds the {@link #gate} for reading from before its frame is appended
 * until its effect is in memory; a compaction holds it for writing. So a snapshot never lacks what
 * a frame of the old generation said.
 *
 * <p>Locks, outermost first: monitor of a block, gate, lock of the journal, lock of an entry.
 */
final class BucketJournal {
  static final int ENTRY = 16;
  static final int ENTRIES_GONE = 17;
  static final int ENTRY_PURGED = 18;
  static final int BLOCK = 19;
  static final int BLOCK_GONE = 20;
  static final int BLOCK_PURGED = 21;
  static final int RENAMED = 22;
  static final int SNAPSHOT_END = 24;
  static final int CLEAN_STOP = 25;
  static final int STARTED = 26;

  /** What happens between frame and release of the gate. */
  interface Effect {
    void run() throws IOException;
  }

  private final Store store;
  private final Bucket bucket;
  private final @Nullable Journal journalOrNone;
  private final ReentrantReadWriteLock gate = new ReentrantReadWriteLock();

  /**
   * Whether the bucket is removed with all its files: nothing that is said of it needs to last any
   * more.
   */
  private volatile boolean ended;

  /**
   * The journal of a bucket.
   *
   * @param journal null where it is damaged beyond use
   */
  BucketJournal(Store store, Bucket bucket, @Nullable Journal journal) {
    this.store = store;
    this.bucket = bucket;
    this.journalOrNone = journal;
  }

  private Journal journal() {
    Journal journal = journalOrNone;
    if (journal == null) {
      throw new PannierException.Damaged("Journal of bucket '" + bucket.name() + "' is damaged");
    }
    return journal;
  }

  /** Appends a frame and does what it says, with no snapshot in between. */
  private void append(int kind, ByteBuffer content, Effect effect) throws IOException {
    gate.readLock().lock();
    try {
      if (ended) {
        effect.run();
        return;
      }
      store.withBallast(() -> {
        journal().append(kind, content.rewind());
        return true;
      });
      effect.run();
    } finally {
      gate.readLock().unlock();
    }
    store.sync.dirtyJournal(this);
  }

  void entry(Entry entry, String name, Effect effect) throws IOException {
    append(ENTRY, entryFrame(entry, name), effect);
  }

  private static ByteBuffer entryFrame(Entry entry, String name) {
    return entryFrame(entry.id, entry.nextBlock, entry.nextSequence, name);
  }

  static ByteBuffer entryFrame(int id, int nextBlock, long nextSequence, String name) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    return content(16 + bytes.length)
        .putInt(id)
        .putInt(nextBlock)
        .putLong(nextSequence)
        .put(bytes)
        .flip();
  }

  void entriesGone(Collection<Entry> entries, Effect effect) throws IOException {
    ByteBuffer out = content(4 * entries.size());
    for (Entry entry : entries) {
      out.putInt(entry.id);
    }
    append(ENTRIES_GONE, out.flip(), effect);
  }

  void entryPurged(Entry entry, Effect effect) throws IOException {
    append(ENTRY_PURGED, content(4).putInt(entry.id).flip(), effect);
  }

  void renamed(String from, String to, Effect effect) throws IOException {
    byte[] old = from.getBytes(StandardCharsets.UTF_8);
    byte[] fresh = to.getBytes(StandardCharsets.UTF_8);
    append(
        RENAMED,
        content(4 + old.length + fresh.length).putInt(old.length).put(old).put(fresh).flip(),
        effect);
  }

  /** The state of a block; the caller holds its monitor unless nobody else knows the block. */
  void block(Block block, BlockState state, Effect effect) throws IOException {
    append(
        BLOCK,
        blockFrame(state, List.of()),
        () -> {
          block.journaled = state;
          effect.run();
        });
  }

  /**
   * A new block takes the place of others. Its records are on the device, but what was removed
   * before they came may not be.
   */
  void replace(Block fresh, List<Block> replaced, Effect effect) throws IOException {
    BlockState state = fresh.state().withFlag(Block.REWRITE, false).withFlag(Block.COPIED, true);
    append(
        BLOCK,
        blockFrame(state, replaced),
        () -> {
          fresh.journaled = state;
          effect.run();
        });
  }

  void blockGone(Block block, Effect effect) throws IOException {
    append(BLOCK_GONE, content(8).putInt(block.entry.id).putInt(block.id).flip(), effect);
  }

  void blockPurged(Block block, Effect effect) throws IOException {
    append(BLOCK_PURGED, content(8).putInt(block.entry.id).putInt(block.id).flip(), effect);
  }

  void mark(int kind) throws IOException {
    append(kind, content(0), () -> {});
  }

  static ByteBuffer blockFrame(BlockState state, List<Block> replaced) {
    ByteBuffer out = content(96 + 4 * replaced.size());
    out.putInt(state.entry()).putInt(state.block()).putInt(state.flags());
    out.putLong(state.bytes()).putLong(state.changeBytes());
    out.putInt(state.live()).putInt(state.records());
    out.putLong(state.oldest()).putLong(state.newest()).putLong(state.size()).putLong(state.dead());
    out.putLong(state.lastSequence()).putLong(state.arrival());
    out.putInt(replaced.size());
    for (Block block : replaced) {
      out.putInt(block.id);
    }
    return out.flip();
  }

  static BlockState readBlock(ByteBuffer in) {
    int entry = in.getInt();
    int block = in.getInt();
    int flags = in.getInt();
    long bytes = in.getLong();
    long changeBytes = in.getLong();
    int live = in.getInt();
    int records = in.getInt();
    return new BlockState(
        entry,
        block,
        flags,
        bytes,
        changeBytes,
        live,
        records,
        in.getLong(),
        in.getLong(),
        in.getLong(),
        in.getLong(),
        in.getLong(),
        in.getLong());
  }

  private static ByteBuffer content(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  static String text(ByteBuffer in, int length) {
    var bytes = new byte[length];
    in.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  Journal.Mark beginSync() throws IOException {
    return journal().mark();
  }

  /** How much of it is known to be on the device. */
  Journal.Mark durable() {
    return journal().durable();
  }

  void synced(Journal.Mark mark) {
    journal().synced(mark);
  }

  /** Makes everything appended so far durable; where no copy can be, a new generation is tried. */
  void sync() throws IOException {
    if (ended) {
      return;
    }
    try {
      journal().sync();
    } catch (IOException failed) {
      store.failure("journal could not be synced", bucket.folder(), failed);
      compact();
    }
  }

  /** Writes a new generation if the journal has grown out of proportion or lost a copy. */
  void compactIfWanted() {
    Journal journal = journalOrNone;
    if (journal != null && journal.wantsCompaction()) {
      try {
        compact();
      } catch (IOException failed) {
        store.failure("journal could not be compacted", bucket.folder(), failed);
      }
    }
  }

  void compact() throws IOException {
    gate.writeLock().lock();
    try {
      if (ended) {
        return;
      }
      store.withBallast(() -> {
        journal().compact(this::snapshot);
        return true;
      });
    } finally {
      gate.writeLock().unlock();
    }
  }

  private void snapshot(Journal.Sink sink) throws IOException {
    for (Entry entry : bucket.everyEntry()) {
      entry.lock.lock();
      try {
        sink.frame(ENTRY, entryFrame(entry, entry.name()));
        if (entry.gone) {
          sink.frame(ENTRIES_GONE, content(4).putInt(entry.id).flip());
          continue;
        }
        BlockMap map = entry.closed;
        for (int i = 0; i < map.size(); i++) {
          sink.frame(BLOCK, blockFrame(known(map.get(i)), List.of()));
        }
        for (Block block : entry.open) {
          sink.frame(BLOCK, blockFrame(known(block), List.of()));
        }
      } finally {
        entry.lock.unlock();
      }
    }
    for (Block block : bucket.detached) {
      sink.frame(BLOCK, blockFrame(known(block), List.of()));
    }
    for (Block block : bucket.unpurged) {
      sink.frame(BLOCK_GONE, content(8).putInt(block.entry.id).putInt(block.id).flip());
    }
    sink.frame(SNAPSHOT_END, content(4).putInt(bucket.nextEntryId()).flip());
  }

  /**
   * What the journal may say of a block: its state of now where all of it is durable, else what was
   * said last.
   */
  private static BlockState known(Block block) {
    BlockState journaled = block.journaled;
    return journaled != null ? journaled : block.state();
  }

  boolean needsRewrite() {
    return journal().needsRewrite();
  }

  /** Whether its files are deleted, or about to be. */
  boolean isEnded() {
    return ended;
  }

  /** Closes it for good, before its files are deleted. */
  void end() {
    gate.writeLock().lock();
    try {
      ended = true;
    } finally {
      gate.writeLock().unlock();
    }
    close();
  }

  void close() {
    Journal journal = journalOrNone;
    if (journal != null) {
      journal.close();
    }
  }
}
