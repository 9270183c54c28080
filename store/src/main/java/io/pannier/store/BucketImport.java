package io.pannier.store;

import io.pannier.model.PannierException;
import io.pannier.store.disk.DiskFullException;
import java.io.IOException;
import java.util.List;

/**
 * A bucket of a backup on its way into a running store. It is built aside and is there, as a whole,
 * when {@link #complete} has ended the building and {@link #publish} has put one frame into the
 * journal; until then, and for ever when it is closed before, there is nothing of it, also after a
 * crash. One thread.
 */
public final class BucketImport implements AutoCloseable {
  private final Store store;
  private final Bucket hidden;
  private final BucketBuilder builder;
  private final Findings findings = new Findings(Verifier.Progress.NONE);
  private final int nextEntry;
  private long reserved;
  private boolean ended;

  BucketImport(Store store, Bucket hidden, int nextEntry, TimeRange range) throws IOException {
    this.store = store;
    this.hidden = hidden;
    this.nextEntry = nextEntry;
    builder = new BucketBuilder(store.disk, store.id(), hidden.id, range, store.clock, findings);
  }

  /** An entry or a block of the last one; the bytes of the latter follow. */
  public void add(Backup.Line line, BackupBytes bytes) {
    try {
      switch (line) {
        case Backup.OfEntry entry -> {
          io.pannier.model.Names.checkEntry(entry.name());
          builder.entry(entry);
        }
        case Backup.OfBlock block -> add(block.state(), bytes);
        default -> throw new PannierException.Invalid("A bucket has entries and blocks only");
      }
    } catch (DiskFullException full) {
      throw new PannierException.DiskFull("Not enough free disk space to restore the bucket");
    } catch (IOException failed) {
      throw new PannierException.BadRequest("Bucket cannot be restored: " + failed.getMessage());
    }
  }

  /** Gives bytes one after the other. */
  public interface BackupBytes extends BucketBuilder.Bytes {}

  private void add(BlockState state, BackupBytes bytes) throws IOException {
    long size = state.bytes() + state.changeBytes();
    if (!store.room.tryTake(size) && !(store.room.look(size) && store.room.tryTake(size))) {
      throw new PannierException.DiskFull("Not enough free disk space to restore the bucket");
    }
    if (state.size() < 0 || !store.room.reserve(state.size())) {
      throw new PannierException.OverCap("storage limit exceeded");
    }
    reserved += state.size();
    builder.block(state, bytes);
  }

  /** Ends the building: everything is on the device, and nothing is visible yet. */
  public void complete() {
    try {
      builder.finish(nextEntry, store.random());
    } catch (DiskFullException full) {
      throw new PannierException.DiskFull("Not enough free disk space to restore the bucket");
    } catch (IOException failed) {
      throw store.failure("bucket could not be restored", hidden.name(), failed);
    }
  }

  /**
   * Makes a complete bucket visible.
   *
   * @return what is damaged in it
   */
  public List<Verification.Finding> publish() {
    try {
      release();
      store.publish(hidden);
      ended = true;
    } catch (IOException failed) {
      throw store.failure("restored bucket could not be made visible", hidden.name(), failed);
    }
    return findings.result().findings();
  }

  /** Records in it. */
  public long records() {
    return builder.records();
  }

  /** Bytes of its files. */
  public long bytes() {
    return builder.bytes();
  }

  /** Entries of it. */
  public int entries() {
    return builder.entries();
  }

  private void release() {
    store.room.release(reserved);
    reserved = 0;
  }

  /** Forgets the bucket unless it is visible. */
  @Override
  public void close() {
    if (!ended) {
      ended = true;
      release();
      store.abandon(hidden);
    }
  }
}
