package io.pannier.replicate;

import io.pannier.client.Body;
import io.pannier.store.RecordBody;
import io.pannier.store.StoredRecord;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** Bodies of requests made of records. */
final class Bodies {
  private static final int PIECE = 4 * RecordBody.CHUNK;

  private Bodies() {}

  /** A body that is in memory. */
  static Body of(byte[] bytes) {
    return new Whole(bytes);
  }

  /** A body that is read, and verified piece by piece, while it is written. */
  static Body streamed(StoredRecord record) {
    return new Streamed(record);
  }

  /** The rest of a body, which knows the checksum of the whole when it was written. */
  static Rest rest(StoredRecord record, long from) {
    return new Rest(record, from);
  }

  /** A body from a place on. */
  static final class Rest implements Body {
    private final StoredRecord record;
    private final long from;
    private int checksum;
    private boolean complete;

    private Rest(StoredRecord record, long from) {
      this.record = record;
      this.from = from;
    }

    @Override
    public long length() {
      return record.length() - from;
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
      complete = false;
      var crc = new CRC32C();
      try (RecordBody body = record.open()) {
        ByteBuffer piece = ByteBuffer.allocate(Math.clamp(body.length(), 1, PIECE));
        for (long at = 0; at < body.length(); ) {
          body.read(at, piece.clear());
          piece.flip();
          crc.update(piece.array(), piece.arrayOffset(), piece.remaining());
          int passed = Math.clamp(from - at, 0, piece.remaining());
          at += piece.remaining();
          out.write(piece.array(), piece.arrayOffset() + passed, piece.remaining() - passed);
        }
      }
      checksum = (int) crc.getValue();
      complete = true;
    }

    /** Whether all of it was written or read. */
    boolean isComplete() {
      return complete;
    }

    /** Reads the body for its checksum. */
    void read() {
      try {
        writeTo(OutputStream.nullOutputStream());
      } catch (IOException impossible) {
        throw new UncheckedIOException(impossible);
      }
    }

    /** CRC32C of the whole body; once it was written or read to its end. */
    int checksum() {
      return checksum;
    }
  }

  private static final class Whole implements Body {
    private final byte[] bytes;

    Whole(byte[] bytes) {
      this.bytes = bytes;
    }

    @Override
    public long length() {
      return bytes.length;
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
      out.write(bytes);
    }
  }

  private record Streamed(StoredRecord record) implements Body {
    @Override
    public long length() {
      return record.length();
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
      try (RecordBody body = record.open()) {
        ByteBuffer piece = ByteBuffer.allocate(Math.clamp(body.length(), 1, PIECE));
        for (long at = 0; at < body.length(); ) {
          body.read(at, piece.clear());
          piece.flip();
          at += piece.remaining();
          out.write(piece.array(), piece.arrayOffset(), piece.remaining());
        }
      }
    }
  }
}
