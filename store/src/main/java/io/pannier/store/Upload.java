package io.pannier.store;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.DiskFullException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A record whose body arrives in pieces. It owns the end of one open block until it is committed or
 * aborted; an abort cuts the block back to where the frame began, so nothing half is ever visible.
 * One thread at a time.
 *
 * <p>A long one goes past the page cache, where a copy of each byte would cost more than its way to
 * the device: it is collected in a {@link #staged} buffer of whole pages, and only the ends of the
 * frame, which share their pages with its neighbours, go through the cache.
 *
 * <pre>
 *   pages       |        |        |        |        |        |
 *   block    ...neighbour|header meta body ....... body|table trailer|...
 *               through cache |   past the cache   | through cache
 * </pre>
 */
public final class Upload implements BlockOwner, AutoCloseable {
  final long timestamp;
  final String contentType;
  final Labels labels;
  final byte[] meta;
  final long length;
  final long size;
  private final Entry entry;
  private @Nullable Block block;

  /** That of the block: kept, as the block loses it when the entry is removed meanwhile. */
  private @Nullable Active active;

  private @Nullable DiskFile file;
  private final Checksum chunkCrc = new Checksum();
  private final int[] chunkCrcs;
  private final Checksum frameCrc = new Checksum();
  private long received;

  /**
   * What is not appended yet of an upload that goes past the page cache: from {@link #stagedFrom}
   * to the position. Its first byte stands for a multiple of the alignment in the file. Null when
   * the upload goes through the cache, or has ended.
   */
  private @Nullable ByteBuffer staged;

  private int stagedFrom;

  /** Bytes counted on the device for this upload so far. */
  private long counted;

  /** Bytes for which room on the device is taken and that are still to come. */
  long announced;

  private boolean ended;

  Upload(
      Entry entry,
      long timestamp,
      String contentType,
      Labels labels,
      byte[] meta,
      long length,
      long size) {
    this.entry = entry;
    this.timestamp = timestamp;
    this.contentType = contentType.isEmpty() ? Meta.DEFAULT_CONTENT_TYPE : contentType;
    this.labels = labels;
    this.meta = meta;
    this.length = length;
    this.size = size;
    chunkCrcs = new int[Frames.chunks(length)];
  }

  long frameLength() {
    return Frames.length(meta.length, length);
  }

  void begin(Block taken) throws IOException {
    block = taken;
    Active taking = Objects.requireNonNull(taken.active);
    active = taking;
    file = taking.data.acquire();
    int headLength = Frames.HEADER + meta.length;
    ByteBuffer buffer = stage(taken.bytes);
    if (buffer != null && headLength <= buffer.remaining()) {
      putHead(buffer, taken, taking.salt);
    } else {
      ByteBuffer head = Frames.direct(headLength);
      putHead(head, taken, taking.salt);
      take(head.flip());
    }
  }

  private void putHead(ByteBuffer out, Block taken, long salt) {
    int at = out.position();
    Frames.putHeader(
        out,
        Frames.KIND_RECORD,
        entry.isMeta() ? Frames.REPLACES_KEY : 0,
        timestamp,
        length,
        salt,
        meta.length,
        taken.bytes,
        new Checksum());
    out.put(meta);
    frameCrc.add(out, at, Frames.HEADER + meta.length);
  }

  /** A buffer for what follows this place in the file, if the upload goes past the page cache. */
  private @Nullable ByteBuffer stage(long offset) {
    if (length < entry.bucket.store.limits.direct().fromBytes()) {
      return null;
    }
    ByteBuffer buffer = entry.bucket.store.directBuffers.tryTake();
    staged = buffer;
    if (buffer != null) {
      stagedFrom = (int) (offset % DiskFile.DIRECT_ALIGNMENT);
      buffer.position(stagedFrom);
    }
    return buffer;
  }

  /**
   * Takes the next piece of the body.
   *
   * @throws PannierException.BadRequest when more arrives than was announced
   */
  public void write(ByteBuffer piece) {
    if (piece.remaining() > length - received) {
      throw new PannierException.BadRequest("Content is bigger than in content-length");
    }
    int at = piece.position();
    while (at < piece.limit()) {
      int inChunk = (int) (received % Frames.CHUNK);
      int bytes = Math.min(piece.limit() - at, Frames.CHUNK - inChunk);
      chunkCrc.add(piece, at, bytes);
      received += bytes;
      at += bytes;
      if (inChunk + bytes == Frames.CHUNK || received == length) {
        chunkCrcs[(int) ((received - 1) / Frames.CHUNK)] = chunkCrc.value();
        chunkCrc.reset();
      }
    }
    try {
      take(piece.duplicate());
    } catch (IOException failed) {
      throw entry.bucket.store.failure("record could not be written", entry.toString(), failed);
    }
  }

  private void take(ByteBuffer piece) throws IOException {
    ByteBuffer buffer = staged;
    if (buffer == null) {
      append(piece, false);
      return;
    }
    entry.checkHere();
    while (piece.hasRemaining()) {
      int bytes = Math.min(piece.remaining(), buffer.remaining());
      buffer.put(buffer.position(), piece, piece.position(), bytes);
      buffer.position(buffer.position() + bytes);
      piece.position(piece.position() + bytes);
      if (!buffer.hasRemaining()) {
        appendPages(buffer);
        stagedFrom = 0;
        buffer.clear();
      }
    }
  }

  /** Appends what is staged up to the last whole page. */
  private void appendPages(ByteBuffer buffer) throws IOException {
    int from = stagedFrom;
    int to = buffer.position() / DiskFile.DIRECT_ALIGNMENT * DiskFile.DIRECT_ALIGNMENT;
    int pages = pageFrom(from);
    if (to < pages) {
      return;
    }
    if (from < pages) {
      append(buffer.slice(from, pages - from), false);
    }
    if (pages < to) {
      append(buffer.slice(pages, to - pages), true);
    }
    stagedFrom = to;
  }

  private static int pageFrom(int at) {
    return (at + DiskFile.DIRECT_ALIGNMENT - 1)
        / DiskFile.DIRECT_ALIGNMENT
        * DiskFile.DIRECT_ALIGNMENT;
  }

  private void append(ByteBuffer piece, boolean pastCache) throws IOException {
    entry.checkHere();
    int bytes = piece.remaining();
    Store store = entry.bucket.store;
    store.sync.throttle(store.deadline());
    entry.bucket.claim(bytes, store.deadline());
    counted += bytes;
    arrived(bytes);
    DiskFile target = Objects.requireNonNull(file);
    for (; ; ) {
      try {
        if (pastCache) {
          target.appendDirect(piece.duplicate());
        } else {
          target.append(piece.duplicate());
        }
        return;
      } catch (DiskFullException full) {
        // The part that was written took the last room, and giving way needs some for the journal.
        target.truncate(target.size());
        if (!entry.bucket.giveWay()) {
          throw entry.bucket.deviceFull(frameLength());
        }
      }
    }
  }

  /** Bytes of the body that have come so far. */
  public long received() {
    return received;
  }

  /**
   * Gives back what it holds in memory, as nothing comes for a while: all that came is in the file
   * then. The rest goes through the page cache.
   */
  public void pause() {
    ByteBuffer buffer = staged;
    if (buffer == null) {
      return;
    }
    try {
      appendPages(buffer);
      if (buffer.position() > stagedFrom) {
        append(buffer.slice(stagedFrom, buffer.position() - stagedFrom), false);
      }
    } catch (IOException failed) {
      throw entry.bucket.store.failure("record could not be written", entry.toString(), failed);
    }
    unstage();
  }

  /**
   * Makes the record visible.
   *
   * @throws PannierException.BadRequest when less arrived than was announced
   */
  public void commit() {
    if (received < length) {
      throw new PannierException.BadRequest("Content is smaller than in content-length");
    }
    Block target = Objects.requireNonNull(block);
    Active taken = Objects.requireNonNull(active);
    try {
      int tailLength = Frames.tailLength(meta.length, length);
      ByteBuffer rest = staged;
      if (rest != null) {
        appendPages(rest);
        if (rest.remaining() < tailLength) {
          append(rest.slice(stagedFrom, rest.position() - stagedFrom), false);
          rest = null;
        }
      }
      int restLength = rest == null ? 0 : rest.position() - stagedFrom;
      entry.bucket.claim(restLength + tailLength, entry.bucket.store.deadline());
      counted += restLength + tailLength;
      arrived(restLength + tailLength);
      var scratch = new Checksum();
      ByteBuffer tail = rest == null ? Frames.direct(tailLength) : rest;
      entry.lock.lock();
      try {
        entry.checkHere();
        if (target.doubtful) {
          throw new IOException("a sync of the block failed");
        }
        long sequence = entry.nextSequence;
        Frames.putTail(
            tail,
            frameCrc,
            scratch,
            target.bytes,
            meta.length,
            length,
            chunkCrcs,
            timestamp,
            sequence,
            taken.salt);
        tail.limit(tail.position()).position(rest == null ? 0 : stagedFrom);
        Objects.requireNonNull(file).append(tail);
        entry.uploadCommitted(this, target, frameLength(), sequence);
        ended = true;
        target.owner = null;
      } finally {
        entry.lock.unlock();
      }
    } catch (DiskFullException full) {
      throw entry.bucket.deviceFull(frameLength());
    } catch (IOException failed) {
      throw entry.bucket.store.failure("record could not be written", target.path(), failed);
    }
    taken.data.release();
    unstage();
    entry.uploadEnded(this);
    if (entry.isMeta()) {
      entry.dropReplaced(labels);
    }
    entry.bucket.committed(entry);
  }

  /** Takes everything back; does nothing after a commit. */
  public void abort() {
    if (ended) {
      return;
    }
    ended = true;
    unstage();
    arrived(announced);
    entry.bucket.unreserve(size);
    Block target = block;
    if (target != null) {
      entry.lock.lock();
      try {
        target.owner = target.doubtful ? BlockOwner.Work.BROKEN : null;
        if (file != null) {
          entry.cutBack(file, target);
        }
      } finally {
        entry.lock.unlock();
      }
      if (file != null) {
        Objects.requireNonNull(active).data.release();
      }
      entry.bucket.disk(-counted);
    }
    entry.uploadEnded(this);
  }

  private void arrived(long bytes) {
    announced -= bytes;
    entry.bucket.store.room.arrived(bytes);
  }

  private void unstage() {
    ByteBuffer buffer = staged;
    staged = null;
    if (buffer != null) {
      entry.bucket.store.directBuffers.giveBack(buffer);
    }
  }

  @Override
  public void close() {
    abort();
  }
}
