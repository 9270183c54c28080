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

  /** Bytes counted on the device for this upload so far. */
  private long counted;

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
    var scratch = new Checksum();
    ByteBuffer head = Frames.direct(Frames.HEADER + meta.length);
    Frames.putHeader(
        head,
        Frames.KIND_RECORD,
        entry.isMeta() ? Frames.REPLACES_KEY : 0,
        timestamp,
        length,
        taking.salt,
        meta.length,
        taken.bytes,
        scratch);
    head.put(meta);
    frameCrc.add(head, 0, head.position());
    append(head.flip());
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
      append(piece);
    } catch (IOException failed) {
      throw entry.bucket.store.failure("record could not be written", entry.toString(), failed);
    }
  }

  private void append(ByteBuffer piece) throws IOException {
    entry.checkHere();
    int bytes = piece.remaining();
    Store store = entry.bucket.store;
    store.sync.throttle(store.deadline());
    entry.bucket.claim(bytes, store.deadline());
    counted += bytes;
    for (; ; ) {
      try {
        Objects.requireNonNull(file).append(piece.duplicate());
        return;
      } catch (DiskFullException full) {
        if (!entry.bucket.giveWay()) {
          throw entry.bucket.deviceFull(frameLength());
        }
      }
    }
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
      entry.bucket.claim(tailLength, entry.bucket.store.deadline());
      counted += tailLength;
      var scratch = new Checksum();
      ByteBuffer tail = Frames.direct(tailLength);
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
        Objects.requireNonNull(file).append(tail.flip());
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

  @Override
  public void close() {
    abort();
  }
}
