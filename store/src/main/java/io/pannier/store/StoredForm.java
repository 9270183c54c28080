package io.pannier.store;

import io.pannier.model.PannierException;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A body in the form in which it goes into another block: as it is stored already, or compressed.
 * Lengths and checksums come before the first byte, since the header of a frame names them; what is
 * compressed and too long to be kept meanwhile is compressed twice.
 */
final class StoredForm {
  private static final int COPY = 512 * 1024;

  private final RecordBody body;
  private final ChunkTable source;
  private final int[] crcs;

  /** Of the chunks; null when they are as long as raw ones. */
  private final int @Nullable [] lengths;

  private final long bytes;

  /** All stored bytes, if they are compressed here and few enough. */
  private final @Nullable ByteBuffer kept;

  private StoredForm(
      RecordBody body,
      ChunkTable source,
      int[] crcs,
      int @Nullable [] lengths,
      long bytes,
      @Nullable ByteBuffer kept) {
    this.body = body;
    this.source = source;
    this.crcs = crcs;
    this.lengths = lengths;
    this.bytes = bytes;
    this.kept = kept;
  }

  /** The form of a body; reads it when it is to be compressed. */
  static StoredForm of(RecordBody body, boolean compress) {
    ChunkTable table = body.table();
    if (compress && !table.isCompressed()) {
      StoredForm smaller = compressed(body, table);
      if (smaller != null) {
        return smaller;
      }
    }
    int[] lengths = table.storedLengths();
    long bytes = lengths == null ? body.length() : Arrays.stream(lengths).asLongStream().sum();
    return new StoredForm(body, table, table.crcs(), lengths, bytes, null);
  }

  /** Null when it would not become shorter. */
  private static @Nullable StoredForm compressed(RecordBody body, ChunkTable table) {
    var crcs = new int[table.count()];
    var lengths = new int[table.count()];
    ByteBuffer kept = Frames.direct((int) Math.min(COPY, body.length()));
    boolean fits = true;
    long bytes = 0;
    for (int i = 0; i < table.count(); i++) {
      byte[] stored = compressed(body, table, i);
      lengths[i] = stored.length;
      crcs[i] = Checksum.of(ByteBuffer.wrap(stored), 0, stored.length);
      bytes += stored.length;
      fits &= stored.length <= kept.remaining();
      if (fits) {
        kept.put(stored);
      }
    }
    return bytes >= body.length()
        ? null
        : new StoredForm(body, table, crcs, lengths, bytes, fits ? kept.flip() : null);
  }

  /**
   * A chunk as it will stand in the block: compressed, or as it is when that would not be shorter.
   * Makes sure that it comes back as it was: soon this is all there is.
   */
  private static byte[] compressed(RecordBody body, ChunkTable table, int chunk) {
    var raw = new byte[table.rawBytes(chunk)];
    body.readStored(chunk, raw);
    byte[] stored = ChunkCodec.compress(raw);
    if (stored == null) {
      return raw;
    }
    var back = new byte[raw.length];
    if (!ChunkCodec.expand(stored, stored.length, back, back.length) || !Arrays.equals(raw, back)) {
      throw new PannierException.Internal("A compressed chunk did not come back as it was", null);
    }
    return stored;
  }

  /** Stored bytes. */
  long bytes() {
    return bytes;
  }

  int[] crcs() {
    return crcs;
  }

  int @Nullable [] lengths() {
    return lengths;
  }

  /** Appends the stored bytes, each of them verified. */
  void appendTo(DiskFile file) throws IOException {
    ByteBuffer known = kept;
    if (known != null) {
      file.append(known.duplicate());
      return;
    }
    ByteBuffer piece = Frames.direct(Math.clamp(bytes, 1, COPY));
    var chunk = new byte[Frames.CHUNK];
    for (int i = 0; i < source.count(); i++) {
      byte[] stored = chunk;
      int length;
      if (lengths != null && !source.isCompressed()) {
        stored = compressed(body, source, i);
        length = stored.length;
        if (length != lengths[i] || Checksum.of(ByteBuffer.wrap(stored), 0, length) != crcs[i]) {
          throw new PannierException.Internal("A chunk did not compress as before", null);
        }
      } else {
        length = body.readStored(i, chunk);
      }
      if (length > piece.remaining()) {
        file.append(piece.flip());
        piece.clear();
      }
      piece.put(stored, 0, length);
    }
    if (piece.position() > 0) {
      file.append(piece.flip());
    }
  }
}
