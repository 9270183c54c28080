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
      long start = position - position % CHUNK;
      byte[] chunk = find(extent, start);
      if (chunk == null) {
        chunk = fetch(epoch, extent, start, end);
      }
      int inChunk = (int) (position - start);
      int count = (int) Math.min(chunk.length - inChunk, end - position);
      target.put(chunk, inChunk, count);
      position += count;
    }
  }

  private synchronized byte @org.jspecify.annotations.Nullable [] find(Extent extent, long start) {
    return chunks.get(new Key(extent.segment(), extent.at() + start));
  }

  /** Fetches the chunk that begins at {@code start} and those behind it that are worth it. */
  private byte[] fetch(long epoch, Extent extent, long start, long wantedEnd) throws IOException {
    boolean goesOn = start > 0 && find(extent, start - CHUNK) != null;
    long end = goesOn ? start + (long) AHEAD * CHUNK : start + CHUNK;
    end = Math.max(end, Math.min(wantedEnd, start + (long) AHEAD * CHUNK));
    end = Math.min(extent.length(), (end + CHUNK - 1) / CHUNK * CHUNK);
    ByteBuffer content =
        objects.read(epoch, extent.segment(), extent.at() + start, (int) (end - start));
    byte[] first = new byte[0];
    for (long at = start; at < end; at += CHUNK) {
      var chunk = new byte[(int) Math.min(CHUNK, end - at)];
      content.get(chunk);
      keep(new Key(extent.segment(), extent.at() + at), chunk);
      if (at == start) {
        first = chunk;
      }
    }
    return first;
  }

  /** Drops what is kept of an extent. */
  synchronized void forget(Extent extent) {
    for (long start = 0; start < extent.length(); start += CHUNK) {
      byte[] chunk = chunks.remove(new Key(extent.segment(), extent.at() + start));
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
