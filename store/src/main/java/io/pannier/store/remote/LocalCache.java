package io.pannier.store.remote;

import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Which clean blocks stay in the local folder, and the indexes of those that do not: {@code
 * remote.tails} holds of each the bytes from its footer on.
 *
 * <pre>
 *   8 position of the footer   4 crc of the bytes   4 zero   the bytes
 * </pre>
 */
final class LocalCache {
  static final String FOLDER = "remote.tails";
  private static final int HEAD = 16;

  /** Longest index that is kept. */
  private static final long INDEX_BYTES_MAX = 64 << 20;

  private final RemoteDisk disk;
  private volatile long cachedBytes;

  LocalCache(RemoteDisk disk) {
    this.disk = disk;
  }

  long cachedBytes() {
    return cachedBytes;
  }

  private static String indexPath(RemoteFile file) {
    return FOLDER + "/" + file.path.replace('/', '-');
  }

  /** Evicts the blocks used longest ago until the rest is within its bound. */
  void evict() throws IOException {
    var clean = new ArrayList<RemoteFile>();
    long bytes = 0;
    synchronized (disk.lock) {
      for (RemoteFile file : disk.names.held()) {
        if (file.local && file.isClean()) {
          clean.add(file);
          bytes += file.size;
        }
      }
    }
    cachedBytes = bytes;
    if (bytes <= disk.config.cacheBytes()) {
      return;
    }
    clean.sort(Comparator.comparingLong(file -> file.lastUse));
    for (RemoteFile file : clean) {
      if (bytes <= disk.config.cacheBytes()) {
        break;
      }
      if (evict(file)) {
        bytes -= file.size;
      }
    }
    cachedBytes = bytes;
  }

  private boolean evict(RemoteFile file) throws IOException {
    Facts facts;
    ByteBuffer index;
    synchronized (disk.lock) {
      facts = file.placed;
      if (file.gone || !file.local || !file.isClean()) {
        return false;
      }
      long length = facts.length() - facts.footer();
      index = ByteBuffer.allocate((int) Math.min(length, INDEX_BYTES_MAX));
      try (DiskFile whole = disk.local.open(file.path)) {
        if (length <= INDEX_BYTES_MAX && whole.read(index, facts.footer()) < length) {
          return false;
        }
      }
    }
    if (!index.hasRemaining()) {
      writeIndex(file, facts, index.flip());
    }
    List<RemoteHandle> handles;
    var closing = new ArrayList<DiskFile>();
    synchronized (disk.lock) {
      if (file.gone || !file.local || !file.isClean()) {
        return false;
      }
      disk.local.delete(file.path);
      file.local = false;
      handles = file.handles;
      for (RemoteHandle handle : handles) {
        DiskFile open = handle.ownedLocal;
        handle.ownedLocal = null;
        if (open != null) {
          closing.add(open);
        }
      }
    }
    for (DiskFile open : closing) {
      open.close();
    }
    return true;
  }

  private void writeIndex(RemoteFile file, Facts facts, ByteBuffer index) throws IOException {
    if (!disk.local.exists(FOLDER)) {
      disk.local.makeFolder(FOLDER);
    }
    String path = indexPath(file);
    disk.local.delete(path);
    ByteBuffer head = ByteBuffer.allocate(HEAD).order(ByteOrder.LITTLE_ENDIAN);
    head.putLong(facts.footer()).putInt(Codec.crc(index)).putInt(0).flip();
    boolean done = false;
    try (DiskFile out = disk.local.create(path)) {
      out.append(head);
      out.append(index.duplicate());
      done = true;
    } finally {
      if (!done) {
        disk.local.delete(path);
      }
    }
  }

  /** Forgets the index of a file that is gone or has come back. */
  void dropIndex(RemoteFile file) throws IOException {
    if (!disk.reading && file.placed.isSealed() && disk.local.exists(FOLDER)) {
      disk.local.delete(indexPath(file));
    }
  }

  /** Reads from the footer on; what is not here is fetched once and kept. */
  int readIndex(RemoteFile file, Facts facts, ByteBuffer target, long position) throws IOException {
    ByteBuffer index = find(file, facts);
    if (index == null) {
      index = fetch(file, facts);
    }
    int from = (int) (position - facts.footer());
    int count = Math.min(target.remaining(), index.limit() - from);
    if (count <= 0) {
      return 0;
    }
    target.put(index.slice(from, count));
    return count;
  }

  private @org.jspecify.annotations.Nullable ByteBuffer find(RemoteFile file, Facts facts)
      throws IOException {
    String path = indexPath(file);
    if (!disk.local.exists(FOLDER) || !disk.local.exists(path)) {
      return null;
    }
    int length = Math.toIntExact(facts.length() - facts.footer());
    try (DiskFile in = disk.local.open(path)) {
      ByteBuffer all = ByteBuffer.allocate(HEAD + length).order(ByteOrder.LITTLE_ENDIAN);
      if (in.size() != all.capacity() || in.read(all, 0) < all.capacity()) {
        return null;
      }
      ByteBuffer index = all.slice(HEAD, length);
      boolean good = all.getLong(0) == facts.footer() && all.getInt(8) == Codec.crc(index);
      return good ? index : null;
    } catch (java.nio.file.NoSuchFileException dropped) {
      return null;
    }
  }

  private ByteBuffer fetch(RemoteFile file, Facts facts) throws IOException {
    ByteBuffer index = ByteBuffer.allocate(Math.toIntExact(facts.length() - facts.footer()));
    long[] epochs;
    synchronized (disk.lock) {
      epochs = disk.bytes.epochs(facts);
    }
    disk.bytes.read(facts, epochs, index, facts.footer());
    disk.bytes.forget(file); // kept below, and read anew if it does not check
    if (index.hasRemaining()) {
      throw new ObjectStoreException(
          ObjectStoreException.Kind.DAMAGED, "an index ends before its end: " + file, null);
    }
    index.flip();
    if (!disk.reading) {
      try {
        writeIndex(file, facts, index);
      } catch (IOException full) {
        // It is a copy, and the next read fetches it again.
        assert full != null;
      }
    }
    return index;
  }
}
