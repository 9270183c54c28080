package io.pannier.store.remote;

import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.remote.LocalLog.Frame;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Brings folder and object store together ({@code docs/s3.md}, "Start"): decides which of them
 * knows what, or refuses.
 */
final class Start {
  private static final String PROBE = "probe/";

  private final RemoteDisk disk;
  private final Disk local;
  private final Uploads uploads;
  private final RandomGenerator random;

  Start(RemoteDisk disk, Uploads uploads, RandomGenerator random) {
    this.disk = disk;
    this.local = disk.local;
    this.uploads = uploads;
    this.random = random;
  }

  void run() throws IOException {
    probe();
    Optional<Root> root = uploads.look();
    List<Frame> frames = LocalLog.read(local).orElse(List.of());
    boolean hasStore = local.exists("FORMAT") || local.exists("FORMAT.copy");
    Frame.Identity identity = identity(frames);
    if (root.isPresent()) {
      if (identity != null && !identity.store().equals(root.get().storeId())) {
        throw foreign("belongs to another store in an object store");
      }
      if (identity == null && hasStore) {
        throw foreign("holds a store of its own that was never in this bucket");
      }
      requireNoOtherWriter(root.get(), identity);
      boolean continues = identity != null && identity.writer().equals(root.get().writer());
      if (identity != null && !continues) {
        requireNothingUnsent(root.get(), frames);
        empty();
        frames = List.of();
        identity = null;
      }
      disk.captures = root.get().generation();
      disk.names.manifest = Manifest.load(disk.objects, root.get());
    } else if (identity != null && identity.generation() >= 0) {
      throw new RemoteRefused(
          RemoteRefused.Reason.FOREIGN,
          "The local folder belongs to a store in an object store, and there is none in this"
              + " bucket: it was emptied, or it is the wrong one.");
    }
    UUID store = root.map(Root::storeId).orElseGet(this::randomId);
    UUID writer = identity == null ? randomId() : identity.writer();
    long generation = disk.captures;
    Map<String, Facts> known = reconciled(frames, generation);
    var kept = new ArrayList<Frame>();
    for (Frame frame : frames) {
      boolean counts = frame.generation() > generation || frame instanceof Frame.Clean;
      if (counts && !(frame instanceof Frame.Identity)) {
        kept.add(frame);
      }
    }
    if (identity == null && !hasStore) {
      kept.add(new Frame.Clean(generation));
    }
    // -1: no root speaks of this folder yet.
    kept.addFirst(new Frame.Identity(root.isPresent() ? generation : -1, store, writer));
    disk.log = LocalLog.begin(local, kept);
    uploads.begin(store, writer);
    java.util.Objects.requireNonNull(disk.log).close();
    kept.removeIf(frame -> frame instanceof Frame.Clean);
    kept.set(0, new Frame.Identity(generation, store, writer));
    disk.log = LocalLog.begin(local, kept);
    adopt(known, frames, generation);
  }

  /** The same for one who only looks. */
  static void look(RemoteDisk disk, Uploads uploads) throws IOException {
    var start = new Start(disk, uploads, new java.util.SplittableRandom(0));
    Optional<Root> root = uploads.look();
    if (root.isEmpty()) {
      throw new java.nio.file.NoSuchFileException(
          "store in the object store: no object " + disk.objects.key(Root.KEY));
    }
    disk.captures = root.get().generation();
    disk.names.manifest = Manifest.load(disk.objects, root.get());
    List<Frame> frames = LocalLog.read(disk.local).orElse(List.of());
    Frame.Identity identity = identity(frames);
    boolean continues =
        identity != null
            && identity.store().equals(root.get().storeId())
            && identity.writer().equals(root.get().writer());
    if (!continues) {
      disk.names.manifest.folders().forEach(disk.names::addFolder);
      return;
    }
    start.adopt(start.reconciled(frames, disk.captures), frames, disk.captures);
  }

  private UUID randomId() {
    return new UUID(random.nextLong(), random.nextLong());
  }

  private static Frame.@Nullable Identity identity(List<Frame> frames) {
    return !frames.isEmpty() && frames.getFirst() instanceof Frame.Identity identity
        ? identity
        : null;
  }

  private static RemoteRefused foreign(String what) {
    return new RemoteRefused(
        RemoteRefused.Reason.FOREIGN,
        "The local folder "
            + what
            + ", and the bucket holds another store. Take an empty folder, or another bucket or"
            + " prefix.");
  }

  private void requireNoOtherWriter(Root root, Frame.@Nullable Identity identity)
      throws RemoteRefused {
    long left = root.leaseEndMicros() - disk.clock.wallMicros();
    if (left > 0 && (identity == null || !identity.writer().equals(root.writer()))) {
      throw new RemoteRefused(
          RemoteRefused.Reason.IN_USE,
          "The store in the object store is in use by "
              + root.holder()
              + ". Stop it first; if it has died, its lease ends in "
              + (left / 1_000_000 + 1)
              + " seconds.");
    }
  }

  private void requireNothingUnsent(Root root, List<Frame> frames) throws IOException {
    if (frames.getLast() instanceof Frame.Clean) {
      return;
    }
    throw new RemoteRefused(
        RemoteRefused.Reason.DIVERGED,
        "The local folder may hold records that were never uploaded ("
            + bytesIn("")
            + " bytes in all), and the store in the object store was continued by another server ("
            + root.holder()
            + "). The two cannot be joined. Move the folder away to start with what is in the"
            + " object store.");
  }

  private long bytesIn(String folder) throws IOException {
    long bytes = 0;
    for (String path : localFiles(folder)) {
      try (DiskFile file = local.open(path)) {
        bytes += file.size();
      }
    }
    return bytes;
  }

  /** Without conditional puts two writers would destroy what the other has written. */
  private void probe() throws IOException {
    String name = PROBE + randomId();
    ByteBuffer one = ByteBuffer.wrap(new byte[] {1});
    ByteBuffer two = ByteBuffer.wrap(new byte[] {2});
    boolean honoured = false;
    try {
      String first = put(name, one, () -> disk.objects.putIfAbsent(name, one.duplicate()));
      if (!isRefused(() -> disk.objects.putIfAbsent(name, two.duplicate()))) {
        throw unfit("If-None-Match: *");
      }
      String second = put(name, two, () -> disk.objects.putIfMatch(name, two.duplicate(), first));
      if (second.equals(first)
          || !isRefused(() -> disk.objects.putIfMatch(name, one.duplicate(), first))) {
        throw unfit("If-Match");
      }
      honoured = true;
    } catch (ObjectStoreException failed) {
      if (failed.kind() == ObjectStoreException.Kind.REFUSED) {
        throw unfit("conditional puts (" + failed.getMessage() + ")");
      }
      throw failed;
    } finally {
      if (!honoured) {
        try {
          disk.objects.delete(name);
        } catch (ObjectStoreException left) {
          // One byte stays behind, and something worse is told.
          assert left != null;
        }
      }
    }
    // Both are needed only when something died, and then it would be too late to learn of it.
    disk.objects.delete(name);
    disk.objects.list(PROBE, "");
  }

  /** A put whose answer may be lost: then its next try is refused, and what is there tells. */
  private String put(String name, ByteBuffer content, Put put) throws IOException {
    try {
      return put.run();
    } catch (ObjectStoreException failed) {
      Optional<ObjectStore.Found> there = disk.objects.get(name);
      if (there.isPresent() && there.get().content().equals(content)) {
        return there.get().version();
      }
      throw failed;
    }
  }

  private interface Put {
    String run() throws IOException;
  }

  private static boolean isRefused(Put put) throws IOException {
    try {
      put.run();
      return false;
    } catch (ObjectStoreException failed) {
      if (failed.kind() == ObjectStoreException.Kind.CONDITION_FAILED) {
        return true;
      }
      throw failed;
    }
  }

  private static RemoteRefused unfit(String what) {
    return new RemoteRefused(
        RemoteRefused.Reason.UNFIT,
        "The object store does not honour "
            + what
            + ", so two servers could destroy each other's data. It cannot be used.");
  }

  /** Deletes what the folder has of a store; the log last, so that it can be begun again. */
  private void empty() throws IOException {
    emptyFolder("");
    local.delete(LocalLog.FILE);
    local.syncFolder("");
  }

  private void emptyFolder(String folder) throws IOException {
    for (String name : local.list(folder)) {
      String path = Manifest.path(folder, name);
      if (isFolder(folder, name)) {
        emptyFolder(path);
        local.delete(path);
      } else if (!(folder.isEmpty()
          && (name.equals(LocalLog.FILE)
              || (RemoteDisk.isLocalOnly(name) && !name.startsWith("remote."))))) {
        local.delete(path);
      }
    }
  }

  /** Names of folders have no dot; in the root they are known. */
  private static boolean isFolder(String folder, String name) {
    return folder.isEmpty()
        ? name.equals("b") || name.equals("c") || name.equals(LocalCache.FOLDER)
        : name.indexOf('.') < 0 && !folder.equals(LocalCache.FOLDER);
  }

  private List<String> localFiles(String folder) throws IOException {
    var found = new ArrayList<String>();
    for (String name : local.list(folder)) {
      String path = Manifest.path(folder, name);
      if (folder.isEmpty() && RemoteDisk.isLocalOnly(name)) {
        continue;
      }
      if (isFolder(folder, name)) {
        found.addAll(localFiles(path));
      } else {
        found.add(path);
      }
    }
    return found;
  }

  private List<String> localFolders(String folder) throws IOException {
    var found = new ArrayList<String>();
    for (String name : local.list(folder)) {
      String path = Manifest.path(folder, name);
      if (!RemoteDisk.isLocalOnly(path) && isFolder(folder, name)) {
        found.add(path);
        found.addAll(localFolders(path));
      }
    }
    return found;
  }

  /** What of the files that a frame names still lies in segments; null: nothing. */
  private Map<String, Facts> reconciled(List<Frame> frames, long generation) {
    var changed = new HashMap<String, Facts>();
    for (Frame frame : frames) {
      if (frame.generation() <= generation) {
        continue;
      }
      switch (frame) {
        case Frame.Gone gone -> changed.put(gone.path(), Facts.EMPTY);
        case Frame.Cut cut -> {
          Facts before = changed.get(cut.path());
          if (before == null) {
            before = disk.names.manifest.facts(cut.path());
          }
          if (before != null) {
            changed.put(cut.path(), before.cutTo(cut.length()));
          }
        }
        case Frame.Identity _, Frame.Clean _ -> {}
      }
    }
    return changed;
  }

  /** Takes over the names of the folder and of the manifest. */
  private void adopt(Map<String, Facts> known, List<Frame> frames, long generation)
      throws IOException {
    boolean warm = !frames.isEmpty() || local.exists("FORMAT") || local.exists("FORMAT.copy");
    Set<String> gone = new HashSet<>();
    for (Frame frame : frames) {
      if (frame instanceof Frame.Gone one && frame.generation() > generation) {
        gone.add(one.path());
      }
    }
    if (warm && !disk.reading) {
      // What the process before has left is about to count as durable.
      local.syncAll();
    }
    synchronized (disk.lock) {
      disk.names.manifest.folders().forEach(disk.names::addFolder);
      if (warm) {
        for (String folder : localFolders("")) {
          if (disk.names.addFolder(folder)) {
            disk.names.changedFolders.add(folder);
          }
        }
        for (String path : localFiles("")) {
          adopt(path, known);
        }
      }
      for (String path : gone) {
        if (disk.names.held(path) == null && disk.names.manifest.facts(path) != null) {
          disk.names.hide(path);
          disk.names.changed.add(path);
        }
      }
    }
    if (!disk.reading) {
      for (String name : local.list("")) {
        if (name.startsWith("remote.fetch-")) {
          local.delete(name);
        }
      }
    }
  }

  private void adopt(String path, Map<String, Facts> known) throws IOException {
    Facts facts = known.get(path);
    Facts rooted = disk.names.manifest.facts(path);
    if (facts == null) {
      facts = rooted == null ? Facts.EMPTY : rooted;
    }
    long size;
    try (DiskFile file = local.open(path)) {
      size = file.size();
    }
    if (size < facts.length()) {
      // Damaged, since what was uploaded was durable here before: the object store has it.
      if (!disk.reading) {
        local.delete(path);
      }
      return;
    }
    var file = new RemoteFile(path);
    file.local = true;
    file.placed = facts;
    file.size = size;
    file.durable = size;
    file.sent = facts.length();
    disk.names.add(file);
    if (rooted == null || !facts.equals(rooted) || size > facts.length()) {
      disk.names.changed.add(path);
      disk.unsent.appended(size - facts.length());
    }
  }
}
