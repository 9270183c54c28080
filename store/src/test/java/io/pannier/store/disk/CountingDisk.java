package io.pannier.store.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Counts what goes through to another disk, so that a test can say what an operation may cost.
 * Failed calls count too; bytes count as far as they were taken. {@link DiskFile#size} and closing
 * are free.
 */
public final class CountingDisk implements Disk {
  private final Disk ownedDisk;
  private final Map<DiskOperation, Long> calls = new EnumMap<>(DiskOperation.class); // guarded
  private long appendedBytes; // guarded
  private long readBytes; // guarded

  /** Counts the calls of this disk, and closes it when closed. */
  public CountingDisk(Disk ownedDisk) {
    this.ownedDisk = ownedDisk;
  }

  /** What was called so far. */
  public synchronized Counts counts() {
    return new Counts(calls, appendedBytes, readBytes);
  }

  /** What was called after this snapshot. */
  public Counts since(Counts earlier) {
    return counts().minus(earlier);
  }

  private synchronized void count(DiskOperation operation) {
    calls.merge(operation, 1L, Long::sum);
  }

  private synchronized void countAppended(long bytes) {
    appendedBytes += bytes;
  }

  private synchronized void countRead(long bytes) {
    readBytes += bytes;
  }

  @Override
  public DiskFile create(String path) throws IOException {
    count(DiskOperation.CREATE);
    return new CountingFile(ownedDisk.create(path));
  }

  @Override
  public DiskFile open(String path) throws IOException {
    count(DiskOperation.OPEN);
    return new CountingFile(ownedDisk.open(path));
  }

  @Override
  public boolean exists(String path) throws IOException {
    count(DiskOperation.EXISTS);
    return ownedDisk.exists(path);
  }

  @Override
  public void delete(String path) throws IOException {
    count(DiskOperation.DELETE);
    ownedDisk.delete(path);
  }

  @Override
  public void rename(String from, String to) throws IOException {
    count(DiskOperation.RENAME);
    ownedDisk.rename(from, to);
  }

  @Override
  public void makeFolder(String path) throws IOException {
    count(DiskOperation.MAKE_FOLDER);
    ownedDisk.makeFolder(path);
  }

  @Override
  public List<String> list(String folder) throws IOException {
    count(DiskOperation.LIST);
    return ownedDisk.list(folder);
  }

  @Override
  public void syncFolder(String folder) throws IOException {
    count(DiskOperation.SYNC_FOLDER);
    ownedDisk.syncFolder(folder);
  }

  @Override
  public void syncAll() throws IOException {
    count(DiskOperation.SYNC_ALL);
    ownedDisk.syncAll();
  }

  @Override
  public long usableBytes() throws IOException {
    count(DiskOperation.USABLE_BYTES);
    return ownedDisk.usableBytes();
  }

  @Override
  public void allocate(String path, long bytes) throws IOException {
    count(DiskOperation.ALLOCATE);
    ownedDisk.allocate(path, bytes);
  }

  @Override
  public boolean tryLock(String path) throws IOException {
    count(DiskOperation.LOCK);
    return ownedDisk.tryLock(path);
  }

  @Override
  public void close() throws IOException {
    ownedDisk.close();
  }

  private final class CountingFile implements DiskFile {
    private final DiskFile ownedFile;

    CountingFile(DiskFile ownedFile) {
      this.ownedFile = ownedFile;
    }

    @Override
    public long size() {
      return ownedFile.size();
    }

    @Override
    public void append(ByteBuffer buffer) throws IOException {
      count(DiskOperation.APPEND);
      int offered = buffer.remaining();
      try {
        ownedFile.append(buffer);
      } finally {
        countAppended(offered - buffer.remaining());
      }
    }

    @Override
    public void append(ByteBuffer[] buffers) throws IOException {
      count(DiskOperation.APPEND);
      long offered = remaining(buffers);
      try {
        ownedFile.append(buffers);
      } finally {
        countAppended(offered - remaining(buffers));
      }
    }

    @Override
    public void appendDirect(ByteBuffer buffer) throws IOException {
      count(DiskOperation.APPEND_DIRECT);
      int offered = buffer.remaining();
      try {
        ownedFile.appendDirect(buffer);
      } finally {
        countAppended(offered - buffer.remaining());
      }
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
      count(DiskOperation.READ);
      int bytes = ownedFile.read(target, position);
      countRead(bytes);
      return bytes;
    }

    @Override
    public void truncate(long size) throws IOException {
      count(DiskOperation.TRUNCATE);
      ownedFile.truncate(size);
    }

    @Override
    public void sync() throws IOException {
      count(DiskOperation.SYNC);
      ownedFile.sync();
    }

    @Override
    public void close() throws IOException {
      ownedFile.close();
    }

    private static long remaining(ByteBuffer[] buffers) {
      long sum = 0;
      for (ByteBuffer buffer : buffers) {
        sum += buffer.remaining();
      }
      return sum;
    }
  }
}
