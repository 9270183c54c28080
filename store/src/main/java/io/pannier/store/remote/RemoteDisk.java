package io.pannier.store.remote;

import io.pannier.model.Clock;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.DiskPaths;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A data folder in an object store ({@code docs/s3.md}). To the engine it is a disk as any other,
 * whose names and lengths are those of the last state; the local folder has the bytes that are not
 * uploaded yet, and some of the others.
 *
 * <p>{@link #upload} brings to the object store what is durable locally. Nobody but its caller
 * decides when.
 */
public final class RemoteDisk implements Disk {
  /** Finds where the footer of a sealed block begins. */
  public interface FooterRule {
    /** Position of the footer in a file of this length; empty when it is no sealed block. */
    OptionalLong footer(DiskFile file, long length) throws IOException;
  }

  static final String LOCK = "LOCK";

  /** Names in the root folder that never go up: they belong to the machine. */
  private static final Set<String> LOCAL_ONLY =
      Set.of(
          LOCK,
          "LOCK.holder",
          "LOCK.holder.new",
          "ballast",
          "token",
          "token.copy",
          "lost+found",
          ".gitkeep");

  private static final String OWN = "remote.";

  final Disk local;
  final ObjectClient objects;
  final RemoteConfig config;
  final Clock clock;
  final FooterRule footers;
  final boolean reading;
  final RemoteBytes bytes;
  final LocalCache cache;

  /** Names and durable lengths change under it. Never held while the network is waited for. */
  final Object lock = new Object();

  /** Guarded by the lock. */
  final RemoteNames names = new RemoteNames();

  final SyncCover syncs = new SyncCover(lock, names);
  final Unsent unsent;

  // Guarded by lock
  @Nullable LocalLog log;

  /** Number of the last capture; frames of the log belong to the next one. */
  long captures;

  private long uses;
  private boolean lockTaken;
  private boolean lockHandedOn;
  private boolean closed;

  private final Uploads uploads;

  RemoteDisk(
      Disk local,
      ObjectClient objects,
      RemoteConfig config,
      Clock clock,
      FooterRule footers,
      RandomGenerator random,
      boolean reading) {
    this.local = local;
    this.objects = objects;
    this.config = config;
    this.clock = clock;
    this.footers = footers;
    this.reading = reading;
    unsent = new Unsent(clock);
    bytes = new RemoteBytes(this, new ChunkCache(objects, config.readCacheBytes()));
    cache = new LocalCache(this);
    uploads = new Uploads(this, random);
  }

  /**
   * Opens a store in an object store for the one who writes to it; takes the lock of the local
   * folder, which {@link #close} gives up. Both stores are closed by it, also when this fails.
   *
   * @param local the local folder: tail and cache
   * @throws RemoteRefused when object store and folder do not fit together, or another server
   *     writes; nothing was changed then
   */
  public static RemoteDisk open(
      Disk local,
      ObjectStore objects,
      RemoteConfig config,
      Clock clock,
      RandomGenerator random,
      FooterRule footers)
      throws IOException {
    var client = new ObjectClient(objects, config.prefix());
    var disk = new RemoteDisk(local, client, config, clock, footers, random, false);
    boolean opened = false;
    try {
      if (!local.tryLock(LOCK)) {
        throw new RemoteRefused(
            RemoteRefused.Reason.IN_USE,
            "The local folder is in use by another process. Stop it first.");
      }
      disk.lockTaken = true;
      new Start(disk, disk.uploads, random).run();
      opened = true;
      return disk;
    } finally {
      if (!opened) {
        disk.abandon();
      }
    }
  }

  /**
   * Opens it for a tool that only looks: nothing is written, in the folder or the object store.
   *
   * @param local a folder, which may be empty
   */
  public static RemoteDisk forReading(
      Disk local, ObjectStore objects, RemoteConfig config, Clock clock, FooterRule footers)
      throws IOException {
    var client = new ObjectClient(objects, config.prefix());
    var disk =
        new RemoteDisk(
            local, client, config, clock, footers, new java.util.SplittableRandom(0), true);
    boolean opened = false;
    try {
      Start.look(disk, disk.uploads);
      opened = true;
      return disk;
    } finally {
      if (!opened) {
        disk.abandon();
      }
    }
  }

  private void abandon() throws IOException {
    objects.close();
    local.close();
  }

  static boolean isLocalOnly(String path) {
    return LOCAL_ONLY.contains(path) || path.startsWith(OWN);
  }

  // ---------------------------------------------------------------- names; all under the lock

  /** Makes a folder and those above it in the local folder. */
  void makeLocal(String folder) throws IOException {
    if (folder.isEmpty() || local.exists(folder)) {
      return;
    }
    makeLocal(Manifest.folderOf(folder));
    if (folder.equals("c")) {
      local.makePrivateFolder(folder);
    } else {
      local.makeFolder(folder);
    }
  }

  /** Refuses changes of a disk that was opened for reading; under the lock. */
  void requireWriting() throws IOException {
    log();
  }

  /** Name of a file in the local folder that nobody else uses; under the lock. */
  String temporary() {
    return OWN + "fetch-" + ++uses;
  }

  private LocalLog log() throws IOException {
    if (log == null) {
      throw new IOException("opened for reading only");
    }
    return log;
  }

  @Override
  public DiskFile create(String path) throws IOException {
    DiskPaths.below(path);
    if (isLocalOnly(path)) {
      return local.create(path);
    }
    synchronized (lock) {
      LocalLog frames = log();
      if (names.hasFile(path) || names.hasFolder(path)) {
        throw new FileAlreadyExistsException(path);
      }
      String folder = Manifest.folderOf(path);
      if (!names.hasFolder(folder)) {
        throw new NoSuchFileException(path);
      }
      // What stood under this name must not be taken for the same file after a loss of power.
      frames.sync();
      makeLocal(folder);
      DiskFile created = local.create(path);
      var file = new RemoteFile(path);
      file.local = true;
      names.add(file);
      names.changed.add(path);
      return handle(file, created);
    }
  }

  private RemoteHandle handle(RemoteFile file, @Nullable DiskFile opened) {
    var handle = new RemoteHandle(this, file, opened);
    file.handles.add(handle);
    file.lastUse = ++uses;
    return handle;
  }

  @Override
  public DiskFile open(String path) throws IOException {
    DiskPaths.below(path);
    if (isLocalOnly(path)) {
      return local.open(path);
    }
    for (; ; ) {
      RemoteFile file;
      synchronized (lock) {
        file = names.find(path);
        if (file == null) {
          throw new NoSuchFileException(path);
        }
        if (file.local) {
          return handle(file, local.open(path));
        }
        if (reading || path.endsWith(".blk")) {
          return handle(file, null);
        }
      }
      bytes.fetch(file);
    }
  }

  @Override
  public boolean exists(String path) throws IOException {
    DiskPaths.checked(path);
    if (isLocalOnly(path)) {
      return local.exists(path);
    }
    synchronized (lock) {
      return names.hasFolder(path) || names.hasFile(path);
    }
  }

  @Override
  public void delete(String path) throws IOException {
    DiskPaths.below(path);
    if (isLocalOnly(path)) {
      local.delete(path);
      return;
    }
    synchronized (lock) {
      if (names.hasFolder(path)) {
        deleteFolder(path);
        return;
      }
      RemoteFile file = names.find(path);
      if (file == null) {
        return;
      }
      leave(file);
      if (file.local) {
        local.delete(path);
      }
      cache.dropIndex(file);
      forget(file);
    }
  }

  private void deleteFolder(String path) throws IOException {
    if (!names.in(path).isEmpty()) {
      throw new DirectoryNotEmptyException(path);
    }
    log();
    if (local.exists(path)) {
      local.delete(path);
    }
    names.removeFolder(path);
  }

  /** Before a name ceases to stand for this file: what is needed of it is kept. */
  private void leave(RemoteFile file) throws IOException {
    LocalLog frames = log();
    if (isToldOf(file)) {
      frames.append(new LocalLog.Frame.Gone(captures + 1, file.path));
    }
    if (file.captured > file.placed.length() && file.ownedKeep == null && file.local) {
      file.ownedKeep = local.open(file.path);
    }
  }

  /** Whether the root speaks of its name, or the next one may. */
  private boolean isToldOf(RemoteFile file) {
    return names.manifest.facts(file.path) != null
        || file.placed.length() > 0
        || file.captured >= 0;
  }

  /** The name stands for this file no more. */
  private void forget(RemoteFile file) {
    names.remove(file);
    file.gone = true;
    syncs.forget(file);
    unsent.dropped(file.size - file.sent);
    file.sent = file.size;
  }

  @Override
  public void rename(String from, String to) throws IOException {
    DiskPaths.below(from);
    DiskPaths.below(to);
    if (isLocalOnly(from) || isLocalOnly(to)) {
      local.rename(from, to);
      return;
    }
    for (; ; ) {
      RemoteFile file;
      synchronized (lock) {
        file = names.find(from);
        if (file == null) {
          throw new NoSuchFileException(from);
        }
        if (file.local) {
          rename(file, to);
          return;
        }
      }
      bytes.fetch(file);
    }
  }

  private void rename(RemoteFile file, String to) throws IOException {
    String from = file.path;
    LocalLog frames = log();
    RemoteFile replaced = names.find(to);
    if (replaced == file) {
      return;
    }
    String folder = Manifest.folderOf(to);
    if (!names.hasFolder(folder)) {
      throw new NoSuchFileException(to);
    }
    if (names.hasFolder(to)) {
      throw new FileSystemException(from, to, "is a folder");
    }
    if (replaced != null) {
      leave(replaced);
    }
    if (isToldOf(file)) {
      frames.append(new LocalLog.Frame.Gone(captures + 1, from));
    }
    // Also of what was replaced, or stood under this name before.
    frames.sync();
    makeLocal(Manifest.folderOf(to));
    local.rename(from, to);
    if (replaced != null) {
      cache.dropIndex(replaced);
      forget(replaced);
    }
    names.move(file, to);
  }

  @Override
  public void makeFolder(String path) throws IOException {
    makeFolder(path, false);
  }

  @Override
  public void makePrivateFolder(String path) throws IOException {
    makeFolder(path, true);
  }

  private void makeFolder(String path, boolean isPrivate) throws IOException {
    DiskPaths.below(path);
    synchronized (lock) {
      log();
      if (names.held(path) != null) {
        throw new FileAlreadyExistsException(path);
      }
      String above = Manifest.folderOf(path);
      if (!names.hasFolder(above)) {
        throw new NoSuchFileException(path);
      }
      makeLocal(above);
      if (isPrivate) {
        local.makePrivateFolder(path);
      } else {
        local.makeFolder(path);
      }
      if (names.addFolder(path)) {
        names.changedFolders.add(path);
      }
    }
  }

  @Override
  public List<String> list(String folder) throws IOException {
    DiskPaths.checked(folder);
    synchronized (lock) {
      if (names.hasFile(folder)) {
        throw new NotDirectoryException(folder);
      }
      if (!names.hasFolder(folder)) {
        throw new NoSuchFileException(folder);
      }
      Set<String> all = names.in(folder);
      if (folder.isEmpty()) {
        for (String name : local.list("")) {
          if (LOCAL_ONLY.contains(name) && (lockHandedOn || !name.startsWith(LOCK))) {
            all.add(name);
          }
        }
      }
      return new ArrayList<>(all);
    }
  }

  // ---------------------------------------------------------------- durability

  @Override
  public void syncFolder(String folder) throws IOException {
    DiskPaths.checked(folder);
    synchronized (lock) {
      if (!names.hasFolder(folder)) {
        throw new NoSuchFileException(folder);
      }
      if (!folder.isEmpty() && !local.exists(folder)) {
        return;
      }
    }
    local.syncFolder(folder);
  }

  @Override
  public void syncAll() throws IOException {
    List<SyncCover.Begun> begun = syncs.beginAll();
    boolean done = false;
    try {
      local.syncAll();
      done = true;
    } finally {
      syncs.endAll(begun, done);
    }
  }

  /** Before a file is cut. */
  void cutting(RemoteFile file, long size) throws IOException {
    synchronized (lock) {
      LocalLog frames = log();
      if (size < file.placed.length() || size < file.sent) {
        frames.append(new LocalLog.Frame.Cut(captures + 1, file.path, size));
        frames.sync();
      }
      if (file.captured > size) {
        file.captured = size;
      }
    }
  }

  /** A file was cut. */
  void cut(RemoteFile file, long before, long size) {
    synchronized (lock) {
      file.cuts++;
      file.size = size;
      file.durable = Math.min(file.durable, size);
      if (size < file.placed.length()) {
        file.placed = file.placed.cutTo(size);
      }
      long sent = Math.min(file.sent, file.placed.length());
      unsent.dropped(before - size - (file.sent - sent));
      file.sent = sent;
      if (!file.gone) {
        names.changed.add(file.path);
      }
    }
  }

  @Override
  public long usableBytes() throws IOException {
    return local.usableBytes();
  }

  @Override
  public void allocate(String path, long bytes) throws IOException {
    if (!isLocalOnly(path)) {
      throw new IllegalArgumentException("only what stays here is allocated: " + path);
    }
    local.allocate(path, bytes);
  }

  @Override
  public boolean tryLock(String path) throws IOException {
    synchronized (lock) {
      if (lockTaken && path.equals(LOCK)) {
        boolean first = !lockHandedOn;
        lockHandedOn = true;
        return first;
      }
    }
    return local.tryLock(path);
  }

  // ---------------------------------------------------------------- bytes from elsewhere

  /** Epoch of a segment; under the lock. */
  long epochOf(long segment) {
    return uploads.epochOf(segment);
  }

  /** Reads a file that is not in the local folder. */
  DiskFile reader(RemoteFile file) {
    return new RemoteHandle(this, file, null);
  }

  /** A handle is not used any more. */
  void closed(RemoteHandle handle) throws IOException {
    DiskFile closing;
    synchronized (lock) {
      RemoteFile file = handle.file;
      file.handles.remove(handle);
      closing = handle.ownedLocal;
      handle.ownedLocal = null;
      if (!file.local
          && file.handles.isEmpty()
          && !file.gone
          && names.isRooted(file)
          && !names.changed.contains(file.path)) {
        names.drop(file);
      }
    }
    if (closing != null) {
      closing.close();
    }
  }

  // ---------------------------------------------------------------- uploading

  /**
   * Brings everything that is durable now to the object store. When it returns, the root there
   * speaks of it. One at a time; waits for the network.
   *
   * @throws ObjectStoreException when it could not be done; the next call goes on where it ended
   * @throws RemoteRefused when another server has taken over: nothing will ever be uploaded any
   *     more
   */
  public void upload() throws IOException {
    uploads.run(false);
  }

  /** Whether so much is not uploaded that writers have to wait. */
  public boolean isTailFull() {
    return unsent.bytes() > config.tailBytes();
  }

  /** Whether another server has taken over, so that nothing may be written any more. */
  public boolean isFenced() {
    return uploads.isFenced();
  }

  /** How often {@link #upload} is to be called. */
  public long intervalMillis() {
    return config.intervalMillis();
  }

  /** Bytes that only the local folder has. */
  public long unsentBytes() {
    return unsent.bytes();
  }

  /** How things stand. */
  public RemoteStatus status() {
    return uploads.status(unsent.bytes(), unsent.ageMicros());
  }

  /** Ends what is going on, uploads what is durable, and lets go of folder and object store. */
  @Override
  public void close() throws IOException {
    synchronized (lock) {
      if (closed) {
        return;
      }
      closed = true;
    }
    IOException failure = null;
    if (!reading) {
      try {
        uploads.finish();
      } catch (IOException failed) {
        failure = failed;
      }
    }
    LocalLog frames = log;
    if (frames != null) {
      frames.close();
    }
    objects.close();
    local.close();
    if (failure != null) {
      throw failure;
    }
  }
}
