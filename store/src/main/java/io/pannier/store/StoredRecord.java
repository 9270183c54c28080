package io.pannier.store;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * A record as an index knows it: everything but its body, which {@link #open} gives. A value of the
 * moment it was found.
 */
public final class StoredRecord {
  private final Entry entry;
  private final Block block;
  private final long timestamp;
  private final long offset;
  private final long length;
  private final long storedLength;
  private final int metaLength;
  private final long sequence;
  private final String contentType;
  private final Labels labels;
  private final boolean damaged;

  private StoredRecord(Entry entry, Block block, Active active, int row) {
    this.entry = entry;
    this.block = block;
    BlockIndex index = active.index;
    timestamp = index.timestamp(row);
    offset = index.offset(row);
    length = index.length(row);
    storedLength = index.storedLength(row);
    metaLength = index.metaLength(row);
    sequence = index.sequence(row);
    contentType = index.contentType(row);
    labels = active.labels(row);
    damaged = active.isDamaged(row);
  }

  private StoredRecord(StoredRecord other, Labels labels) {
    entry = other.entry;
    block = other.block;
    timestamp = other.timestamp;
    offset = other.offset;
    length = other.length;
    storedLength = other.storedLength;
    metaLength = other.metaLength;
    sequence = other.sequence;
    contentType = other.contentType;
    damaged = other.damaged;
    this.labels = labels;
  }

  /** The same record, seen with no other labels than these. */
  public StoredRecord withLabels(Set<String> names) {
    return new StoredRecord(this, labels.only(names));
  }

  static StoredRecord of(Entry entry, Block block, Active active, int row) {
    return new StoredRecord(entry, block, active, row);
  }

  /** The entry it belongs to. */
  public Entry entry() {
    return entry;
  }

  /** µs since the epoch, unsigned. */
  public long timestamp() {
    return timestamp;
  }

  /** Bytes of the body. */
  public long length() {
    return length;
  }

  /** Never empty. */
  public String contentType() {
    return contentType;
  }

  /** Its labels at the moment it was found. */
  public Labels labels() {
    return labels;
  }

  /** Its number among all records and changes of the entry. */
  public long sequence() {
    return sequence;
  }

  /** Where its frame begins in the file of its block. */
  long offset() {
    return offset;
  }

  int metaLength() {
    return metaLength;
  }

  /** Bytes that the body takes in the file. */
  long storedLength() {
    return storedLength;
  }

  boolean isCompressed() {
    return storedLength != length;
  }

  Block block() {
    return block;
  }

  /**
   * Throws {@link PannierException.Damaged} when it is known that its frame or a change to it is
   * damaged.
   */
  public void requireIntact() {
    if (damaged) {
      throw broken();
    }
  }

  PannierException.Damaged broken() {
    return new PannierException.Damaged(
        "Record with timestamp " + Timestamp.toString(timestamp) + " in " + entry + " is broken");
  }

  /**
   * Opens the body. While it is open, its file stays readable whatever happens to the record,
   * within the bounds that {@link RecordBody} tells of.
   *
   * @throws PannierException.NotFound when the record vanished since it was found
   */
  public RecordBody open() {
    requireIntact();
    Store store = entry.bucket.store;
    try {
      Active active = store.cache.hold(block);
      try {
        return new RecordBody(this, active, active.data.acquire(), offset, metaLength);
      } catch (IOException | RuntimeException failed) {
        store.cache.release(active);
        throw failed;
      }
    } catch (NoSuchFileException gone) {
      // The block was rewritten, evicted or removed. After a rewrite the record stands elsewhere.
      StoredRecord again = entry.find(timestamp);
      if (again.sequence != sequence || again.block == block) {
        throw entry.notFound(timestamp);
      }
      return again.open();
    } catch (IOException failed) {
      throw store.failure("record could not be opened", block.path(), failed);
    }
  }

  /** Id of the store that it was copied from; may read the file. */
  public Optional<UUID> origin() {
    if (metaLength < Meta.ORIGIN_BYTES) {
      return Optional.empty();
    }
    try (RecordBody body = open()) {
      return body.origin();
    }
  }

  /** CRC32C of the body, which is read and verified for it. */
  public int crc32c() {
    var crc = new CRC32C();
    try (RecordBody body = open()) {
      int most = 4 * RecordBody.CHUNK;
      var piece = ByteBuffer.allocate(Math.clamp(body.length(), 1, most));
      for (long at = 0; at < body.length(); ) {
        body.read(at, piece.clear());
        piece.flip();
        at += piece.remaining();
        crc.update(piece);
      }
    }
    return (int) crc.getValue();
  }

  @Override
  public String toString() {
    return entry + "@" + Timestamp.toString(timestamp);
  }
}
