package io.pannier.store.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import org.jspecify.annotations.Nullable;

/**
 * A file that is read past the page cache. A file system that opens it so and then does not read it
 * so is read through the cache. One thread.
 */
final class UncachedFile extends ReadOnlyFile {
  /** Opens the file as others do. */
  interface Opener {
    DiskFile open() throws IOException;
  }

  private final FileChannel ownedChannel;
  private final Opener opener;
  private final long size;
  private @Nullable DiskFile ownedFallback;
  private boolean worked;

  UncachedFile(FileChannel ownedChannel, Opener opener) throws IOException {
    this.ownedChannel = ownedChannel;
    this.opener = opener;
    boolean done = false;
    try {
      size = ownedChannel.size();
      done = true;
    } finally {
      if (!done) {
        ownedChannel.close();
      }
    }
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public int read(ByteBuffer target, long position) throws IOException {
    DiskFile fallback = ownedFallback;
    if (fallback != null) {
      return fallback.read(target, position);
    }
    try {
      int read = ownedChannel.read(target, position);
      worked = true;
      return Math.max(0, read);
    } catch (IOException | IllegalArgumentException refused) {
      if (worked) {
        throw refused instanceof IOException failed ? failed : new IOException(refused);
      }
      fallback = opener.open();
      ownedFallback = fallback;
      return fallback.read(target, position);
    }
  }

  @Override
  public void close() throws IOException {
    DiskFile fallback = ownedFallback;
    try (ownedChannel) {
      if (fallback != null) {
        fallback.close();
      }
    }
  }
}
