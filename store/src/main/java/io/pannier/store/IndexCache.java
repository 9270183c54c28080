package io.pannier.store;

import io.pannier.model.PannierException;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;

/**
 * Makes blocks active and keeps a bounded amount of what it read. An active block that somebody
 * holds, or that is open for writing, stays; of the others those not used since the last look go
 * first. Per block there is one {@link Active} at a time, so an overlay can never be changed in one
 * copy and read in another.
 *
 * <p>Locks: the monitor of a block guards its coming and going and is never taken under the lock of
 * an entry.
 */
final class IndexCache {
  private final Store store;
  private final long bytesMax;
  private final ArrayDeque<Active> cached = new ArrayDeque<>();
  private long bytes;

  IndexCache(Store store, long bytesMax) {
    this.store = store;
    this.bytesMax = bytesMax;
  }

  /** Makes the block active and keeps it so until {@link #release}. */
  Active hold(Block block) throws IOException {
    Active loaded;
    synchronized (block) {
      Active active = block.active;
      if (active != null) {
        active.holds++;
        active.used = true;
        store.tally.indexHits.increment();
        return active;
      }
      if (block.gone) {
        throw new java.nio.file.NoSuchFileException(block.path());
      }
      store.tally.indexMisses.increment();
      loaded = read(block);
      loaded.holds++;
      block.active = loaded;
    }
    if (loaded.block.sealed) {
      cache(loaded);
    }
    return loaded;
  }

  void release(Active active) {
    synchronized (active.block) {
      active.holds--;
    }
  }

  /** Makes the block active; it stays so for a while, an open block for good. */
  void load(Block block) throws IOException {
    release(hold(block));
  }

  /** A block that was just made. */
  void install(Active active) {
    synchronized (active.block) {
      active.block.active = active;
    }
  }

  /** From now on the block is closed and may be dropped from memory. */
  void cache(Active active) {
    synchronized (cached) {
      cached.addLast(active);
      active.cachedBytes = active.memoryBytes();
      bytes += active.cachedBytes;
      for (int looked = 2 * cached.size(); bytes > bytesMax && looked > 0; looked--) {
        Active candidate = cached.removeFirst();
        if (candidate == active || !drop(candidate)) {
          cached.addLast(candidate);
        } else {
          bytes -= candidate.cachedBytes;
        }
      }
    }
  }

  StoreStats.Indexes stats() {
    synchronized (cached) {
      return new StoreStats.Indexes(
          store.tally.indexHits.sum(), store.tally.indexMisses.sum(), bytes, bytesMax);
    }
  }

  private static boolean drop(Active candidate) {
    synchronized (candidate.block) {
      if (candidate.block.active != candidate) {
        return true;
      }
      if (candidate.holds > 0 || candidate.used) {
        candidate.used = false;
        return false;
      }
      candidate.data.closeIfIdle();
      candidate.changes.closeIfIdle();
      candidate.block.active = null;
      return true;
    }
  }

  private Active read(Block block) throws IOException {
    var data = store.files.new Slot(block.path());
    var changes = store.files.new Slot(block.changesPath());
    DiskFile file = data.acquire();
    Active active;
    try {
      active =
          block.sealed ? readSealed(block, data, changes, file) : walk(block, data, changes, file);
    } finally {
      data.release();
    }
    if (block.changeBytes > 0) {
      replay(active, block.changeBytes, block.changeBytes);
    }
    return active;
  }

  private Active readSealed(Block block, FileCache.Slot data, FileCache.Slot changes, DiskFile file)
      throws IOException {
    try {
      Footer.Loaded footer = readFooter(file);
      return new Active(block, data, changes, footer.salt(), footer.index(), footer.holes());
    } catch (PannierException.Damaged damaged) {
      store.events.event(
          StoreEvents.Kind.DAMAGE,
          "index of a block is damaged and was built again",
          block.path(),
          damaged);
      Active active = walk(block, data, changes, file);
      store.background(() -> Rewriter.rewrite(block));
      return active;
    }
  }

  private static Footer.Loaded readFooter(DiskFile file) throws IOException {
    try {
      return Footer.read(file);
    } catch (PannierException.Damaged damaged) {
      if (file.forget()) {
        return Footer.read(file);
      }
      throw damaged;
    }
  }

  /** Builds the index from the frames. */
  private Active walk(Block block, FileCache.Slot data, FileCache.Slot changes, DiskFile file)
      throws IOException {
    if (!block.sealed) {
      file.willAppend();
    }
    if (!block.sealed && file.size() > block.bytes) {
      // Left by a process that could not cut it off: the next frame must stand where its checksum
      // says.
      file.truncate(block.bytes);
    }
    long salt;
    try {
      salt = salt(block, file);
    } catch (PannierException.Damaged unreadable) {
      if (block.sealed || block.records > 0) {
        throw unreadable;
      }
      // Nothing but the header stood in it: another one will do.
      salt = store.salt();
      file.truncate(0);
      block.entry.writeHeader(block, file, salt);
    }
    var active = new Active(block, data, changes, salt, new OpenIndex(), new ArrayList<>());
    long end = block.sealed ? Footer.offset(file, salt, block.bytes) : block.bytes;
    new BlockWalk(file, salt).walk(FileHeader.BYTES, end, new Rows(store, active));
    return active;
  }

  /** The salt of a block: that of its header, or of its first frame. */
  static long salt(DiskFile file) throws IOException {
    try {
      return headerSalt(file);
    } catch (FileHeader.Unusable damaged) {
      return BlockWalk.saltOf(file, FileHeader.BYTES);
    }
  }

  /** As {@link #salt(DiskFile)}, and tells of a damaged header. */
  long salt(Block block, DiskFile file) throws IOException {
    try {
      return headerSalt(file);
    } catch (FileHeader.Unusable damaged) {
      // Of a file that was never accounted for, a power cut may have taken it.
      store.events.event(
          block.bytes > 0 ? StoreEvents.Kind.DAMAGE : StoreEvents.Kind.LOSS,
          "header of a block is damaged",
          block.path(),
          damaged);
      return BlockWalk.saltOf(file, FileHeader.BYTES);
    }
  }

  static boolean hasHeader(DiskFile file) throws IOException {
    try {
      headerSalt(file);
      return true;
    } catch (FileHeader.Unusable damaged) {
      return false;
    }
  }

  private static long headerSalt(DiskFile file) throws IOException, FileHeader.Unusable {
    ByteBuffer header = Frames.direct(FileHeader.BYTES);
    DiskReads.fill(file, header, 0);
    return FileHeader.parse(header.flip()).salt();
  }

  /** Puts what a walk finds into the index of an active block. */
  static final class Rows implements BlockWalk.Visitor {
    private final Store store;
    private final Active active;

    Rows(Store store, Active active) {
      this.store = store;
      this.active = active;
    }

    @Override
    public void record(long offset, Frames.Header header, long sequence, Meta meta) {
      var index = (OpenIndex) active.index;
      if (ascends(index, sequence)) {
        add(index, offset, header, sequence, meta);
      } else {
        damaged(offset, header.frameLength(), header.timestamp(), 0);
      }
    }

    /** Whether a sequence number may follow; one that may not was never given to this record. */
    static boolean ascends(OpenIndex index, long sequence) {
      return Long.compareUnsigned(sequence, last(index)) > 0;
    }

    private static long last(OpenIndex index) {
      return index.rows() == 0 ? 0 : index.sequence(index.rows() - 1);
    }

    /** Adds a whole record to an index. */
    static void add(OpenIndex index, long offset, Frames.Header header, long sequence, Meta meta) {
      index.add(
          header.timestamp(),
          offset,
          header.length(),
          header.stored(),
          header.metaLength(),
          sequence,
          header.flags(),
          meta.contentType(),
          meta.labels());
    }

    /** Adds a record of which only the place and the time are sure; returns its row. */
    static int addDamaged(
        OpenIndex index, long offset, long length, long timestamp, long sequence) {
      long known = last(index);
      if (known == -1) {
        throw new PannierException.Damaged("no sequence number can follow " + known);
      }
      return index.add(
          timestamp,
          offset,
          Math.max(0, length - Frames.HEADER - Frames.TRAILER),
          0,
          Long.compareUnsigned(sequence, known) > 0 ? sequence : known + 1,
          Frames.DAMAGED,
          Meta.DEFAULT_CONTENT_TYPE,
          io.pannier.model.Labels.EMPTY);
    }

    @Override
    public void damaged(long offset, long length, long timestamp, long sequence) {
      addDamaged((OpenIndex) active.index, offset, length, timestamp, sequence);
      store.events.event(
          StoreEvents.Kind.DAMAGE,
          "frame of a record is damaged",
          active.block
              + " at "
              + offset
              + ", record "
              + io.pannier.model.Timestamp.toString(timestamp),
          null);
    }

    @Override
    public void hole(long from, long to) {
      active.holes = new ArrayList<>(active.holes);
      active.holes.add(new IndexCodec.Hole(from, to));
      store.events.event(
          StoreEvents.Kind.LOSS,
          "part of a block is unreadable",
          active.block + " from " + from + " to " + to,
          null);
    }
  }

  /**
   * Lays the change log over the index.
   *
   * @return where the log ends; behind it is a torn tail
   */
  long replay(Active active, long size, long accounted) throws IOException {
    DiskFile file = active.changes.acquire();
    try {
      long length = Math.min(size, file.size());
      ByteBuffer log = ByteBuffer.allocate(Math.toIntExact(length)).order(ByteOrder.LITTLE_ENDIAN);
      DiskReads.fill(file, log, 0);
      log.flip();
      active.hasChangeLog = true;
      if (file.size() > size) {
        // Left by a process whose note of it was lost with the power: it was never on the device as
        // a whole. It was not served, so it may not come
        // back when another note is made.
        file.truncate(size);
        file.sync();
      }
      int header = FileHeader.BYTES;
      // Of a log of which only the header is vouched for no change was: it may have been deleted
      // and begun anew since.
      boolean vouched = accounted > header;
      if (length < header) {
        active.suspectBefore = vouched ? -1 : 0;
        return 0;
      }
      ByteBuffer frames = log.slice(header, (int) length - header).order(ByteOrder.LITTLE_ENDIAN);
      try {
        if (FileHeader.parse(log.slice(0, header).order(ByteOrder.LITTLE_ENDIAN)).salt()
                != active.salt
            && !vouched) {
          // The log of an earlier block of this id, whose journal frame was lost with the power.
          return 0;
        }
      } catch (FileHeader.Unusable damaged) {
        if (vouched) {
          tell(active, "header of a change log is damaged");
        }
      }
      return ChangeFrames.walk(frames, header, accounted, active.salt, new Overlay(store, active));
    } finally {
      active.changes.release();
    }
  }

  private void tell(Active active, String text) {
    store.events.event(StoreEvents.Kind.DAMAGE, text, active.block.changesPath(), null);
  }

  /** Lays changes over an index. */
  private static final class Overlay implements ChangeFrames.Visitor {
    private final Store store;
    private final Active active;

    Overlay(Store store, Active active) {
      this.store = store;
      this.active = active;
    }

    @Override
    public void change(int kind, long target, long own, long timestamp, ByteBuffer content) {
      active.lastChange = Math.max(active.lastChange, own);
      int row = active.index.rowOfSequence(target);
      if (row < 0) {
        return;
      }
      active.clearDamaged(row);
      if (kind == ChangeFrames.KIND_REMOVAL) {
        active.markRemoved(row);
      } else {
        active.relabel(row, Meta.decode(content, 0, content.limit()).labels());
      }
    }

    @Override
    public void damaged(long target, long own) {
      active.lastChange = Math.max(active.lastChange, own);
      int row = active.index.rowOfSequence(target);
      if (row >= 0) {
        active.markDamaged(row);
      }
      tell("change to a record is damaged");
    }

    @Override
    public void lost(long beforeSequence) {
      if (active.suspectBefore == 0
          || Long.compareUnsigned(beforeSequence, active.suspectBefore) > 0) {
        active.suspectBefore = beforeSequence;
      }
      tell("changes to records are lost");
    }

    @Override
    public void hole(long from, long to) {
      active.changeHoles++;
      store.events.event(
          StoreEvents.Kind.LOSS,
          "changes that were not on the device are lost",
          active.block.changesPath() + " from " + from + " to " + to,
          null);
    }

    private void tell(String text) {
      store.events.event(StoreEvents.Kind.DAMAGE, text, active.block.changesPath(), null);
    }
  }
}
