package io.pannier.query;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Item;
import io.pannier.store.RecordBody;
import io.pannier.store.StoredRecord;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** A stored record as extensions see it. */
final class StoredItem implements Item {
  private final StoredRecord record;
  private final StoredBody body;

  StoredItem(StoredRecord record) {
    this.record = record;
    body = new StoredBody(record);
  }

  @Override
  public String entry() {
    return record.entry().name();
  }

  @Override
  public long timestamp() {
    return record.timestamp();
  }

  @Override
  public Labels labels() {
    return record.labels();
  }

  @Override
  public String contentType() {
    return record.contentType();
  }

  @Override
  public Body body() {
    return body;
  }

  /** Numbers of buckets and entries are never given twice, nor those of records within one. */
  private record Identity(int bucket, int entry, long sequence) {}

  @Override
  public Object identity() {
    return new Identity(record.entry().bucket().id(), record.entry().id(), record.sequence());
  }

  /** Whether the record was found to be removed or evicted. */
  boolean hasVanished() {
    return body.vanished;
  }

  /**
   * The body of a stored record, with one chunk of it in memory. Its file is opened by a read and
   * given back by {@link #close}; a read after that opens it again, wherever the record is then. An
   * answer may be sent from it while a step goes on reading.
   */
  private static final class StoredBody implements Body {
    private final StoredRecord record;
    private @Nullable RecordBody file;
    private @Nullable ByteBuffer chunk;
    private long chunkAt = -1;
    private volatile boolean vanished;

    StoredBody(StoredRecord record) {
      this.record = record;
    }

    @Override
    public long length() {
      return record.length();
    }

    @Override
    public synchronized int read(long position, ByteBuffer target) {
      try {
        return readThere(position, target);
      } catch (PannierException.NotFound gone) {
        vanished = true;
        throw gone;
      }
    }

    private int readThere(long position, ByteBuffer target) {
      long at = position;
      while (target.hasRemaining() && at < record.length()) {
        long from = at - at % RecordBody.CHUNK;
        if (from == at && target.remaining() >= Math.min(RecordBody.CHUNK, record.length() - at)) {
          int before = target.position();
          file().read(at, target);
          at += target.position() - before;
          continue;
        }
        ByteBuffer piece = chunk(from);
        int skipped = (int) (at - from);
        int count = Math.min(piece.limit() - skipped, target.remaining());
        target.put(piece.slice(skipped, count));
        at += count;
      }
      return (int) (at - Math.min(position, at));
    }

    private ByteBuffer chunk(long from) {
      ByteBuffer piece = chunk;
      if (piece == null) {
        piece = ByteBuffer.allocate((int) Math.min(RecordBody.CHUNK, record.length()));
        chunk = piece;
      }
      if (chunkAt != from) {
        chunkAt = -1;
        piece.clear().limit((int) Math.min(piece.capacity(), record.length() - from));
        file().read(from, piece);
        piece.flip();
        chunkAt = from;
      }
      return piece;
    }

    private RecordBody file() {
      RecordBody open = file;
      if (open == null) {
        open = record.open();
        file = open;
      }
      return open;
    }

    @Override
    public synchronized void close() {
      RecordBody open = file;
      file = null;
      chunk = null;
      chunkAt = -1;
      if (open != null) {
        open.close();
      }
    }
  }
}
