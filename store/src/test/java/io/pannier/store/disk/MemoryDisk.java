package io.pannier.store.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * A disk in memory that knows what is durable and can lose the rest.
 *
 * <p>{@link #crash} is a loss of power, {@link #kill} the end of the process only. Both return the
 * disk that the next start finds, end this one for good (every use of it or of its files fails from
 * then on, except closing) and may be called again on it, so that one moment can be crashed under
 * many seeds. The same calls and the same seed always give the same disk.
 *
 * <p>The model is harder than any one file system: content and name of a file become durable
 * independently, as do names in different folders. A folder whose own name was never synced takes
 * its files with it.
 */
public final class MemoryDisk implements Disk {
  private final MemoryVolume volume;
  private Optional<String> heldLock = Optional.empty(); // guarded by volume
  private boolean closed; // guarded by volume

  /** Makes an empty disk without end. */
  public MemoryDisk() {
    this(Long.MAX_VALUE);
  }

  /**
   * Makes an empty disk that is full at this many bytes of content, of deleted files too as long as
   * they are open.
   */
  public MemoryDisk(long capacityBytes) {
    this(new MemoryVolume(capacityBytes));
  }

  private MemoryDisk(MemoryVolume volume) {
    this.volume = volume;
  }

  /**
   * What is found after a loss of power now. Without modes any of them can happen, to each file
   * another one.
   */
  public MemoryDisk crash(RandomGenerator random, CrashMode... modes) {
    synchronized (volume) {
      volume.end("power was lost");
      var allowed = List.of(modes.length == 0 ? CrashMode.values() : modes);
      return new MemoryDisk(volume.afterPowerLoss(random, allowed));
    }
  }

  /** What is found after the process was killed now: everything written, with or without a sync. */
  public MemoryDisk kill() {
    synchronized (volume) {
      volume.end("the process was killed");
      return new MemoryDisk(volume.afterKill());
    }
  }

  /** Another process on the same volume: same files, and the locks stand between the two. */
  public MemoryDisk anotherProcess() {
    return new MemoryDisk(volume);
  }

  /** Handles that are open now, to be 0 when a test ends. */
  public int openHandles() {
    synchronized (volume) {
      return volume.openHandles();
    }
  }

  /** Damages one byte at rest: flips the bits of the mask. */
  public void flip(String path, long position, int mask) throws IOException {
    synchronized (volume) {
      volume.file(DiskPaths.below(path)).content.flip(position, mask);
    }
  }

  /** Does to all unsynced content what a failed sync may do to it. */
  void loseUnsynced(RandomGenerator random) {
    synchronized (volume) {
      volume.loseUnsynced(random);
    }
  }

  /**
   * Pages of unsynced files cannot be written in the background. As on Linux, each file tells each
   * handle of it once, forgets it when nobody has it open, and the next sync of all fails.
   */
  public void failWriteBack(RandomGenerator random) {
    synchronized (volume) {
      volume.failWriteBack(random);
    }
  }

  @Override
  public DiskFile create(String path) throws IOException {
    DiskPaths.below(path);
    synchronized (volume) {
      requireUsable();
      return new Handle(path, volume.create(path));
    }
  }

  @Override
  public DiskFile open(String path) throws IOException {
    DiskPaths.below(path);
    synchronized (volume) {
      requireUsable();
      if (heldLock.isPresent() && heldLock.get().equals(path)) {
        throw new IllegalArgumentException("the lock file is not a data file: " + path);
      }
      return new Handle(path, volume.file(path));
    }
  }

  @Override
  public boolean exists(String path) throws IOException {
    DiskPaths.checked(path);
    synchronized (volume) {
      requireUsable();
      return volume.find(path).isPresent();
    }
  }

  @Override
  public void delete(String path) throws IOException {
    DiskPaths.below(path);
    synchronized (volume) {
      requireUsable();
      volume.delete(path);
    }
  }

  @Override
  public void rename(String from, String to) throws IOException {
    DiskPaths.below(from);
    DiskPaths.below(to);
    synchronized (volume) {
      requireUsable();
      volume.rename(from, to);
    }
  }

  @Override
  public void makeFolder(String path) throws IOException {
    DiskPaths.below(path);
    synchronized (volume) {
      requireUsable();
      volume.makeFolder(path);
    }
  }

  @Override
  public List<String> list(String folder) throws IOException {
    DiskPaths.checked(folder);
    synchronized (volume) {
      requireUsable();
      return volume.list(folder);
    }
  }

  @Override
  public void syncFolder(String folder) throws IOException {
    DiskPaths.checked(folder);
    synchronized (volume) {
      requireUsable();
      volume.syncFolder(folder);
    }
  }

  @Override
  public void syncAll() throws IOException {
    synchronized (volume) {
      requireUsable();
      if (!volume.syncAll()) {
        throw new IOException("an earlier write to the volume failed");
      }
    }
  }

  @Override
  public long usableBytes() throws IOException {
    synchronized (volume) {
      requireUsable();
      return volume.usableBytes();
    }
  }

  @Override
  public void allocate(String path, long bytes) throws IOException {
    DiskPaths.below(path);
    synchronized (volume) {
      requireUsable();
      volume.allocate(path, bytes);
    }
  }

  @Override
  public boolean tryLock(String path) throws IOException {
    DiskPaths.below(path);
    synchronized (volume) {
      requireUsable();
      if (heldLock.isPresent() || !volume.lock(path)) {
        return false;
      }
      heldLock = Optional.of(path);
      if (volume.find(path).isEmpty()) {
        volume.create(path);
      }
      return true;
    }
  }

  /**
   * Gives up the lock. Files stay open, and the volume can still be killed or crashed: that is how
   * a test starts again after a clean stop.
   */
  @Override
  public void close() {
    synchronized (volume) {
      heldLock.ifPresent(volume::unlock);
      heldLock = Optional.empty();
      closed = true;
    }
  }

  private void requireUsable() throws IOException {
    volume.requireAlive();
    if (closed) {
      throw new IOException("the disk is closed");
    }
  }

  /** An open file. */
  final class Handle implements DiskFile {
    private final String path;
    private final MemoryVolume.File file;
    private volatile long size;
    private boolean tailUnknown; // guarded by volume, as all below
    private int errorsKnown;
    private boolean direct;
    private boolean closed;

    Handle(String path, MemoryVolume.File file) {
      this.path = path;
      this.file = file;
      this.size = file.content.length();
      this.errorsKnown = volume.errorsKnown(file);
      volume.opened(file);
    }

    @Override
    public long size() {
      return size;
    }

    @Override
    public void append(ByteBuffer buffer) throws IOException {
      append(new ByteBuffer[] {buffer});
    }

    @Override
    public void append(ByteBuffer[] buffers) throws IOException {
      synchronized (volume) {
        requireOpen();
        closeDirect();
        appendAll(buffers);
      }
    }

    @Override
    public void appendDirect(ByteBuffer buffer) throws IOException {
      DirectIo.requireAligned(size, buffer);
      synchronized (volume) {
        requireOpen();
        if (!direct) {
          direct = true;
          volume.opened(file);
        }
        appendAll(new ByteBuffer[] {buffer});
      }
    }

    private void closeDirect() {
      if (direct) {
        direct = false;
        volume.closed(file);
      }
    }

    private void appendAll(ByteBuffer[] buffers) throws IOException {
      if (tailUnknown) {
        volume.truncate(file, size);
      } else if (file.content.length() != size) {
        throw new IllegalStateException("somebody else appends to " + path);
      }
      tailUnknown = true;
      for (ByteBuffer buffer : buffers) {
        int granted = volume.grow(file, buffer.remaining());
        boolean full = granted < buffer.remaining();
        file.content.append(buffer, granted);
        if (full) {
          throw new DiskFullException(path);
        }
      }
      tailUnknown = false;
      size = file.content.length();
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
      if (position < 0) {
        throw new IllegalArgumentException("position is negative: " + position);
      }
      synchronized (volume) {
        requireOpen();
        return file.content.read(target, position);
      }
    }

    @Override
    public void truncate(long size) throws IOException {
      synchronized (volume) {
        requireOpen();
        closeDirect();
        if (size < 0 || size > this.size) {
          throw new IllegalArgumentException(
              "cannot cut " + path + " of " + this.size + " bytes to " + size);
        }
        volume.truncate(file, size);
        this.size = size;
        tailUnknown = false;
      }
    }

    @Override
    public void sync() throws IOException {
      synchronized (volume) {
        requireOpen();
        int before = errorsKnown;
        errorsKnown = volume.sync(file, before);
        if (errorsKnown > before) {
          throw new IOException("an earlier write to the file failed: " + path);
        }
      }
    }

    @Override
    public void close() {
      synchronized (volume) {
        if (!closed) {
          closed = true;
          closeDirect();
          volume.closed(file);
        }
      }
    }

    void loseUnsynced(RandomGenerator random) {
      synchronized (volume) {
        file.content.loseUnsynced(random);
      }
    }

    private void requireOpen() throws IOException {
      volume.requireAlive();
      if (closed) {
        throw new ClosedChannelException();
      }
    }
  }
}
