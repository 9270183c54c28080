package io.pannier.store.remote;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What the root speaks of: folders, files with their extents, segments ({@code docs/s3.md},
 * "Objects"). Changed only by a {@link Change} whose root is written. One thread at a time, except
 * for {@link #facts}, {@link #names} and {@link #hasFolder}, which are for whoever holds the lock
 * of the disk; so {@link #apply} needs it too.
 */
final class Manifest {
  /** Ids of blocks that share a page. */
  private static final int ROW_BITS = 10;

  private static final int OTHER_NAMES = -1;

  /** What one request of a cold start reads of pages. */
  private static final int PAGES_AT_ONCE = 4 << 20;

  private static final int GAP_MAX = 64 << 10;

  /** Files of one folder whose ids lie in one row. */
  record Page(String folder, int row) {}

  /** A segment that the root speaks of. */
  static final class Segment {
    final long number;
    final long epoch;
    final long bytes;
    long live;

    /** By the monotonic clock; meaningful while nothing in it lives. */
    long deadSinceNanos;

    boolean dead;

    Segment(long number, long epoch, long bytes) {
      this.number = number;
      this.epoch = epoch;
      this.bytes = bytes;
    }
  }

  /** What the next root changes. */
  static final class Change {
    /** Null: there is no such file any more. */
    final Map<String, @Nullable Facts> files = new TreeMap<>();

    /** False: there is no such folder any more. */
    final Map<String, Boolean> folders = new TreeMap<>();

    final List<Segment> added = new ArrayList<>();
    final Set<Long> removed = new TreeSet<>();
    final Map<Page, Extent> pages = new HashMap<>();
    Extent directory = Extent.NONE;
    Extent difference = Extent.NONE;

    boolean isEmpty() {
      return files.isEmpty() && folders.isEmpty() && added.isEmpty() && removed.isEmpty();
    }
  }

  private final Map<String, Map<String, Facts>> folders = new HashMap<>();
  private final Map<Page, Extent> pages = new HashMap<>();
  private final Map<Long, Segment> segments = new TreeMap<>();
  private Extent directory = Extent.NONE;
  private Extent difference = Extent.NONE;

  // What changed since the directory was written
  private final Set<String> changedFiles = new HashSet<>();
  private final Set<String> changedFolders = new HashSet<>();
  private final Set<Long> changedSegments = new HashSet<>();

  // ---------------------------------------------------------------- looking

  static String folderOf(String path) {
    int slash = path.lastIndexOf('/');
    return slash < 0 ? "" : path.substring(0, slash);
  }

  static String nameOf(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  static String path(String folder, String name) {
    return folder.isEmpty() ? name : folder + "/" + name;
  }

  @Nullable Facts facts(String path) {
    Map<String, Facts> names = folders.get(folderOf(path));
    return names == null ? null : names.get(nameOf(path));
  }

  Set<String> names(String folder) {
    Map<String, Facts> names = folders.get(folder);
    return names == null ? Set.of() : names.keySet();
  }

  boolean hasFolder(String folder) {
    return folders.containsKey(folder);
  }

  /** All folders. */
  Set<String> folders() {
    return folders.keySet();
  }

  Collection<Segment> segments() {
    return segments.values();
  }

  @Nullable Segment segment(long number) {
    return segments.get(number);
  }

  int files() {
    int count = 0;
    for (Map<String, Facts> names : folders.values()) {
      count += names.size();
    }
    return count;
  }

  /** Pages that have an extent in one of these segments. */
  Set<Page> pagesIn(Set<Long> numbers) {
    var found = new HashSet<Page>();
    pages.forEach((page, extent) -> {
      if (numbers.contains(extent.segment())) {
        found.add(page);
      }
    });
    return found;
  }

  /** Whether the directory lies in one of these segments. */
  boolean directoryIn(Set<Long> numbers) {
    return numbers.contains(directory.segment());
  }

  private static int row(String name) {
    int dot = name.indexOf('.');
    if (dot <= 0 || dot > 10 || !(name.endsWith(".blk") || name.endsWith(".chg"))) {
      return OTHER_NAMES;
    }
    long id = 0;
    for (int i = 0; i < dot; i++) {
      char digit = name.charAt(i);
      if (digit < '0' || digit > '9') {
        return OTHER_NAMES;
      }
      id = 10 * id + digit - '0';
    }
    return id > Integer.MAX_VALUE ? OTHER_NAMES : (int) (id >> ROW_BITS);
  }

  // ---------------------------------------------------------------- changing

  /** Takes over what a root now speaks of. */
  void apply(Change change) {
    for (Segment segment : change.added) {
      segments.put(segment.number, segment);
      changedSegments.add(segment.number);
    }
    change.folders.forEach((folder, there) -> {
      put(folder, there);
      changedFolders.add(folder);
    });
    change.files.forEach((path, facts) -> {
      put(path, facts);
      changedFiles.add(path);
    });
    boolean anew = !change.directory.isNone();
    if (anew) {
      for (Page page : stale(change)) {
        count(pages.remove(page), -1);
      }
      change.pages.forEach((page, extent) -> {
        count(pages.put(page, extent), -1);
        count(extent, 1);
      });
      count(directory, -1);
      directory = change.directory;
      count(directory, 1);
      changedFiles.clear();
      changedFolders.clear();
      changedSegments.clear();
    }
    count(difference, -1);
    difference = change.difference;
    count(difference, 1);
    for (long number : change.removed) {
      segments.remove(number);
      if (!anew) {
        changedSegments.add(number);
      }
    }
  }

  private void put(String folder, boolean there) {
    if (there) {
      folders.computeIfAbsent(folder, made -> new HashMap<>());
    } else {
      Map<String, Facts> names = folders.remove(folder);
      if (names != null) {
        names.values().forEach(facts -> count(facts, -1));
      }
    }
  }

  private void put(String path, @Nullable Facts facts) {
    Map<String, Facts> names = folders.get(folderOf(path));
    if (names == null) {
      if (facts == null) {
        return; // went with its folder
      }
      names = new HashMap<>();
      folders.put(folderOf(path), names);
    }
    Facts before = facts == null ? names.remove(nameOf(path)) : names.put(nameOf(path), facts);
    if (before != null) {
      count(before, -1);
    }
    if (facts != null) {
      count(facts, 1);
    }
  }

  private void count(Facts facts, int sign) {
    for (int i = 0; i < facts.extents(); i++) {
      count(facts.extent(i), sign);
    }
  }

  private void count(@Nullable Extent extent, int sign) {
    Segment segment = extent == null ? null : segments.get(extent.segment());
    if (segment != null && extent != null) {
      segment.live += sign * extent.length();
    }
  }

  // ---------------------------------------------------------------- encoding

  private @Nullable Facts facts(Change change, String path) {
    return change.files.containsKey(path) ? change.files.get(path) : facts(path);
  }

  private boolean hasFolder(Change change, String folder) {
    Boolean changed = folder.isEmpty() ? Boolean.TRUE : change.folders.get(folder);
    return changed == null ? folders.containsKey(folder) : changed;
  }

  private @Nullable Segment segment(Change change, long number) {
    for (Segment segment : change.added) {
      if (segment.number == number) {
        return segment;
      }
    }
    return change.removed.contains(number) ? null : segments.get(number);
  }

  /** All that differs from the directory once the change is made. */
  ByteBuffer difference(Change change) {
    var out = new Codec.Out();
    var someFolders = new TreeSet<>(changedFolders);
    someFolders.addAll(change.folders.keySet());
    out.put4(someFolders.size());
    for (String folder : someFolders) {
      out.put(folder).put4(hasFolder(change, folder) ? 1 : 0);
    }
    var someFiles = new TreeSet<>(changedFiles);
    someFiles.addAll(change.files.keySet());
    out.put4(someFiles.size());
    for (String path : someFiles) {
      Facts facts = facts(change, path);
      out.put(path).put4(facts == null ? 0 : 1);
      if (facts != null) {
        out.put(facts);
      }
    }
    var someSegments = new TreeSet<>(changedSegments);
    change.added.forEach(segment -> someSegments.add(segment.number));
    someSegments.addAll(change.removed);
    out.put4(someSegments.size());
    for (long number : someSegments) {
      Segment segment = segment(change, number);
      out.put8(number).put4(segment == null ? 0 : 1);
      if (segment != null) {
        out.put8(segment.epoch).put8(segment.bytes);
      }
    }
    return out.done();
  }

  /** Pages that are not as the directory says once the change is made. */
  Set<Page> stale(Change change) {
    var stale = new HashSet<Page>();
    for (String path : changedFiles) {
      stale.add(new Page(folderOf(path), row(nameOf(path))));
    }
    for (String path : change.files.keySet()) {
      stale.add(new Page(folderOf(path), row(nameOf(path))));
    }
    for (Page page : pages.keySet()) {
      if (!hasFolder(change, page.folder())) {
        stale.add(page);
      }
    }
    return stale;
  }

  /** The contents of pages once the change is made; a page without files is left out. */
  Map<Page, ByteBuffer> pages(Set<Page> wanted, Change change) {
    var contents = new HashMap<Page, Map<String, Facts>>();
    var inFolders = new HashSet<String>();
    wanted.forEach(page -> inFolders.add(page.folder()));
    for (String folder : inFolders) {
      if (!hasFolder(change, folder)) {
        continue;
      }
      folders
          .getOrDefault(folder, Map.of())
          .forEach((name, facts) -> {
            if (!change.files.containsKey(path(folder, name))) {
              take(contents, wanted, new Page(folder, row(name)), name, facts);
            }
          });
    }
    change.files.forEach((path, facts) -> {
      String folder = folderOf(path);
      if (facts != null && hasFolder(change, folder)) {
        String name = nameOf(path);
        take(contents, wanted, new Page(folder, row(name)), name, facts);
      }
    });
    var encoded = new HashMap<Page, ByteBuffer>();
    contents.forEach((page, names) -> {
      var out = new Codec.Out().put4(names.size());
      names.forEach((name, facts) -> out.put(name).put(facts));
      encoded.put(page, out.done());
    });
    return encoded;
  }

  private static void take(
      Map<Page, Map<String, Facts>> contents,
      Set<Page> wanted,
      Page page,
      String name,
      Facts facts) {
    if (wanted.contains(page)) {
      contents.computeIfAbsent(page, made -> new TreeMap<>()).put(name, facts);
    }
  }

  /** The directory once the change, with its pages, is made. */
  ByteBuffer directory(Change change) {
    var all = new TreeMap<String, Map<Integer, Extent>>();
    for (String folder : folders.keySet()) {
      if (hasFolder(change, folder)) {
        all.put(folder, new TreeMap<>());
      }
    }
    change.folders.forEach((folder, there) -> {
      if (there) {
        all.put(folder, new TreeMap<>());
      }
    });
    Set<Page> stale = stale(change);
    pages.forEach((page, extent) -> {
      if (!stale.contains(page)) {
        all.computeIfAbsent(page.folder(), made -> new TreeMap<>()).put(page.row(), extent);
      }
    });
    change.pages.forEach((page, extent) ->
        all.computeIfAbsent(page.folder(), made -> new TreeMap<>()).put(page.row(), extent));
    var out = new Codec.Out().put4(all.size());
    all.forEach((folder, rows) -> {
      out.put(folder).put4(rows.size());
      rows.forEach((row, extent) -> out.put4(row).put(extent));
    });
    var numbers = new TreeSet<>(segments.keySet());
    change.added.forEach(segment -> numbers.add(segment.number));
    numbers.removeAll(change.removed);
    out.put4(numbers.size());
    for (long number : numbers) {
      Segment segment = segment(change, number);
      if (segment != null) {
        out.put8(number).put8(segment.epoch).put8(segment.bytes);
      }
    }
    return out.done();
  }

  /** Whether the directory says all there is to say. */
  boolean isFolded() {
    return changedFiles.isEmpty() && changedFolders.isEmpty() && changedSegments.isEmpty();
  }

  int directoryBytes() {
    return (int) directory.length();
  }

  /** Pages that a new directory has to have with the change: what is stale, and what must move. */
  Set<Page> toWrite(Change change, Set<Long> leaving) {
    Set<Page> pagesToWrite = stale(change);
    pagesToWrite.addAll(pagesIn(leaving));
    return pagesToWrite;
  }

  // ---------------------------------------------------------------- loading

  /** Reads what a root speaks of. */
  static Manifest load(ObjectClient objects, Root root) throws IOException {
    return load(objects, root, new Parts());
  }

  /**
   * Directory and pages as they were read, by their places: what a later root still speaks of is
   * not read again.
   */
  static final class Parts {
    private Map<Extent, ByteBuffer> known = new HashMap<>();
    private Map<Extent, ByteBuffer> used = new HashMap<>();

    @Nullable ByteBuffer find(Extent extent) {
      ByteBuffer content = known.get(extent);
      if (content != null) {
        used.put(extent, content);
      }
      return content == null ? null : content.duplicate();
    }

    void keep(Extent extent, ByteBuffer content) {
      used.put(extent, content.duplicate());
    }

    /** Forgets what the last root did not speak of any more. */
    void loaded() {
      known = used;
      used = new HashMap<>();
    }
  }

  /** The same with parts of the manifests of an earlier root. */
  static Manifest load(ObjectClient objects, Root root, Parts parts) throws IOException {
    var manifest = new Manifest();
    try {
      manifest.directory = root.directory();
      manifest.difference = root.difference();
      if (!root.directory().isNone()) {
        ByteBuffer content = parts.find(root.directory());
        if (content == null) {
          content = objects.read(root.directoryEpoch(), root.directory());
          parts.keep(root.directory(), content);
        }
        manifest.readDirectory(new Codec.In(content));
        manifest.readPages(objects, parts);
      }
      if (!root.difference().isNone()) {
        ByteBuffer content = objects.read(root.differenceEpoch(), root.difference());
        manifest.readDifference(new Codec.In(content));
      }
    } catch (BufferUnderflowException | IllegalStateException | IllegalArgumentException odd) {
      throw new ObjectStoreException(
          ObjectStoreException.Kind.DAMAGED, "manifests contradict themselves", odd);
    }
    manifest.recount();
    parts.loaded();
    return manifest;
  }

  private void readDirectory(Codec.In in) {
    for (int left = in.get4(); left > 0; left--) {
      String folder = in.text();
      folders.put(folder, new HashMap<>());
      for (int rows = in.get4(); rows > 0; rows--) {
        int row = in.get4();
        pages.put(new Page(folder, row), in.extent());
      }
    }
    for (int left = in.get4(); left > 0; left--) {
      var segment = new Segment(in.get8(), in.get8(), in.get8());
      segments.put(segment.number, segment);
    }
  }

  private void readPages(ObjectClient objects, Parts parts) throws IOException {
    var sorted = new ArrayList<Map.Entry<Page, Extent>>();
    for (Map.Entry<Page, Extent> page : pages.entrySet()) {
      ByteBuffer known = parts.find(page.getValue());
      if (known == null) {
        sorted.add(page);
      } else {
        readPage(page.getKey(), known);
      }
    }
    sorted.sort(
        Comparator.comparingLong((Map.Entry<Page, Extent> page) -> page.getValue().segment())
            .thenComparingLong(page -> page.getValue().at()));
    int next = 0;
    while (next < sorted.size()) {
      Extent first = sorted.get(next).getValue();
      int behind = next;
      long end = first.at();
      while (behind < sorted.size()) {
        Extent extent = sorted.get(behind).getValue();
        if (extent.segment() != first.segment()
            || extent.at() > end + GAP_MAX
            || (behind > next && extent.at() + extent.length() - first.at() > PAGES_AT_ONCE)) {
          break;
        }
        end = extent.at() + extent.length();
        behind++;
      }
      Segment segment = Objects.requireNonNull(segments.get(first.segment()));
      ByteBuffer content =
          objects.read(segment.epoch, segment.number, first.at(), (int) (end - first.at()));
      for (; next < behind; next++) {
        Page page = sorted.get(next).getKey();
        Extent extent = sorted.get(next).getValue();
        ByteBuffer part =
            content.slice((int) (extent.at() - first.at()), Math.toIntExact(extent.length()));
        parts.keep(extent, part);
        readPage(page, ObjectClient.checked(extent, part));
      }
    }
  }

  private void readPage(Page page, ByteBuffer content) {
    var in = new Codec.In(content);
    Map<String, Facts> names = Objects.requireNonNull(folders.get(page.folder()));
    for (int left = in.get4(); left > 0; left--) {
      names.put(in.text(), in.facts());
    }
  }

  private void readDifference(Codec.In in) {
    for (int left = in.get4(); left > 0; left--) {
      String folder = in.text();
      if (in.get4() == 1) {
        folders.computeIfAbsent(folder, made -> new HashMap<>());
      } else {
        folders.remove(folder);
      }
      changedFolders.add(folder);
    }
    for (int left = in.get4(); left > 0; left--) {
      String path = in.text();
      Map<String, Facts> names = folders.get(folderOf(path));
      if (in.get4() == 1) {
        Facts facts = in.facts();
        folders.computeIfAbsent(folderOf(path), made -> new HashMap<>()).put(nameOf(path), facts);
      } else if (names != null) {
        names.remove(nameOf(path));
      }
      changedFiles.add(path);
    }
    for (int left = in.get4(); left > 0; left--) {
      long number = in.get8();
      if (in.get4() == 1) {
        segments.put(number, new Segment(number, in.get8(), in.get8()));
      } else {
        segments.remove(number);
      }
      changedSegments.add(number);
    }
  }

  private void recount() {
    for (Map<String, Facts> names : folders.values()) {
      names.values().forEach(facts -> count(facts, 1));
    }
    pages.values().forEach(extent -> count(extent, 1));
    count(directory, 1);
    count(difference, 1);
  }
}
