package io.pannier.store;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.store.Verification.Kind;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Checks one block and its change log against themselves, each other, and what the journal says of
 * them. Uses the walk of the recovery, so what is called damage here is what a server would answer
 * with an error.
 */
final class BlockVerifier {
  private static final int PIECE = 8 * Frames.CHUNK;

  /** Gives the files of a block by their paths. */
  interface Files {
    /** Opens one, as {@link io.pannier.store.disk.Disk#open} does. */
    DiskFile open(String path) throws IOException;
  }

  /** What is known of the place of a block. */
  record Place(Files files, UUID storeId, int bucketId, String folder, boolean stoppedCleanly) {}

  private final Place place;
  private final BlockState state;
  private final Findings findings;
  private final String path;
  private final String changesPath;
  private final boolean sealed;
  private final boolean settled;
  private final Checksum crc = new Checksum();

  // What the walk found
  private final OpenIndex index = new OpenIndex();
  private final BitSet damagedRows = new BitSet();
  private final List<IndexCodec.Hole> lost = new ArrayList<>();
  private boolean damage;
  private long salt;
  private Footer.@Nullable Loaded footer;

  private BlockVerifier(Place place, BlockState state, Findings findings) {
    this.place = place;
    this.state = state;
    this.findings = findings;
    path = place.folder + "/" + state.block() + ".blk";
    changesPath = place.folder + "/" + state.block() + ".chg";
    sealed = (state.flags() & Block.SEALED) != 0;
    settled = place.stoppedCleanly || (sealed && (state.flags() & Block.DIRTY) == 0);
  }

  /** Checks the block of this state. */
  static void verify(Place place, BlockState state, Findings findings) {
    new BlockVerifier(place, state, findings).run();
  }

  private void run() {
    findings.blocks++;
    try (DiskFile file = place.files.open(path)) {
      if (readHeader(file)) {
        records(file);
        changes();
      }
    } catch (NoSuchFileException _) {
      if (state.records() == 0 && state.bytes() == 0) {
        findings.add(Kind.NOTE, path, "announced and never created; the next start forgets it");
      } else {
        damage(path, "missing; its " + state.live() + " records are gone");
      }
    } catch (IOException | PannierException failed) {
      damage(path, "cannot be read: " + failed.getMessage());
    }
  }

  private void damage(String where, String text) {
    damage = true;
    findings.damage(where, text);
  }

  /**
   * Takes the salt from the header, or from the first frame. False when there is nothing to walk
   * over.
   */
  private boolean readHeader(DiskFile file) throws IOException {
    if (file.size() < FileHeader.BYTES
        && state.bytes() <= FileHeader.BYTES
        && state.records() == 0
        && !settled) {
      findings.add(Kind.NOTE, path, "begun and never written; the next start deletes it");
      return false;
    }
    var header = ByteBuffer.allocate(FileHeader.BYTES);
    DiskReads.fill(file, header, 0);
    try {
      FileHeader found = FileHeader.parseForReading(header.flip());
      salt = found.salt();
      checkIdentity(path, found, FileHeader.Kind.BLOCK);
    } catch (FileHeader.Unusable unusable) {
      return readSalt(file, unusable);
    }
    return true;
  }

  private boolean readSalt(DiskFile file, FileHeader.Unusable unusable) throws IOException {
    boolean vouched = settled || state.bytes() > 0;
    try {
      salt = BlockWalk.saltOf(file, FileHeader.BYTES);
    } catch (PannierException.Damaged nothing) {
      if (vouched) {
        throw nothing;
      }
      findings.add(
          Kind.NOTE,
          path,
          "nothing of it was on the device when the power was lost; the next start deletes it");
      return false;
    }
    if (vouched) {
      damage(path, "file header: " + unusable.getMessage());
    } else {
      findings.add(
          Kind.PAST_LOSS, path, "file header was not on the device when the power was lost");
    }
    return true;
  }

  private void checkIdentity(String where, FileHeader found, FileHeader.Kind kind) {
    if (found.kind() != kind
        || !found.storeId().equals(place.storeId)
        || found.bucketId() != place.bucketId
        || found.entryId() != state.entry()
        || found.blockId() != state.block()) {
      damage(where, "file header is that of another file: " + found);
    }
  }

  // ---------------------------------------------------------------- records

  private void records(DiskFile file) throws IOException {
    long size = file.size();
    if (size < state.bytes()) {
      damage(path, "ends at " + size + ", accounted for are " + state.bytes() + " bytes");
    } else if (size > state.bytes() && settled) {
      damage(path, (size - state.bytes()) + " bytes stand behind its end at " + state.bytes());
    }
    if (sealed) {
      readFooter(file);
    }
    Footer.Loaded loaded = footer;
    long accounted = Math.min(size, loaded != null ? loaded.recordsEnd() : state.bytes());
    var visitor = new RecordChecks(file, accounted);
    BlockWalk.End end = new BlockWalk(file, salt).walk(FileHeader.BYTES, accounted, visitor);
    findings.read(path, FileHeader.BYTES);
    if (visitor.failure != null) {
      throw visitor.failure;
    }
    if (end.footer() >= 0 && !sealed) {
      readFooter(file);
    } else if (!settled && !sealed && size > end.end()) {
      findings.add(
          Kind.NOTE,
          path,
          "torn tail of " + (size - end.end()) + " bytes; the next start cuts it off");
    }
    if (footer != null) {
      compare(footer);
      findings.read(path, size - footer.recordsEnd());
    }
  }

  private void readFooter(DiskFile file) throws IOException {
    try {
      footer = Footer.read(file);
    } catch (PannierException.Damaged damaged) {
      damage(path, damaged.getMessage() + "; the index is built again from the frames");
    }
  }

  /**
   * Takes what the walk finds, and checks what the walk does not: the chunks of accounted records.
   */
  private final class RecordChecks implements BlockWalk.Visitor {
    private final DiskFile file;
    private final long accounted;
    private ByteBuffer piece = Frames.direct(Frames.CHUNK);
    @Nullable IOException failure;

    RecordChecks(DiskFile file, long accounted) {
      this.file = file;
      this.accounted = accounted;
    }

    @Override
    public void record(long offset, Frames.Header header, long sequence, Meta meta) {
      if (isLostBefore(offset)) {
        return;
      }
      int rows = index.rows();
      if (rows > 0 && Long.compareUnsigned(index.sequence(rows - 1), sequence) >= 0) {
        damage(
            path,
            name(header.timestamp(), sequence) + " at " + offset + ": its number does not ascend");
        return;
      }
      IndexCache.Rows.add(index, offset, header, sequence, meta);
      findings.read(path, header.frameLength());
      try {
        if (offset < accounted && !chunksCheck(offset, header)) {
          damagedRows.set(rows);
          damage(
              path,
              name(header.timestamp(), sequence)
                  + " at "
                  + offset
                  + ": body does not match its checksums");
        }
      } catch (IOException unreadable) {
        failure = unreadable;
      }
    }

    private boolean chunksCheck(long offset, Frames.Header header) throws IOException {
      long body = offset + Frames.HEADER + header.metaLength();
      ByteBuffer tail = ByteBuffer.allocate(header.tailLength()).order(ByteOrder.LITTLE_ENDIAN);
      DiskReads.fill(file, tail, body + header.stored());
      if (tail.hasRemaining()) {
        return false;
      }
      ChunkTable table = ChunkTable.read(tail, header.tableAt(), header.length(), header.stored());
      if (table == null) {
        return false;
      }
      if (header.stored() > piece.capacity() && piece.capacity() < PIECE) {
        piece = Frames.direct(PIECE);
      }
      for (int from = 0; from < table.count(); ) {
        int to = from;
        int bytes = 0;
        while (to < table.count() && bytes + table.storedBytes(to) <= piece.capacity()) {
          bytes += table.storedBytes(to++);
        }
        piece.clear().limit(bytes);
        DiskReads.fill(file, piece, body + table.offset(from));
        if (piece.hasRemaining()) {
          return false;
        }
        for (int at = 0; from < to; from++) {
          if (!chunkChecks(table, from, at)) {
            return false;
          }
          at += table.storedBytes(from);
        }
      }
      return true;
    }

    /** Whether the stored chunk at this place of the piece matches its checksum, and expands. */
    private boolean chunkChecks(ChunkTable table, int chunk, int at) {
      int bytes = table.storedBytes(chunk);
      crc.reset().add(piece, at, bytes);
      if (crc.value() != table.crc(chunk)) {
        return false;
      }
      int raw = table.rawBytes(chunk);
      if (bytes == raw) {
        return true;
      }
      var stored = new byte[bytes];
      piece.get(at, stored);
      return ChunkCodec.expand(stored, bytes, new byte[raw], raw);
    }

    @Override
    public void damaged(long offset, long length, long timestamp, long sequence) {
      if (isLostBefore(offset)) {
        return;
      }
      damagedRows.set(IndexCache.Rows.addDamaged(index, offset, length, timestamp, sequence));
      findings.read(path, length);
      lost.add(new IndexCodec.Hole(offset, offset + length));
      if (isDamagedBefore(offset)) {
        findings.add(
            Kind.PAST_LOSS,
            path,
            name(timestamp, sequence)
                + " at "
                + offset
                + " was damaged before the block was sealed");
      } else {
        damage(path, name(timestamp, sequence) + " at " + offset + ": frame is damaged");
      }
    }

    @Override
    public void hole(long from, long to) {
      findings.read(path, to - from);
      if (isLostBefore(from)) {
        return;
      }
      lost.add(new IndexCodec.Hole(from, to));
      if (from >= accounted) {
        findings.add(
            Kind.PAST_LOSS,
            path,
            "bytes " + from + " to " + to + " were not on the device when the power was lost");
      } else if (!sealed || footer != null || to < accounted) {
        damage(path, "bytes " + from + " to " + to + " are damaged" + named(from, to));
      }
      // Else it is the footer itself, which was reported.
    }
  }

  /**
   * Whether the footer says that this place was lost before the block was sealed. What still looks
   * like a frame there is none.
   */
  private boolean isLostBefore(long offset) {
    Footer.Loaded loaded = footer;
    if (loaded != null) {
      for (IndexCodec.Hole hole : loaded.holes()) {
        if (offset >= hole.from() && offset < hole.to()) {
          return true;
        }
      }
    }
    return false;
  }

  /** Whether the footer says that the record here answers for its damage already. */
  private boolean isDamagedBefore(long offset) {
    Footer.Loaded loaded = footer;
    for (int row = 0; loaded != null && row < loaded.index().rows(); row++) {
      if (loaded.index().offset(row) == offset) {
        return (loaded.index().flags(row) & Frames.DAMAGED) != 0;
      }
    }
    return false;
  }

  /** The records that the footer has in a damaged place. */
  private String named(long from, long to) {
    var names = new StringBuilder();
    Footer.Loaded loaded = footer;
    for (int row = 0; loaded != null && row < loaded.index().rows(); row++) {
      long offset = loaded.index().offset(row);
      if (offset >= from && offset < to) {
        names
            .append(names.isEmpty() ? "; " : ", ")
            .append(name(loaded.index().timestamp(row), loaded.index().sequence(row)));
      }
    }
    return names.toString();
  }

  private static String name(long timestamp, long sequence) {
    return "record "
        + Timestamp.toString(timestamp)
        + " (number "
        + Long.toUnsignedString(sequence)
        + ")";
  }

  // ---------------------------------------------------------------- footer

  private void compare(Footer.Loaded loaded) {
    for (IndexCodec.Hole hole : loaded.holes()) {
      findings.add(
          Kind.PAST_LOSS,
          path,
          "bytes " + hole.from() + " to " + hole.to() + " were lost before the block was sealed");
    }
    boolean differs = false;
    for (int row = 0; row < index.rows(); row++) {
      if (lost.isEmpty() || !damagedRows.get(row)) {
        differs |= differs(loaded.index(), row);
      }
    }
    for (int row = 0; row < loaded.index().rows(); row++) {
      long sequence = loaded.index().sequence(row);
      if (index.rowOfSequence(sequence) < 0 && !isLost(loaded.index().offset(row))) {
        differs = true;
        damage(
            path,
            "footer has "
                + name(loaded.index().timestamp(row), sequence)
                + ", the frames have not");
      }
    }
    if (!differs && lost.isEmpty()) {
      ByteBuffer built = IndexCodec.encode(index, loaded.holes());
      if (!built.equals(IndexCodec.encode(loaded.index(), loaded.holes()))) {
        damage(path, "footer is not the index of the frames: order, values or statistics differ");
      }
    }
  }

  private boolean differs(SealedIndex found, int row) {
    long sequence = index.sequence(row);
    int other = found.rowOfSequence(sequence);
    String what = null;
    if (other < 0) {
      what = "is missing";
    } else if (found.timestamp(other) != index.timestamp(row)) {
      what = "has time " + Timestamp.toString(found.timestamp(other));
    } else if (found.offset(other) != index.offset(row)
        || found.length(other) != index.length(row)
        || found.storedLength(other) != index.storedLength(row)
        || found.metaLength(other) != index.metaLength(row)
        || found.flags(other) != index.flags(row)) {
      what = "has another place or length";
    } else if (!found.contentType(other).equals(index.contentType(row))
        || !found.labels(other).equals(index.labels(row))) {
      what = "has other labels or another content type";
    }
    if (what != null) {
      damage(path, "in the footer, " + name(index.timestamp(row), sequence) + " " + what);
    }
    return what != null;
  }

  private boolean isLost(long offset) {
    for (IndexCodec.Hole hole : lost) {
      if (offset >= hole.from() && offset < hole.to()) {
        return true;
      }
    }
    return isLostBefore(offset);
  }

  // ---------------------------------------------------------------- changes and sums

  /** Removals and labels, laid over the rows. */
  private final class Overlay implements ChangeFrames.Visitor {
    private final boolean tells;
    final BitSet removed = new BitSet();
    final Map<Integer, Labels> labels = new HashMap<>();
    long lastSequence;

    Overlay(boolean tells) {
      this.tells = tells;
    }

    @Override
    public void change(int kind, long target, long own, long timestamp, ByteBuffer content) {
      lastSequence = Math.max(lastSequence, own);
      int row = index.rowOfSequence(target);
      if (row >= 0 && kind == ChangeFrames.KIND_REMOVAL) {
        removed.set(row);
      } else if (row >= 0) {
        labels.put(row, Meta.decode(content, 0, content.limit()).labels());
      } else if (tells && lost.isEmpty()) {
        findings.add(
            Kind.NOTE,
            changesPath,
            "a change is about " + name(timestamp, target) + ", which does not exist");
      }
    }

    @Override
    public void damaged(long target, long own) {
      if (tells) {
        int row = index.rowOfSequence(target);
        damage(
            changesPath,
            "change "
                + own
                + " to "
                + (row < 0 ? "record number " + target : name(index.timestamp(row), target))
                + " is damaged");
      }
    }

    @Override
    public void lost(long beforeSequence) {
      if (tells) {
        damage(
            changesPath,
            beforeSequence == -1
                ? "changes are lost; they may have been about any record"
                : "changes are lost; they may have been about any record with a number below "
                    + beforeSequence);
      }
    }

    @Override
    public void hole(long from, long to) {
      if (tells) {
        findings.add(
            Kind.PAST_LOSS,
            changesPath,
            "bytes " + from + " to " + to + " were not on the device when the power was lost");
      }
    }
  }

  private void changes() throws IOException {
    long accounted = state.changeBytes();
    ByteBuffer frames = ByteBuffer.allocate(0);
    try (DiskFile file = place.files.open(changesPath)) {
      long size = file.size();
      findings.read(changesPath, size);
      if (accounted == 0 && settled) {
        findings.add(Kind.ORPHAN, changesPath, "a change log that the journal does not know");
      } else if (size < accounted) {
        damage(changesPath, "ends at " + size + ", accounted for are " + accounted + " bytes");
      } else if (size > accounted && settled) {
        findings.add(
            Kind.NOTE,
            changesPath,
            (size - accounted)
                + " bytes stand behind its end at "
                + accounted
                + " and are not used");
      }
      ByteBuffer log =
          ByteBuffer.allocate(Math.toIntExact(settled ? Math.min(size, accounted) : size))
              .order(ByteOrder.LITTLE_ENDIAN);
      DiskReads.fill(file, log, 0);
      frames = changeFrames(log.flip());
    } catch (NoSuchFileException _) {
      if (accounted > 0) {
        damage(changesPath, "missing; labels and removals of the block's records are unknown");
      }
    }
    var overlay = new Overlay(true);
    if (frames.hasRemaining() || accounted > FileHeader.BYTES) {
      long end = ChangeFrames.walk(frames, FileHeader.BYTES, accounted, salt, overlay);
      long size = (long) FileHeader.BYTES + frames.limit();
      if (!settled && end < size) {
        findings.add(
            Kind.NOTE,
            changesPath,
            "torn tail of " + (size - end) + " bytes; the next start cuts it off");
      }
    }
    for (int row = 0; row < index.rows(); row++) {
      findings.records += overlay.removed.get(row) || damagedRows.get(row) ? 0 : 1;
    }
    if (!damage) {
      var known = new Overlay(false);
      int length = Math.clamp(accounted - FileHeader.BYTES, 0, frames.limit());
      ChangeFrames.walk(frames.slice(0, length), FileHeader.BYTES, accounted, salt, known);
      checkSums(known);
    }
  }

  /** The frames behind the header; none when the log is that of another block. */
  private ByteBuffer changeFrames(ByteBuffer log) {
    ByteBuffer none = ByteBuffer.allocate(0);
    if (log.limit() < FileHeader.BYTES) {
      if (log.limit() > 0 && state.changeBytes() == 0) {
        findings.add(Kind.NOTE, changesPath, "begun and never written; the next start deletes it");
      }
      return none;
    }
    ByteBuffer frames =
        log.slice(FileHeader.BYTES, log.limit() - FileHeader.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    try {
      FileHeader header = FileHeader.parseForReading(log.slice(0, FileHeader.BYTES));
      if (header.salt() != salt && state.changeBytes() == 0) {
        findings.add(
            Kind.NOTE,
            changesPath,
            "belongs to an earlier block of this number; the next start deletes it");
        return none;
      }
      checkIdentity(changesPath, header, FileHeader.Kind.CHANGES);
      if (header.salt() != salt) {
        damage(changesPath, "file header is that of the log of another block");
      }
    } catch (FileHeader.Unusable unusable) {
      damage(changesPath, "file header: " + unusable.getMessage());
    }
    return frames;
  }

  /** The sums in the journal are those of the accounted bytes. */
  private void checkSums(Overlay overlay) {
    int records = 0;
    int live = 0;
    long size = 0;
    long dead = 0;
    long last = overlay.lastSequence;
    long oldest = Timestamp.MAX;
    long newest = Timestamp.MIN;
    for (int row = 0; row < index.rows() && index.offset(row) < state.bytes(); row++) {
      records++;
      last = Math.max(last, index.sequence(row));
      if (overlay.removed.get(row)) {
        dead += Frames.length(index.metaLength(row), index.length(row), index.storedLength(row));
        continue;
      }
      live++;
      Labels labels = overlay.labels.getOrDefault(row, index.labels(row));
      size += Active.sizeOf(index.length(row), labels);
      oldest = Timestamp.min(oldest, index.timestamp(row));
      newest = Timestamp.max(newest, index.timestamp(row));
    }
    checkSum("records", state.records(), records);
    checkSum("live records", state.live(), live);
    checkSum("size", state.size(), size);
    checkSum("dead bytes", state.dead(), dead);
    if (live > 0) {
      checkSum("oldest record", state.oldest(), oldest);
      checkSum("newest record", state.newest(), newest);
    }
    if (state.lastSequence() < last) {
      checkSum("last number", state.lastSequence(), last);
    }
  }

  private void checkSum(String what, long journal, long found) {
    if (journal != found) {
      findings.damage(
          path,
          what
              + ": the journal says "
              + Long.toUnsignedString(journal)
              + ", the files "
              + Long.toUnsignedString(found));
    }
  }
}
