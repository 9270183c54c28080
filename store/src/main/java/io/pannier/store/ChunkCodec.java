package io.pannier.store;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import io.pannier.model.PannierException;
import org.jspecify.annotations.Nullable;

/**
 * Codec 1 of chunks: each one a zstd frame of its own. The native library is loaded with the first
 * chunk, so a machine on which it cannot be loaded works as long as nothing is compressed.
 */
final class ChunkCodec {
  private static final int LEVEL = 3;

  private ChunkCodec() {}

  /** A chunk in compressed form; null when that would not be shorter. */
  static byte @Nullable [] compress(byte[] raw) {
    try {
      byte[] stored = Zstd.compress(raw, LEVEL);
      return stored.length < raw.length ? stored : null;
    } catch (LinkageError missing) {
      throw unavailable(missing);
    }
  }

  /** Turns stored bytes back; false when they are not exactly a chunk of this length. */
  static boolean expand(byte[] stored, int storedLength, byte[] raw, int length) {
    try {
      return Zstd.decompressByteArray(raw, 0, length, stored, 0, storedLength) == length;
    } catch (ZstdException malformed) {
      return false;
    } catch (LinkageError missing) {
      throw unavailable(missing);
    }
  }

  private static PannierException unavailable(LinkageError missing) {
    return new PannierException.Internal(
        "Compression is not available: the zstd library cannot be loaded", missing);
  }
}
