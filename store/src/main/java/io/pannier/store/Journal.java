package io.pannier.store;

import io.pannier.model.Clock;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.DiskFullException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A log of small frames in two equal copies, replaced by a snapshot from time to time ({@code
 * docs/format.md}, "Journals"). Any thread may call; appends are serialised, a sync does not hold
 * them up, a compaction holds up both.
 *
 * <p><b>A failed append.</b> The caller acts on a failure as on a no: it deletes files that the
 * frame would have named. So a frame that was refused must not come back after a crash. Therefore a
 * refused frame is cut off <em>and the cut is synced</em> before the exception leaves. That also
 * keeps two different frames from ever standing under one number in the two copies. Where the cut
 * fails, the copy is deleted if the other one is good; where that fails too, the journal takes no
 * more frames until {@link #compact} has put a new generation in its place, and the exception is
 * not a {@link DiskFullException}: the outcome is unknown until then.
 *
 * <p><b>A lost copy.</b> A copy that failed alone is left as it is and gets no further frame. What
 * it holds agrees with the other copy, so it can still help a reader. {@link #needsRewrite} says so
 * until the next compaction.
 */
final class Journal implements AutoCloseable {
  /** Journals up to this length are not worth a compaction. */
  static final long COMPACTION_BYTES_MIN = 64 * 1024;

  /** Longest content of a frame. */
  static final int CONTENT_BYTES_MAX = JournalCopy.CONTENT_BYTES_MAX;

  private static final int COMPACTION_FACTOR = 2;
  private static final int KIND_MAX = 0xffff;
  private static final int SCRATCH_BYTES = 4 * 1024;
  private static final int SCRATCH_BYTES_KEPT = 256 * 1024;
  private static final int SNAPSHOT_BUFFER_BYTES = 256 * 1024;

  /** Whose journal it is; bucket 0 for the journal of the store. */
  record Identity(UUID storeId, int bucketId) {}

  /** A frame to append. */
  record Frame(int kind, ByteBuffer content) {}

  /** Takes what is replayed; the content is little-endian and valid during the call only. */
  interface Visitor {
    void frame(int kind, ByteBuffer content);
  }

  /**
   * The state as frames, with the frame "snapshot end" as the last one. Called once per compaction,
   * under the journal's lock: it must not call the journal.
   */
  interface Snapshot {
    void writeTo(Sink sink) throws IOException;
  }

  /** Takes the frames of a snapshot. */
  interface Sink {
    void frame(int kind, ByteBuffer content) throws IOException;
  }

  /** How far the journal had come at some moment, see {@link #mark}. */
  record Mark(int generation, int frames) {}

  /** One of the two files. */
  private static final class Copy {
    final String path;
    @Nullable DiskFile file;
    boolean lost;
    boolean deleted;

    Copy(String path, @Nullable DiskFile file, boolean lost) {
      this.path = path;
      this.file = file;
      this.lost = lost;
    }
  }

  /** Both files of a generation. */
  private static final class Generation {
    final int number;
    final long salt;
    final List<Copy> copies;
    int frames;
    int durable;
    long end;
    long snapshotEnd;

    Generation(int number, long salt, List<Copy> copies) {
      this.number = number;
      this.salt = salt;
      this.copies = copies;
    }
  }

  private final Disk disk;
  private final String folder;
  private final String prefix;
  private final Identity identity;
  private final RandomGenerator random;
  private final Clock clock;
  private final int snapshotEndKind;

  /** Taken before {@link #lock}: one sync or compaction at a time. */
  private final ReentrantLock syncLock = new ReentrantLock();

  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by lock; files are also closed and replaced only under syncLock
  private final Checksum checksum = new Checksum();
  private ByteBuffer scratch = newBuffer(SCRATCH_BYTES);
  private Generation current;
  private int lastGeneration;
  private boolean broken;
  private boolean closed;
  private List<String> findings = List.of();

  private Journal(
      Disk disk,
      String folder,
      String prefix,
      Identity identity,
      RandomGenerator random,
      Clock clock,
      int snapshotEndKind) {
    this.disk = disk;
    this.folder = folder;
    this.prefix = prefix;
    this.identity = identity;
    this.random = random;
    this.clock = clock;
    this.snapshotEndKind = snapshotEndKind;
    this.current = new Generation(0, 0, List.of());
  }

  /** Whether {@link #open} would find a journal, in whatever state. */
  static boolean exists(Disk disk, String folder, String prefix) throws IOException {
    return JournalFileName.newest(JournalFileName.in(disk.list(folder), prefix)) > 0;
  }

  /**
   * Creates generation 1, durable with its name when this returns. The caller syncs the parent of
   * the folder.
   *
   * @throws FileAlreadyExistsException when there is a journal
   */
  static Journal create(
      Disk disk,
      String folder,
      String prefix,
      Identity identity,
      RandomGenerator random,
      Clock clock,
      int snapshotEndKind,
      Snapshot initial)
      throws IOException {
    if (exists(disk, folder, prefix)) {
      throw new FileAlreadyExistsException(folder + "/" + prefix);
    }
    var journal = new Journal(disk, folder, prefix, identity, random, clock, snapshotEndKind);
    journal.compact(initial);
    return journal;
  }

  /**
   * Replays the newest generation. When {@link #needsRewrite} says so afterwards, {@link #compact}
   * has to succeed before anything is promised to anybody; until then appends work if one copy is
   * good, else they throw.
   *
   * <p>What was replayed is not durable before the first {@link #sync}, or {@link #compact}, of
   * this process.
   *
   * @throws NoSuchFileException when there is no journal
   * @throws io.pannier.model.PannierException.Damaged when frames are missing in both copies; names
   *     them
   * @throws StoreRefused when a newer or too old program wrote it
   */
  static Journal open(
      Disk disk,
      String folder,
      String prefix,
      Identity identity,
      RandomGenerator random,
      Clock clock,
      int snapshotEndKind,
      Visitor visitor)
      throws IOException {
    // The process before this one may have been killed between a rename and this. Without it a
    // power loss could take the names of what is appended to here.
    disk.syncFolder(folder);
    try (var reading = JournalReading.open(disk, folder, prefix, identity, true)) {
      reading.replay(snapshotEndKind, (_, _, kind, content) -> visitor.frame(kind, content));
      reading.requireUndamaged();
      var journal = new Journal(disk, folder, prefix, identity, random, clock, snapshotEndKind);
      journal.adopt(reading);
      return journal;
    }
  }

  /**
   * Reads a journal as {@link #open} does, for {@code verify} and {@code describe}: changes
   * nothing, and tells damage instead of throwing it.
   *
   * @throws NoSuchFileException when there is no journal
   */
  static JournalReport inspect(
      Disk disk,
      String folder,
      String prefix,
      Identity identity,
      int snapshotEndKind,
      JournalReading.FrameVisitor visitor)
      throws IOException {
    try (var reading = JournalReading.open(disk, folder, prefix, identity, false)) {
      reading.replay(snapshotEndKind, visitor);
      return reading.report();
    }
  }

  private void adopt(JournalReading reading) {
    var copies = new ArrayList<Copy>();
    for (int i = 0; i < JournalReading.COPIES; i++) {
      boolean whole = reading.isWhole(i);
      copies.add(new Copy(reading.path(i), null, !whole));
    }
    findings = reading.findings();
    var generation = new Generation(reading.generation(), reading.salt(), List.copyOf(copies));
    generation.frames = reading.frames();
    generation.durable = reading.durable();
    generation.end = reading.end();
    generation.snapshotEnd = reading.snapshotEnd();
    for (int i = 0; i < JournalReading.COPIES; i++) {
      if (!copies.get(i).lost) {
        copies.get(i).file = reading.takeFile(i);
      }
    }
    lock.lock();
    try {
      current = generation;
      lastGeneration = generation.number;
      if (!needsRewrite()) {
        sweep(); // nothing is deleted as long as something is odd
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * What {@link #open} found that a running server does not leave behind, as sentences for the log.
   */
  List<String> findings() {
    return findings;
  }

  /**
   * Appends a frame to both copies. The content's position stays.
   *
   * @throws DiskFullException the frame is certainly not in the journal; the caller may make room
   *     and try again
   * @throws IOException the frame is not in the journal; when {@link #isBroken} says so then, a
   *     start may find it all the same until {@link #compact} succeeds
   */
  void append(int kind, ByteBuffer content) throws IOException {
    lock.lock();
    try {
      requireAppendable(1);
      ByteBuffer out = begin(checkedBytes(kind, content));
      put(out, 0, kind, content);
      write(out.flip(), 1);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Appends frames with one write per copy. A crash may leave the first of them only.
   *
   * @throws IOException as {@link #append}; then none of them is in the journal
   */
  void appendAll(List<Frame> frames) throws IOException {
    if (frames.isEmpty()) {
      return;
    }
    lock.lock();
    try {
      requireAppendable(frames.size());
      long bytes = 0;
      for (Frame frame : frames) {
        bytes += checkedBytes(frame.kind(), frame.content());
      }
      ByteBuffer out = begin(bytes);
      for (int i = 0; i < frames.size(); i++) {
        put(out, i, frames.get(i).kind(), frames.get(i).content());
      }
      write(out.flip(), frames.size());
    } finally {
      lock.unlock();
    }
  }

  /**
   * Makes everything appended so far durable, in at least one copy. Costs nothing when it is
   * already.
   *
   * @throws IOException when no copy is durable; what was appended since the last sync may be lost
   *     in a power cut unless {@link #compact} succeeds
   */
  void sync() throws IOException {
    syncLock.lock();
    try {
      Mark mark = mark();
      Generation generation;
      var candidates = new ArrayList<Copy>();
      lock.lock();
      try {
        generation = current;
        if (mark.frames <= generation.durable) {
          return;
        }
        for (Copy copy : generation.copies) {
          if (!copy.lost) {
            candidates.add(copy);
          }
        }
      } finally {
        lock.unlock();
      }
      var synced = new ArrayList<Copy>();
      IOException failure = null;
      for (Copy copy : candidates) {
        boolean done = false;
        try {
          handle(copy).sync();
          synced.add(copy);
          done = true;
        } catch (IOException e) {
          failure = joined(failure, e);
        } finally {
          if (!done) {
            lose(copy);
          }
        }
      }
      lock.lock();
      try {
        // A copy may have been deleted meanwhile, by an append that failed in it
        synced.removeIf(copy -> copy.deleted);
        if (synced.isEmpty()) {
          throw failure != null ? failure : new IOException("no copy left: " + describe());
        }
        generation.durable = Math.max(generation.durable, mark.frames);
      } finally {
        lock.unlock();
      }
    } finally {
      syncLock.unlock();
    }
  }

  /**
   * For a caller that syncs the whole disk instead: first this, then the disk, then {@link #synced}
   * or {@link #syncFailed}.
   *
   * @throws IOException when no copy holds all frames; only {@link #compact} helps
   */
  Mark mark() throws IOException {
    lock.lock();
    try {
      requireAppendable(0);
      return new Mark(current.number, current.frames);
    } finally {
      lock.unlock();
    }
  }

  /** How much of the current generation is known to be on the device, in at least one copy. */
  Mark durable() {
    lock.lock();
    try {
      return new Mark(current.number, current.durable);
    } finally {
      lock.unlock();
    }
  }

  /** Everything up to the mark was made durable by others. */
  void synced(Mark mark) {
    lock.lock();
    try {
      if (mark.generation == current.number) {
        current.durable = Math.max(current.durable, mark.frames);
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * A sync of the whole disk failed: nobody knows what became of either copy, so neither gets
   * another frame before {@link #compact}.
   */
  void syncFailed() {
    lock.lock();
    try {
      for (Copy copy : current.copies) {
        copy.lost = true;
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Whether appends and syncs throw until {@link #compact} succeeds. After an append that failed:
   * no means that the frame is certainly not there, yes that nobody may act on either until then.
   */
  boolean isBroken() {
    lock.lock();
    try {
      return broken || current.copies.stream().allMatch(copy -> copy.lost);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Whether a new generation is due because a copy is lost or the journal was not found as a
   * running server leaves it.
   */
  boolean needsRewrite() {
    lock.lock();
    try {
      boolean lost = broken;
      for (Copy copy : current.copies) {
        lost |= copy.lost;
      }
      return lost;
    } finally {
      lock.unlock();
    }
  }

  /** Whether {@link #compact} is worth its price, or needed. */
  boolean wantsCompaction() {
    lock.lock();
    try {
      return needsRewrite()
          || (current.end > COMPACTION_BYTES_MIN
              && current.end > COMPACTION_FACTOR * current.snapshotEnd);
    } finally {
      lock.unlock();
    }
  }

  /** Bytes that both copies take together. */
  long bytes() {
    lock.lock();
    try {
      return current.end * current.copies.size();
    } finally {
      lock.unlock();
    }
  }

  /** Frames of the current generation. */
  int frames() {
    lock.lock();
    try {
      return current.frames;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Begins a new generation with a snapshot, which must hold the effect of every frame appended so
   * far. Appends and syncs wait meanwhile. When this returns, the snapshot is durable and all
   * copies are good.
   *
   * @throws IOException the old generation goes on as before; where even that cannot be made sure,
   *     appends and syncs throw until a compaction succeeds
   */
  void compact(Snapshot snapshot) throws IOException {
    syncLock.lock();
    try {
      lock.lock();
      try {
        requireOpen();
        Generation old = current;
        current = publish(snapshot);
        broken = false;
        findings = List.of();
        closeQuietly(old);
        sweep();
      } finally {
        lock.unlock();
      }
    } finally {
      syncLock.unlock();
    }
  }

  /** Closes both files until the next use, to save handles. Unsynced frames stay unsynced. */
  void rest() {
    syncLock.lock();
    try {
      lock.lock();
      try {
        closeQuietly(current);
      } finally {
        lock.unlock();
      }
    } finally {
      syncLock.unlock();
    }
  }

  /** Closes both files for good. Never syncs. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
    } finally {
      lock.unlock();
    }
    rest();
  }

  // --- appending; all under the lock

  private void requireOpen() throws IOException {
    if (closed) {
      throw new IOException("journal " + describe() + " is closed");
    }
  }

  private void requireAppendable(int frames) throws IOException {
    requireOpen();
    if (isBroken()) {
      throw new IOException(
          "journal " + describe() + " has no good copy left and must be written anew first");
    }
    if (current.frames > Integer.MAX_VALUE - frames) {
      throw new IOException("journal " + describe() + " has no number left for a frame");
    }
  }

  private String describe() {
    return (folder.isEmpty() ? "" : folder + "/") + prefix + "-" + current.number;
  }

  private static long checkedBytes(int kind, ByteBuffer content) {
    if (kind < 0 || kind > KIND_MAX || content.remaining() > CONTENT_BYTES_MAX) {
      throw new IllegalArgumentException(
          "no frame of kind " + kind + " with " + content.remaining() + " bytes");
    }
    return JournalCopy.frameBytes(content.remaining());
  }

  private ByteBuffer begin(long bytes) {
    if (bytes > scratch.capacity()) {
      ByteBuffer larger = newBuffer(Math.toIntExact(Math.max(bytes, scratch.capacity() * 2L)));
      if (bytes > SCRATCH_BYTES_KEPT) {
        return larger; // one of its kind: not kept
      }
      scratch = larger;
    }
    return scratch.clear();
  }

  private void put(ByteBuffer out, int index, int kind, ByteBuffer content) {
    JournalCopy.putFrame(
        out, checksum, current.salt, current.frames + index, current.durable, kind, content);
  }

  private void write(ByteBuffer bytes, int frames) throws IOException {
    Generation generation = current;
    int length = bytes.remaining();
    var touched = new ArrayList<Copy>(JournalReading.COPIES);
    var failed = new ArrayList<Copy>(JournalReading.COPIES);
    IOException failure = null;
    boolean known = false;
    try {
      for (Copy copy : generation.copies) {
        if (copy.lost) {
          continue;
        }
        try {
          DiskFile file = handle(copy);
          touched.add(copy);
          file.append(bytes.rewind());
        } catch (DiskFullException full) {
          failure =
              full; // the one failure that a retry can heal: better both copies as they were than
          // one more than the other
          break;
        } catch (IOException e) {
          failed.add(copy);
          failure = joined(failure, e);
        }
      }
      boolean taken =
          !(failure instanceof DiskFullException) && failed.size() < touched(generation);
      if (taken) {
        for (Copy copy : failed) {
          copy.lost = true;
        }
        generation.frames += frames;
        generation.end += length;
        known = true;
        return;
      }
      retract(touched);
      known = true;
    } finally {
      if (!known) {
        broken = true;
      }
    }
    IOException reason = failure == null ? new IOException("no copy left") : failure;
    if (broken && reason instanceof DiskFullException) {
      throw new IOException("journal " + describe() + " cannot be cut back", reason);
    }
    throw reason;
  }

  private static int touched(Generation generation) {
    int count = 0;
    for (Copy copy : generation.copies) {
      count += copy.lost ? 0 : 1;
    }
    return count;
  }

  /** Removes, durably, what a refused append left in the files. */
  private void retract(List<Copy> touched) {
    for (Copy copy : touched) {
      DiskFile file = copy.file;
      try {
        if (file == null) {
          throw new IOException("closed: " + copy.path);
        }
        file.truncate(current.end);
        file.sync();
      } catch (IOException _) {
        copy.lost = true;
      }
    }
    for (Copy copy : touched) {
      if (copy.lost) {
        delete(copy);
      }
    }
  }

  /** Takes a copy away that may hold a refused frame, provided that the other has everything. */
  private void delete(Copy copy) {
    if (current.copies.stream().allMatch(other -> other.lost)) {
      broken = true;
      return;
    }
    try {
      disk.delete(copy.path);
      copy.deleted = true;
      disk.syncFolder(folder);
    } catch (IOException _) {
      broken = true;
    }
  }

  private void lose(Copy copy) {
    lock.lock();
    try {
      copy.lost = true;
    } finally {
      lock.unlock();
    }
  }

  /** The open file of a copy that is not lost. */
  private DiskFile handle(Copy copy) throws IOException {
    lock.lock();
    try {
      DiskFile file = copy.file;
      if (file == null) {
        file = disk.open(copy.path);
        if (file.size() != current.end) {
          long size = file.size();
          file.close();
          throw new IOException(copy.path + " has " + size + " bytes, not " + current.end);
        }
        copy.file = file;
      }
      return file;
    } finally {
      lock.unlock();
    }
  }

  // --- generations; all under both locks

  private Generation publish(Snapshot snapshot) throws IOException {
    int number = lastGeneration + 1;
    lastGeneration =
        number; // also when this fails: what it leaves behind must not be taken for the next
    // attempt
    var copies = new ArrayList<Copy>();
    for (int i = 0; i < JournalReading.COPIES; i++) {
      copies.add(new Copy(new JournalFileName(prefix, number, i, true).path(folder), null, false));
    }
    var fresh = new Generation(number, random.nextLong(), List.copyOf(copies));
    boolean named = false;
    boolean published = false;
    try {
      for (int i = 0; i < JournalReading.COPIES; i++) {
        disk.delete(unfinished(number, i));
        copies.get(i).file = disk.create(unfinished(number, i));
      }
      var writer = new SnapshotWriter(fresh);
      snapshot.writeTo(writer);
      writer.finish();
      for (Copy copy : copies) {
        file(copy).sync();
      }
      named = true;
      for (int i = 0; i < JournalReading.COPIES; i++) {
        disk.rename(unfinished(number, i), copies.get(i).path);
      }
      disk.syncFolder(folder);
      published = true;
      return fresh;
    } finally {
      if (!published) {
        abandon(fresh, named);
      }
    }
  }

  /**
   * Takes a generation back that did not get through. As long as its name may be on the device, a
   * start would prefer it to the old one; so nothing may be added to the old one before the name is
   * durably gone.
   */
  private void abandon(Generation fresh, boolean named) {
    closeQuietly(fresh);
    boolean gone = false;
    try {
      for (int i = 0; i < JournalReading.COPIES; i++) {
        if (named) {
          disk.delete(fresh.copies.get(i).path);
        }
        deleteQuietly(unfinished(fresh.number, i));
      }
      if (named) {
        disk.syncFolder(folder);
      }
      gone = true;
    } catch (IOException _) {
      // the failure that led here is the one to tell
    } finally {
      if (!gone) {
        broken = true;
      }
    }
  }

  private String unfinished(int number, int copy) {
    return new JournalFileName(prefix, number, copy, false).path(folder);
  }

  /** Deletes files of other and unfinished generations. What stays is deleted by the next one. */
  private void sweep() {
    try {
      for (JournalFileName name : JournalFileName.in(disk.list(folder), prefix)) {
        if (!name.complete() || name.generation() != current.number) {
          deleteQuietly(name.path(folder));
        }
      }
    } catch (IOException _) {
      // room, not correctness: a reader takes the highest generation
    }
  }

  private void deleteQuietly(String path) {
    try {
      disk.delete(path);
    } catch (IOException _) {
      // as above
    }
  }

  private static void closeQuietly(Generation generation) {
    for (Copy copy : generation.copies) {
      DiskFile file = copy.file;
      copy.file = null;
      if (file != null) {
        try {
          file.close();
        } catch (IOException _) {
          // Nothing depends on a close: content is made durable by syncs only.
        }
      }
    }
  }

  private static DiskFile file(Copy copy) throws IOException {
    DiskFile file = copy.file;
    if (file == null) {
      throw new NoSuchFileException(copy.path);
    }
    return file;
  }

  private static IOException joined(@Nullable IOException first, IOException next) {
    if (first != null) {
      next.addSuppressed(first);
    }
    return next;
  }

  private static ByteBuffer newBuffer(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Writes header and snapshot to both files of a new generation. */
  private final class SnapshotWriter implements Sink {
    private final Generation fresh;
    private ByteBuffer buffer = newBuffer(SCRATCH_BYTES);
    private int lastKind = -1;

    SnapshotWriter(Generation fresh) {
      this.fresh = fresh;
      new FileHeader(
              FileHeader.Kind.JOURNAL,
              identity.storeId(),
              fresh.salt,
              identity.bucketId(),
              0,
              fresh.number,
              clock.wallMicros())
          .writeTo(buffer);
      fresh.end = FileHeader.BYTES;
    }

    @Override
    public void frame(int kind, ByteBuffer content) throws IOException {
      if (lastKind == snapshotEndKind) {
        throw new IllegalStateException("a frame behind the end of the snapshot");
      }
      int bytes = Math.toIntExact(checkedBytes(kind, content));
      if (bytes > buffer.remaining()) {
        makeRoom(bytes);
      }
      JournalCopy.putFrame(buffer, checksum, fresh.salt, fresh.frames, 0, kind, content);
      fresh.frames++;
      fresh.end += bytes;
      lastKind = kind;
    }

    void finish() throws IOException {
      if (lastKind != snapshotEndKind) {
        throw new IllegalStateException("the snapshot does not end with its end");
      }
      flush();
      fresh.snapshotEnd = fresh.end;
      fresh.durable = fresh.frames;
    }

    /** Most snapshots are small: the buffer grows before it is written out. */
    private void makeRoom(int bytes) throws IOException {
      int needed = buffer.position() + bytes;
      if (needed > SNAPSHOT_BUFFER_BYTES) {
        flush();
        needed = bytes;
      }
      if (needed > buffer.capacity()) {
        buffer = newBuffer(Math.max(needed, buffer.capacity() * 2)).put(buffer.flip());
      }
    }

    private void flush() throws IOException {
      buffer.flip();
      for (Copy copy : fresh.copies) {
        file(copy).append(buffer.rewind());
      }
      buffer.clear();
    }
  }
}
