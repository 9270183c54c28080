package io.pannier.store.remote;

import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;

/**
 * Bytes of files that are not in the local folder: read where they lie, or fetched into the folder
 * as a whole before somebody writes. Any thread; the lock of the disk is not held while the network
 * is waited for.
 */
final class RemoteBytes {
  private final RemoteDisk disk;
  private final ChunkCache chunks;

  RemoteBytes(RemoteDisk disk, ChunkCache chunks) {
    this.disk = disk;
    this.chunks = chunks;
  }

  /** Reads as much as there is from a position on. */
  int read(RemoteFile file, ByteBuffer target, long position) throws IOException {
    if (position < 0) {
      throw new IllegalArgumentException("position is negative: " + position);
    }
    Facts facts;
    long[] epochs;
    synchronized (disk.lock) {
      facts = file.placed;
      epochs = epochs(facts);
    }
    int before = target.position();
    if (facts.isSealed() && position >= facts.footer()) {
      return disk.cache.readIndex(file, facts, target, position);
    }
    read(facts, epochs, target, position);
    return target.position() - before;
  }

  /** The same of what lies at known places. */
  void read(Facts facts, long[] epochs, ByteBuffer target, long position) throws IOException {
    facts.read(
        position,
        target,
        (index, extent, from, part) -> chunks.read(epochs[index], extent, from, part));
  }

  /** Epochs of the segments of a file, in the order of its extents; under the lock. */
  long[] epochs(Facts facts) {
    var epochs = new long[facts.extents()];
    for (int i = 0; i < epochs.length; i++) {
      epochs[i] = disk.epochOf(facts.extent(i).segment());
    }
    return epochs;
  }

  /** Where the footer of a block begins that is known to be sealed. */
  long footerOf(RemoteFile file) {
    synchronized (disk.lock) {
      return file.placed.footer();
    }
  }

  /** Drops from memory what was read of a file. */
  void forget(RemoteFile file) {
    Facts facts;
    synchronized (disk.lock) {
      facts = file.placed;
    }
    for (int i = 0; i < facts.extents(); i++) {
      chunks.forget(facts.extent(i));
    }
  }

  /** Brings all bytes of a file into the local folder. */
  void fetch(RemoteFile file) throws IOException {
    synchronized (file.fetching) {
      Facts facts;
      long[] epochs;
      String temporary;
      synchronized (disk.lock) {
        disk.requireWriting();
        if (file.local) {
          return;
        }
        if (file.gone) {
          throw new NoSuchFileException(file.path);
        }
        facts = file.placed;
        epochs = epochs(facts);
        temporary = disk.temporary();
      }
      disk.local.delete(temporary);
      boolean done = false;
      try {
        try (DiskFile fetched = disk.local.create(temporary)) {
          for (int i = 0; i < facts.extents(); i++) {
            fetched.append(disk.objects.read(epochs[i], facts.extent(i)));
          }
          fetched.sync();
        }
        synchronized (disk.lock) {
          if (file.gone) {
            throw new NoSuchFileException(file.path);
          }
          disk.makeLocal(Manifest.folderOf(file.path));
          disk.local.rename(temporary, file.path);
          done = true;
          file.local = true;
          for (RemoteHandle handle : file.handles) {
            handle.ownedLocal = disk.local.open(file.path);
          }
          disk.cache.dropIndex(file);
        }
      } finally {
        if (!done) {
          disk.local.delete(temporary);
        }
      }
    }
  }
}
