package io.pannier.store;

import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Objects;

/**
 * Closes blocks: writes the footer in the background and moves the block among the closed ones.
 * Meanwhile it can be read and changed as before.
 */
final class Sealing {
  private static final long RETRY_MILLIS = 1_000;

  private Sealing() {}

  /** Under the lock of the entry: the idle block takes no more records. */
  static void start(Block block) {
    block.owner = BlockOwner.Work.SEALING;
    block.entry.bucket.store.background(() -> seal(block));
  }

  static void seal(Block block) {
    Entry entry = block.entry;
    Store store = entry.bucket.store;
    try {
      if (block.gone || entry.gone) {
        return;
      }
      Active active = store.cache.hold(block);
      try {
        if (block.live == 0) {
          entry.bucket.retire(java.util.List.of(block));
          return;
        }
        write(block, active);
        store.cache.cache(active);
        // Nothing newer went for the footer; now this block can go.
        entry.bucket.makeWay(0);
      } finally {
        store.cache.release(active);
      }
      Rewriter.consider(block);
    } catch (IOException | RuntimeException failed) {
      if (!block.gone) {
        store.failure("block could not be sealed", block.path(), failed);
        store.scheduler.runLater(Scheduler.Lane.BACKGROUND, RETRY_MILLIS, () -> seal(block));
      }
    }
  }

  /** Appends footer and tail. The caller owns the end of the block. */
  static void write(Block block, Active active) throws IOException {
    Entry entry = block.entry;
    Store store = entry.bucket.store;
    ByteBuffer footer =
        Footer.encode(active.index, active.holes, block.bytes, active.salt, lastSequence(active));
    int bytes = footer.remaining();
    SealedIndex sealed =
        IndexCodec.decode(footer.slice(Frames.HEADER, indexLength(active, footer))).index();
    entry.bucket.makeWay(bytes);
    store.withBallast(() -> {
      DiskFile file = active.data.acquire();
      try {
        if (file.size() > block.bytes) {
          // The part of an earlier try that could not be cut back.
          file.truncate(block.bytes);
        }
        file.append(footer.duplicate());
      } catch (IOException failed) {
        file.truncate(block.bytes);
        throw failed;
      } finally {
        active.data.release();
      }
      return true;
    });
    entry.bucket.disk(bytes);
    entry.lock.lock();
    try {
      block.bytes += bytes;
      block.sealed = true;
      block.owner = null;
      active.index = sealed;
      if (entry.open.remove(block)) {
        entry.closed = entry.closed.with(block);
      } else if (!block.detached) {
        // The entry was removed meanwhile, and its files were counted without this.
        entry.bucket.disk(-bytes);
      }
      store.sync.dirty(block, bytes);
      entry.changed.signalAll();
    } finally {
      entry.lock.unlock();
    }
  }

  private static int indexLength(Active active, ByteBuffer footer) {
    Frames.Header header =
        Frames.header(footer, 0, active.block.bytes, active.salt, new Checksum());
    return Math.toIntExact(Objects.requireNonNull(header).length());
  }

  private static long lastSequence(Active active) {
    int rows = active.index.rows();
    return rows == 0 ? 0 : active.index.sequence(rows - 1);
  }

  /**
   * Seals idle blocks beside the one that takes the next record, when they have been idle for a
   * while: they were opened for uploads that ran side by side.
   */
  static void closeSurplus(Entry entry, long idleBefore) {
    entry.lock.lock();
    try {
      for (boolean belated : new boolean[] {false, true}) {
        Block best = null;
        var idle = new ArrayList<Block>();
        for (Block block : entry.open) {
          if (block.owner == null && block.belated == belated) {
            idle.add(block);
            best = best == null || block.records > best.records ? block : best;
          }
        }
        for (Block block : idle) {
          if (block != best
              && block.active != null
              && Long.compareUnsigned(block.arrival, idleBefore) < 0) {
            start(block);
          }
        }
      }
    } finally {
      entry.lock.unlock();
    }
  }
}
