package io.pannier.store.disk;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * The bytes of one file, twice: as the page cache shows them and as the device holds them.
 *
 * <p>A file only grows at its end or is cut, so the two agree from the start up to some offset.
 * Behind it the cache has what was appended since the last sync, and the device what was cut away
 * since then. The array of the cache may end before the file does: the rest is zeros, which keeps a
 * ballast cheap.
 *
 * <pre>
 *            0            agreed          synced     length
 *   cache    |==============|------------------------|
 *   device   |==============|~~ syncedTail ~~|
 * </pre>
 */
final class MemoryContent {
  private static final byte[] NONE = {};

  private byte[] cache = NONE;
  private long length;
  private long agreed;
  private byte[] syncedTail = NONE;

  /**
   * Ranges that a failed sync lost: the device never gets them, whatever is synced later, and has
   * zeros there.
   */
  private final List<Range> lost = new ArrayList<>();

  private record Range(long from, long to) {}

  long length() {
    return length;
  }

  boolean isDirty() {
    return agreed < length || syncedTail.length > 0;
  }

  /** Makes an empty file as long as this, all zeros. */
  void extend(long bytes) {
    length = bytes;
  }

  void append(ByteBuffer source, int count) {
    int start = Math.toIntExact(length);
    int end = Math.addExact(start, count);
    if (end > cache.length) {
      cache =
          Arrays.copyOf(
              cache, Math.max(end, (int) Math.min(Integer.MAX_VALUE - 8, cache.length * 2L)));
    }
    source.get(cache, start, count);
    length = end;
  }

  int read(ByteBuffer target, long position) {
    int count = Math.clamp(length - position, 0, target.remaining());
    int stored = Math.clamp(Math.min(cache.length, length) - position, 0, count);
    if (stored > 0) {
      target.put(cache, (int) position, stored);
    }
    for (int zeros = stored; zeros < count; zeros++) {
      target.put((byte) 0);
    }
    return count;
  }

  void flip(long position, int mask) {
    cache[Math.toIntExact(position)] ^= (byte) mask;
  }

  void truncate(long size) {
    if (size < agreed) {
      byte[] cut = new byte[Math.toIntExact(agreed - size + syncedTail.length)];
      int fromCache = (int) (agreed - size);
      copyCache(size, cut, fromCache);
      System.arraycopy(syncedTail, 0, cut, fromCache, syncedTail.length);
      zeroLost(cut, size);
      syncedTail = cut;
      agreed = size;
    }
    lost.removeIf(range -> range.from() >= size);
    lost.replaceAll(range -> new Range(range.from(), Math.min(range.to(), size)));
    if (size < cache.length) {
      Arrays.fill(cache, (int) size, (int) Math.min(cache.length, length), (byte) 0);
    }
    length = size;
  }

  void sync() {
    agreed = length;
    syncedTail = NONE;
  }

  /**
   * What a failed sync leaves behind, as Linux file systems differ in it: the bytes wait for the
   * next sync; or they are taken for written and only the cache still has them; or the cache gave
   * them up as well.
   */
  boolean loseUnsynced(RandomGenerator random) {
    int outcome = random.nextInt(3);
    if (outcome == 0 || agreed == length) {
      return false;
    }
    lost.add(new Range(agreed, length));
    if (outcome == 2 && agreed < cache.length) {
      Arrays.fill(cache, (int) agreed, (int) Math.min(cache.length, length), (byte) 0);
    }
    return true;
  }

  /** The content after a kill of the process: cache and device as they are. */
  MemoryContent copy() {
    var copy = new MemoryContent();
    copy.cache = Arrays.copyOf(cache, (int) Math.min(cache.length, length));
    copy.length = length;
    copy.agreed = agreed;
    copy.syncedTail = syncedTail; // never written to
    copy.lost.addAll(lost);
    return copy;
  }

  /**
   * The content after a power loss: the device as it is found, which the cache then agrees with.
   */
  MemoryContent afterPowerLoss(RandomGenerator random, CrashMode mode) {
    if (!isDirty()) {
      return found(length, NONE);
    }
    // The journal of the file system has a cut before or behind the crash; what was appended behind
    // the cut follows it.
    boolean cutIsLost = syncedTail.length > 0 && random.nextBoolean();
    return switch (mode) {
      case KEEP -> found(length, NONE);
      case DROP -> found(agreed, syncedTail);
      case TEAR ->
          cutIsLost ? found(agreed, syncedTail) : found(random.nextLong(agreed, length + 1), NONE);
      case REORDER -> cutIsLost ? found(agreed, syncedTail) : reordered(random);
    };
  }

  private MemoryContent reordered(RandomGenerator random) {
    int sectorBytes = random.nextBoolean() ? 512 : 4096;
    long end = random.nextBoolean() ? length : random.nextLong(agreed, length + 1);
    MemoryContent found = found(end, NONE);
    for (long at = agreed; at < end; at = (at / sectorBytes + 1) * sectorBytes) {
      if (at < found.cache.length && random.nextBoolean()) {
        long sectorEnd = Math.min((at / sectorBytes + 1) * sectorBytes, found.cache.length);
        Arrays.fill(found.cache, (int) at, (int) sectorEnd, (byte) 0);
      }
    }
    return found;
  }

  private MemoryContent found(long fromCache, byte[] tail) {
    var found = new MemoryContent();
    found.length = fromCache + tail.length;
    if (tail.length == 0) {
      found.cache = Arrays.copyOf(cache, (int) Math.min(cache.length, fromCache));
    } else {
      found.cache = new byte[Math.toIntExact(found.length)];
      copyCache(0, found.cache, (int) fromCache);
    }
    zeroLost(found.cache, 0);
    System.arraycopy(tail, 0, found.cache, tail.length == 0 ? 0 : (int) fromCache, tail.length);
    found.sync();
    return found;
  }

  private void copyCache(long from, byte[] target, int count) {
    int stored = Math.clamp(cache.length - from, 0, count);
    if (stored > 0) {
      System.arraycopy(cache, (int) from, target, 0, stored);
    }
  }

  private void zeroLost(byte[] bytes, long offset) {
    for (Range range : lost) {
      int from = Math.clamp(range.from() - offset, 0, bytes.length);
      int to = Math.clamp(range.to() - offset, 0, bytes.length);
      Arrays.fill(bytes, from, to, (byte) 0);
    }
  }
}
