package io.pannier.store;

import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/** Counts the bytes that go to the files of another disk and come from them. */
final class MeteredDisk implements Disk {
  private final Disk disk;
  private final Tally tally;

  MeteredDisk(Disk disk, Tally tally) {
    this.disk = disk;
    this.tally = tally;
  }

  @Override
  public DiskFile create(String path) throws IOException {
    return new MeteredFile(disk.create(path), tally);
  }

  @Override
  public DiskFile open(String path) throws IOException {
    return new MeteredFile(disk.open(path), tally);
  }

  @Override
  public DiskFile openPastCache(String path) throws IOException {
    return new MeteredFile(disk.openPastCache(path), tally);
  }

  @Override
  public boolean exists(String path) throws IOException {
    return disk.exists(path);
  }

  @Override
  public void delete(String path) throws IOException {
    disk.delete(path);
  }

  @Override
  public void rename(String from, String to) throws IOException {
    disk.rename(from, to);
  }

  @Override
  public void makeFolder(String path) throws IOException {
    disk.makeFolder(path);
  }

  @Override
  public void makePrivateFolder(String path) throws IOException {
    disk.makePrivateFolder(path);
  }

  @Override
  public List<String> list(String folder) throws IOException {
    return disk.list(folder);
  }

  @Override
  public void syncFolder(String folder) throws IOException {
    disk.syncFolder(folder);
  }

  @Override
  public void syncAll() throws IOException {
    disk.syncAll();
  }

  @Override
  public long usableBytes() throws IOException {
    return disk.usableBytes();
  }

  @Override
  public void allocate(String path, long bytes) throws IOException {
    disk.allocate(path, bytes);
  }

  @Override
  public boolean tryLock(String path) throws IOException {
    return disk.tryLock(path);
  }

  @Override
  public void close() throws IOException {
    disk.close();
  }

  /** Counts for one file. */
  static final class MeteredFile implements DiskFile {
    private final DiskFile file;
    private final Tally tally;

    MeteredFile(DiskFile file, Tally tally) {
      this.file = file;
      this.tally = tally;
    }

    @Override
    public long size() {
      return file.size();
    }

    @Override
    public void append(ByteBuffer buffer) throws IOException {
      int before = buffer.remaining();
      try {
        file.append(buffer);
      } finally {
        tally.deviceWritten.add(before - buffer.remaining());
      }
    }

    @Override
    public void append(ByteBuffer[] buffers) throws IOException {
      long before = remaining(buffers);
      try {
        file.append(buffers);
      } finally {
        tally.deviceWritten.add(before - remaining(buffers));
      }
    }

    private static long remaining(ByteBuffer[] buffers) {
      long bytes = 0;
      for (ByteBuffer buffer : buffers) {
        bytes += buffer.remaining();
      }
      return bytes;
    }

    @Override
    public void appendDirect(ByteBuffer buffer) throws IOException {
      int before = buffer.remaining();
      try {
        file.appendDirect(buffer);
      } finally {
        tally.deviceWritten.add(before - buffer.remaining());
      }
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
      int bytes = file.read(target, position);
      tally.deviceRead.add(bytes);
      return bytes;
    }

    @Override
    public void truncate(long size) throws IOException {
      file.truncate(size);
    }

    @Override
    public void sync() throws IOException {
      file.sync();
    }

    @Override
    public void willAppend() throws IOException {
      file.willAppend();
    }

    @Override
    public int bytesAtEnd(int wanted) {
      return file.bytesAtEnd(wanted);
    }

    @Override
    public boolean forget() {
      return file.forget();
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }
}
