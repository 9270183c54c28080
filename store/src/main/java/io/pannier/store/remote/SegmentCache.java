package io.pannier.store.remote;

import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Pieces of segments that were read, in a local folder, bounded; those used last also in memory. A
 * segment never changes, so a piece is good for every state that speaks of it, and after a restart.
 * Pieces lie on a grid of the segment, not of the files in it: what one upload brought of many
 * files comes with one request. Any thread may call; no lock is held while the network is waited
 * for.
 *
 * <p>Files are {@code remote.pieces/<epoch>-<number>-<index>}: the bytes, nothing else. Whoever
 * reads them checks them, and {@link #forget} drops those that do not check.
 */
final class SegmentCache {
  static final String FOLDER = "remote.pieces";
  static final int PIECE = 1 << 20;
  private static final int IN_MEMORY = 8;

  /** How many pieces a read in order fetches at once. */
  private static final int AHEAD = 4;

  /** A place on the grid of a segment. */
  record Key(long epoch, long segment, long index) {
    String path() {
      return FOLDER + String.format(java.util.Locale.ROOT, "/%x-%x-%x", epoch, segment, index);
    }

    static @Nullable Key parse(String name) {
      String[] parts = name.split("-", -1);
      try {
        return parts.length != 3
            ? null
            : new Key(
                Long.parseLong(parts[0], 16),
                Long.parseLong(parts[1], 16),
                Long.parseLong(parts[2], 16));
      } catch (NumberFormatException foreign) {
        return null;
      }
    }
  }

  private final ObjectClient objects;
  private final Disk local;
  private final long bytesMax;

  // Guarded by this
  private final Map<Key, Long> onDisk = new LinkedHashMap<>(16, 0.75f, true);
  private final Map<Key, byte[]> inMemory = new LinkedHashMap<>(16, 0.75f, true);
  private long bytes;

  /** Takes over what an earlier process has left. */
  SegmentCache(ObjectClient objects, Disk local, long bytesMax) throws IOException {
    this.objects = objects;
    this.local = local;
    this.bytesMax = bytesMax;
    local.makeFolder(FOLDER);
    var found = new TreeMap<String, Key>();
    for (String name : local.list(FOLDER)) {
      Key key = Key.parse(name);
      if (key == null || name.endsWith(".new")) {
        local.delete(FOLDER + "/" + name);
      } else {
        found.put(name, key);
      }
    }
    for (Key key : found.values()) {
      long size;
      try (DiskFile file = local.open(key.path())) {
        size = file.size();
      }
      keepOnDisk(key, size);
    }
  }

  /** Bytes in the folder. */
  synchronized long bytes() {
    return bytes;
  }

  /**
   * Reads bytes of a segment, all that the target has room for.
   *
   * @param segmentBytes how long the segment is; nothing behind is asked for
   */
  void read(long epoch, long segment, long segmentBytes, long from, ByteBuffer target)
      throws IOException {
    long position = from;
    while (target.hasRemaining()) {
      long index = position / PIECE;
      long wantedEnd = position + target.remaining();
      byte[] piece = piece(new Key(epoch, segment, index), segmentBytes, wantedEnd);
      int at = (int) (position - index * PIECE);
      if (at >= piece.length) {
        throw new ObjectStoreException(
            ObjectStoreException.Kind.DAMAGED, "segment " + segment + " ends too early", null);
      }
      int count = Math.min(piece.length - at, target.remaining());
      target.put(piece, at, count);
      position += count;
    }
  }

  private byte[] piece(Key key, long segmentBytes, long wantedEnd) throws IOException {
    boolean isOnDisk;
    boolean goesOn;
    synchronized (this) {
      byte[] known = inMemory.get(key);
      if (known != null) {
        return known;
      }
      isOnDisk = onDisk.get(key) != null;
      goesOn = inMemory.containsKey(new Key(key.epoch(), key.segment(), key.index() - 1));
    }
    int length = (int) Math.min(PIECE, segmentBytes - key.index() * PIECE);
    if (isOnDisk) {
      byte[] kept = fromDisk(key, length);
      if (kept != null) {
        keepInMemory(key, kept);
        return kept;
      }
    }
    long pieces = goesOn ? AHEAD : 1;
    pieces = Math.max(pieces, (wantedEnd + PIECE - 1) / PIECE - key.index());
    pieces = Math.min(Math.min(pieces, AHEAD), (segmentBytes + PIECE - 1) / PIECE - key.index());
    long end = Math.min(segmentBytes, (key.index() + Math.max(1, pieces)) * PIECE);
    ByteBuffer content =
        objects.read(
            key.epoch(), key.segment(), key.index() * PIECE, (int) (end - key.index() * PIECE));
    byte[] first = {};
    for (long index = key.index(); content.hasRemaining(); index++) {
      var piece = new byte[Math.min(PIECE, content.remaining())];
      content.get(piece);
      var own = new Key(key.epoch(), key.segment(), index);
      keep(own, piece);
      if (index == key.index()) {
        first = piece;
      }
    }
    return first;
  }

  private byte @Nullable [] fromDisk(Key key, int length) {
    try (DiskFile file = local.open(key.path())) {
      ByteBuffer all = ByteBuffer.allocate(length);
      return file.size() == length && file.read(all, 0) == length ? all.array() : null;
    } catch (IOException dropped) {
      return null; // by another read that made room, or the device does not give it
    }
  }

  private void keep(Key key, byte[] piece) {
    keepInMemory(key, piece);
    if (piece.length > bytesMax) {
      return;
    }
    String fresh = key.path() + "-" + Thread.currentThread().threadId() + ".new";
    try {
      local.delete(fresh);
      try (DiskFile file = local.create(fresh)) {
        file.append(ByteBuffer.wrap(piece));
      }
      local.rename(fresh, key.path());
      keepOnDisk(key, piece.length);
    } catch (IOException full) {
      // It is a copy, and the next read fetches it again.
      assert full != null;
    }
  }

  private synchronized void keepInMemory(Key key, byte[] piece) {
    inMemory.put(key, piece);
    var eldest = inMemory.entrySet().iterator();
    while (inMemory.size() > IN_MEMORY && eldest.hasNext()) {
      eldest.next();
      eldest.remove();
    }
  }

  private synchronized void keepOnDisk(Key key, long size) throws IOException {
    Long before = onDisk.put(key, size);
    bytes += size - (before == null ? 0 : before);
    var eldest = onDisk.entrySet().iterator();
    while (bytes > bytesMax && eldest.hasNext()) {
      Map.Entry<Key, Long> old = eldest.next();
      local.delete(old.getKey().path());
      bytes -= old.getValue();
      eldest.remove();
    }
  }

  /** Drops what is kept of a range of bytes that do not check. */
  synchronized void forget(long epoch, Extent extent) {
    for (long index = extent.at() / PIECE; index * PIECE < extent.at() + extent.length(); index++) {
      var key = new Key(epoch, extent.segment(), index);
      inMemory.remove(key);
      Long size = onDisk.remove(key);
      bytes -= size == null ? 0 : size;
    }
  }
}
