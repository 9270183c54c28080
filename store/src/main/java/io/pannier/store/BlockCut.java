package io.pannier.store;

import io.pannier.model.Clock;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;

/**
 * Removes the records of a block that lie outside of a range, while nobody knows the block: by
 * frames in its change log, as a removal of a running store would.
 */
final class BlockCut implements ChangeFrames.Visitor {
  private final Disk disk;
  private final UUID storeId;
  private final int bucketId;
  private final BlockState state;
  private final Clock clock;
  private final String path;
  private final String changesPath;
  private final BitSet removed = new BitSet();
  private final Map<Integer, Labels> labels = new HashMap<>();
  private BlockIndex index = new OpenIndex();
  private long salt;
  private long nextSequence;

  BlockCut(Disk disk, UUID storeId, int bucketId, String folder, BlockState state, Clock clock) {
    this.disk = disk;
    this.storeId = storeId;
    this.bucketId = bucketId;
    this.state = state;
    this.clock = clock;
    path = folder + "/" + state.block() + ".blk";
    changesPath = folder + "/" + state.block() + ".chg";
  }

  /** The number that the next change takes. */
  long nextSequence() {
    return nextSequence;
  }

  /**
   * Cuts the block to the range.
   *
   * @param sequence the number that the first removal takes
   * @return its state afterwards
   * @throws PannierException.Damaged when it is not known which records it has; nothing is done
   *     then
   */
  BlockState to(TimeRange range, long sequence) throws IOException {
    nextSequence = sequence;
    try (DiskFile file = disk.open(path)) {
      load(file);
    }
    loadChanges();
    var leaving = new BitSet();
    for (int row = 0; row < index.rows(); row++) {
      leaving.set(row, !removed.get(row) && !range.contains(index.timestamp(row)));
    }
    return leaving.isEmpty() ? state : remove(leaving);
  }

  private void load(DiskFile file) throws IOException {
    if ((state.flags() & Block.SEALED) != 0) {
      Footer.Loaded footer = Footer.read(file);
      index = footer.index();
      salt = footer.salt();
      return;
    }
    salt = IndexCache.salt(file);
    var rows = new OpenIndex();
    new BlockWalk(file, salt)
        .walk(
            FileHeader.BYTES,
            state.bytes(),
            new BlockWalk.Visitor() {
              @Override
              public void record(long offset, Frames.Header header, long number, Meta meta) {
                IndexCache.Rows.add(rows, offset, header, number, meta);
              }

              @Override
              public void damaged(long offset, long length, long timestamp, long number) {
                IndexCache.Rows.addDamaged(rows, offset, length, timestamp, number);
              }

              @Override
              public void hole(long from, long to) {
                throw new PannierException.Damaged("bytes " + from + " to " + to + " are damaged");
              }
            });
    index = rows;
  }

  private void loadChanges() throws IOException {
    if (state.changeBytes() == 0) {
      return;
    }
    try (DiskFile file = disk.open(changesPath)) {
      ByteBuffer log =
          ByteBuffer.allocate(Math.toIntExact(state.changeBytes() - FileHeader.BYTES))
              .order(ByteOrder.LITTLE_ENDIAN);
      DiskReads.fill(file, log, FileHeader.BYTES);
      ChangeFrames.walk(log.flip(), FileHeader.BYTES, state.changeBytes(), salt, this);
    }
  }

  @Override
  public void change(int kind, long target, long own, long timestamp, ByteBuffer content) {
    int row = index.rowOfSequence(target);
    if (row >= 0 && kind == ChangeFrames.KIND_REMOVAL) {
      removed.set(row);
    } else if (row >= 0) {
      labels.put(row, Meta.decode(content, 0, content.limit()).labels());
    }
  }

  @Override
  public void damaged(long target, long own) {
    throw new PannierException.Damaged("change log is damaged");
  }

  @Override
  public void lost(long beforeSequence) {
    throw new PannierException.Damaged("change log is damaged");
  }

  @Override
  public void hole(long from, long to) {
    throw new PannierException.Damaged("change log is damaged");
  }

  private BlockState remove(BitSet leaving) throws IOException {
    long length = state.changeBytes();
    try (DiskFile log = length == 0 ? disk.create(changesPath) : disk.open(changesPath)) {
      ByteBuffer out =
          ByteBuffer.allocate(
                  FileHeader.BYTES
                      + Math.multiplyExact(leaving.cardinality(), ChangeFrames.length(0)))
              .order(ByteOrder.LITTLE_ENDIAN);
      if (length == 0) {
        new FileHeader(
                FileHeader.Kind.CHANGES,
                storeId,
                salt,
                bucketId,
                state.entry(),
                state.block(),
                clock.wallMicros())
            .writeTo(out);
      }
      var crc = new Checksum();
      for (int row = leaving.nextSetBit(0); row >= 0; row = leaving.nextSetBit(row + 1)) {
        ChangeFrames.put(
            out,
            ChangeFrames.KIND_REMOVAL,
            index.sequence(row),
            nextSequence++,
            index.timestamp(row),
            new byte[0],
            salt,
            length + out.position(),
            crc);
      }
      out.flip();
      length += out.remaining();
      log.append(out);
      log.sync();
    }
    removed.or(leaving);
    return summed(length);
  }

  private BlockState summed(long changeBytes) {
    int live = 0;
    long size = 0;
    long dead = 0;
    long oldest = Timestamp.MAX;
    long newest = Timestamp.MIN;
    for (int row = 0; row < index.rows(); row++) {
      if (removed.get(row)) {
        dead += Frames.length(index.metaLength(row), index.length(row), index.storedLength(row));
        continue;
      }
      live++;
      size += Active.sizeOf(index.length(row), labels.getOrDefault(row, index.labels(row)));
      oldest = Timestamp.min(oldest, index.timestamp(row));
      newest = Timestamp.max(newest, index.timestamp(row));
    }
    return new BlockState(
        state.entry(),
        state.block(),
        state.flags(),
        state.bytes(),
        changeBytes,
        live,
        state.records(),
        oldest,
        newest,
        size,
        dead,
        Math.max(state.lastSequence(), nextSequence - 1),
        state.arrival());
  }
}
