package io.pannier.store;

import io.pannier.model.Clock;
import io.pannier.store.Backup.OfEntry;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.random.RandomGenerator;

/**
 * Builds the folder of a bucket from blocks of a backup. Its journal comes last; nobody knows of
 * the folder before that. One thread.
 */
final class BucketBuilder {
  /** Gives bytes one after the other. */
  interface Bytes {
    /** Fills the buffer with what comes next, or less at the end. */
    void read(ByteBuffer target) throws IOException;
  }

  private static final int BUFFER = 512 << 10;

  private final Disk disk;
  private final UUID storeId;
  private final int bucketId;
  private final String folder;
  private final TimeRange range;
  private final Clock clock;
  private final Findings findings;
  private final List<OfEntry> entries = new ArrayList<>();
  private final List<BlockState> blocks = new ArrayList<>();
  private final Set<Integer> ids = new HashSet<>();
  private final Set<String> names = new HashSet<>();
  private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER).order(ByteOrder.LITTLE_ENDIAN);
  private long nextSequence;
  private int nextBlock;
  private long records;
  private long bytes;

  /**
   * @param range records outside of it are removed
   * @param findings takes what is damaged
   */
  BucketBuilder(
      Disk disk, UUID storeId, int bucketId, TimeRange range, Clock clock, Findings findings)
      throws IOException {
    this.disk = disk;
    this.storeId = storeId;
    this.bucketId = bucketId;
    this.range = range;
    this.clock = clock;
    this.findings = findings;
    folder = "b/" + bucketId;
    disk.makeFolder(folder);
  }

  /** An entry; its blocks follow. */
  void entry(OfEntry entry) throws IOException {
    endEntry();
    if (entry.id() < 1 || !ids.add(entry.id()) || !names.add(entry.name())) {
      throw new IOException("entry '" + entry.name() + "' is there twice, or has no number");
    }
    entries.add(entry);
    nextSequence = entry.nextSequence();
    nextBlock = entry.nextBlock();
    disk.makeFolder(folder + "/" + entry.id());
  }

  /** What the entry says behind its blocks: removals of what is outside the range took numbers. */
  private void endEntry() throws IOException {
    if (!entries.isEmpty()) {
      OfEntry last = entries.removeLast();
      entries.add(new OfEntry(last.id(), nextBlock, nextSequence, last.name()));
      disk.syncFolder(folder + "/" + last.id());
    }
  }

  /**
   * A block of the last entry.
   *
   * @param all its bytes, then those of its change log
   */
  void block(BlockState told, Bytes all) throws IOException {
    OfEntry entry = entries.isEmpty() ? null : entries.getLast();
    if (entry == null || told.entry() != entry.id() || told.bytes() < FileHeader.BYTES) {
      throw new IOException("block " + told.block() + " belongs to no entry, or is too short");
    }
    BlockState state =
        told.withFlag(Block.DIRTY, false)
            .withFlag(Block.REWRITE, false)
            .withFlag(Block.COPIED, false);
    String path = folder + "/" + entry.id() + "/" + state.block();
    write(path + ".blk", state.bytes(), all);
    if (state.changeBytes() > 0) {
      write(path + ".chg", state.changeBytes(), all);
    }
    boolean isUnbounded = range.start() == 0 && !range.bounded();
    if (!isUnbounded && !io.pannier.model.Names.isMeta(entry.name())) {
      var cut = new BlockCut(disk, storeId, bucketId, folder + "/" + entry.id(), state, clock);
      try {
        state = cut.to(range, nextSequence);
        nextSequence = cut.nextSequence();
      } catch (io.pannier.model.PannierException.Damaged damaged) {
        findings.damage(path + ".blk", "records outside the range stay: " + damaged.getMessage());
      }
    }
    nextBlock = Math.max(nextBlock, state.block() + 1);
    if (state.live() == 0) {
      disk.delete(path + ".blk");
      disk.delete(path + ".chg");
      return;
    }
    BlockVerifier.verify(
        new BlockVerifier.Place(disk::open, storeId, bucketId, folder + "/" + entry.id(), true),
        state,
        findings);
    blocks.add(state);
    records += state.live();
    bytes += state.bytes() + state.changeBytes();
  }

  private void write(String path, long length, Bytes from) throws IOException {
    disk.delete(path);
    try (DiskFile file = disk.create(path)) {
      for (long left = length; left > 0; ) {
        buffer.clear().limit((int) Math.min(buffer.capacity(), left));
        from.read(buffer);
        buffer.flip();
        if (!buffer.hasRemaining()) {
          throw new IOException(path + " ends " + left + " bytes early");
        }
        if (left == length) {
          adopt(buffer);
        }
        left -= buffer.remaining();
        file.append(buffer);
      }
      file.sync();
    }
  }

  /** Writes into the header of a file that it belongs to this store and bucket. */
  private void adopt(ByteBuffer first) {
    try {
      FileHeader header = FileHeader.parse(first.duplicate());
      if (!header.storeId().equals(storeId) || header.bucketId() != bucketId) {
        new FileHeader(
                header.kind(),
                storeId,
                header.salt(),
                bucketId,
                header.entryId(),
                header.blockId(),
                header.createdMicros())
            .writeTo(first.duplicate());
      }
    } catch (FileHeader.Unusable damaged) {
      // The copy is as the original is; it is reported when the block is checked.
      assert damaged != null;
    }
  }

  /** Writes the journal: the folder is a whole bucket then, synced with all its names. */
  void finish(int nextEntry, RandomGenerator random) throws IOException {
    endEntry();
    int next = Math.max(nextEntry, entries.stream().mapToInt(OfEntry::id).max().orElse(0) + 1);
    try (Journal journal =
        Journal.create(
            disk,
            folder,
            Recovery.PREFIX,
            new Journal.Identity(storeId, bucketId),
            random,
            clock,
            BucketJournal.SNAPSHOT_END,
            sink -> snapshot(sink, next))) {
      journal.append(BucketJournal.CLEAN_STOP, ByteBuffer.allocate(0));
      journal.sync();
    }
    disk.syncFolder(folder);
    disk.syncFolder("b");
  }

  private void snapshot(Journal.Sink sink, int nextEntry) throws IOException {
    for (OfEntry entry : entries) {
      sink.frame(
          BucketJournal.ENTRY,
          BucketJournal.entryFrame(
              entry.id(), entry.nextBlock(), entry.nextSequence(), entry.name()));
    }
    for (BlockState state : blocks) {
      sink.frame(BucketJournal.BLOCK, BucketJournal.blockFrame(state, List.of()));
    }
    sink.frame(
        BucketJournal.SNAPSHOT_END,
        ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(nextEntry).flip());
  }

  int entries() {
    return entries.size();
  }

  long records() {
    return records;
  }

  long bytes() {
    return bytes;
  }
}
