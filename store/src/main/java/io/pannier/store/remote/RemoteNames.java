package io.pannier.store.remote;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What stands under which name on a {@link RemoteDisk}: the files and folders of the last root, and
 * over them what was made, renamed and deleted since, for the next capture. A file of the root is
 * held as {@link RemoteFile} only while somebody uses it; the manifest knows the others. Guarded by
 * the lock of the disk.
 */
final class RemoteNames {
  /** What the last root speaks of. */
  Manifest manifest = new Manifest();

  private final Map<String, RemoteFile> files = new HashMap<>();

  /** Those files by the folder they stand in. */
  private final Map<String, Set<String>> inFolder = new HashMap<>();

  /** Files that the root has and that are deleted. */
  private final Set<String> hidden = new HashSet<>();

  private final Set<String> folders = new HashSet<>();

  /** Folders by the one they stand in. */
  private final Map<String, Set<String>> inside = new HashMap<>();

  /** Paths of which the next capture has to tell. */
  final Set<String> changed = new LinkedHashSet<>();

  final Set<String> changedFolders = new LinkedHashSet<>();

  /** The file of this name, in whatever place; null when there is none. */
  @Nullable RemoteFile find(String path) {
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

  /** The file of this name if it is in use, or in the local folder. */
  @Nullable RemoteFile held(String path) {
    return files.get(path);
  }

  /** All that are in use, or in the local folder. */
  Iterable<RemoteFile> held() {
    return files.values();
  }

  boolean hasFile(String path) {
    return files.containsKey(path) || (!hidden.contains(path) && manifest.facts(path) != null);
  }

  /** Whether the root says of a file what is known of it. */
  boolean isRooted(RemoteFile file) {
    Facts rooted = manifest.facts(file.path);
    return rooted != null && rooted.equals(file.placed);
  }

  /** A file stands under its name from now on. */
  void add(RemoteFile file) {
    files.put(file.path, file);
    inFolder
        .computeIfAbsent(Manifest.folderOf(file.path), made -> new TreeSet<>())
        .add(Manifest.nameOf(file.path));
  }

  /** It stands under its name as before, and is not held any more: the manifest knows as much. */
  void drop(RemoteFile file) {
    files.remove(file.path);
    Set<String> names = inFolder.get(Manifest.folderOf(file.path));
    if (names != null) {
      names.remove(Manifest.nameOf(file.path));
      if (names.isEmpty()) {
        inFolder.remove(Manifest.folderOf(file.path));
      }
    }
  }

  /** Nothing stands under its name any more. */
  void remove(RemoteFile file) {
    drop(file);
    hide(file.path);
    changed.add(file.path);
  }

  /** It stands under another name, under which nothing stands. */
  void move(RemoteFile file, String to) {
    remove(file);
    file.path = to;
    add(file);
    changed.add(to);
  }

  /** If the root has a file of this name, it is deleted. */
  void hide(String path) {
    if (manifest.facts(path) != null) {
      hidden.add(path);
    }
  }

  /** A new root holds, which has what was captured of these paths. */
  void rooted(Manifest.Change change) {
    manifest.apply(change);
    for (var file : change.files.entrySet()) {
      String path = file.getKey();
      if (file.getValue() == null) {
        hidden.remove(path);
      } else if (!files.containsKey(path) && changed.contains(path)) {
        hidden.add(path); // deleted or renamed since
      }
    }
  }

  // ---------------------------------------------------------------- folders

  boolean hasFolder(String path) {
    return path.isEmpty() || folders.contains(path);
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

  /** A folder, which is empty, is deleted. */
  void removeFolder(String path) {
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

  /** Names of the files and folders in a folder, in order. */
  Set<String> in(String folder) {
    var all = new TreeSet<>(inFolder.getOrDefault(folder, Set.of()));
    for (String name : manifest.names(folder)) {
      if (!hidden.contains(Manifest.path(folder, name))) {
        all.add(name);
      }
    }
    all.addAll(inside.getOrDefault(folder, Set.of()));
    return all;
  }
}
