package io.pannier.store;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes the live records of a block, as changed, into a new sealed block that then takes its
 * place: to win back the room of removed records, to compress the others, to give a block with a
 * damaged index a new one, and to save what a failed sync left in doubt ({@code docs/format.md},
 * order of writing, 8 and 9).
 */
final class Rewriter {
  /** Change logs up to this length are not worth a rewrite. */
  private static final int CHANGES_MAX = 64 * 1024;

  private static final long RETRY_MILLIS = 1_000;

  /** Share of dead bytes from which a block of a full ring is rewritten. */
  private static final int WIN_BACK_PERCENT = 10;

  /** What a compressed block may have of its bytes: for less gain nothing is read twice. */
  private static final int SMALLER_PERCENT = 95;

  private final Block old;
  private final Entry entry;
  private final Store store;

  /**
   * Whether records that cannot be read are left behind, and reported, instead of keeping the old
   * block.
   */
  private final boolean salvage;

  /** Whether records that are not compressed become so. */
  private final boolean compress;

  /** Bytes of the copied frames, and what they would be without compression. */
  private long copied;

  private long copiedPlain;

  /** Whether the copy took the place of the block. */
  private boolean switched;

  /**
   * Bytes that are counted for the copy and not written yet, so that nobody else takes the room.
   */
  private long reserved;

  private Rewriter(Block old, boolean salvage, boolean compress) {
    this.old = old;
    this.entry = old.entry;
    this.store = entry.bucket.store;
    this.salvage = salvage;
    this.compress = compress;
  }

  /**
   * Whether the change log is longer than what it changes: it is read as a whole with every load of
   * the index.
   */
  static boolean hasOutgrownChanges(Block block) {
    return block.changeBytes > Math.max(CHANGES_MAX, block.bytes);
  }

  /**
   * Rewrites a closed block in the background if enough of it is dead, or its changes outweigh it;
   * not where another block had to go for that.
   */
  static void consider(Block block) {
    Entry entry = block.entry;
    Store store = entry.bucket.store;
    entry.lock.lock();
    try {
      if (!block.sealed
          || block.gone
          || block.rewriting
          || block.live == 0
          || block.pins > 0
          || (block.dead * 100 < block.bytes * store.limits.rewriteDeadPercent()
              && !hasOutgrownChanges(block))
          || !entry.bucket.roomFor(copyBytes(block))) {
        return;
      }
      block.rewriting = true;
    } finally {
      entry.lock.unlock();
    }
    store.background(() -> new Rewriter(block, false, false).run());
  }

  /** Whether a closed block of a ring has enough dead bytes, and the ring room for its copy. */
  static boolean isWorthwhile(Block block) {
    return block.sealed
        && !block.gone
        && !block.rewriting
        && block.live > 0
        && block.pins == 0
        && block.dead * 100 >= block.bytes * WIN_BACK_PERCENT
        && block.entry.bucket.roomFor(copyBytes(block));
  }

  /** Rewrites such a block at once; false when that came to nothing. */
  static boolean winBack(Block block) {
    block.entry.lock.lock();
    try {
      if (!isWorthwhile(block)) {
        return false;
      }
      block.rewriting = true;
    } finally {
      block.entry.lock.unlock();
    }
    new Rewriter(block, false, false).run();
    return block.gone;
  }

  /**
   * Rewrites a closed block with its records compressed; where that would not make it at least 5 %
   * smaller, it stays as it is. May take a second for each 100 MB.
   *
   * @return whether it was done
   */
  static boolean compress(Block block) {
    block.entry.lock.lock();
    try {
      if (!isCompressible(block)
          || block.rewriting
          || block.pins > 0
          || block.owner != null
          || !block.entry.bucket.roomFor(copyBytes(block))) {
        return false;
      }
      block.rewriting = true;
    } finally {
      block.entry.lock.unlock();
    }
    var rewriter = new Rewriter(block, false, true);
    rewriter.run();
    return rewriter.switched;
  }

  /** Under the lock: whether compressing it has not been tried. */
  static boolean isCompressible(Block block) {
    return block.sealed && !block.gone && !block.compressed && block.live > 0;
  }

  /** Most bytes that a copy takes: changed labels stand in its frames. */
  private static long copyBytes(Block block) {
    return block.bytes - block.dead + block.changeBytes;
  }

  private void reserve() {
    reserved = copyBytes(old);
    entry.bucket.disk(reserved);
  }

  private void giveBack() {
    entry.bucket.disk(-reserved);
    reserved = 0;
  }

  /** Counts bytes of the copy. */
  private void count(long bytes) {
    long before = Math.min(reserved, bytes);
    reserved -= before;
    entry.bucket.disk(bytes - before);
  }

  /** Under the lock: the record is removed. If it was what kept the block, it does so no more. */
  static void removed(Block block, long sequence) {
    if (block.entry.bucket.kept.remove(block, sequence)) {
      block.rewriting = false;
    }
  }

  /** Rewrites a block whatever its state. */
  static void rewrite(Block block) {
    begin(block, false);
  }

  /**
   * Rewrites a block whose bytes on the device are in doubt; what cannot be read is reported as
   * lost.
   */
  static void salvage(Block block) {
    begin(block, true);
  }

  private static void begin(Block block, boolean salvage) {
    block.entry.lock.lock();
    try {
      if (block.gone || block.rewriting) {
        return;
      }
      if (block.owner instanceof Upload) {
        // It is refused when it commits, and then gives the block back.
        Store store = block.entry.bucket.store;
        store.scheduler.runLater(
            Scheduler.Lane.BACKGROUND, RETRY_MILLIS, () -> begin(block, salvage));
        return;
      }
      block.rewriting = true;
    } finally {
      block.entry.lock.unlock();
    }
    new Rewriter(block, salvage, false).run();
  }

  /** A live record of the old block at the moment the rewrite began. */
  private record Row(int row, Labels labels) {}

  private void run() {
    boolean again = true;
    try {
      again = !copyAndSwitch();
    } catch (PannierException.Damaged damaged) {
      // Without a whole copy the old block must stay, with the one damaged record answering for
      // itself, until that one is removed.
      store.events.event(
          StoreEvents.Kind.FAILURE, "damaged block is not rewritten", old.path(), damaged);
      again = false;
    } catch (IOException | PannierException failed) {
      if (!old.gone) {
        store.failure("block could not be rewritten", old.path(), failed);
        if (salvage) {
          store.scheduler.runLater(Scheduler.Lane.BACKGROUND, RETRY_MILLIS, () -> salvage(old));
        }
      }
    } finally {
      if (again) {
        entry.lock.lock();
        try {
          old.rewriting = false;
        } finally {
          entry.lock.unlock();
        }
      }
    }
  }

  private boolean copyAndSwitch() throws IOException {
    Active source = store.cache.hold(old);
    Block fresh = null;
    boolean done = false;
    try {
      long changesTaken;
      long lastTaken;
      var rows = new ArrayList<Row>();
      entry.lock.lock();
      try {
        if (old.gone || entry.gone) {
          return true;
        }
        changesTaken = old.changeBytes;
        lastTaken = old.lastSequence;
        for (int row = 0; row < source.index.rows(); row++) {
          if (source.isLive(row)) {
            rows.add(new Row(row, source.labels(row)));
          }
        }
      } finally {
        entry.lock.unlock();
      }
      // The copy has neither removed records nor labels as they were before a change.
      entry.bucket.beforeLoss(entry, lastTaken);
      reserve();
      fresh = entry.createDetachedBlock();
      Active target = Objects.requireNonNull(fresh.active);
      target.holds++;
      for (Row row : rows) {
        copy(source, row, fresh, target);
      }
      giveBack();
      if (compress && copied * 100 > copiedPlain * SMALLER_PERCENT) {
        old.compressed = true;
        return false; // It stays, and is free to be rewritten for another reason.
      }
      fresh.compressed = compress || old.compressed;
      Sealing.write(fresh, target);
      syncBlock(fresh, target);
      store.disk.syncFolder(entry.folder());
      done = switchOver(source, fresh, target, changesTaken);
      switched = done;
      if (done) {
        count(fresh);
      }
      return true;
    } finally {
      giveBack();
      store.cache.release(source);
      if (fresh != null) {
        Active target = fresh.active;
        if (target != null) {
          store.cache.release(target);
        }
        if (!done) {
          entry.bucket.discard(fresh);
        } else {
          store.cache.cache(Objects.requireNonNull(target));
          entry.bucket.purgeSoon(old);
          if (fresh.live == 0) {
            entry.bucket.retire(List.of(fresh));
          } else {
            consider(fresh);
          }
        }
      }
    }
  }

  /** Counts what was done, for statistics. */
  private void count(Block fresh) {
    Tally tally = store.tally;
    (salvage ? tally.salvaged : compress ? tally.compressed : tally.reclaimed).increment();
    tally.rewrittenBefore.add(old.diskBytes());
    tally.rewrittenAfter.add(fresh.diskBytes());
  }

  private void syncBlock(Block block, Active active) throws IOException {
    for (FileCache.Slot slot :
        block.changeBytes > 0 ? List.of(active.data, active.changes) : List.of(active.data)) {
      DiskFile file = slot.acquire();
      try {
        file.sync();
      } finally {
        slot.release();
      }
    }
  }

  private void copy(Active source, Row row, Block fresh, Active target) throws IOException {
    StoredRecord record;
    entry.lock.lock();
    try {
      record = StoredRecord.of(entry, old, source, row.row());
    } finally {
      entry.lock.unlock();
    }
    try (var body =
        new RecordBody(
            record,
            hold(source),
            source.data.acquire(),
            source.index.offset(row.row()),
            source.index.metaLength(row.row()))) {
      record.requireIntact();
      byte[] meta = body.meta().withLabels(row.labels()).encode();
      long length = record.length();
      StoredForm form = StoredForm.of(body, compress);
      long stored = form.bytes();
      long frameLength = Frames.length(meta.length, length, stored);
      var crc = new Checksum();
      var frameCrc = new Checksum();
      int flags = source.index.flags(row.row());
      ByteBuffer head = Frames.direct(Frames.HEADER + meta.length);
      Frames.putHeader(
          head,
          Frames.KIND_RECORD,
          flags,
          record.timestamp(),
          length,
          stored,
          target.salt,
          meta.length,
          fresh.bytes,
          crc);
      head.put(meta);
      frameCrc.add(head, 0, head.position());
      ByteBuffer tail = Frames.direct(Frames.tailLength(meta.length, length, stored));
      Frames.putTail(
          tail,
          frameCrc,
          crc,
          fresh.bytes,
          meta.length,
          length,
          stored,
          form.crcs(),
          form.lengths(),
          record.timestamp(),
          record.sequence(),
          target.salt);
      DiskFile file = target.data.acquire();
      try {
        file.append(head.flip());
        form.appendTo(file);
        file.append(tail.flip());
      } finally {
        target.data.release();
      }
      copied += frameLength;
      copiedPlain += Frames.length(meta.length, length);
      count(frameLength);
      ((OpenIndex) target.index)
          .add(
              record.timestamp(),
              fresh.bytes,
              length,
              stored,
              meta.length,
              record.sequence(),
              flags,
              record.contentType(),
              row.labels());
      fresh.cover(record.timestamp());
      fresh.records++;
      fresh.live++;
      fresh.bytes += frameLength;
      fresh.size += Active.sizeOf(length, row.labels());
      fresh.lastSequence = record.sequence();
    } catch (PannierException.Damaged damaged) {
      if (!salvage) {
        entry.bucket.kept.put(old, record.sequence());
        throw damaged;
      }
      store.events.event(
          StoreEvents.Kind.LOSS, "record could not be saved", record.toString(), damaged);
      cutBack(fresh, target);
    }
  }

  private void cutBack(Block fresh, Active target) throws IOException {
    DiskFile file = target.data.acquire();
    try {
      file.truncate(fresh.bytes);
    } finally {
      target.data.release();
    }
  }

  private Active hold(Active active) throws IOException {
    return store.cache.hold(active.block);
  }

  /**
   * Carries over what changed meanwhile and puts the new block in the old one's place.
   *
   * @return false when the old one is going: it was evicted, or emptied; or is wanted by a snapshot
   *     that was begun meanwhile
   */
  private boolean switchOver(Active source, Block fresh, Active target, long changesTaken)
      throws IOException {
    entry.lock.lock();
    try {
      if (old.gone || old.owner == BlockOwner.Work.DROPPING || (old.pins > 0 && !salvage)) {
        return false;
      }
      old.frozen = true;
    } finally {
      entry.lock.unlock();
    }
    try {
      if (old.changeBytes > changesTaken) {
        carryOver(source, fresh, target, changesTaken);
        syncBlock(fresh, target);
        store.disk.syncFolder(entry.folder());
      }
      fresh.arrival = old.arrival;
      fresh.belated = old.belated;
      fresh.lastSequence = Math.max(fresh.lastSequence, old.lastSequence);
      entry.bucket.journal.replace(
          fresh,
          List.of(old),
          () -> {
            entry.lock.lock();
            try {
              entry.checkHere();
              entry.exchange(old, fresh);
            } finally {
              entry.lock.unlock();
            }
          });
      return true;
    } finally {
      entry.lock.lock();
      try {
        old.frozen = false;
        entry.changed.signalAll();
      } finally {
        entry.lock.unlock();
      }
    }
  }

  private void carryOver(Active source, Block fresh, Active target, long taken) throws IOException {
    long from = Math.max(taken, FileHeader.BYTES);
    int length = Math.toIntExact(old.changeBytes - from);
    ByteBuffer log = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    DiskFile file = source.changes.acquire();
    try {
      DiskReads.fill(file, log, from);
    } finally {
      source.changes.release();
    }
    store.createChangeLog(fresh, target);
    var changes = new CarriedChanges(source, fresh, target);
    ChangeFrames.walk(log.flip(), from, old.changeBytes, source.salt, changes);
    target.narrow();
    PannierException.@Nullable Damaged damage = changes.damage;
    if (damage != null) {
      throw damage;
    }
    DiskFile out = target.changes.acquire();
    try {
      ByteBuffer frames = changes.frames();
      int bytes = frames.remaining();
      out.append(frames);
      fresh.changeBytes += bytes;
      entry.bucket.disk(bytes);
    } finally {
      target.changes.release();
    }
  }

  /** Writes changes of the old block as changes of the new one. */
  private static final class CarriedChanges implements ChangeFrames.Visitor {
    private final Active source;
    private final Block fresh;
    private final Active target;
    private final List<ByteBuffer> frames = new ArrayList<>();
    private final Checksum crc = new Checksum();
    private long offset;
    private PannierException.@Nullable Damaged damage;

    CarriedChanges(Active source, Block fresh, Active target) {
      this.source = source;
      this.fresh = fresh;
      this.target = target;
      offset = fresh.changeBytes;
    }

    @Override
    public void change(int kind, long record, long own, long timestamp, ByteBuffer content) {
      int row = target.index.rowOfSequence(record);
      if (row < 0) {
        return;
      }
      var bytes = new byte[content.remaining()];
      content.get(bytes);
      ByteBuffer frame =
          ByteBuffer.allocate(ChangeFrames.length(bytes.length)).order(ByteOrder.LITTLE_ENDIAN);
      ChangeFrames.put(frame, kind, record, own, timestamp, bytes, target.salt, offset, crc);
      offset += frame.position();
      frames.add(frame.flip());
      Labels before = target.labels(row);
      if (kind == ChangeFrames.KIND_REMOVAL) {
        target.markRemoved(row);
        fresh.live--;
        fresh.size -= Active.sizeOf(target.index.length(row), before);
        fresh.dead += target.frameLength(row);
      } else {
        int oldRow = source.index.rowOfSequence(record);
        Labels after =
            oldRow < 0
                ? before
                : Meta.decode(
                        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN), 0, bytes.length)
                    .labels();
        target.relabel(row, after);
        fresh.size += after.utf8Bytes() - before.utf8Bytes();
      }
    }

    @Override
    public void damaged(long record, long own) {
      damage = new PannierException.Damaged("change log is damaged");
    }

    @Override
    public void hole(long from, long to) {
      damage = new PannierException.Damaged("change log is damaged");
    }

    @Override
    public void lost(long beforeSequence) {
      damage = new PannierException.Damaged("change log is damaged");
    }

    ByteBuffer frames() {
      int bytes = 0;
      for (ByteBuffer frame : frames) {
        bytes += frame.remaining();
      }
      ByteBuffer all = ByteBuffer.allocate(bytes);
      for (ByteBuffer frame : frames) {
        all.put(frame);
      }
      return all.flip();
    }
  }
}
