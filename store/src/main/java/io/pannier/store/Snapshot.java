package io.pannier.store;

import io.pannier.model.PannierException;
import io.pannier.store.Backup.Line;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.NoSuchFileException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a store holds at a moment, to be copied while it goes on working ({@code docs/backup.md},
 * "The snapshot"). Blocks of it are pinned: they are not rewritten, and the files of those that go
 * stay within bounds until the snapshot has passed them. One thread at a time.
 */
public final class Snapshot implements AutoCloseable {
  private static final int PIECE = 512 << 10;
  private static final int ROUNDS_MAX = 3;

  private final Store store;
  private final BackupSelection selection;

  /** Pinned blocks by their numbers; null once the pin is off. */
  private final List<@Nullable Block> blocks = new ArrayList<>();

  private int passed;
  private volatile boolean closed;

  Snapshot(Store store, BackupSelection selection) {
    this.store = store;
    this.selection = selection;
  }

  /**
   * Tells everything, in lines without their ends. Buckets are taken one after the other, the
   * entries of one within moments, each entry at one moment; what was acknowledged before this call
   * is in it, and all of it is on the device when its line is told.
   *
   * @param sink may wait, and throw to end it
   * @throws PannierException.NotFound when a bucket that was asked for is not there
   * @throws PannierException.Unavailable when the device does not take what was written
   */
  public void list(Consumer<String> sink) {
    List<Bucket> chosen = new ArrayList<>();
    if (selection.buckets().isEmpty()) {
      chosen.addAll(store.buckets());
    } else {
      selection.buckets().forEach(name -> chosen.add(store.bucket(name)));
    }
    var lines = new Lines(sink);
    lines.tell(Backup.MAGIC);
    lines.tell(
        new Backup.OfStore(
            store.id(), store.created(), store.nextBucketId(), store.clock.wallMicros()));
    if (!selection.isUnbounded()) {
      lines.tell(new Backup.Within(selection.range()));
    }
    if (selection.buckets().isEmpty()) {
      // Before the records: what a document says of them, such as how far a replication has come,
      // is then never ahead of them.
      for (String name : documents()) {
        store
            .documents()
            .load(name)
            .ifPresent(content -> lines.tell(Backup.Text.of(name, content)));
      }
    }
    for (Bucket bucket : chosen) {
      if (bucket.isUsable() && !bucket.isGone()) {
        list(bucket, lines);
      }
    }
    lines.tell(new Backup.End(lines.count));
  }

  private List<String> documents() {
    try {
      return Documents.names(store.disk);
    } catch (IOException failed) {
      throw store.failure("documents could not be listed", Documents.FOLDER, failed);
    }
  }

  private static final class Lines {
    final Consumer<String> sink;
    long count;

    Lines(Consumer<String> sink) {
      this.sink = sink;
    }

    void tell(Line line) {
      tell(Backup.text(line));
    }

    void tell(String text) {
      sink.accept(text);
      count++;
    }
  }

  /** An entry as it was at one moment. */
  private record Shot(Backup.OfEntry entry, Entry of, List<Pinned> blocks) {}

  private record Pinned(BlockState state, int number) {}

  private void list(Bucket bucket, Lines lines) {
    var shots = new ArrayList<Shot>();
    var head = new Backup.OfBucket[1];
    try {
      bucket.underStructure(() -> {
        head[0] =
            new Backup.OfBucket(bucket.id, bucket.nextEntryId(), bucket.settings(), bucket.name());
        for (Entry entry : bucket.entries()) {
          shots.add(shoot(entry));
        }
      });
    } catch (PannierException.Conflict goes) {
      return; // It was removed since the list was made.
    }
    // What was only in the page cache could be lost with the power and its place taken by something
    // else: a later copy would go on from bytes that are no longer those.
    for (int round = 1; !store.sync.round(); round++) {
      if (round == ROUNDS_MAX) {
        throw new PannierException.Unavailable("The device does not take what was written", 5);
      }
    }
    lines.tell(head[0]);
    for (Shot shot : shots) {
      lines.tell(shot.entry());
      for (Pinned pinned : shot.blocks()) {
        lines.tell(
            new Backup.OfBlock(pinned.state(), pinned.number(), tag(blocks.get(pinned.number()))));
      }
    }
  }

  private Shot shoot(Entry entry) {
    var taken = new ArrayList<Pinned>();
    entry.lock.lock();
    try {
      for (Block block : atRest(entry)) {
        if (block.live > 0 && (entry.isMeta() || overlaps(block))) {
          block.pins++;
          taken.add(new Pinned(state(block), blocks.size()));
          blocks.add(block);
        }
      }
      return new Shot(
          new Backup.OfEntry(entry.id, entry.nextBlock, entry.nextSequence, entry.name()),
          entry,
          taken);
    } finally {
      entry.lock.unlock();
    }
  }

  /** Under the lock: all blocks, none of which is about to be replaced by its copy. */
  private static List<Block> atRest(Entry entry) {
    long deadline = entry.bucket.store.deadline();
    while (true) {
      var all = new ArrayList<Block>();
      BlockMap map = entry.closed;
      for (int i = 0; i < map.size(); i++) {
        all.add(map.get(i));
      }
      all.addAll(entry.open);
      Block moving = null;
      for (Block block : all) {
        moving = block.frozen ? block : moving;
      }
      if (moving == null) {
        return all;
      }
      entry.awaitThaw(moving, deadline);
    }
  }

  private boolean overlaps(Block block) {
    TimeRange range = selection.range();
    return !range.isEmpty()
        && !range.isPast(block.oldest)
        && io.pannier.model.Timestamp.compare(block.newest, range.start()) >= 0;
  }

  /** Without the marks that only recovery needs. */
  private static BlockState state(Block block) {
    return block.state().withFlag(Block.DIRTY, false).withFlag(Block.REWRITE, false);
  }

  /** What tells a file from another one that had its place before. */
  private String tag(@Nullable Block block) {
    if (block == null) {
      return "";
    }
    try (DiskFile file = store.disk.open(block.path())) {
      return tag(IndexCache.salt(file));
    } catch (IOException | PannierException unreadable) {
      return "";
    }
  }

  static String tag(long salt) {
    byte[] digest =
        sha256()
            .digest(
                ByteBuffer.allocate(Long.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(salt)
                    .array());
    return HexFormat.of().formatHex(digest, 0, 8);
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException missing) {
      throw new IllegalStateException("every runtime has SHA-256", missing);
    }
  }

  /**
   * A stretch of bytes that somebody has, if their digest is the same.
   *
   * @param sha256 in hexadecimal digits. A CRC will not do: frames end with one, so that those of
   *     one length leave the same CRC behind, whatever is in them. Empty: it is known otherwise
   */
  public record Part(long bytes, String sha256) {}

  /**
   * Which bytes of a block are wanted.
   *
   * @param number of the block in this snapshot
   * @param bytes its length, and {@code changes} that of its change log, as its line said
   * @param had what the other side has of the bytes, from the beginning
   * @param hadChanges the same of the change log
   */
  public record Wanted(
      long number, long bytes, long changes, List<Part> had, List<Part> hadChanges) {
    /** Copies the lists. */
    public Wanted {
      had = List.copyOf(had);
      hadChanges = List.copyOf(hadChanges);
    }
  }

  /**
   * Opens a block for reading and takes the pins off all that come before it.
   *
   * @return empty when the block is gone: evicted, or removed
   * @throws PannierException.Invalid when there is no such block, or it is shorter
   */
  public Bytes open(Wanted wanted) {
    if (closed) {
      throw new PannierException.Conflict("The snapshot has ended");
    }
    if (wanted.number() < passed || wanted.number() >= blocks.size()) {
      throw new PannierException.Invalid(
          "Block " + wanted.number() + " is none of those from " + passed + " to " + blocks.size());
    }
    pass((int) wanted.number());
    Block block = java.util.Objects.requireNonNull(blocks.get(passed));
    try {
      return new Bytes(store, block, wanted);
    } catch (NoSuchFileException gone) {
      throw goneFrom(block);
    } catch (IOException failed) {
      throw store.failure("block could not be read for a snapshot", block.path(), failed);
    }
  }

  /** Evicted or removed, or its records lie in another block now, which this snapshot lacks. */
  private static PannierException goneFrom(Block block) {
    return block.replaced
        ? new PannierException.Conflict(
            "Block "
                + block.path()
                + " was rewritten meanwhile; the snapshot has to be taken again")
        : new PannierException.NotFound("Block " + block.path() + " is gone");
  }

  private void pass(int to) {
    for (; passed < to; passed++) {
      Block block = blocks.set(passed, null);
      if (block != null) {
        block.entry.bucket.unpin(block, 1);
      }
    }
  }

  /** Takes all pins off. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      pass(blocks.size());
    }
  }

  /** Bytes of a block and then of its change log, read piece by piece. One thread. */
  public static final class Bytes implements BackupSource.Bytes {
    private final Block block;
    private final long bytes;
    private final long changes;
    private final DiskFile data;
    private final @Nullable DiskFile log;
    private long at;
    private long changesAt;
    private final long length;

    private Bytes(Store store, Block block, Wanted wanted) throws IOException {
      this.block = block;
      bytes = wanted.bytes();
      changes = wanted.changes();
      DiskFile opened = store.disk.open(block.path());
      DiskFile openedLog = null;
      boolean done = false;
      try {
        openedLog = changes > 0 ? store.disk.open(block.changesPath()) : null;
        if (opened.size() < bytes || (openedLog != null && openedLog.size() < changes)) {
          throw new PannierException.Invalid(
              "Block " + wanted.number() + " has " + opened.size() + " bytes, not " + bytes);
        }
        at = agreed(opened, wanted.had(), bytes);
        changesAt = openedLog == null ? 0 : agreed(openedLog, wanted.hadChanges(), changes);
        done = true;
      } finally {
        if (!done) {
          opened.close();
          if (openedLog != null) {
            openedLog.close();
          }
        }
      }
      data = opened;
      log = openedLog;
      length = bytes - at + changes - changesAt;
    }

    /**
     * Where to begin: behind the parts that the other side has, if they are these. A block that it
     * says it has as a whole it knows by more than that.
     */
    private static long agreed(DiskFile file, List<Part> parts, long end) throws IOException {
      long sum = parts.stream().mapToLong(Part::bytes).sum();
      if (sum == end && parts.stream().allMatch(part -> part.sha256().isEmpty())) {
        return end;
      }
      long at = 0;
      ByteBuffer piece = ByteBuffer.allocate(PIECE);
      for (Part part : parts) {
        if (part.bytes() < 0 || part.bytes() > end - at) {
          return at;
        }
        MessageDigest digest = sha256();
        for (long left = part.bytes(); left > 0; ) {
          piece.clear().limit((int) Math.min(PIECE, left));
          DiskReads.fill(file, piece, at + part.bytes() - left);
          if (piece.hasRemaining()) {
            return at;
          }
          digest.update(piece.flip());
          left -= piece.limit();
        }
        if (!HexFormat.of().formatHex(digest.digest()).equals(part.sha256())) {
          return at;
        }
        at += part.bytes();
      }
      return at;
    }

    /** Offset of the first byte of the block that is given. */
    @Override
    public long from() {
      return at;
    }

    /** Offset of the first byte of the change log that is given. */
    @Override
    public long changesFrom() {
      return changesAt;
    }

    /** Bytes that are given in all. */
    public long length() {
      return length;
    }

    /**
     * Fills the buffer with what comes next; leaves it empty at the end.
     *
     * @throws PannierException.NotFound when the block went meanwhile and had to be given up
     */
    @Override
    public void read(ByteBuffer target) throws IOException {
      if (block.gone && !Bucket.isPinned(block)) {
        throw goneFrom(block);
      }
      at = read(data, target, at, bytes);
      if (log != null) {
        changesAt = read(log, target, changesAt, changes);
      }
    }

    private static long read(DiskFile file, ByteBuffer target, long from, long end)
        throws IOException {
      int limit = target.limit();
      int some = (int) Math.min(target.remaining(), end - from);
      target.limit(target.position() + some);
      DiskReads.fill(file, target, from);
      if (target.hasRemaining()) {
        throw new IOException("ends before " + end + " bytes");
      }
      target.limit(limit);
      return from + some;
    }

    @Override
    public void close() {
      try (data;
          log) {
        // Both are closed whatever becomes of the first.
      } catch (IOException failed) {
        assert failed != null;
      }
    }
  }
}
