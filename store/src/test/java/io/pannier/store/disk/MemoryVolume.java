package io.pannier.store.disk;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * The state behind a {@link MemoryDisk}: the tree of names as programs see it, the tree as the
 * device has it, and the changes between the two. All methods are called under the volume's own
 * lock, which the disk and its files take.
 *
 * <p>A change of a name waits in the folder that it changes; a rename waits in the folder of the
 * new name, because that is the one whose sync makes it durable. Each change either gives a file
 * its name or takes a name away. A file has one name at most, so giving the new one takes away the
 * old one in the same step: that is what makes a rename atomic.
 */
final class MemoryVolume {
  /** What a name stands for. */
  sealed interface Node permits Folder, File {}

  static final class Folder implements Node {
    // Hashed on purpose: names come out in an order that nobody can lean on, yet the same one in
    // each run.
    private final Map<String, Node> names = new HashMap<>();
    private Map<String, Node> durableNames = new LinkedHashMap<>();
    private final List<Change> changes = new ArrayList<>();
  }

  static final class File implements Node {
    MemoryContent content;
    private boolean named = true;
    private boolean freed;
    private int handles;

    /**
     * Failed writes of its pages that were noticed, and whether any handle was told of the last.
     */
    private int errors;

    private boolean told;
    private Optional<Place> durablePlace = Optional.empty();
    private long appliedChange;

    File(MemoryContent content) {
      this.content = content;
    }
  }

  private record Place(Folder folder, String name) {}

  private sealed interface Change {
    long number();

    Folder folder();

    /** Gives a file or folder its first or its new name. */
    record Give(long number, Folder folder, String name, Node node) implements Change {}

    /** Takes a name away from a file or folder that is deleted. */
    record Take(long number, Folder folder, String name, Node node) implements Change {}
  }

  private final long capacityBytes;
  private final Folder root;
  private final Set<Folder> changedFolders = new LinkedHashSet<>();
  private final Set<File> changedFiles = new LinkedHashSet<>();
  private final Set<String> locks = new HashSet<>();
  private long lastChange;
  private long usedBytes;
  private int openHandles;
  private Optional<String> end = Optional.empty();

  /** Whether a write failed of which no sync of the whole volume has told. */
  private boolean failed;

  MemoryVolume(long capacityBytes) {
    this(capacityBytes, new Folder());
  }

  private MemoryVolume(long capacityBytes, Folder root) {
    this.capacityBytes = capacityBytes;
    this.root = root;
  }

  void requireAlive() throws IOException {
    if (end.isPresent()) {
      throw new IOException(end.get());
    }
  }

  void end(String reason) {
    if (end.isEmpty()) {
      end = Optional.of(reason);
    }
  }

  long usableBytes() {
    return capacityBytes - usedBytes;
  }

  int openHandles() {
    return openHandles;
  }

  boolean lock(String path) {
    return locks.add(path);
  }

  void unlock(String path) {
    locks.remove(path);
  }

  // --- names

  Optional<Node> find(String path) throws IOException {
    Folder folder = root;
    if (path.isEmpty()) {
      return Optional.of(root);
    }
    int start = 0;
    for (int slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', start)) {
      if (!(folder.names.get(path.substring(start, slash)) instanceof Folder next)) {
        return Optional.empty();
      }
      folder = next;
      start = slash + 1;
    }
    return Optional.ofNullable(folder.names.get(path.substring(start)));
  }

  File file(String path) throws IOException {
    return switch (find(path).orElseThrow(() -> new NoSuchFileException(path))) {
      case File file -> file;
      case Folder _ -> throw new FileSystemException(path, "", "Is a directory");
    };
  }

  Folder folder(String path) throws IOException {
    return switch (find(path).orElseThrow(() -> new NoSuchFileException(path))) {
      case Folder folder -> folder;
      case File _ -> throw new NotDirectoryException(path);
    };
  }

  List<String> list(String path) throws IOException {
    return new ArrayList<>(folder(path).names.keySet());
  }

  File create(String path) throws IOException {
    Folder parent = folder(parentOf(path));
    if (parent.names.containsKey(nameOf(path))) {
      throw new FileAlreadyExistsException(path);
    }
    requireRoom(path);
    var file = new File(new MemoryContent());
    give(parent, nameOf(path), file);
    return file;
  }

  void makeFolder(String path) throws IOException {
    Folder parent = folder(parentOf(path));
    Optional<Node> found = Optional.ofNullable(parent.names.get(nameOf(path)));
    if (found.isEmpty()) {
      requireRoom(path);
      give(parent, nameOf(path), new Folder());
    } else if (found.get() instanceof File) {
      throw new FileAlreadyExistsException(path);
    }
  }

  void delete(String path) throws IOException {
    Optional<Node> found = find(path);
    if (found.isEmpty()) {
      return;
    }
    if (found.get() instanceof Folder folder && !folder.names.isEmpty()) {
      throw new DirectoryNotEmptyException(path);
    }
    Folder parent = folder(parentOf(path));
    parent.names.remove(nameOf(path));
    changed(new Change.Take(++lastChange, parent, nameOf(path), found.get()));
    if (found.get() instanceof File file) {
      lostItsName(file);
    }
  }

  void rename(String from, String to) throws IOException {
    File moved = file(from);
    Folder source = folder(parentOf(from));
    Folder target = folder(parentOf(to));
    Optional<Node> replaced = Optional.ofNullable(target.names.get(nameOf(to)));
    if (replaced.isPresent() && replaced.get() == moved) {
      return;
    }
    if (replaced.isPresent()) {
      lostItsName(file(to));
    }
    source.names.remove(nameOf(from));
    give(target, nameOf(to), moved);
  }

  // --- content

  void opened(File file) {
    file.handles++;
    openHandles++;
  }

  void closed(File file) {
    file.handles--;
    openHandles--;
    if (file.handles == 0) {
      // Nothing keeps the file in memory any more, and with it goes what is known of its errors.
      file.errors = 0;
      file.told = false;
    }
    freeIfGone(file);
  }

  /** Accounts for bytes that a file wants to grow by, and returns how many of them it gets. */
  int grow(File file, int bytes) {
    int granted = (int) Math.min(bytes, usableBytes());
    usedBytes += granted;
    changedFiles.add(file);
    return granted;
  }

  void truncate(File file, long size) {
    usedBytes -= file.content.length() - size;
    file.content.truncate(size);
    changedFiles.add(file);
  }

  void allocate(String path, long bytes) throws IOException {
    Optional<Node> found = find(path);
    if (found.isPresent()) {
      if (file(path).content.length() == bytes) {
        return;
      }
      delete(path);
    }
    if (bytes > usableBytes()) {
      throw new DiskFullException(path);
    }
    File file = create(path);
    file.content.extend(bytes);
    usedBytes += bytes;
    changedFiles.add(file);
  }

  /** The errors that a new handle need not be told of. */
  int errorsKnown(File file) {
    return file.told || file.errors == 0 ? file.errors : file.errors - 1;
  }

  /**
   * Syncs a file for a handle that was told of so many errors.
   *
   * @return how many it is told of now; more than before mean that the sync fails
   */
  int sync(File file, int known) {
    file.content.sync();
    changedFiles.remove(file);
    file.told |= file.errors > known;
    return file.errors;
  }

  // --- durability

  void syncFolder(String path) throws IOException {
    Folder folder = folder(path);
    folder.changes.forEach(change -> apply(change, true));
    folder.changes.clear();
    changedFolders.remove(folder);
  }

  /** False when it tells that an earlier write failed. */
  boolean syncAll() {
    pending().forEach(change -> apply(change, true));
    changedFolders.forEach(folder -> folder.changes.clear());
    changedFolders.clear();
    changedFiles.forEach(file -> file.content.sync());
    changedFiles.clear();
    boolean whole = !failed;
    failed = false;
    return whole;
  }

  /** Pages of changed files could not be written; each file keeps that in mind while it is open. */
  void loseUnsynced(RandomGenerator random) {
    changedFiles.forEach(file -> {
      if (file.content.loseUnsynced(random) && file.handles > 0) {
        file.errors++;
        file.told = false;
      }
    });
  }

  /** As {@link #loseUnsynced}, with nobody there to be told: the next sync of all tells. */
  void failWriteBack(RandomGenerator random) {
    loseUnsynced(random);
    failed = true;
  }

  MemoryVolume afterKill() {
    return new Copy(true).volume();
  }

  MemoryVolume afterPowerLoss(RandomGenerator random, List<CrashMode> modes) {
    MemoryVolume volume = new Copy(false).volume();
    volume.losePower(random, modes);
    return volume;
  }

  private void losePower(RandomGenerator random, List<CrashMode> modes) {
    List<Change> changes = pending();
    switch (modes.get(random.nextInt(modes.size()))) {
      case KEEP -> changes.forEach(change -> apply(change, false));
      case DROP -> {}
      case TEAR ->
          changes
              .subList(0, random.nextInt(changes.size() + 1))
              .forEach(change -> apply(change, false));
      case REORDER ->
          changes.forEach(change -> {
            if (random.nextBoolean()) {
              apply(change, false);
            }
          });
    }
    changedFolders.clear();
    changedFiles.clear();
    usedBytes = 0;
    restart(root, random, modes);
  }

  private void restart(Folder folder, RandomGenerator random, List<CrashMode> modes) {
    folder.changes.clear();
    folder.names.clear();
    folder.names.putAll(folder.durableNames);
    for (Node node : folder.durableNames.values()) {
      switch (node) {
        case Folder below -> restart(below, random, modes);
        case File file -> {
          CrashMode mode = modes.get(random.nextInt(modes.size()));
          file.content = file.content.afterPowerLoss(random, mode);
          file.named = true;
          file.freed = false;
          usedBytes += file.content.length();
        }
      }
    }
  }

  private List<Change> pending() {
    var changes = new ArrayList<Change>();
    changedFolders.forEach(folder -> changes.addAll(folder.changes));
    changes.sort(Comparator.comparingLong(Change::number));
    return changes;
  }

  /**
   * Brings a change to the device. A folder that still has names there only goes when it was synced
   * away.
   */
  private static void apply(Change change, boolean synced) {
    Map<String, Node> names = change.folder().durableNames;
    switch (change) {
      case Change.Give(long number, Folder folder, String name, File file) -> {
        if (file.appliedChange < number) {
          file.appliedChange = number;
          file.durablePlace.ifPresent(old -> old.folder().durableNames.remove(old.name(), file));
          Optional.ofNullable(names.put(name, file)).ifPresent(old -> gone(old, number));
          file.durablePlace = Optional.of(new Place(folder, name));
        }
      }
      case Change.Give(long number, Folder _, String name, Folder folder) ->
          Optional.ofNullable(names.put(name, folder)).ifPresent(old -> gone(old, number));
      case Change.Take(long number, Folder _, String name, File file) -> {
        if (names.remove(name, file)) {
          gone(file, number);
        }
      }
      case Change.Take(long _, Folder _, String name, Folder folder) -> {
        if (synced || folder.durableNames.isEmpty()) {
          names.remove(name, folder);
        }
      }
    }
  }

  /**
   * The device has no name for this file any more; changes of it from before that, still waiting
   * elsewhere, come too late.
   */
  private static void gone(Node node, long number) {
    if (node instanceof File file) {
      file.durablePlace = Optional.empty();
      file.appliedChange = Math.max(file.appliedChange, number);
    }
  }

  private void give(Folder folder, String name, Node node) {
    folder.names.put(name, node);
    changed(new Change.Give(++lastChange, folder, name, node));
  }

  private void changed(Change change) {
    change.folder().changes.add(change);
    changedFolders.add(change.folder());
  }

  private void lostItsName(File file) {
    file.named = false;
    freeIfGone(file);
  }

  private void freeIfGone(File file) {
    if (!file.named && file.handles == 0 && !file.freed) {
      file.freed = true;
      usedBytes -= file.content.length();
    }
  }

  private void requireRoom(String path) throws IOException {
    if (usableBytes() <= 0) {
      throw new DiskFullException(path);
    }
  }

  private static String parentOf(String path) {
    return path.substring(0, Math.max(0, path.lastIndexOf('/')));
  }

  private static String nameOf(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  /** Copies the whole tree, so that one moment can be crashed many times. */
  private final class Copy {
    private final boolean withContents;
    private final IdentityHashMap<Node, Node> copies = new IdentityHashMap<>();

    Copy(boolean withContents) {
      this.withContents = withContents;
    }

    MemoryVolume volume() {
      var volume = new MemoryVolume(capacityBytes, folder(root));
      volume.lastChange = lastChange;
      changedFolders.forEach(folder -> volume.changedFolders.add(folder(folder)));
      changedFiles.stream()
          .filter(copies::containsKey)
          .forEach(file -> volume.changedFiles.add((File) node(file)));
      copies.values().stream()
          .filter(File.class::isInstance)
          .forEach(file -> volume.usedBytes += namedBytes((File) file));
      return volume;
    }

    private long namedBytes(File file) {
      return file.named ? file.content.length() : 0;
    }

    private Node node(Node node) {
      return switch (node) {
        case Folder folder -> folder(folder);
        case File file -> file(file);
      };
    }

    private Folder folder(Folder folder) {
      if (copies.get(folder) instanceof Folder done) {
        return done;
      }
      var copy = new Folder();
      copies.put(folder, copy);
      folder.names.forEach((name, node) -> copy.names.put(name, node(node)));
      folder.durableNames.forEach((name, node) -> copy.durableNames.put(name, node(node)));
      for (Change change : folder.changes) {
        copy.changes.add(
            switch (change) {
              case Change.Give(long number, Folder _, String name, Node node) ->
                  new Change.Give(number, copy, name, node(node));
              case Change.Take(long number, Folder _, String name, Node node) ->
                  new Change.Take(number, copy, name, node(node));
            });
      }
      return copy;
    }

    private File file(File file) {
      if (copies.get(file) instanceof File done) {
        return done;
      }
      var copy = new File(withContents ? file.content.copy() : file.content);
      copies.put(file, copy);
      copy.named = file.named;
      copy.freed = !file.named; // a restart has no handles
      copy.appliedChange = file.appliedChange;
      copy.durablePlace =
          file.durablePlace.map(place -> new Place(folder(place.folder()), place.name()));
      return copy;
    }
  }
}
