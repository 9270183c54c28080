package io.pannier.store.remote;

import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import org.jspecify.annotations.Nullable;

/**
 * An open file of a {@link RemoteDisk}: its local handle while the folder has it, else reads from
 * segments. The file may be evicted under it, also while it is read.
 */
final class RemoteHandle implements DiskFile {
  private final RemoteDisk disk;
  final RemoteFile file;

  /** Changed under the lock of the disk. */
  volatile @Nullable DiskFile ownedLocal;

  private volatile boolean closed;

  RemoteHandle(RemoteDisk disk, RemoteFile file, @Nullable DiskFile local) {
    this.disk = disk;
    this.file = file;
    this.ownedLocal = local;
  }

  @Override
  public long size() {
    DiskFile local = ownedLocal;
    return local != null ? local.size() : file.size;
  }

  @Override
  public void append(ByteBuffer buffer) throws IOException {
    int bytes = buffer.remaining();
    DiskFile local = writable();
    local.append(buffer);
    grown(local, bytes);
  }

  @Override
  public void append(ByteBuffer[] buffers) throws IOException {
    long bytes = 0;
    for (ByteBuffer buffer : buffers) {
      bytes += buffer.remaining();
    }
    DiskFile local = writable();
    local.append(buffers);
    grown(local, bytes);
  }

  @Override
  public void appendDirect(ByteBuffer buffer) throws IOException {
    int bytes = buffer.remaining();
    DiskFile local = writable();
    local.appendDirect(buffer);
    grown(local, bytes);
  }

  private void grown(DiskFile local, long bytes) {
    file.size = local.size();
    // Only behind the size: a sync that clears the mark first looks at the size then.
    if (!file.unsynced) {
      disk.syncs.appended(file);
    }
    if (!file.gone) {
      disk.unsent.appended(bytes);
    }
  }

  @Override
  public int read(ByteBuffer target, long position) throws IOException {
    if (closed) {
      throw new ClosedChannelException();
    }
    DiskFile local = ownedLocal;
    int at = target.position();
    if (local != null) {
      try {
        return local.read(target, position);
      } catch (ClosedChannelException evicted) {
        if (ownedLocal != null || closed) {
          throw evicted;
        }
        target.position(at);
      }
    }
    return disk.bytes.read(file, target, position);
  }

  @Override
  public void truncate(long size) throws IOException {
    DiskFile local = writable();
    disk.cutting(file, size);
    long before = file.size;
    local.truncate(size);
    disk.cut(file, before, size);
  }

  @Override
  public void sync() throws IOException {
    DiskFile local = ownedLocal;
    if (local == null) {
      if (closed) {
        throw new ClosedChannelException();
      }
      return; // It is in the object store, and nothing was added since.
    }
    SyncCover.Begun begun = disk.syncs.begin(file);
    boolean done = false;
    try {
      local.sync();
      done = true;
    } finally {
      disk.syncs.end(begun, done);
    }
  }

  @Override
  public void willAppend() throws IOException {
    if (ownedLocal == null) {
      disk.bytes.fetch(file);
    }
  }

  @Override
  public int bytesAtEnd(int wanted) {
    if (ownedLocal != null) {
      return wanted;
    }
    long footer = disk.bytes.footerOf(file);
    return footer == Facts.UNSEALED ? wanted : (int) Math.min(Integer.MAX_VALUE, size() - footer);
  }

  @Override
  public boolean forget() {
    if (ownedLocal != null) {
      return false;
    }
    disk.bytes.forget(file);
    try {
      disk.cache.dropIndex(file);
    } catch (IOException kept) {
      return false;
    }
    return true;
  }

  private DiskFile writable() throws IOException {
    if (closed) {
      throw new ClosedChannelException();
    }
    DiskFile local = ownedLocal;
    if (local == null) {
      disk.bytes.fetch(file);
      local = ownedLocal;
    }
    if (local == null) {
      throw new IOException("was evicted while it was written to: " + file.path);
    }
    return local;
  }

  @Override
  public void close() throws IOException {
    if (!closed) {
      closed = true;
      disk.closed(this);
    }
  }
}
