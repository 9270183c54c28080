package io.pannier.store;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.DiskFullException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Label changes and removals of one call. They are grouped by block, and the frames of a block go
 * into its change log by one append under the entry's lock; block files are not touched. Records
 * that moved meanwhile (their block was rewritten) are looked up again.
 */
final class Changes {
  private final Entry entry;
  private final Store store;

  /** From which other store they are copied. */
  private final Optional<UUID> origin;

  Changes(Entry entry) {
    this(entry, Optional.empty());
  }

  Changes(Entry entry, Optional<UUID> origin) {
    this.entry = entry;
    this.store = entry.bucket.store;
    this.origin = origin;
  }

  /** One record to change. */
  private record Target(int place, StoredRecord record, @Nullable Labels update) {}

  /**
   * Changes or removes records by time, each for itself.
   *
   * @param updates null: remove
   */
  void run(long[] timestamps, @Nullable List<Labels> updates, @Nullable PannierException[] errors) {
    var byBlock = new LinkedHashMap<Block, List<Target>>();
    for (int i = 0; i < timestamps.length; i++) {
      try {
        if (updates == null) {
          refuseForAttachments();
        }
        // A damaged record can be removed; what its labels would be after an update is not known.
        StoredRecord record =
            updates == null ? entry.locate(timestamps[i]) : entry.find(timestamps[i]);
        add(byBlock, new Target(i, record, updates == null ? null : updates.get(i)));
      } catch (PannierException refused) {
        errors[i] = refused;
      }
    }
    apply(byBlock, errors);
    if (updates == null) {
      for (int i = 0; i < timestamps.length; i++) {
        if (errors[i] == null) {
          removeTwins(timestamps[i]);
        }
      }
    }
  }

  /**
   * A power cut can take the removal of a record and keep a later one of the same time. Then the
   * older one must not come back when the later one is removed.
   */
  private void removeTwins(long timestamp) {
    for (StoredRecord twin = entry.findIfAny(timestamp);
        twin != null;
        twin = entry.findIfAny(timestamp)) {
      var byBlock = new LinkedHashMap<Block, List<Target>>();
      add(byBlock, new Target(0, twin, null));
      var errors = new @Nullable PannierException[1];
      apply(byBlock, errors);
      if (errors[0] != null) {
        throw errors[0];
      }
    }
  }

  private void refuseForAttachments() {
    if (entry.isMeta()) {
      throw new PannierException.Invalid(
          "Can't delete records from system entry '"
              + entry.name()
              + "'; use label update with remove=true");
    }
  }

  /** Removes these records and no others of their times. */
  void removeTwins(List<StoredRecord> older) {
    var byBlock = new LinkedHashMap<Block, List<Target>>();
    for (int i = 0; i < older.size(); i++) {
      add(byBlock, new Target(i, older.get(i), null));
    }
    var errors = new @Nullable PannierException[older.size()];
    apply(byBlock, errors);
    for (PannierException error : errors) {
      if (error != null) {
        throw error;
      }
    }
  }

  /** Removes found records; those that are gone already do not count. */
  long remove(List<StoredRecord> records) {
    var byBlock = new LinkedHashMap<Block, List<Target>>();
    for (int i = 0; i < records.size(); i++) {
      add(byBlock, new Target(i, records.get(i), null));
    }
    var errors = new @Nullable PannierException[records.size()];
    apply(byBlock, errors);
    long removed = 0;
    int place = 0;
    for (PannierException error : errors) {
      if (error == null) {
        removed++;
        removeTwins(records.get(place).timestamp());
      } else if (!(error instanceof PannierException.NotFound)) {
        throw error;
      }
      place++;
    }
    return removed;
  }

  private static void add(Map<Block, List<Target>> byBlock, Target target) {
    byBlock.computeIfAbsent(target.record().block(), block -> new ArrayList<>()).add(target);
  }

  private void apply(Map<Block, List<Target>> byBlock, @Nullable PannierException[] errors) {
    long deadline = store.deadline();
    while (!byBlock.isEmpty()) {
      var moved = new LinkedHashMap<Block, List<Target>>();
      for (var group : byBlock.entrySet()) {
        try {
          if (!change(group.getKey(), group.getValue(), errors, deadline)) {
            findAgain(group.getValue(), moved, errors);
          }
        } catch (PannierException refused) {
          for (Target target : group.getValue()) {
            errors[target.place()] = refused;
          }
        }
      }
      byBlock = moved;
    }
    entry.bucket.moved(entry);
  }

  private void findAgain(
      List<Target> targets, Map<Block, List<Target>> moved, @Nullable PannierException[] errors) {
    for (Target target : targets) {
      try {
        StoredRecord again = entry.locate(target.record().timestamp());
        if (again.sequence() != target.record().sequence()) {
          throw entry.notFound(target.record().timestamp());
        }
        add(moved, new Target(target.place(), again, target.update()));
      } catch (PannierException refused) {
        errors[target.place()] = refused;
      }
    }
  }

  /**
   * Changes records of one block.
   *
   * @return false when the block is no longer part of the entry; nothing was done then
   */
  private boolean change(
      Block block, List<Target> targets, @Nullable PannierException[] errors, long deadline) {
    store.sync.throttleChanges(deadline);
    Active active;
    try {
      active = store.cache.hold(block);
    } catch (IOException failed) {
      if (block.gone) {
        return false;
      }
      throw store.failure("block could not be opened", block.path(), failed);
    }
    try {
      // In a FIFO bucket the room may be that of the block itself.
      entry.bucket.makeWay(bytesAtMost(targets));
      return store.withBallast(() -> {
        Outcome outcome;
        do {
          openLog(block, active);
          outcome = append(block, active, targets, errors, deadline);
        } while (outcome == Outcome.NOT_NOTED);
        return outcome == Outcome.DONE;
      });
    } catch (DiskFullException full) {
      throw new PannierException.DiskFull(
          "Not enough free disk space in the data folder to note a change of records");
    } catch (IOException failed) {
      if (block.gone) {
        return false;
      }
      throw store.failure("change could not be written", block.changesPath(), failed);
    } finally {
      store.cache.release(active);
      if (entryIsEmptied(block)) {
        entry.bucket.retire(List.of(block));
      } else {
        closeIfOutgrown(block);
        Rewriter.consider(block);
      }
    }
  }

  /**
   * Bytes that the changes add to the device: all labels as they were found, with those of the
   * update, and the head of a log.
   */
  private static long bytesAtMost(List<Target> targets) {
    long bytes = FileHeader.BYTES;
    for (Target target : targets) {
      Labels update = target.update();
      int content =
          update == null
              ? 0
              : Meta.ORIGIN_BYTES
                  + Meta.encode(
                          target.record().contentType(), target.record().labels().updated(update))
                      .length;
      bytes += ChangeFrames.length(content);
    }
    return bytes;
  }

  /** An open block whose changes outweigh it is closed, so that it can be rewritten. */
  private void closeIfOutgrown(Block block) {
    entry.lock.lock();
    try {
      if (!block.sealed
          && !block.gone
          && block.owner == null
          && Rewriter.hasOutgrownChanges(block)) {
        Sealing.start(block);
      }
    } finally {
      entry.lock.unlock();
    }
  }

  private boolean entryIsEmptied(Block block) {
    entry.lock.lock();
    try {
      return block.live == 0 && block.sealed && !block.gone;
    } finally {
      entry.lock.unlock();
    }
  }

  /** Makes sure that there is a change log, and that a start after a crash will look into it. */
  private void openLog(Block block, Active active) throws IOException {
    synchronized (block) {
      if (block.gone) {
        return;
      }
      if (!block.changesNoted) {
        // Only a closed block whose changes are all accounted for is not noted, so its state of now
        // is durable.
        entry.bucket.journal.block(
            block, block.state().withFlag(Block.DIRTY, true), () -> block.changesNoted = true);
      }
      if (active.hasChangeLog) {
        return;
      }
      store.createChangeLog(block, active);
    }
  }

  private enum Outcome {
    DONE,
    /** The block is no longer part of the entry. */
    MOVED,
    /** Meanwhile the journal was told that nothing lies behind the accounted changes. */
    NOT_NOTED
  }

  private Outcome append(
      Block block,
      Active active,
      List<Target> targets,
      @Nullable PannierException[] errors,
      long deadline)
      throws IOException {
    DiskFile file = active.changes.acquire();
    entry.lock.lock();
    try {
      entry.checkHere();
      entry.awaitThaw(block, deadline);
      if (block.gone) {
        return Outcome.MOVED;
      }
      if (!block.changesNoted) {
        return Outcome.NOT_NOTED;
      }
      var plan = new Plan(block, active);
      for (Target target : targets) {
        plan.add(target, errors);
      }
      plan.write(file);
    } finally {
      entry.lock.unlock();
      active.changes.release();
    }
    return Outcome.DONE;
  }

  /** The frames of one append, worked out under the lock. */
  private final class Plan {
    private final Block block;
    private final Active active;
    private final List<Target> targets = new ArrayList<>();
    private final List<Integer> rows = new ArrayList<>();
    private final List<byte[]> contents = new ArrayList<>();

    /** Labels after the change; for a removal null. In step with the other lists. */
    private final List<@Nullable Labels> labels = new ArrayList<>();

    /** Labels of rows that this plan changes already. */
    private final Map<Integer, Labels> pending = new java.util.HashMap<>();

    private final java.util.BitSet removing = new java.util.BitSet();
    private int bytes;

    /** Growth of labels that was reserved; what others lose is given back once it is lost. */
    private long reserved;

    Plan(Block block, Active active) {
      this.block = block;
      this.active = active;
    }

    void add(Target target, @Nullable PannierException[] errors) {
      int row = active.index.rowOfSequence(target.record().sequence());
      if (row < 0 || !active.isLive(row) || removing.get(row)) {
        errors[target.place()] = entry.notFound(target.record().timestamp());
        return;
      }
      Labels before = pending.getOrDefault(row, active.labels(row));
      Labels after = null;
      byte[] content = {};
      Labels update = target.update();
      if (update == null) {
        removing.set(row);
      } else {
        after = before.updated(update);
        if (after.equals(before)) {
          // No change is none for those who follow either: two stores that copy each other rest.
          return;
        }
        long growth = after.utf8Bytes() - before.utf8Bytes();
        if (growth > 0) {
          Bucket.Grant grant = entry.bucket.reserveGrowth(growth);
          if (grant != Bucket.Grant.GRANTED) {
            errors[target.place()] = entry.bucket.refusal(grant);
            return;
          }
          reserved += growth;
        }
        pending.put(row, after);
        content = Meta.encode(active.index.contentType(row), after, origin);
      }
      targets.add(target);
      rows.add(row);
      contents.add(content);
      labels.add(after);
      bytes += ChangeFrames.length(content.length);
    }

    void write(DiskFile file) throws IOException {
      if (targets.isEmpty()) {
        return;
      }
      Scratch scratch = Scratch.get();
      ByteBuffer out = scratch.buffer(bytes);
      long sequence = entry.nextSequence;
      long offset = block.changeBytes;
      for (int i = 0; i < targets.size(); i++) {
        int row = rows.get(i);
        int from = out.position();
        ChangeFrames.put(
            out,
            labels.get(i) == null ? ChangeFrames.KIND_REMOVAL : ChangeFrames.KIND_LABELS,
            active.index.sequence(row),
            sequence++,
            active.index.timestamp(row),
            contents.get(i),
            active.salt,
            offset,
            scratch.crc);
        offset += out.position() - from;
      }
      try {
        if (file.size() > block.changeBytes) {
          // The part of an earlier append that could not be cut back.
          file.truncate(block.changeBytes);
        }
        file.append(out.flip());
      } catch (IOException failed) {
        entry.bucket.unreserve(reserved);
        file.truncate(block.changeBytes);
        throw failed;
      }
      entry.nextSequence = sequence;
      block.lastSequence = sequence - 1;
      block.changeBytes = offset;
      entry.bucket.disk(bytes);
      long grown = 0;
      for (int i = 0; i < targets.size(); i++) {
        grown += take(rows.get(i), labels.get(i));
      }
      entry.bucket.unreserve(reserved - grown);
      if (!removing.isEmpty()) {
        active.narrow();
      }
      store.sync.dirty(block, bytes);
    }

    /** Makes a change visible and returns by how much labels have grown. */
    private long take(int row, @Nullable Labels after) {
      Labels before = active.labels(row);
      if (after == null) {
        // All that is left is the last one's, also where its frame is damaged and its length a
        // guess.
        long size = block.live == 1 ? block.size : Active.sizeOf(active.index.length(row), before);
        active.markRemoved(row);
        block.live--;
        block.size -= size;
        block.dead += active.frameLength(row);
        entry.removed(size);
        Rewriter.removed(block, active.index.sequence(row));
        return 0;
      }
      long growth = after.utf8Bytes() - before.utf8Bytes();
      active.relabel(row, after);
      block.size += growth;
      entry.grown(growth);
      return growth;
    }

    @Override
    public String toString() {
      return Objects.toString(block);
    }
  }
}
