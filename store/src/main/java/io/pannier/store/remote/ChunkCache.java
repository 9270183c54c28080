package io.pannier.store.remote;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Pieces of extents that were read not long ago, bounded. A read that goes on where an earlier one
 * ended fetches far ahead, as one request costs as much as many bytes. Any thread may call; no lock
 * is held while the network is waited for.
 */
final class ChunkCache {
  static final int CHUNK = 256 << 10;

  /** How many chunks a read in order fetches at once. */
  private static final int AHEAD = 16;

  /** Where a chunk begins in the object store. */
  private record Key(long segment, long at) {}

  private final ObjectClient objects;
  private final long bytesMax;
  private final Map<Key, byte[]> chunks = new LinkedHashMap<>(16, 0.75f, true);
  private long bytes;

  ChunkCache(ObjectClient objects, long bytesMax) {
    this.objects = objects;
    this.bytesMax = bytesMax;
  }

  /**
   * Reads bytes of an extent.
   *
   * @param from position in the extent
   * @param target takes as many bytes as it has room for, or the extent has
   */
  void read(long epoch, Extent extent, long from, ByteBuffer target) throws IOException {
    long position = from;
    long end = Math.min(extent.length(), from + target.remaining());
    while (position < end) {
      long begin = position - position % CHUNK;
      byte[] chunk = find(extent, begin);
      if (chunk == null) {
        chunk = fetch(epoch, extent, begin, end);
      }
      int inChunk = (int) (position - begin);
      int count = (int) Math.min(chunk.length - inChunk, end - position);
      target.put(chunk, inChunk, count);
      position += count;
    }
  }

  private synchronized byte @org.jspecify.annotations.Nullable [] find(Extent extent, long begin) {
    return chunks.get(new Key(extent.segment(), extent.at() + begin));
  }

  /** Fetches the chunk that begins at {@code begin} and those behind it that are worth it. */
  private byte[] fetch(long epoch, Extent extent, long begin, long wantedEnd) throws IOException {
    boolean goesOn = begin > 0 && find(extent, begin - CHUNK) != null;
    long end = goesOn ? begin + (long) AHEAD * CHUNK : begin + CHUNK;
    end = Math.max(end, Math.min(wantedEnd, begin + (long) AHEAD * CHUNK));
    end = Math.min(extent.length(), (end + CHUNK - 1) / CHUNK * CHUNK);
    ByteBuffer content =
        objects.read(epoch, extent.segment(), extent.at() + begin, (int) (end - begin));
    byte[] first = new byte[0];
    for (long at = begin; at < end; at += CHUNK) {
      var chunk = new byte[(int) Math.min(CHUNK, end - at)];
      content.get(chunk);
      keep(new Key(extent.segment(), extent.at() + at), chunk);
      if (at == begin) {
        first = chunk;
      }
    }
    return first;
  }

  /** Drops what is kept of an extent. */
  synchronized void forget(Extent extent) {
    for (long begin = 0; begin < extent.length(); begin += CHUNK) {
      byte[] chunk = chunks.remove(new Key(extent.segment(), extent.at() + begin));
      bytes -= chunk == null ? 0 : chunk.length;
    }
  }

  private synchronized void keep(Key key, byte[] chunk) {
    byte[] before = chunks.put(key, chunk);
    bytes += chunk.length - (before == null ? 0 : before.length);
    var eldest = chunks.entrySet().iterator();
    while (bytes > bytesMax && eldest.hasNext()) {
      bytes -= eldest.next().getValue().length;
      eldest.remove();
    }
  }
}
