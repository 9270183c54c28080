package io.pannier.store.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A folder of the operating system.
 *
 * <p>Threads that call in are never interrupted: {@link FileChannel} closes itself when its caller
 * is, and with it the handle of every other reader. Who wants to stop waiting leaves the thread
 * alone and drops the answer.
 *
 * <p>{@link #syncAll} is {@code syncfs} on Linux. It reports what failed to be written since the
 * disk was first synced that way (Linux 5.8 and later). On systems without it, which means macOS
 * and there only development, it is {@code sync} followed by a sync of the folder: that asks for
 * the same writes, but neither waits for all of them nor reports their failures.
 */
public final class RealDisk implements Disk {
  /*
   * Locks of this process, by path. The system's own would not do: it lets one process lock a file as often as it likes, and gives up the lock when any
   * other handle on that file is closed. So a second attempt must be turned away before it opens the file.
   */
  private static final Set<Path> LOCKED_HERE = ConcurrentHashMap.newKeySet();

  private static final int ALLOCATE_BYTES_AT_ONCE = 1 << 18;

  private final Path folder;
  private final boolean readOnly;
  private final DirectIo direct = new DirectIo();
  private final Object guard = new Object();
  private Optional<OwnedLock> ownedLock = Optional.empty(); // guarded by guard
  private OptionalInt ownedDescriptor = OptionalInt.empty(); // guarded by guard
  private boolean closed; // guarded by guard
  private volatile String lockPath = "";

  private record OwnedLock(Path path, FileChannel channel, FileLock lock) {}

  /** Takes a folder as the root, creating it durably where it is missing. */
  public RealDisk(Path folder) throws IOException {
    this(folder, false);
    createDurably(this.folder);
  }

  private RealDisk(Path folder, boolean readOnly) {
    this.folder = folder.toAbsolutePath();
    this.readOnly = readOnly;
  }

  /**
   * Takes an existing folder as the root for a tool that only looks: files are opened for reading
   * alone, so a folder on a read-only file system will do, and no mistake of the tool can change a
   * byte.
   *
   * @throws NoSuchFileException when there is no such folder
   */
  public static RealDisk forReading(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new NoSuchFileException(folder.toString());
    }
    return new RealDisk(folder, true);
  }

  @Override
  public DiskFile create(String path) throws IOException {
    return opened(path, StandardOpenOption.CREATE_NEW);
  }

  @Override
  public DiskFile open(String path) throws IOException {
    return opened(path);
  }

  @Override
  public DiskFile openPastCache(String path) throws IOException {
    Path file = resolved(DiskPaths.below(path));
    Optional<FileChannel> channel = DirectIo.openToRead(file);
    return channel.isPresent() ? new UncachedFile(channel.get(), () -> open(path)) : open(path);
  }

  @Override
  public boolean exists(String path) throws IOException {
    Path file = resolved(DiskPaths.checked(path));
    return file.getFileSystem()
            .provider()
            .readAttributesIfExists(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
        != null;
  }

  @Override
  public void delete(String path) throws IOException {
    Files.deleteIfExists(resolved(DiskPaths.below(path)));
  }

  @Override
  public void rename(String from, String to) throws IOException {
    try {
      Files.move(
          resolved(DiskPaths.below(from)),
          resolved(DiskPaths.below(to)),
          StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException failure) {
      throw DeviceFailures.named(to, failure);
    }
  }

  @Override
  public void makeFolder(String path) throws IOException {
    Path made = resolved(DiskPaths.below(path));
    try {
      Files.createDirectory(made);
    } catch (FileAlreadyExistsException failure) {
      if (!Files.isDirectory(made)) {
        throw failure;
      }
    } catch (IOException failure) {
      throw DeviceFailures.named(path, failure);
    }
  }

  @Override
  public void makePrivateFolder(String path) throws IOException {
    makeFolder(path);
    Path made = resolved(DiskPaths.below(path));
    if (made.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      Files.setPosixFilePermissions(made, PosixFilePermissions.fromString("rwx------"));
    }
  }

  @Override
  public List<String> list(String folder) throws IOException {
    var names = new ArrayList<String>();
    try (var entries = Files.newDirectoryStream(resolved(DiskPaths.checked(folder)))) {
      for (Path entry : entries) {
        names.add(entry.getFileName().toString());
      }
    } catch (java.nio.file.DirectoryIteratorException failure) {
      throw failure.getCause();
    }
    return names;
  }

  @Override
  public void syncFolder(String folder) throws IOException {
    sync(resolved(DiskPaths.checked(folder)));
  }

  /**
   * Does beforehand what the first {@link #syncAll} would do: links the system call, which takes a
   * tenth of a second and handles that may be gone by then.
   */
  public void prepare() throws IOException {
    if (Libc.hasSyncfs()) {
      descriptor();
    }
  }

  @Override
  public void syncAll() throws IOException {
    if (!Libc.hasSyncfs()) {
      Libc.sync();
      sync(folder);
      return;
    }
    Libc.syncfs(descriptor(), folder);
  }

  @Override
  public long usableBytes() throws IOException {
    // Not through FileStore: that one reads the table of mounts first, and fails in containers that
    // hide it.
    long bytes = folder.toFile().getUsableSpace();
    if (bytes == 0 && !Files.isDirectory(folder)) {
      throw new NoSuchFileException(folder.toString());
    }
    return bytes;
  }

  /**
   * {@inheritDoc}
   *
   * <p>The bytes are written, not reserved, and have no pattern: a file system that compresses,
   * finds zeros or finds duplicates must find nothing to save.
   */
  @Override
  public void allocate(String path, long bytes) throws IOException {
    Path file = resolved(DiskPaths.below(path));
    if (Files.isRegularFile(file) && Files.size(file) == bytes) {
      return;
    }
    Files.deleteIfExists(file);
    try (var channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      writeNoise(channel, bytes);
    } catch (IOException failure) {
      try {
        Files.deleteIfExists(file);
      } catch (IOException second) {
        failure.addSuppressed(second);
      }
      throw DeviceFailures.named(path, failure);
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>Creates the file if there is none. It cannot be opened as a file while it is locked: closing
   * that handle would give up the lock.
   */
  @Override
  public boolean tryLock(String path) throws IOException {
    DiskPaths.below(path);
    synchronized (guard) {
      Path locked = folder.toRealPath().resolve(path);
      if (ownedLock.isPresent() || !LOCKED_HERE.add(locked)) {
        return false;
      }
      boolean taken = false;
      try {
        taken = takeLock(path, locked);
      } finally {
        if (!taken) {
          LOCKED_HERE.remove(locked);
        }
      }
      return taken;
    }
  }

  /** Gives up the lock. Open files stay open: they belong to who opened them. */
  @Override
  public void close() throws IOException {
    synchronized (guard) {
      closed = true;
      ownedDescriptor.ifPresent(Libc::close);
      ownedDescriptor = OptionalInt.empty();
      if (ownedLock.isPresent()) {
        OwnedLock held = ownedLock.get();
        ownedLock = Optional.empty();
        lockPath = "";
        try {
          held.channel().close(); // releases the lock with it
        } finally {
          LOCKED_HERE.remove(held.path());
        }
      }
    }
  }

  private boolean takeLock(String path, Path locked) throws IOException {
    FileChannel channel;
    try {
      channel = FileChannel.open(locked, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    } catch (IOException failure) {
      throw DeviceFailures.named(path, failure);
    }
    try {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        ownedLock = Optional.of(new OwnedLock(locked, channel, lock));
        lockPath = path;
        return true;
      }
      channel.close();
      return false;
    } catch (OverlappingFileLockException _) {
      channel.close(); // somebody in this process who does not go through this class
      return false;
    } catch (Throwable failure) {
      try {
        channel.close();
      } catch (IOException second) {
        failure.addSuppressed(second);
      }
      throw failure;
    }
  }

  private DiskFile opened(String path, StandardOpenOption... more) throws IOException {
    if (DiskPaths.below(path).equals(lockPath)) {
      throw new IllegalArgumentException("the lock file is not a data file: " + path);
    }
    FileChannel channel;
    try {
      channel = FileChannel.open(resolved(path), options(more));
    } catch (IOException failure) {
      throw DeviceFailures.named(path, failure);
    }
    try {
      long size = more.length == 0 ? channel.size() : 0;
      return new RealFile(path, channel, size, resolved(path), direct);
    } catch (Throwable failure) {
      try {
        channel.close();
      } catch (IOException second) {
        failure.addSuppressed(second);
      }
      throw failure;
    }
  }

  private StandardOpenOption[] options(StandardOpenOption... more) {
    var options = new ArrayList<>(List.of(StandardOpenOption.READ));
    if (!readOnly) {
      options.add(StandardOpenOption.WRITE);
    }
    options.addAll(List.of(more));
    return options.toArray(StandardOpenOption[]::new);
  }

  private Path resolved(String checkedPath) {
    return folder.resolve(checkedPath);
  }

  /**
   * The descriptor is kept: background failures are counted from the moment it is opened, and a new
   * one each time could miss some.
   */
  private int descriptor() throws IOException {
    synchronized (guard) {
      if (closed) {
        throw new IOException("disk is closed: " + folder);
      }
      if (ownedDescriptor.isEmpty()) {
        ownedDescriptor = OptionalInt.of(Libc.openFolder(folder));
      }
      return ownedDescriptor.getAsInt();
    }
  }

  private static void createDurably(Path folder) throws IOException {
    if (Files.isDirectory(folder)) {
      return;
    }
    Path parent = folder.getParent();
    if (parent != null) {
      createDurably(parent);
    }
    try {
      Files.createDirectory(folder);
    } catch (FileAlreadyExistsException failure) {
      if (!Files.isDirectory(folder)) {
        throw failure;
      }
    }
    if (parent != null) {
      sync(parent);
    }
  }

  private static void sync(Path folder) throws IOException {
    try (var channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static void writeNoise(FileChannel channel, long bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(ALLOCATE_BYTES_AT_ONCE);
    long noise = 0x9E37_79B9_7F4A_7C15L;
    long left = bytes;
    while (left > 0) {
      buffer.clear();
      while (buffer.hasRemaining()) {
        noise ^= noise << 13; // xorshift: no secret, only no pattern
        noise ^= noise >>> 7;
        noise ^= noise << 17;
        buffer.putLong(noise);
      }
      buffer.flip().limit((int) Math.min(left, buffer.capacity()));
      while (buffer.hasRemaining()) {
        left -= channel.write(buffer);
      }
    }
  }
}
