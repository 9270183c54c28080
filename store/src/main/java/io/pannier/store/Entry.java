package io.pannier.store;

import io.pannier.model.Labels;
import io.pannier.model.Names;
import io.pannier.model.PannierException;
import io.pannier.model.Refusal;
import io.pannier.model.Timestamp;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.DiskFullException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One stream of records: the door for writing, reading, changing and removing them. Any thread may
 * call. The {@code try} methods never wait for anything but a short append and may be called on an
 * event loop; the others may read files, create blocks, make room and wait.
 *
 * <p>Under {@link #lock} there is no input or output but the append itself, so whoever holds it
 * holds it for microseconds. What an attempt needs beyond that (an index, a new block, room) is
 * fetched without the lock, and the attempt is repeated.
 */
public final class Entry {
  /** Bytes of frames that one append takes at most: the longest time the lock is held. */
  private static final long APPEND_MAX = 1 << 20;

  /** A record whose time lies further ahead of the clock than this, in µs, is counted apart. */
  private static final long AHEAD_MICROS = TimeUnit.DAYS.toMicros(1);

  final Bucket bucket;
  final int id;
  final ReentrantLock lock = new ReentrantLock();

  /**
   * Signalled when a block becomes idle, closed or thawed, an upload ends, or the entry goes away.
   */
  final Condition changed = lock.newCondition();

  private volatile String name;

  /** Blocks that take no more records. Replaced under the lock, read without. */
  volatile BlockMap closed = BlockMap.EMPTY;

  /** Blocks that take records, and those being sealed. */
  final List<Block> open = new ArrayList<>(2);

  long nextSequence = 1;
  int nextBlock = 1;
  volatile boolean gone;

  private @Nullable Map<Long, Upload> inFlight;
  private boolean creating;
  private boolean creatingBelated;

  /** Exact sums over live records. */
  private long size;

  private long records;

  /** For an entry of attachments: whether replaced ones have been looked for since the start. */
  private boolean attachmentsChecked;

  private final Object attachments = new Object();

  Entry(Bucket bucket, int id, String name) {
    this.bucket = bucket;
    this.id = id;
    this.name = name;
  }

  /** Its number in its bucket. */
  public int id() {
    return id;
  }

  /** Whether it was removed, or its bucket was. */
  public boolean isGone() {
    return gone;
  }

  /** The highest sequence number that a record or a change has; 0 before the first. */
  public long lastSequence() {
    lock.lock();
    try {
      return nextSequence - 1;
    } finally {
      lock.unlock();
    }
  }

  /** Its name at this moment; names change, the entry stays. */
  public String name() {
    return name;
  }

  void rename(String newName) {
    name = newName;
  }

  /** The bucket it belongs to. */
  public Bucket bucket() {
    return bucket;
  }

  String folder() {
    return bucket.folder() + "/" + id;
  }

  boolean isMeta() {
    return Names.isMeta(name);
  }

  private Store store() {
    return bucket.store;
  }

  // ---------------------------------------------------------------- writing

  /**
   * Writes a record if that takes no more than an append.
   *
   * @return false when nothing was done and {@link #write} must be called where blocking is allowed
   * @throws PannierException when the record is refused
   */
  public boolean tryWrite(NewRecord record) {
    if (isMeta()) {
      return false;
    }
    var errors = new @Nullable PannierException[1];
    var batch = new WriteBatch(List.of(record), errors);
    boolean done = attempt(batch) == Step.DONE;
    if (errors[0] instanceof PannierException.DiskFull && bucket.isRing()) {
      return false;
    }
    if (errors[0] != null) {
      throw errors[0];
    }
    return done;
  }

  /** Writes a record; may wait. Throws when it is refused; then nothing of it is stored. */
  public void write(NewRecord record) {
    var errors = new @Nullable PannierException[1];
    writeAll(List.of(record), errors);
    if (errors[0] != null) {
      throw errors[0];
    }
  }

  /**
   * As {@link #tryWrite} for a row of records in ascending time.
   *
   * @param errors one place per record, set where a record is refused
   * @return false when nothing was done
   */
  public boolean tryWriteAll(List<NewRecord> records, @Nullable PannierException[] errors) {
    if (isMeta()) {
      return false;
    }
    var batch = new WriteBatch(records, errors);
    lock.lock();
    try {
      requireHere();
      if (!surelyFits(batch)) {
        return false;
      }
      attemptLocked(batch);
    } finally {
      lock.unlock();
    }
    if (bucket.isRing() && allMetAFullDevice(errors)) {
      Arrays.fill(errors, null);
      return false;
    }
    bucket.committed(this);
    return true;
  }

  private static boolean allMetAFullDevice(@Nullable PannierException[] errors) {
    for (PannierException error : errors) {
      if (!(error instanceof PannierException.DiskFull)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Writes a row of records, each for itself: refusals go to their places in {@code errors}; may
   * wait.
   */
  public void writeAll(List<NewRecord> records, @Nullable PannierException[] errors) {
    if (isMeta()) {
      writeAttachments(records, errors);
      return;
    }
    writeBlocking(new WriteBatch(records, errors));
    retryWhileRingGivesWay(records, errors);
  }

  /** On a full device a ring makes room for its own new records. */
  private void retryWhileRingGivesWay(
      List<NewRecord> records, @Nullable PannierException[] errors) {
    for (int i = 0; i < records.size(); i++) {
      while (errors[i] instanceof PannierException.DiskFull && bucket.giveWay()) {
        var error = new @Nullable PannierException[1];
        writeBlocking(new WriteBatch(List.of(records.get(i)), error));
        errors[i] = error[0];
      }
    }
  }

  private void writeBlocking(WriteBatch batch) {
    long deadline = store().deadline();
    for (; ; ) {
      try {
        if (batch.isDone()) {
          return; // the last one was refused
        }
        store().sync.throttle(deadline);
        switch (attempt(batch)) {
          case DONE -> {
            return;
          }
          case CHECK_CLOSED -> checkClosed(batch);
          case IN_FLIGHT -> awaitUpload(batch.current().timestamp, deadline);
          case NEED_BLOCK -> addBlock(batch.stuckAt, batch.belated, deadline);
          case NEED_INDEX -> Lookup.load(this, java.util.Objects.requireNonNull(batch.stuckAt));
          case NEED_ROOM ->
              bucket.makeRoom(batch.current().frameLength + FileHeader.BYTES, deadline);
          case NEED_LOOK -> {
            long bytes = batch.current().frameLength;
            if (!store().room.look(bytes)) {
              batch.refuse(bucket.deviceFull(bytes));
            }
          }
          case THROTTLED -> {
            // The throttle at the top of the loop waits.
          }
        }
      } catch (PannierException refused) {
        if (gone) {
          throw refused;
        }
        batch.refuse(refused);
      } catch (IOException failed) {
        batch.refuse(store().failure("record could not be written", name, failed));
      }
    }
  }

  private enum Step {
    DONE,
    CHECK_CLOSED,
    IN_FLIGHT,
    NEED_BLOCK,
    NEED_INDEX,
    NEED_ROOM,
    NEED_LOOK,
    THROTTLED
  }

  private Step attempt(WriteBatch batch) {
    if (store().sync.isThrottled()) {
      return Step.THROTTLED;
    }
    int before = batch.next;
    Step step;
    lock.lock();
    try {
      requireHere();
      step = attemptLocked(batch);
    } finally {
      lock.unlock();
    }
    if (batch.next > before) {
      bucket.committed(this);
    }
    return step;
  }

  /**
   * Whether the whole batch can be taken by the idle block without any other step; conservative.
   */
  private boolean surelyFits(WriteBatch batch) {
    if (inFlight != null || store().sync.isThrottled()) {
      return false;
    }
    Block block = idle(false);
    if (block == null || block.active == null || openWithoutIndex() != null) {
      return false;
    }
    long bytes = batch.frameBytes();
    var limits = bucket.blockLimits();
    if (block.records + batch.drafts.length > limits.records()
        || block.bytes + bytes > limits.bytes()
        || block.active.index.memoryBytes() > store().limits.blockIndexBytes() / 2
        || !bucket.roomFor(bytes)) {
      return false;
    }
    BlockMap map = closed;
    for (Draft draft : batch.drafts) {
      if (map.size() > 0 && !Timestamp.isAfter(draft.timestamp, map.newest())) {
        return false;
      }
    }
    batch.hasRoom = store().room.tryTake(bytes);
    return batch.hasRoom;
  }

  /** Takes records as long as they need nothing but the append. */
  private Step attemptLocked(WriteBatch batch) {
    Block target = null;
    long grouped = 0;
    while (!batch.isDone()) {
      Draft draft = batch.current();
      long timestamp = draft.timestamp;
      boolean afterGroup =
          batch.memberCount == 0
              || Timestamp.isAfter(
                  timestamp, batch.drafts[batch.members[batch.memberCount - 1]].timestamp);
      if (!afterGroup || grouped > APPEND_MAX) {
        append(batch, java.util.Objects.requireNonNull(target));
        grouped = 0;
        continue;
      }
      BlockMap map = closed;
      batch.belated = map.size() > 0 && !Timestamp.isAfter(timestamp, map.newest());
      Step step = null;
      if (inFlight != null && inFlight.containsKey(timestamp)) {
        step = Step.IN_FLIGHT;
      } else if (batch.belated && !batch.isChecked(map)) {
        step = Step.CHECK_CLOSED;
      } else if ((batch.stuckAt = openWithoutIndex()) != null) {
        step = Step.NEED_INDEX;
      }
      if (step == null) {
        if ((batch.belated && batch.isTaken()) || existsInOpen(timestamp)) {
          batch.refuse(exists(timestamp));
          continue;
        }
        Block block = idle(batch.belated);
        if (block != target && batch.memberCount > 0) {
          append(batch, java.util.Objects.requireNonNull(target));
          grouped = 0;
          continue;
        }
        target = block;
        if (block == null) {
          step = Step.NEED_BLOCK;
        } else if (isFull(block, batch.memberCount, grouped + draft.frameLength)) {
          batch.stuckAt = block;
          step = Step.NEED_BLOCK;
        }
      }
      if (step == null && !batch.hasRoom && !store().room.tryTake(draft.frameLength)) {
        step = Step.NEED_LOOK;
      }
      if (step == null) {
        Bucket.Grant grant =
            bucket.reserve(draft.size, grouped + draft.frameLength, draft.aloneBytes());
        switch (grant) {
          case GRANTED -> {
            batch.members[batch.memberCount++] = batch.next;
            grouped += draft.frameLength;
            batch.advance();
            continue;
          }
          case OVER_CAP, OVER_QUOTA, NEVER_FITS -> {
            batch.refuse(bucket.refusal(grant));
            continue;
          }
          case NEEDS_ROOM -> step = Step.NEED_ROOM;
        }
      }
      if (batch.memberCount > 0) {
        append(batch, java.util.Objects.requireNonNull(target));
      }
      return java.util.Objects.requireNonNull(step);
    }
    if (batch.memberCount > 0) {
      append(batch, java.util.Objects.requireNonNull(target));
    }
    return Step.DONE;
  }

  /**
   * Appends the frames of the chosen records in one call; on failure all of them are refused and
   * the file is as before.
   */
  private void append(WriteBatch batch, Block block) {
    Active active = java.util.Objects.requireNonNull(block.active);
    int count = batch.memberCount;
    batch.memberCount = 0;
    long bytes = 0;
    for (int i = 0; i < count; i++) {
      bytes += batch.drafts[batch.members[i]].frameLength;
    }
    long sequence = nextSequence;
    try {
      DiskFile file = active.data.acquire();
      try {
        if (bytes <= Scratch.BYTES) {
          appendCopied(file, active, batch, count, block.bytes, bytes);
        } else {
          appendGathered(file, active, batch, count, block.bytes);
        }
      } catch (IOException | RuntimeException failed) {
        cutBack(file, block);
        throw failed;
      } finally {
        active.data.release();
      }
    } catch (IOException failed) {
      PannierException error =
          failed instanceof DiskFullException
              ? bucket.deviceFull(bytes)
              : store().failure("record could not be written", block.path(), failed);
      for (int i = 0; i < count; i++) {
        Draft draft = batch.drafts[batch.members[i]];
        bucket.unreserve(draft.size);
        batch.errors[batch.members[i]] = error;
      }
      return;
    }
    long now = store().clock.wallMicros();
    long sizes = 0;
    int ahead = 0;
    long offset = block.bytes;
    var index = (OpenIndex) active.index;
    for (int i = 0; i < count; i++) {
      Draft draft = batch.drafts[batch.members[i]];
      index.add(
          draft.timestamp,
          offset,
          draft.length(),
          draft.meta.length,
          sequence++,
          0,
          draft.contentType,
          draft.labels);
      block.cover(draft.timestamp);
      ahead += isAhead(draft.timestamp, now) ? 1 : 0;
      block.records++;
      block.live++;
      offset += draft.frameLength;
      sizes += draft.size;
    }
    nextSequence = sequence;
    block.bytes = offset;
    block.size += sizes;
    block.lastSequence = sequence - 1;
    block.arrival = now;
    size += sizes;
    records += count;
    bucket.committedReserved(sizes, bytes, count);
    counted(count, sizes, ahead);
    store().sync.dirty(block, bytes);
  }

  /** Counts records that were committed. */
  private void counted(int count, long sizes, int ahead) {
    Tally tally = store().tally;
    tally.storedRecords.add(count);
    tally.storedBytes.add(sizes);
    if (ahead > 0) {
      bucket.metAhead(ahead);
    }
  }

  private static boolean isAhead(long timestamp, long now) {
    return Timestamp.isAfter(timestamp, now + AHEAD_MICROS);
  }

  private void appendCopied(
      DiskFile file, Active active, WriteBatch batch, int count, long offset, long bytes)
      throws IOException {
    Scratch scratch = Scratch.get();
    ByteBuffer out = scratch.buffer(bytes);
    long sequence = nextSequence;
    for (int i = 0; i < count; i++) {
      Draft draft = batch.drafts[batch.members[i]];
      putHead(out, draft, active.salt, offset, scratch);
      out.put(draft.body.duplicate());
      putTail(out, draft, active.salt, offset, sequence++, scratch);
      offset += draft.frameLength;
    }
    file.append(out.flip());
  }

  private void appendGathered(
      DiskFile file, Active active, WriteBatch batch, int count, long offset) throws IOException {
    Scratch scratch = Scratch.get();
    long around = 0;
    for (int i = 0; i < count; i++) {
      Draft draft = batch.drafts[batch.members[i]];
      around += draft.frameLength - draft.length();
    }
    ByteBuffer out = scratch.buffer(around);
    var pieces = new ByteBuffer[3 * count];
    long sequence = nextSequence;
    for (int i = 0; i < count; i++) {
      Draft draft = batch.drafts[batch.members[i]];
      int from = out.position();
      putHead(out, draft, active.salt, offset, scratch);
      pieces[3 * i] = out.slice(from, out.position() - from);
      pieces[3 * i + 1] = draft.body.duplicate();
      from = out.position();
      putTail(out, draft, active.salt, offset, sequence++, scratch);
      pieces[3 * i + 2] = out.slice(from, out.position() - from);
      offset += draft.frameLength;
    }
    file.append(pieces);
  }

  private static void putHead(
      ByteBuffer out, Draft draft, long salt, long offset, Scratch scratch) {
    int at = out.position();
    Frames.putHeader(
        out,
        Frames.KIND_RECORD,
        0,
        draft.timestamp,
        draft.length(),
        salt,
        draft.meta.length,
        offset,
        scratch.crc);
    out.put(draft.meta);
    scratch.frameCrc.reset();
    scratch.frameCrc.add(out, at, Frames.HEADER + draft.meta.length);
  }

  private static void putTail(
      ByteBuffer out, Draft draft, long salt, long offset, long sequence, Scratch scratch) {
    Frames.putTail(
        out,
        scratch.frameCrc,
        scratch.crc,
        offset,
        draft.meta.length,
        draft.length(),
        draft.chunkCrcs,
        draft.timestamp,
        sequence,
        salt);
  }

  /**
   * Takes back what a failed append left behind the end. A block whose end cannot be cut takes no
   * more records: what stands there is a torn tail.
   */
  void cutBack(DiskFile file, Block block) {
    try {
      file.truncate(block.bytes);
    } catch (IOException failed) {
      store().failure("block could not be cut back", block.path(), failed);
      block.owner = BlockOwner.Work.BROKEN;
      store().background(() -> Rewriter.rewrite(block));
    }
  }

  private boolean isFull(Block block, int more, long moreBytes) {
    var limits = bucket.blockLimits();
    // Belated blocks overlap: fewer and longer ones are found and merged with less work.
    long recordsMax = block.belated ? store().limits.blockRecords() : limits.records();
    return block.records + more >= recordsMax
        || (block.records + more > 0 && block.bytes - FileHeader.BYTES + moreBytes > limits.bytes())
        || java.util.Objects.requireNonNull(block.active).index.memoryBytes()
            >= store().limits.blockIndexBytes();
  }

  /** The idle open block that has taken most records: the others are left to be closed. */
  private @Nullable Block idle(boolean belated) {
    Block best = null;
    for (int i = 0; i < open.size(); i++) {
      Block block = open.get(i);
      if (block.owner == null
          && block.belated == belated
          && (best == null || block.records > best.records)) {
        best = block;
      }
    }
    return best;
  }

  private @Nullable Block openWithoutIndex() {
    for (int i = 0; i < open.size(); i++) {
      if (open.get(i).active == null) {
        return open.get(i);
      }
    }
    return null;
  }

  private boolean existsInOpen(long timestamp) {
    for (int i = 0; i < open.size(); i++) {
      Block block = open.get(i);
      if (Lookup.mayHold(block, timestamp)
          && Lookup.liveRow(java.util.Objects.requireNonNull(block.active), timestamp) >= 0) {
        return true;
      }
    }
    return false;
  }

  /** Looks for the rest of the batch in the closed blocks, without the lock. */
  private void checkClosed(WriteBatch batch) {
    BlockMap map = closed;
    batch.beginCheck(map);
    for (int i = batch.next; i < batch.drafts.length; i++) {
      long timestamp = batch.drafts[i].timestamp;
      try {
        batch.checked(
            !Timestamp.isAfter(timestamp, map.newest()) && existsInClosed(map, timestamp));
      } catch (PannierException unreadable) {
        if (i == batch.next) {
          throw unreadable;
        }
        // Told to the record that meets it when its turn comes.
        return;
      }
    }
  }

  private boolean existsInClosed(BlockMap map, long timestamp) {
    List<Active> holders = Lookup.holders(this, map, timestamp);
    if (holders.isEmpty()) {
      return false;
    }
    lock.lock();
    try {
      return holders.stream().anyMatch(active -> Lookup.liveRow(active, timestamp) >= 0);
    } finally {
      lock.unlock();
      Lookup.release(this, holders);
    }
  }

  /**
   * Adds an open block, and sends a full one to be sealed. Waits while another thread does the
   * same.
   */
  private void addBlock(@Nullable Block full, boolean belated, long deadline) throws IOException {
    lock.lock();
    try {
      requireHere();
      if (full != null && full.owner == null && open.contains(full)) {
        Sealing.start(full);
      }
      if (idle(belated) != null) {
        return;
      }
      if (belated ? creatingBelated : creating) {
        await(deadline);
        return;
      }
      awaitBlockSlot(deadline);
      if (belated) {
        creatingBelated = true;
      } else {
        creating = true;
      }
    } finally {
      lock.unlock();
    }
    try {
      createBlock(belated, null);
    } finally {
      lock.lock();
      try {
        if (belated) {
          creatingBelated = false;
        } else {
          creating = false;
        }
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  private void awaitBlockSlot(long deadline) {
    // One more than uploads may take, so that a small record never waits for an upload.
    if (open.size() > store().limits.openBlocksPerEntry()) {
      // After a crash all of them may be idle and none of them of use, and then nobody else would
      // seal one.
      Sealing.closeSurplus(this, -1);
    }
    while (open.size() > store().limits.openBlocksPerEntry()) {
      await(deadline);
    }
  }

  /** Waits for {@link #changed}, under the lock; the callers look at their condition again. */
  @SuppressWarnings("WaitNotInLoop")
  private void await(long deadline) {
    long left = deadline - store().clock.monotonicNanos();
    if (left <= 0) {
      throw new PannierException.Unavailable("Entry '" + name + "' is busy", 1);
    }
    try {
      if (changed.await(Math.min(left, TimeUnit.SECONDS.toNanos(1)), TimeUnit.NANOSECONDS)) {
        requireHere();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PannierException.Unavailable(Refusal.STOPPING, "Server is stopping", 1);
    }
  }

  /**
   * Makes an open block: first told to the journal, then created, then put among the open ones
   * under its owner.
   */
  private Block createBlock(boolean belated, @Nullable BlockOwner owner) throws IOException {
    bucket.makeWay(FileHeader.BYTES);
    Block block = newBlock(belated);
    block.owner = owner;
    bucket.journal.block(
        block,
        block.state(),
        () ->
            orDiscard(
                block,
                () -> {
                  createFile(block);
                  lock.lock();
                  try {
                    requireHere();
                    open.add(block);
                  } finally {
                    lock.unlock();
                  }
                }));
    store().sync.dirtyLater(block);
    return block;
  }

  /** Makes a block that is not part of the entry yet: a rewrite fills it. A start drops it. */
  Block createDetachedBlock() throws IOException {
    Block block = newBlock(false);
    block.detached = true;
    bucket.journal.block(
        block,
        block.state(),
        () ->
            orDiscard(
                block,
                () -> {
                  bucket.detached.add(block);
                  createFile(block);
                }));
    return block;
  }

  /**
   * A block that the journal knows and that could not be made must be gone again: after a clean
   * stop nobody would find out.
   */
  private void orDiscard(Block block, BucketJournal.Effect making) throws IOException {
    boolean made = false;
    try {
      making.run();
      made = true;
    } finally {
      if (!made) {
        bucket.discard(block);
      }
    }
  }

  private Block newBlock(boolean belated) {
    Block block;
    lock.lock();
    try {
      block = new Block(this, nextBlock++);
    } finally {
      lock.unlock();
    }
    block.belated = belated;
    block.changesNoted = true;
    block.arrival = store().clock.wallMicros();
    return block;
  }

  private void createFile(Block block) throws IOException {
    var slot = store().files.new Slot(block.path());
    long salt = store().salt();
    DiskFile file;
    try {
      file = createOver(slot, block.path());
    } catch (DiskFullException full) {
      throw bucket.deviceFull(FileHeader.BYTES);
    }
    try {
      writeHeader(block, file, salt);
    } catch (DiskFullException full) {
      slot.delete(() -> {});
      throw bucket.deviceFull(FileHeader.BYTES);
    } catch (IOException failed) {
      slot.delete(() -> {});
      throw failed;
    } finally {
      slot.release();
    }
    block.bytes = FileHeader.BYTES;
    var active =
        new Active(
            block,
            slot,
            store().files.new Slot(block.changesPath()),
            salt,
            new OpenIndex(),
            new ArrayList<>());
    store().cache.install(active);
    bucket.disk(FileHeader.BYTES);
    store().sync.dirtyFolder(folder());
  }

  void writeHeader(Block block, DiskFile file, long salt) throws IOException {
    var header = Frames.direct(FileHeader.BYTES);
    new FileHeader(
            FileHeader.Kind.BLOCK, store().id(), salt, bucket.id, id, block.id, block.arrival)
        .writeTo(header);
    file.append(header.flip());
  }

  /**
   * Creates a file over one whose journal frame was lost with the power: nothing in it was ever
   * promised to be on the device.
   */
  DiskFile createOver(FileCache.Slot slot, String path) throws IOException {
    try {
      return slot.create();
    } catch (java.nio.file.FileAlreadyExistsException leftOver) {
      store().disk.delete(path);
      return slot.create();
    }
  }

  private void awaitUpload(long timestamp, long deadline) {
    lock.lock();
    try {
      while (inFlight != null && inFlight.containsKey(timestamp)) {
        await(deadline);
      }
    } finally {
      lock.unlock();
    }
  }

  // ---------------------------------------------------------------- uploads

  /**
   * Begins a record whose body comes in pieces. It takes an open block for itself until it is
   * committed or aborted.
   *
   * @param length bytes of the body, all of which must be written before the commit
   */
  public Upload beginUpload(long timestamp, String contentType, Labels labels, long length) {
    return beginUpload(timestamp, contentType, labels, Optional.empty(), length);
  }

  /**
   * As above, for a record that is copied from another store.
   *
   * @param origin id of that store
   */
  public Upload beginUpload(
      long timestamp, String contentType, Labels labels, Optional<UUID> origin, long length) {
    checkAttachment(labels);
    if (length < 0 || length > Frames.BODY_MAX) {
      throw new PannierException.BadRequest(
          "A record may have " + Frames.BODY_MAX + " bytes at most, not " + length);
    }
    long deadline = store().deadline();
    byte[] meta = Meta.encode(contentType, labels, origin);
    long recordSize = Active.sizeOf(length, labels);
    long frameLength = Frames.length(meta.length, length);
    bucket.checkDevice(frameLength);
    boolean reserved = false;
    while (!reserved) {
      Bucket.Grant grant =
          bucket.reserve(recordSize, 0, Bucket.aloneBytes(meta.length, frameLength));
      switch (grant) {
        case GRANTED -> reserved = true;
        case OVER_CAP, OVER_QUOTA, NEVER_FITS -> throw bucket.refusal(grant);
        case NEEDS_ROOM -> bucket.makeRoom(0, deadline);
      }
    }
    var upload = new Upload(this, timestamp, contentType, labels, meta, length, recordSize);
    boolean begun = false;
    try {
      announce(upload);
      registerUpload(upload, deadline);
      upload.begin(takeBlockInRing(upload, deadline));
      begun = true;
      return upload;
    } catch (IOException failed) {
      throw store().failure("upload could not begin", name, failed);
    } finally {
      if (!begun) {
        upload.abort();
      }
    }
  }

  /** Takes room on the device, which a ring makes for itself if need be. */
  private void announce(Upload upload) throws IOException {
    while (!store().room.announce(upload.frameLength())) {
      if (!bucket.giveWay()) {
        throw bucket.deviceFull(upload.frameLength());
      }
    }
    upload.announced = upload.frameLength();
  }

  /** Announces the timestamp, after making sure that no finished record has it. */
  private void registerUpload(Upload upload, long deadline) throws IOException {
    for (; ; ) {
      BlockMap map = closed;
      if (map.size() > 0
          && !Timestamp.isAfter(upload.timestamp, map.newest())
          && existsInClosed(map, upload.timestamp)) {
        throw exists(upload.timestamp);
      }
      Block toLoad;
      lock.lock();
      try {
        requireHere();
        while (inFlight != null && inFlight.containsKey(upload.timestamp)) {
          await(deadline);
        }
        toLoad = openWithoutIndex();
        if (toLoad == null && closed == map) {
          if (existsInOpen(upload.timestamp)) {
            throw exists(upload.timestamp);
          }
          if (inFlight == null) {
            inFlight = new HashMap<>();
          }
          inFlight.put(upload.timestamp, upload);
          return;
        }
      } finally {
        lock.unlock();
      }
      if (toLoad != null) {
        Lookup.load(this, toLoad);
      }
    }
  }

  void uploadEnded(Upload upload) {
    lock.lock();
    try {
      if (inFlight != null && inFlight.remove(upload.timestamp, upload) && inFlight.isEmpty()) {
        inFlight = null;
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private Block takeBlockInRing(Upload upload, long deadline) throws IOException {
    for (; ; ) {
      try {
        return takeBlock(upload, deadline);
      } catch (PannierException.DiskFull full) {
        if (!bucket.giveWay()) {
          throw full;
        }
      }
    }
  }

  private Block takeBlock(Upload upload, long deadline) throws IOException {
    boolean belated;
    lock.lock();
    try {
      belated = closed.size() > 0 && !Timestamp.isAfter(upload.timestamp, closed.newest());
      Block block = idle(belated);
      if (block != null && block.active != null) {
        if (isFull(block, 0, upload.frameLength())) {
          Sealing.start(block);
        } else if (bucket.canHold(
            block.bytes + Bucket.aloneBytes(upload.meta.length, upload.frameLength()))) {
          block.owner = upload;
          return block;
        }
        // Else it must be free to give way to the upload.
      }
      while (open.size() >= store().limits.openBlocksPerEntry()) {
        await(deadline);
      }
    } finally {
      lock.unlock();
    }
    return createBlock(belated, upload);
  }

  /** Called by the upload, under the lock: the frame is complete. */
  void uploadCommitted(Upload upload, Block block, long frameLength, long sequence) {
    Active active = java.util.Objects.requireNonNull(block.active);
    ((OpenIndex) active.index)
        .add(
            upload.timestamp,
            block.bytes,
            upload.length,
            upload.meta.length,
            sequence,
            isMeta() ? Frames.REPLACES_KEY : 0,
            upload.contentType,
            upload.labels);
    block.cover(upload.timestamp);
    block.records++;
    block.live++;
    block.bytes += frameLength;
    block.size += upload.size;
    block.lastSequence = sequence;
    block.arrival = store().clock.wallMicros();
    nextSequence = sequence + 1;
    size += upload.size;
    records++;
    // Its bytes were counted on the device as they came.
    bucket.committedReserved(upload.size, 0, 1);
    counted(1, upload.size, isAhead(upload.timestamp, block.arrival) ? 1 : 0);
    store().sync.dirty(block, frameLength);
  }

  // ---------------------------------------------------------------- attachments

  private void checkAttachment(Labels labels) {
    if (!isMeta()) {
      return;
    }
    if (labels.get("key") == null) {
      throw new PannierException.Invalid(
          "System entry '" + name + "' records must contain label 'key'");
    }
    if ("true".equals(labels.get("remove"))) {
      throw new PannierException.Invalid(
          "System entry '"
              + name
              + "' does not support writing records with label 'remove=true'; use record update");
    }
  }

  /** An attachment replaces the earlier one of its key, after it is stored itself. */
  private void writeAttachments(List<NewRecord> records, @Nullable PannierException[] errors) {
    synchronized (attachments) {
      dropReplaced();
      for (int i = 0; i < records.size(); i++) {
        NewRecord record = records.get(i);
        try {
          checkAttachment(record.labels());
          try (Upload upload =
              beginUpload(
                  record.timestamp(),
                  record.contentType(),
                  record.labels(),
                  record.origin(),
                  record.body().remaining())) {
            upload.write(record.body().duplicate());
            upload.commit();
          }
        } catch (PannierException refused) {
          errors[i] = refused;
        }
      }
    }
  }

  /** Removes earlier attachments with the key of these labels. */
  void dropReplaced(Labels written) {
    String key = written.get("key");
    StoredRecord keep = null;
    var replaced = new ArrayList<StoredRecord>();
    for (StoredRecord record : scanAll(TimeRange.all())) {
      if (key != null && key.equals(record.labels().get("key"))) {
        if (keep == null || Long.compareUnsigned(record.sequence(), keep.sequence()) > 0) {
          if (keep != null) {
            replaced.add(keep);
          }
          keep = record;
        } else {
          replaced.add(record);
        }
      }
    }
    remove(replaced);
  }

  /**
   * After a start: a crash may have come between an attachment and the removal of the one it
   * replaces.
   */
  private void dropReplaced() {
    if (attachmentsChecked) {
      return;
    }
    var keys = new java.util.TreeSet<String>();
    for (StoredRecord record : scanAll(TimeRange.all())) {
      String key = record.labels().get("key");
      if (key != null) {
        keys.add(key);
      }
    }
    for (String key : keys) {
      dropReplaced(Labels.of("key", key));
    }
    attachmentsChecked = true;
  }

  private List<StoredRecord> scanAll(TimeRange range) {
    var all = new ArrayList<StoredRecord>();
    TimeRange rest = range;
    for (; ; ) {
      List<StoredRecord> some = Scan.all(this, rest, 1024);
      all.addAll(some);
      if (some.size() < 1024 || some.getLast().timestamp() == Timestamp.MAX) {
        return all;
      }
      rest = new TimeRange(some.getLast().timestamp() + 1, range.bounded(), range.stop());
    }
  }

  // ---------------------------------------------------------------- reading

  /**
   * The record of this time if it can be found without reading a file.
   *
   * @return null when a file must be read: call {@link #find}
   * @throws PannierException.NotFound when there is none
   */
  public @Nullable StoredRecord tryFind(long timestamp) {
    return Lookup.find(this, timestamp, false);
  }

  /** The record of this time; may read files. */
  public StoredRecord find(long timestamp) {
    return java.util.Objects.requireNonNull(Lookup.find(this, timestamp, true));
  }

  /** As {@link #find}, also when the record is known to be damaged. */
  StoredRecord locate(long timestamp) {
    return java.util.Objects.requireNonNull(Lookup.locate(this, timestamp, true));
  }

  /** The record of this time, damaged or not, or null; as if no upload were in flight. */
  @Nullable StoredRecord findIfAny(long timestamp) {
    try {
      return locate(timestamp);
    } catch (PannierException.NotFound | PannierException.TooEarly none) {
      return null;
    }
  }

  /** The newest record if it can be found without reading a file, else null. */
  public @Nullable StoredRecord tryLatest() {
    return Lookup.latest(this, false);
  }

  /** The newest record; may read files. */
  public StoredRecord latest() {
    return java.util.Objects.requireNonNull(Lookup.latest(this, true));
  }

  /**
   * Records of a range in ascending time, as they are at this moment; may read files. To go on,
   * call again from behind the last time.
   *
   * @param max most records to return
   */
  public List<StoredRecord> scan(TimeRange range, int max) {
    prepareAttachments();
    return Scan.all(this, range, max);
  }

  /**
   * Records of a range in ascending time that a filter takes, as they are at this moment; may read
   * files. A part of the work only, so that writers never wait long: see {@link Scanned#next}.
   *
   * @param max most records to return
   */
  public Scanned select(TimeRange range, RecordFilter filter, int max) {
    prepareAttachments();
    return new Scan(this, filter, max).run(range);
  }

  /**
   * Shows the blocks that may hold live records of a range, in no order, one after the other; may
   * read files.
   *
   * @return number of blocks with live records that the range leaves out
   */
  public int survey(TimeRange range, Consumer<BlockFacts> visitor) {
    return Scan.survey(this, range, visitor);
  }

  private void prepareAttachments() {
    if (isMeta()) {
      synchronized (attachments) {
        dropReplaced();
      }
    }
  }

  /** What the entry holds, exactly. */
  public EntryInfo info() {
    lock.lock();
    try {
      long oldest = 0;
      long newest = 0;
      int blocks = 0;
      BlockMap map = closed;
      for (int i = 0; i < map.size() + open.size(); i++) {
        Block block = i < map.size() ? map.get(i) : open.get(i - map.size());
        if (block.live > 0) {
          oldest = blocks == 0 ? block.oldest : Timestamp.min(oldest, block.oldest);
          newest = blocks == 0 ? block.newest : Timestamp.max(newest, block.newest);
          blocks++;
        }
      }
      return new EntryInfo(name, size, records, blocks, oldest, newest);
    } finally {
      lock.unlock();
    }
  }

  /** Blocks that are there, open or closed. */
  int blockCount() {
    lock.lock();
    try {
      return closed.size() + open.size();
    } finally {
      lock.unlock();
    }
  }

  /** All blocks of a removed entry; nobody opens one of them again. */
  List<Block> leaving() {
    lock.lock();
    try {
      var all = new ArrayList<>(open);
      for (int i = 0; i < closed.size(); i++) {
        all.add(closed.get(i));
      }
      for (Block block : all) {
        block.gone = true;
      }
      return all;
    } finally {
      lock.unlock();
    }
  }

  /** Whether an upload may append to one of the blocks. */
  boolean isUploading() {
    lock.lock();
    try {
      return open.stream().anyMatch(block -> block.owner instanceof Upload);
    } finally {
      lock.unlock();
    }
  }

  boolean isUploading(long timestamp) {
    return inFlight != null && inFlight.containsKey(timestamp);
  }

  // ---------------------------------------------------------------- changing and removing

  /** Sets and (by empty values) removes labels of a record; may wait. */
  public void updateLabels(long timestamp, Labels update) {
    var errors = new @Nullable PannierException[1];
    updateAll(new long[] {timestamp}, List.of(update), errors);
    if (errors[0] != null) {
      throw errors[0];
    }
  }

  /** Updates labels of a row of records, each for itself; may wait. */
  public void updateAll(
      long[] timestamps, List<Labels> updates, @Nullable PannierException[] errors) {
    updateAll(timestamps, updates, Optional.empty(), errors);
  }

  /**
   * As above, for changes that are copied from another store.
   *
   * @param origin id of that store
   */
  public void updateAll(
      long[] timestamps,
      List<Labels> updates,
      Optional<UUID> origin,
      @Nullable PannierException[] errors) {
    new Changes(this, origin).run(timestamps, updates, errors);
  }

  /** Removes a record; may wait. */
  public void remove(long timestamp) {
    var errors = new @Nullable PannierException[1];
    removeAll(new long[] {timestamp}, errors);
    if (errors[0] != null) {
      throw errors[0];
    }
  }

  /** Removes a row of records, each for itself; may wait. */
  public void removeAll(long[] timestamps, @Nullable PannierException[] errors) {
    new Changes(this).run(timestamps, null, errors);
  }

  /**
   * Removes all records of a range; blocks that lie within it go whole. Returns the number of
   * removed records.
   */
  public long removeRange(TimeRange range) {
    long removed = bucket.dropBlocksWithin(this, range, Integer.MAX_VALUE);
    return removed + removeRange(range, record -> true);
  }

  /**
   * Removes blocks that lie within a range as a whole. Returns the number of removed records; 0
   * when there is no such block any more.
   *
   * @param max most blocks to remove
   */
  public long removeBlocks(TimeRange range, int max) {
    return bucket.dropBlocksWithin(this, range, max);
  }

  /** Removes the records of a range for which the condition holds. Returns their number. */
  public long removeRange(TimeRange range, Predicate<StoredRecord> which) {
    long removed = 0;
    TimeRange rest = range;
    for (; ; ) {
      List<StoredRecord> some = scan(rest, 1024);
      var chosen = new ArrayList<StoredRecord>();
      for (StoredRecord record : some) {
        if (which.test(record)) {
          chosen.add(record);
        }
      }
      removed += remove(chosen);
      if (some.size() < 1024 || some.getLast().timestamp() == Timestamp.MAX) {
        return removed;
      }
      rest = new TimeRange(some.getLast().timestamp() + 1, range.bounded(), range.stop());
    }
  }

  /**
   * Removes records that were found before, unless they vanished or were replaced since. Returns
   * how many it removed.
   */
  public long remove(List<StoredRecord> chosen) {
    if (chosen.isEmpty()) {
      return 0;
    }
    return new Changes(this).remove(chosen);
  }

  /** Under the lock: a record of this size is no longer live. */
  void removed(long recordSize) {
    size -= recordSize;
    records--;
    bucket.added(-recordSize, 0, -1);
    bucket.lost(1, false);
  }

  /** Under the lock: labels changed by so many bytes, which are charged already. */
  void grown(long bytes) {
    size += bytes;
    bucket.committedReserved(bytes, 0, 0);
  }

  /** Under the lock: a rewritten block takes the place of its source. */
  void exchange(Block old, Block fresh) {
    if (!open.remove(old)) {
      closed = closed.without(other -> other == old);
    }
    old.gone = true;
    old.replaced = true;
    fresh.detached = false;
    size += fresh.size - old.size;
    records += fresh.live - old.live;
    bucket.added(fresh.size - old.size, 0, fresh.live - old.live);
    bucket.detached.remove(fresh);
    bucket.unpurged.add(old);
    closed = closed.with(fresh);
    store().sync.dirty(fresh, 0);
    changed.signalAll();
  }

  /** Waits under the lock until a block may be changed. */
  void awaitThaw(Block block, long deadline) {
    while (block.frozen) {
      await(deadline);
    }
  }

  // ---------------------------------------------------------------- life

  /** At start: adds up its blocks. */
  void count() {
    long diskBytes = 0;
    BlockMap map = closed;
    for (int i = 0; i < map.size() + open.size(); i++) {
      Block block = i < map.size() ? map.get(i) : open.get(i - map.size());
      size += block.size;
      records += block.live;
      diskBytes += block.diskBytes();
      nextSequence = Math.max(nextSequence, block.lastSequence + 1);
    }
    if (gone) {
      size = 0;
      records = 0;
    }
    bucket.added(size, diskBytes, records);
  }

  /** At start: a block that was taken for open turned out to be sealed. */
  void settle(Block block) {
    open.remove(block);
    closed = closed.with(block);
  }

  /** At start, before the blocks are added up: a block is not there. */
  void forget(Block block) {
    block.gone = true;
    open.remove(block);
    closed = closed.without(other -> other == block);
  }

  /** Under the lock: takes the block out of the entry; its sums go with it. */
  void drop(Block block, boolean evicted) {
    block.gone = true;
    bucket.lost(block.live, evicted);
    bucket.kept.remove(block);
    if (!open.remove(block)) {
      closed = closed.without(other -> other == block);
    }
    size -= block.size;
    records -= block.live;
    bucket.added(-block.size, 0, -block.live);
    changed.signalAll();
  }

  /** The entry is removed: nothing is found or accepted any more. */
  void goAway() {
    store().timeFilters.forget(this);
    lock.lock();
    try {
      gone = true;
      bucket.added(-size, 0, -records);
      bucket.lost(records, false);
      size = 0;
      records = 0;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Bytes of the blocks that a ring gives up before one of this place. */
  long bytesInFrontOf(long place) {
    long bytes = 0;
    lock.lock();
    try {
      BlockMap map = closed;
      for (int i = 0; i < map.size(); i++) {
        bytes += bytesInFront(map.get(i), place);
      }
      for (Block block : open) {
        bytes += bytesInFront(block, place);
      }
    } finally {
      lock.unlock();
    }
    return bytes;
  }

  private static long bytesInFront(Block block, long place) {
    boolean goesBefore = block.live == 0 || Timestamp.isBefore(block.fifoKey(), place);
    return !block.gone && goesBefore ? block.diskBytes() : 0;
  }

  /** Offers all blocks to a ring that must give one up. */
  void offerBlocks(EvictionChoice choice) {
    lock.lock();
    try {
      BlockMap map = closed;
      for (int i = 0; i < map.size(); i++) {
        choice.offer(map.get(i));
      }
      open.forEach(choice::offer);
    } finally {
      lock.unlock();
    }
  }

  private void requireHere() {
    if (gone) {
      throw new PannierException.Conflict(
          "Entry '" + name + "' in bucket '" + bucket.name() + "' is being deleted");
    }
  }

  void checkHere() {
    requireHere();
  }

  static PannierException exists(long timestamp) {
    return new PannierException.Conflict(
        "A record with timestamp " + Timestamp.toString(timestamp) + " already exists");
  }

  PannierException notFound(long timestamp) {
    return new PannierException.NotFound(
        "Record "
            + Timestamp.toString(timestamp)
            + " not found in entry "
            + bucket.name()
            + "/"
            + name);
  }

  @Override
  public String toString() {
    return bucket.name() + "/" + name;
  }
}
