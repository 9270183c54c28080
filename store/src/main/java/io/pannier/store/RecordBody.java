package io.pannier.store;

import io.pannier.model.PannierException;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The body of one record, read and verified: bytes that do not match their checksum are never
 * returned. One thread at a time; {@link #close} gives the file back.
 *
 * <p>The file stays readable when its block goes, but in a FIFO bucket only as long as such files
 * take no more than their share of the quota; then a read says that the record is not found.
 */
public final class RecordBody implements AutoCloseable {
  /** Bytes that one checksum covers: positions of {@link #read} are multiples of it. */
  public static final int CHUNK = Frames.CHUNK;

  /** Longest body that {@link #readWhole} takes. */
  public static final int WHOLE_MAX = 1 << 20;

  private final StoredRecord record;
  private final Active active;
  private final DiskFile file;
  private final long offset;
  private final int metaLength;
  private @Nullable ChunkTable table;
  private boolean closed;
  private boolean mayReread;

  RecordBody(StoredRecord record, Active active, DiskFile file, long offset, int metaLength) {
    this.record = record;
    this.active = active;
    this.file = file;
    this.offset = offset;
    this.metaLength = metaLength;
  }

  /** Bytes of the body. */
  public long length() {
    return record.length();
  }

  /** Scratch bytes that {@link #readWhole} needs. */
  public int frameBytes() {
    if (length() > WHOLE_MAX) {
      throw new IllegalStateException("body is longer than " + WHOLE_MAX + " bytes");
    }
    return RecordRun.frameBytes(record);
  }

  /**
   * Reads and verifies the whole frame with one positional read, or that of each chunk of a
   * compressed one.
   *
   * @param scratch at least {@link #frameBytes} remaining bytes; overwritten from its position on,
   *     position and limit stay
   * @return the body, a slice of the scratch buffer
   * @throws PannierException.Damaged when anything of the frame does not match its checksums
   */
  public ByteBuffer readWhole(ByteBuffer scratch) {
    int bytes = frameBytes();
    if (record.isCompressed()) {
      ByteBuffer expanded = scratch.slice(scratch.position(), bytes);
      read(0, expanded.duplicate());
      return expanded;
    }
    ByteBuffer frame = scratch.slice(scratch.position(), bytes).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer body = verifiedWhole(frame);
    if (body == null && file.forget()) {
      body = verifiedWhole(frame);
    }
    if (body == null) {
      throw damaged();
    }
    return body;
  }

  private @Nullable ByteBuffer verifiedWhole(ByteBuffer frame) {
    return read(frame, offset) < frame.capacity() ? null : verified(record, frame, active.salt);
  }

  /**
   * The body in a frame that was read and is not compressed, or null if anything of the frame does
   * not match its checksums.
   *
   * @param frame exactly the bytes of the record's frame
   */
  static @Nullable ByteBuffer verified(StoredRecord record, ByteBuffer frame, long salt) {
    int length = (int) record.length();
    int metaLength = record.metaLength();
    var crc = Scratch.get().crc;
    int tailAt = frame.capacity() - Frames.tailLength(metaLength, length);
    if (!headChecks(record, salt, frame, crc, frame, tailAt)) {
      return null;
    }
    int bodyAt = Frames.HEADER + metaLength;
    int table = bodyAt + length + Frames.tableAt(metaLength, length);
    for (int at = 0; at < length; at += CHUNK, table += 4) {
      crc.reset();
      crc.add(frame, bodyAt + at, Math.min(CHUNK, length - at));
      if (crc.value() != frame.getInt(table)) {
        return null;
      }
    }
    return frame.slice(bodyAt, length);
  }

  /** Whether it stands in this block. */
  boolean isIn(Block block) {
    return active.block == block;
  }

  /** What the checksums of the block are salted with. */
  long salt() {
    return active.salt;
  }

  /**
   * Reads bytes of the file, which belong to this record and to those behind it. Nothing is
   * verified.
   *
   * @return how many there were
   */
  int readAhead(ByteBuffer target) {
    return read(target, offset);
  }

  /**
   * Reads a part of the body and verifies every chunk of it.
   *
   * @param position in the body, a multiple of {@link #CHUNK}
   * @param target filled from its position on, as far as it has room for whole chunks or the rest
   *     of the body
   */
  public void read(long position, ByteBuffer target) {
    if (position % CHUNK != 0) {
      throw new IllegalArgumentException("position must be a multiple of " + CHUNK);
    }
    int at = target.position();
    mayReread = true;
    try {
      readOnce(position, target);
    } catch (Reread again) {
      table = null;
      target.position(at);
      readOnce(position, target);
    } finally {
      mayReread = false;
    }
  }

  /** What was read may have been spoilt on its way. */
  private static final class Reread extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Reread() {
      super(null, null, false, false);
    }
  }

  private void readOnce(long position, ByteBuffer target) {
    ChunkTable chunks = table();
    long left = length() - position;
    int bytes = (int) Math.min(left, target.remaining());
    if (bytes < left) {
      bytes -= bytes % CHUNK;
    }
    int chunk = (int) (position / CHUNK);
    if (chunks.isCompressed()) {
      for (int at = 0; at < bytes; at += CHUNK) {
        expand(chunks, chunk++, target);
      }
      return;
    }
    ByteBuffer part = target.slice(target.position(), bytes);
    if (read(part, bodyAt() + position) < bytes) {
      throw damaged();
    }
    var crc = Scratch.get().crc;
    for (int at = 0; at < bytes; at += CHUNK) {
      crc.reset();
      crc.add(part, at, Math.min(CHUNK, bytes - at));
      if (crc.value() != chunks.crc(chunk++)) {
        throw damaged();
      }
    }
    target.position(target.position() + bytes);
  }

  private long bodyAt() {
    return offset + Frames.HEADER + metaLength;
  }

  private void expand(ChunkTable chunks, int chunk, ByteBuffer target) {
    Scratch scratch = Scratch.get();
    byte[] stored = scratch.stored();
    int bytes = readStored(chunk, stored);
    int raw = chunks.rawBytes(chunk);
    if (bytes == raw) {
      target.put(stored, 0, raw);
      return;
    }
    byte[] expanded = scratch.raw();
    if (!ChunkCodec.expand(stored, bytes, expanded, raw)) {
      throw damaged();
    }
    target.put(expanded, 0, raw);
  }

  /**
   * Reads and verifies a chunk as it is stored.
   *
   * @param into room for {@link #CHUNK} bytes
   * @return how many there are
   */
  int readStored(int chunk, byte[] into) {
    ChunkTable chunks = table();
    int bytes = chunks.storedBytes(chunk);
    ByteBuffer part = ByteBuffer.wrap(into, 0, bytes).slice();
    if (read(part, bodyAt() + chunks.offset(chunk)) < bytes
        || Checksum.of(part, 0, bytes) != chunks.crc(chunk)) {
      throw damaged();
    }
    return bytes;
  }

  /** Verifies header, meta section and table once, and keeps the table. */
  ChunkTable table() {
    ChunkTable known = table;
    if (known == null) {
      int headLength = Frames.HEADER + metaLength;
      long stored = record.storedLength();
      int tailLength = Frames.tailLength(metaLength, length(), stored);
      var both = ByteBuffer.allocate(headLength + tailLength).order(ByteOrder.LITTLE_ENDIAN);
      ByteBuffer head = both.slice(0, headLength).order(ByteOrder.LITTLE_ENDIAN);
      ByteBuffer tail = both.slice(headLength, tailLength).order(ByteOrder.LITTLE_ENDIAN);
      var crc = Scratch.get().crc;
      if (read(head, offset) < headLength
          || read(tail, offset + headLength + stored) < tailLength
          || !headChecks(record, active.salt, head, crc, tail, 0)) {
        throw damaged();
      }
      known = ChunkTable.read(tail, Frames.tableAt(metaLength, stored), length(), stored);
      if (known == null) {
        throw damaged();
      }
      table = known;
    }
    return known;
  }

  /** The store that the record was copied from. */
  Optional<UUID> origin() {
    table(); // verifies the meta section
    return meta().origin();
  }

  /** The meta section as it stands in the frame. */
  Meta meta() {
    var head = ByteBuffer.allocate(Frames.HEADER + metaLength).order(ByteOrder.LITTLE_ENDIAN);
    if (read(head, offset) < head.capacity()) {
      throw damaged();
    }
    return Meta.decode(head, Frames.HEADER, metaLength);
  }

  private static boolean headChecks(
      StoredRecord record, long salt, ByteBuffer head, Checksum crc, ByteBuffer tail, int tailAt) {
    Frames.Header header = Frames.header(head, 0, record.offset(), salt, crc);
    int tailLength = Frames.tailLength(record.metaLength(), record.length(), record.storedLength());
    return header != null
        && header.timestamp() == record.timestamp()
        && header.length() == record.length()
        && header.stored() == record.storedLength()
        && header.metaLength() == record.metaLength()
        && Frames.frameChecks(head, 0, tail, tailAt, header, crc)
        && Frames.trailer(
                tail,
                tailAt + tailLength - Frames.TRAILER,
                record.offset() + header.frameLength(),
                salt,
                crc)
            != null;
  }

  private int read(ByteBuffer target, long position) {
    if (!active.data.beginRead()) {
      // Its block is gone, and others need the room.
      throw record.entry().notFound(record.timestamp());
    }
    try {
      int at = target.position();
      DiskReads.fill(file, target, position);
      int got = target.position() - at;
      target.position(at);
      return got;
    } catch (IOException failed) {
      throw record
          .entry()
          .bucket
          .store
          .failure("record could not be read", active.block.path(), failed);
    } finally {
      active.data.endRead();
    }
  }

  private PannierException.Damaged damaged() {
    if (mayReread && file.forget()) {
      mayReread = false;
      throw new Reread();
    }
    var broken = record.broken();
    record
        .entry()
        .bucket
        .store
        .events
        .event(
            StoreEvents.Kind.DAMAGE,
            "record does not match its checksums",
            record.toString(),
            null);
    return broken;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      active.data.release();
      active.block.entry.bucket.store.cache.release(active);
    }
  }
}
