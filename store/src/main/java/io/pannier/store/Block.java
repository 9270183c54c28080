package io.pannier.store;

import io.pannier.model.Timestamp;
import org.jspecify.annotations.Nullable;

/**
 * What is always in memory of a block: its place, its sums, the times of its oldest and newest live
 * record. Everything else (open files, index, changes) is in {@link Active}, which exists while the
 * block is in use or cached. Fields are guarded by the lock of the entry; times and sums may be
 * read without it by those who accept a value of a moment ago.
 */
final class Block {
  static final int SEALED = 1;
  static final int DIRTY = 2;
  static final int BELATED = 4;

  /** Being written by a rewrite: dropped at start. */
  static final int REWRITE = 8;

  /**
   * Copied by a rewrite, and no round has covered the whole entry since: at a start after a crash
   * its records count as found anew.
   */
  static final int COPIED = 16;

  /** Compressed as far as it can be. */
  static final int COMPRESSED = 32;

  final Entry entry;
  final int id;

  /** Whether the footer is written. */
  boolean sealed;

  /** Whether it takes records older than the closed blocks. */
  boolean belated;

  /** Whether it is the unfinished copy of another block. */
  boolean detached;

  /** Whether the journal knows that changes may lie behind the accounted ones. */
  boolean changesNoted;

  /** Whether it is no longer part of the entry. */
  boolean gone;

  /** Whether that is because a copy has taken its place. */
  boolean replaced;

  /** Whether a sync of it failed: no later sync can promise anything of it. */
  volatile boolean doubtful;

  /** Its place in the queue of the next sync round, if it stands there. */
  @Nullable Unsynced queued;

  /** Whether it is being rewritten. */
  boolean rewriting;

  /** Whether its records are compressed, or would not become much smaller. */
  boolean compressed;

  /** Whether changes must wait for a moment: a rewrite is carrying the last ones over. */
  boolean frozen;

  /**
   * Snapshots that still have to read it: its file stays, within bounds, and it is not rewritten.
   */
  int pins;

  /** Who alone may append: an upload, or the sealing; null for an idle or closed block. */
  @Nullable BlockOwner owner;

  long oldest = Timestamp.MAX;
  long newest = Timestamp.MIN;

  /** Records that are not removed, and all records. */
  int live;

  int records;

  /** Reported size of the live records. */
  long size;

  /** Lengths of block file and change log. */
  long bytes;

  long changeBytes;

  /** Bytes of frames of removed records. */
  long dead;

  long lastSequence;

  /** Wall time of the last append, µs. */
  long arrival;

  /**
   * What the journal said last of it; null when that is its state of now. Guarded by the gate of
   * the journal and the lock of the entry.
   */
  @Nullable BlockState journaled;

  volatile @Nullable Active active;

  Block(Entry entry, int id) {
    this.entry = entry;
    this.id = id;
  }

  String path() {
    return entry.folder() + "/" + id + ".blk";
  }

  String changesPath() {
    return entry.folder() + "/" + id + ".chg";
  }

  /** Bytes on the device. */
  long diskBytes() {
    return bytes + changeBytes;
  }

  /**
   * Widens the range of times by a record that is about to be counted. The range of a block without
   * live records means nothing.
   */
  void cover(long timestamp) {
    if (live == 0 || Timestamp.isBefore(timestamp, oldest)) {
      oldest = timestamp;
    }
    if (live == 0 || Timestamp.isAfter(timestamp, newest)) {
      newest = timestamp;
    }
  }

  /**
   * What FIFO orders blocks by: the time of the newest record, but the time of arrival where a
   * record claims to come from more than a day behind it, lest a broken clock keeps a block for
   * ever.
   */
  long fifoKey() {
    long dayAhead = arrival + 86_400_000_000L;
    return Timestamp.isAfter(newest, dayAhead) ? arrival : newest;
  }

  /** Its state as the journal has it; taken under the lock. */
  BlockState state() {
    int flags =
        (sealed ? SEALED : 0)
            | (changesNoted ? DIRTY : 0)
            | (belated ? BELATED : 0)
            | (detached ? REWRITE : 0)
            | (compressed ? COMPRESSED : 0);
    return new BlockState(
        entry.id,
        id,
        flags,
        bytes,
        changeBytes,
        live,
        records,
        oldest,
        newest,
        size,
        dead,
        lastSequence,
        arrival);
  }

  void restore(BlockState state) {
    sealed = (state.flags() & SEALED) != 0;
    changesNoted = (state.flags() & DIRTY) != 0;
    belated = (state.flags() & BELATED) != 0;
    detached = (state.flags() & REWRITE) != 0;
    compressed = (state.flags() & COMPRESSED) != 0;
    bytes = state.bytes();
    changeBytes = state.changeBytes();
    live = state.live();
    records = state.records();
    oldest = state.oldest();
    newest = state.newest();
    size = state.size();
    dead = state.dead();
    lastSequence = state.lastSequence();
    arrival = state.arrival();
  }

  @Override
  public String toString() {
    return path();
  }
}
