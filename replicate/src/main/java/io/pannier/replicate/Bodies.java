package io.pannier.replicate;

import io.pannier.client.Body;
import io.pannier.store.RecordBody;
import io.pannier.store.StoredRecord;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;

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
