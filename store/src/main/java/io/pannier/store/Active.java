package io.pannier.store;

import io.pannier.model.Labels;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A block in use: its files, its index, and the changes laid over the index. There is at most one
 * per block at a time: the cache drops it only when nobody holds it. Index of an open block,
 * overlay and lengths are guarded by the lock of the entry.
 */
final class Active implements BlockFacts {
  final Block block;
  final FileCache.Slot data;
  final FileCache.Slot changes;

  /**
   * Salt of the block file, and of its change log: a log with another one belongs to an earlier
   * block of the same id.
   */
  final long salt;

  /** Holes that a power cut left in the change log. */
  int changeHoles;

  boolean hasChangeLog;

  /** Rows of an open block grow, those of a sealed one are fixed. */
  BlockIndex index;

  /** Bytes that recovery or a walk found unreadable; they go into the footer. */
  List<IndexCodec.Hole> holes;

  private final BitSet removed = new BitSet();
  private @Nullable Map<Integer, Labels> relabelled;

  /** Rows of which the last change is damaged. */
  private final BitSet damaged = new BitSet();

  /**
   * Records with a lower sequence number may have been changed by a change that was lost; 0: none.
   * Unsigned.
   */
  long suspectBefore;

  /** Highest sequence number of a change that was read back. */
  long lastChange;

  /** Uses that keep it from being dropped; guarded by the cache. */
  int holds;

  /** What the cache counts for it; guarded by the cache. */
  long cachedBytes;

  /** Seen by the cache since it last looked. */
  volatile boolean used = true;

  Active(
      Block block,
      FileCache.Slot data,
      FileCache.Slot changes,
      long salt,
      BlockIndex index,
      List<IndexCodec.Hole> holes) {
    this.block = block;
    this.data = data;
    this.changes = changes;
    this.salt = salt;
    this.index = index;
    this.holes = holes;
  }

  boolean isLive(int row) {
    return !removed.get(row);
  }

  /** Whether the row must not be served: its frame or a change to it is damaged. */
  @Override
  public boolean isDamaged(int row) {
    return (index.flags(row) & Frames.DAMAGED) != 0
        || damaged.get(row)
        || (suspectBefore != 0 && Long.compareUnsigned(index.sequence(row), suspectBefore) < 0);
  }

  /** The last change of the row is damaged; a later whole one makes up for it. */
  void markDamaged(int row) {
    damaged.set(row);
  }

  void clearDamaged(int row) {
    damaged.clear(row);
  }

  void markRemoved(int row) {
    removed.set(row);
  }

  void relabel(int row, Labels labels) {
    if (relabelled == null) {
      relabelled = new HashMap<>();
    }
    relabelled.put(row, labels);
  }

  Labels labels(int row) {
    Labels changed = relabelled(row);
    return changed != null ? changed : index.labels(row);
  }

  /**
   * Under the lock: works out the times of the oldest and newest record that is left, if one is.
   */
  void narrow() {
    if (block.live == 0) {
      return;
    }
    int first = 0;
    while (!isLive(index.rowAt(first))) {
      first++;
    }
    int last = index.rows() - 1;
    while (!isLive(index.rowAt(last))) {
      last--;
    }
    block.oldest = index.timestamp(index.rowAt(first));
    block.newest = index.timestamp(index.rowAt(last));
  }

  @Override
  public int rows() {
    return index.rows();
  }

  @Override
  public long timestamp(int row) {
    return index.timestamp(row);
  }

  @Override
  public int id() {
    return block.id;
  }

  @Override
  public int live() {
    return block.live;
  }

  @Override
  public long indexBytes() {
    return index instanceof SealedIndex sealed ? sealed.payloadBytes() : 0;
  }

  @Override
  public @Nullable LabelFacts label(String name) {
    return index.labelColumn(name);
  }

  @Override
  public Set<Integer> relabelledRows() {
    return relabelled == null ? Set.of() : Collections.unmodifiableSet(relabelled.keySet());
  }

  @Override
  public @Nullable Labels relabelled(int row) {
    return relabelled == null ? null : relabelled.get(row);
  }

  @Override
  public boolean hasDamage() {
    return index.hasDamagedFrame() || !damaged.isEmpty() || suspectBefore != 0;
  }

  @Override
  public long oldest() {
    return block.oldest;
  }

  @Override
  public long newest() {
    return block.newest;
  }

  long memoryBytes() {
    return 512 + index.memoryBytes() + (relabelled == null ? 0 : relabelled.size() * 200L);
  }

  /** Bytes of a record's frame. */
  long frameLength(int row) {
    return Frames.length(index.metaLength(row), index.length(row), index.storedLength(row));
  }

  /** Reported size of a record. */
  static long sizeOf(long length, Labels labels) {
    return length + 32 + labels.utf8Bytes();
  }
}
