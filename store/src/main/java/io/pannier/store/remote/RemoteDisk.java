package io.pannier.store.remote;

import io.pannier.model.Clock;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.DiskPaths;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
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

  /** A sync that has begun. */
  record Covered(RemoteFile file, long size, int cuts) {}

  final Disk local;
  final ObjectClient objects;
  final RemoteConfig config;
  final Clock clock;
  final FooterRule footers;
  final boolean reading;
  final ChunkCache chunks;
  final LocalCache cache;

  /** Names and durable lengths change under it. Never held while the network is waited for. */
  final Object lock = new Object();

  // Guarded by lock
  Manifest manifest;
  final Map<String, RemoteFile> files = new HashMap<>();
  private final Map<String, Set<String>> names = new HashMap<>();

  /** Files that the root has and that are deleted. */
  final Set<String> hidden = new HashSet<>();

  private final Set<String> folders = new HashSet<>();

  /** Folders by the one they stand in. */
  private final Map<String, Set<String>> inside = new HashMap<>();

  final Set<String> changed = new LinkedHashSet<>();
  final Set<String> changedFolders = new LinkedHashSet<>();
  private final Set<RemoteFile> unsynced = new LinkedHashSet<>();
  @Nullable LocalLog log;

  /** Number of the last capture; frames of the log belong to the next one. */
  long captures;

  private long uses;
  private boolean lockTaken;
  private boolean lockHandedOn;
  private boolean closed;

  private final AtomicLong unsent = new AtomicLong();
  private volatile long oldestUnsentNanos;
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
    chunks = new ChunkCache(objects, config.readCacheBytes());
    cache = new LocalCache(this);
    manifest = new Manifest();
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

  /** The file of this name, in whatever place; null when there is none. */
  private @Nullable RemoteFile find(String path) {
    RemoteFile file = files.get(path);
    if (file != null || hidden.contains(path)) {
      return file;
    }
    Facts facts = manifest.facts(path);
    if (facts == null) {
      return null;
    }
    var found = new RemoteFile(path);
    found.placed = facts;
    found.size = facts.length();
    found.durable = facts.length();
    found.sent = facts.length();
    add(found);
    return found;
  }

  private boolean has(String path) {
    return files.containsKey(path) || (!hidden.contains(path) && manifest.facts(path) != null);
  }

  void add(RemoteFile file) {
    files.put(file.path, file);
    names
        .computeIfAbsent(Manifest.folderOf(file.path), made -> new TreeSet<>())
        .add(Manifest.nameOf(file.path));
  }

  /** Takes a folder over; returns whether it is new. */
  boolean addFolder(String path) {
    boolean fresh = !path.isEmpty() && folders.add(path);
    if (fresh) {
      inside
          .computeIfAbsent(Manifest.folderOf(path), made -> new TreeSet<>())
          .add(Manifest.nameOf(path));
    }
    return fresh;
  }

  boolean hasFolder(String path) {
    return folders.contains(path);
  }

  private void remove(RemoteFile file) {
    files.remove(file.path);
    Set<String> inFolder = names.get(Manifest.folderOf(file.path));
    if (inFolder != null) {
      inFolder.remove(Manifest.nameOf(file.path));
      if (inFolder.isEmpty()) {
        names.remove(Manifest.folderOf(file.path));
      }
    }
  }

  private Set<String> namesIn(String folder) {
    var all = new TreeSet<>(names.getOrDefault(folder, Set.of()));
    for (String name : manifest.names(folder)) {
      if (!hidden.contains(Manifest.path(folder, name))) {
        all.add(name);
      }
    }
    return all;
  }

  /** Makes a folder and those above it in the local folder. */
  private void makeLocal(String folder) throws IOException {
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
      if (has(path) || folders.contains(path)) {
        throw new FileAlreadyExistsException(path);
      }
      String folder = Manifest.folderOf(path);
      if (!folder.isEmpty() && !folders.contains(folder)) {
        throw new NoSuchFileException(path);
      }
      // What stood under this name must not be taken for the same file after a loss of power.
      frames.sync();
      makeLocal(folder);
      DiskFile created = local.create(path);
      var file = new RemoteFile(path);
      file.local = true;
      add(file);
      changed.add(path);
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
        file = find(path);
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
      fetch(file);
    }
  }

  @Override
  public boolean exists(String path) throws IOException {
    DiskPaths.checked(path);
    if (isLocalOnly(path)) {
      return local.exists(path);
    }
    synchronized (lock) {
      return path.isEmpty() || folders.contains(path) || has(path);
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
      if (folders.contains(path)) {
        deleteFolder(path);
        return;
      }
      RemoteFile file = find(path);
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
    if (!namesIn(path).isEmpty() || inside.containsKey(path)) {
      throw new DirectoryNotEmptyException(path);
    }
    log();
    if (local.exists(path)) {
      local.delete(path);
    }
    folders.remove(path);
    Set<String> siblings = inside.get(Manifest.folderOf(path));
    if (siblings != null) {
      siblings.remove(Manifest.nameOf(path));
      if (siblings.isEmpty()) {
        inside.remove(Manifest.folderOf(path));
      }
    }
    changedFolders.add(path);
  }

  /** Before a name ceases to stand for this file: what is needed of it is kept. */
  private void leave(RemoteFile file) throws IOException {
    LocalLog frames = log();
    if (manifest.facts(file.path) != null || file.placed.length() > 0 || file.captured >= 0) {
      frames.append(new LocalLog.Frame.Gone(captures + 1, file.path));
    }
    if (file.captured > file.placed.length() && file.ownedKeep == null && file.local) {
      file.ownedKeep = local.open(file.path);
    }
  }

  /** The name stands for this file no more. */
  private void forget(RemoteFile file) {
    remove(file);
    if (manifest.facts(file.path) != null) {
      hidden.add(file.path);
    }
    changed.add(file.path);
    file.gone = true;
    unsynced.remove(file);
    unsent.addAndGet(file.sent - file.size);
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
        file = find(from);
        if (file == null) {
          throw new NoSuchFileException(from);
        }
        if (file.local) {
          rename(file, to);
          return;
        }
      }
      fetch(file);
    }
  }

  private void rename(RemoteFile file, String to) throws IOException {
    String from = file.path;
    LocalLog frames = log();
    RemoteFile replaced = find(to);
    if (replaced == file) {
      return;
    }
    String folder = Manifest.folderOf(to);
    if (!folder.isEmpty() && !folders.contains(folder)) {
      throw new NoSuchFileException(to);
    }
    if (folders.contains(to)) {
      throw new FileSystemException(from, to, "is a folder");
    }
    if (replaced != null) {
      leave(replaced);
    }
    if (manifest.facts(from) != null || file.placed.length() > 0 || file.captured >= 0) {
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
    remove(file);
    if (manifest.facts(from) != null) {
      hidden.add(from);
    }
    changed.add(from);
    file.path = to;
    add(file);
    changed.add(to);
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
      if (files.containsKey(path)) {
        throw new FileAlreadyExistsException(path);
      }
      String above = Manifest.folderOf(path);
      if (!above.isEmpty() && !folders.contains(above)) {
        throw new NoSuchFileException(path);
      }
      makeLocal(above);
      if (isPrivate) {
        local.makePrivateFolder(path);
      } else {
        local.makeFolder(path);
      }
      if (addFolder(path)) {
        changedFolders.add(path);
      }
    }
  }

  @Override
  public List<String> list(String folder) throws IOException {
    DiskPaths.checked(folder);
    synchronized (lock) {
      if (has(folder)) {
        throw new NotDirectoryException(folder);
      }
      if (!folder.isEmpty() && !folders.contains(folder)) {
        throw new NoSuchFileException(folder);
      }
      Set<String> all = namesIn(folder);
      all.addAll(inside.getOrDefault(folder, Set.of()));
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
      if (!folder.isEmpty() && !folders.contains(folder)) {
        throw new NoSuchFileException(folder);
      }
      if (!folder.isEmpty() && !local.exists(folder)) {
        return;
      }
    }
    local.syncFolder(folder);
  }

  void unsynced(RemoteFile file) {
    synchronized (lock) {
      if (!file.gone) {
        file.unsynced = true;
        unsynced.add(file);
      }
    }
  }

  /** A sync of one file begins. */
  Covered covering(RemoteFile file) {
    synchronized (lock) {
      file.unsynced = false;
      unsynced.remove(file);
      return new Covered(file, file.size, file.cuts);
    }
  }

  /** It has ended. */
  void synced(Covered covered, boolean done) {
    synchronized (lock) {
      if (done) {
        covered(covered);
      } else {
        covered.file().doubtful = true;
      }
    }
  }

  private void covered(Covered covered) {
    RemoteFile file = covered.file();
    if (file.doubtful || file.gone) {
      return;
    }
    if (file.cuts != covered.cuts()) {
      unsynced(file); // what was covered is not known: the next sync tells
      return;
    }
    if (covered.size() > file.durable) {
      file.durable = covered.size();
      changed.add(file.path);
    }
  }

  @Override
  public void syncAll() throws IOException {
    var covered = new ArrayList<Covered>();
    synchronized (lock) {
      for (RemoteFile file : unsynced) {
        file.unsynced = false;
        covered.add(new Covered(file, file.size, file.cuts));
      }
      unsynced.clear();
    }
    boolean done = false;
    try {
      local.syncAll();
      done = true;
    } finally {
      synchronized (lock) {
        for (Covered one : covered) {
          if (done) {
            covered(one);
          } else {
            // Nobody knows of which: those that are asked one by one will tell.
            unsynced(one.file());
          }
        }
      }
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
      unsent.addAndGet(size - before - (sent - file.sent));
      file.sent = sent;
      if (!file.gone) {
        changed.add(file.path);
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

  /** Where the footer of a block begins that is known to be sealed. */
  long footerOf(RemoteFile file) {
    synchronized (lock) {
      return file.placed.footer();
    }
  }

  /** Reads what is not in the local folder. */
  int readRemote(RemoteFile file, ByteBuffer target, long position) throws IOException {
    if (position < 0) {
      throw new IllegalArgumentException("position is negative: " + position);
    }
    Facts facts;
    long[] epochs;
    synchronized (lock) {
      facts = file.placed;
      epochs = epochs(facts);
    }
    int before = target.position();
    if (facts.isSealed() && position >= facts.footer()) {
      return cache.readIndex(file, facts, target, position);
    }
    readExtents(facts, epochs, target, position);
    return target.position() - before;
  }

  /** Epoch of a segment; under the lock. */
  long epochOf(long segment) {
    return uploads.epochOf(segment);
  }

  /** Reads a file that is not in the local folder. */
  DiskFile reader(RemoteFile file) {
    return new RemoteHandle(this, file, null);
  }

  /** Drops from memory what was read of a file. */
  void dropChunks(RemoteFile file) {
    Facts facts;
    synchronized (lock) {
      facts = file.placed;
    }
    for (int i = 0; i < facts.extents(); i++) {
      chunks.forget(facts.extent(i));
    }
  }

  /** Epochs of the segments of a file, in the order of its extents; under the lock. */
  long[] epochs(Facts facts) {
    var epochs = new long[facts.extents()];
    for (int i = 0; i < epochs.length; i++) {
      epochs[i] = uploads.epochOf(facts.extent(i).segment());
    }
    return epochs;
  }

  void readExtents(Facts facts, long[] epochs, ByteBuffer target, long position)
      throws IOException {
    facts.read(
        position,
        target,
        (index, extent, from, part) -> chunks.read(epochs[index], extent, from, part));
  }

  /** Brings all bytes of a file into the local folder. */
  void fetch(RemoteFile file) throws IOException {
    synchronized (file.fetching) {
      Facts facts;
      long[] epochs;
      String temporary;
      synchronized (lock) {
        log();
        if (file.local) {
          return;
        }
        if (file.gone) {
          throw new NoSuchFileException(file.path);
        }
        facts = file.placed;
        epochs = epochs(facts);
        temporary = OWN + "fetch-" + ++uses;
      }
      local.delete(temporary);
      boolean done = false;
      try {
        try (DiskFile fetched = local.create(temporary)) {
          for (int i = 0; i < facts.extents(); i++) {
            fetched.append(objects.read(epochs[i], facts.extent(i)));
          }
          fetched.sync();
        }
        synchronized (lock) {
          if (file.gone) {
            throw new NoSuchFileException(file.path);
          }
          makeLocal(Manifest.folderOf(file.path));
          local.rename(temporary, file.path);
          done = true;
          file.local = true;
          for (RemoteHandle handle : file.handles) {
            handle.ownedLocal = local.open(file.path);
          }
          cache.dropIndex(file);
        }
      } finally {
        if (!done) {
          local.delete(temporary);
        }
      }
    }
  }

  private boolean isRooted(RemoteFile file) {
    Facts rooted = manifest.facts(file.path);
    return rooted != null && rooted.equals(file.placed);
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
          && isRooted(file)
          && !changed.contains(file.path)) {
        remove(file); // the manifest knows as much
      }
    }
    if (closing != null) {
      closing.close();
    }
  }

  // ---------------------------------------------------------------- uploading

  /** Bytes were appended. */
  void unsent(long bytes) {
    if (unsent.getAndAdd(bytes) == 0) {
      oldestUnsentNanos = clock.monotonicNanos();
    }
  }

  /** A root has come of which all bytes were captured at this time. */
  void sent(long bytes, long capturedNanos) {
    if (unsent.addAndGet(-bytes) > 0) {
      oldestUnsentNanos = capturedNanos;
    }
  }

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
    return unsent.get() > config.tailBytes();
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
    return Math.max(0, unsent.get());
  }

  /** How things stand. */
  public RemoteStatus status() {
    long bytes = unsentBytes();
    long age = bytes == 0 ? 0 : (clock.monotonicNanos() - oldestUnsentNanos) / 1_000;
    return uploads.status(bytes, age);
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
