package io.pannier.store.remote;

import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Brings captures to the object store ({@code docs/s3.md}, "Capture" and "Order of writing"). One
 * upload at a time; all its fields are its own but those that say otherwise.
 */
final class Uploads {
  /** Differences beyond this, and an eighth of the directory, make a new directory. */
  private static final int DIFFERENCE_BYTES = 64 << 10;

  private static final int DIRECTORY_SHARE = 8;

  /** How often a capture is fitted to files that are cut meanwhile. */
  private static final int FITTINGS_MAX = 100;

  /** A capture: names and lengths of one instant. */
  private static final class Capture {
    final long generation;
    final long atNanos;

    /** Null: the name is gone. */
    final Map<String, @Nullable RemoteFile> files = new TreeMap<>();

    final Map<String, Boolean> folders = new TreeMap<>();

    Capture(long generation, long atNanos) {
      this.generation = generation;
      this.atNanos = atNanos;
    }

    boolean isEmpty() {
      return files.isEmpty() && folders.isEmpty();
    }
  }

  /** A root whose outcome is not known yet, with what it is about. */
  private record Pending(Root root, Manifest.Change change, Capture capture) {}

  private final RemoteDisk disk;
  private final RandomGenerator random;
  private final Merging merging;
  private final ReentrantLock one = new ReentrantLock();

  private Optional<Root> root = Optional.empty();
  private String version = "";
  private UUID storeId = new UUID(0, 0);
  private UUID writer = new UUID(0, 0);
  private long epoch;
  private long lastNumber;
  private @Nullable Pending pending;
  private boolean sweepWanted;
  private volatile boolean fenced;
  private volatile String lastFailure = "";

  /** Segments that no root speaks of yet; guarded by the lock of the disk. */
  private final Map<Long, Manifest.Segment> unrooted = new HashMap<>();

  Uploads(RemoteDisk disk, RandomGenerator random) {
    this.disk = disk;
    this.random = random;
    this.merging = new Merging(disk);
  }

  boolean isFenced() {
    return fenced;
  }

  /** Epoch of a segment; under the lock of the disk. */
  long epochOf(long number) {
    Manifest.Segment segment = unrooted.get(number);
    if (segment == null) {
      segment = disk.names.manifest.segment(number);
    }
    if (segment == null) {
      throw new IllegalStateException("segment " + number + " is not known");
    }
    return segment.epoch;
  }

  // ---------------------------------------------------------------- start and end

  /** Looks at the root; empty when there is none. */
  Optional<Root> look() throws IOException {
    Optional<ObjectStore.Found> found = disk.objects.get(Root.KEY);
    if (found.isEmpty()) {
      return Optional.empty();
    }
    version = found.get().version();
    root = Optional.of(Root.decode(found.get().content()));
    epoch = root.get().epoch();
    storeId = root.get().storeId();
    lastNumber = root.get().lastSegment();
    return root;
  }

  /**
   * Becomes the writer: from here on roots of others fail.
   *
   * @throws RemoteRefused when somebody else was faster
   */
  void begin(UUID id, UUID folder) throws IOException {
    storeId = id;
    writer = folder;
    epoch = root.map(Root::epoch).orElse(0L) + 1;
    sweepWanted = root.isPresent() && root.get().leaseEndMicros() != 0;
    long generation;
    synchronized (disk.lock) {
      generation = disk.captures;
    }
    Root last = root.orElse(null);
    Root next =
        new Root(
            storeId,
            epoch,
            generation,
            writer,
            disk.clock.wallMicros() + disk.config.leaseMicros(),
            disk.config.holder(),
            lastNumber,
            last == null ? Extent.NONE : last.directory(),
            last == null ? 0 : last.directoryEpoch(),
            last == null ? Extent.NONE : last.difference(),
            last == null ? 0 : last.differenceEpoch());
    write(next, new Manifest.Change(), new Capture(generation, disk.clock.monotonicNanos()), false);
  }

  /** Uploads what is durable and says that this writer has stopped. */
  void finish() throws IOException {
    if (!fenced) {
      run(true);
    }
  }

  // ---------------------------------------------------------------- one upload

  void run(boolean last) throws IOException {
    one.lock();
    try {
      requireNotFenced();
      settle();
      upload(last);
      lastFailure = "";
    } catch (IOException | RuntimeException failed) {
      lastFailure = String.valueOf(failed.getMessage());
      throw failed;
    } finally {
      one.unlock();
    }
    if (!last) {
      disk.cache.evict();
    }
  }

  private void requireNotFenced() throws RemoteRefused {
    if (fenced) {
      throw new RemoteRefused(
          RemoteRefused.Reason.DIVERGED,
          "Another server has taken over this store in the object store: "
              + root.map(Root::holder).orElse("unknown")
              + ". This one writes nothing any more.");
    }
  }

  private void upload(boolean last) throws IOException {
    if (sweepWanted) {
      sweep();
    }
    Capture capture = capture();
    boolean kept = false;
    try {
      Set<Long> leaving = merging.choose();
      List<Manifest.Segment> dead = merging.dead();
      if (capture.isEmpty() && leaving.isEmpty() && dead.isEmpty() && !last && !isLeaseDue()) {
        return;
      }
      for (Manifest.Segment segment : dead) {
        disk.objects.delete(ObjectClient.segmentName(segment.epoch, segment.number));
      }
      var change = new Manifest.Change();
      dead.forEach(segment -> change.removed.add(segment.number));
      change.folders.putAll(capture.folders);
      put(capture, change, leaving, last);
      Root next =
          new Root(
              storeId,
              epoch,
              capture.generation,
              writer,
              last ? 0 : disk.clock.wallMicros() + disk.config.leaseMicros(),
              disk.config.holder(),
              lastNumber,
              directory(change),
              directoryEpoch(change),
              difference(change),
              differenceEpoch(change));
      kept = true; // by what is pending
      write(next, change, capture, last);
    } finally {
      if (!kept) {
        giveBack(capture);
      }
    }
  }

  private Extent directory(Manifest.Change change) {
    return change.directory.isNone()
        ? root.map(Root::directory).orElse(Extent.NONE)
        : change.directory;
  }

  private long directoryEpoch(Manifest.Change change) {
    return change.directory.isNone() ? root.map(Root::directoryEpoch).orElse(0L) : epoch;
  }

  private Extent difference(Manifest.Change change) {
    boolean same = change.directory.isNone() && change.difference.isNone();
    return same ? root.map(Root::difference).orElse(Extent.NONE) : change.difference;
  }

  private long differenceEpoch(Manifest.Change change) {
    boolean same = change.directory.isNone() && change.difference.isNone();
    return same ? root.map(Root::differenceEpoch).orElse(0L) : epoch;
  }

  private boolean isLeaseDue() {
    long left = root.map(Root::leaseEndMicros).orElse(0L) - disk.clock.wallMicros();
    return left < disk.config.leaseMicros() / 2;
  }

  // ---------------------------------------------------------------- capturing

  private Capture capture() {
    synchronized (disk.lock) {
      var capture = new Capture(++disk.captures, disk.clock.monotonicNanos());
      for (String path : disk.names.changed) {
        RemoteFile file = disk.names.held(path);
        if (file != null) {
          file.captured = Math.max(file.durable, file.placed.length());
        } else if (disk.names.manifest.facts(path) == null) {
          continue; // came and went
        }
        capture.files.put(path, file);
      }
      for (String folder : disk.names.changedFolders) {
        capture.folders.put(folder, disk.names.hasFolder(folder));
      }
      disk.names.changed.clear();
      disk.names.changedFolders.clear();
      return capture;
    }
  }

  /** It came to nothing: the next one has all of it. */
  private void giveBack(Capture capture) throws IOException {
    synchronized (disk.lock) {
      disk.names.changed.addAll(capture.files.keySet());
      disk.names.changedFolders.addAll(capture.folders.keySet());
    }
    release(capture);
  }

  private void release(Capture capture) throws IOException {
    var closing = new ArrayList<DiskFile>();
    synchronized (disk.lock) {
      for (RemoteFile file : capture.files.values()) {
        if (file != null) {
          file.captured = RemoteFile.NOT_CAPTURED;
          DiskFile keep = file.ownedKeep;
          file.ownedKeep = null;
          if (keep != null) {
            closing.add(keep);
          }
        }
      }
    }
    for (DiskFile keep : closing) {
      keep.close();
    }
  }

  // ---------------------------------------------------------------- segments

  /** Puts all bytes of the capture, and the manifests, into segments. */
  private void put(Capture capture, Manifest.Change change, Set<Long> leaving, boolean last)
      throws IOException {
    for (int tries = 0; tries < FITTINGS_MAX; tries++) {
      SegmentDraft draft = new SegmentDraft(storeId, epoch, ++lastNumber);
      Map<String, Facts> facts = new TreeMap<>();
      if (!draw(capture, draft, facts)) {
        continue; // a full segment has gone, or a file was cut
      }
      change.files.clear();
      change.added.clear();
      capture.files.forEach((path, file) -> {
        if (file == null) {
          change.files.put(path, null);
        }
      });
      change.files.putAll(facts);
      merging.copy(leaving, draft, change);
      synchronized (disk.lock) {
        change.added.addAll(unrooted.values());
      }
      if (change.isEmpty() && (!last || isFolded())) {
        lastNumber--;
        return; // the lease alone
      }
      long files = draft.bytes();
      addManifests(draft, change, leaving, last);
      send(draft, files);
      return;
    }
    throw new IOException("files were cut again and again while they were uploaded");
  }

  private boolean isFolded() {
    synchronized (disk.lock) {
      return disk.names.manifest.isFolded();
    }
  }

  /**
   * Draws the bytes of a capture. Whenever a segment is full it goes up at once.
   *
   * @param facts takes what is true of each file once the draft is put
   * @return whether the draft has all that was not in segments already
   */
  private boolean draw(Capture capture, SegmentDraft draft, Map<String, Facts> facts)
      throws IOException {
    var drawn = new HashMap<RemoteFile, Extent>();
    for (Map.Entry<String, @Nullable RemoteFile> item : capture.files.entrySet()) {
      RemoteFile file = item.getValue();
      if (file == null) {
        continue;
      }
      Facts placed;
      long captured;
      synchronized (disk.lock) {
        placed = file.placed;
        captured = file.captured;
      }
      long from = placed.length();
      long room = disk.config.segmentBytes() - draft.bytes();
      long bytes = Math.min(captured - from, room);
      if (bytes > 0) {
        Extent extent;
        try {
          extent =
              draft.add(item.getKey(), from, bytes, (target, at) -> read(file, target, from + at));
        } catch (IOException failed) {
          if (wasCut(file, captured)) {
            return false;
          }
          throw failed;
        }
        drawn.put(file, extent);
        placed = placed.with(extent);
      }
      if (placed.length() < captured) {
        send(draft, draft.bytes());
        place(drawn);
        return false;
      }
      facts.put(item.getKey(), sealed(item.getKey(), file, placed));
    }
    // Facts are those of the instant of the capture unless what they speak of was cut since.
    synchronized (disk.lock) {
      for (Map.Entry<String, @Nullable RemoteFile> item : capture.files.entrySet()) {
        RemoteFile file = item.getValue();
        if (file != null
            && Objects.requireNonNull(facts.get(item.getKey())).length() != file.captured) {
          return false;
        }
      }
    }
    return true;
  }

  private boolean wasCut(RemoteFile file, long captured) {
    synchronized (disk.lock) {
      return file.captured < captured;
    }
  }

  private Facts sealed(String path, RemoteFile file, Facts facts) throws IOException {
    if (!path.endsWith(".blk") || facts.isSealed() || facts.length() == 0) {
      return facts;
    }
    try (DiskFile opened = opened(file)) {
      var footer = disk.footers.footer(opened, facts.length());
      return footer.isPresent() ? facts.sealedAt(footer.getAsLong()) : facts;
    }
  }

  /** The local bytes of a captured file, which may be deleted. */
  private DiskFile opened(RemoteFile file) throws IOException {
    synchronized (disk.lock) {
      DiskFile keep = file.ownedKeep;
      if (keep != null) {
        return new Borrowed(keep);
      }
      return file.local ? disk.local.open(file.path) : new Borrowed(disk.reader(file));
    }
  }

  private void read(RemoteFile file, ByteBuffer target, long position) throws IOException {
    try (DiskFile opened = opened(file)) {
      long at = position;
      while (target.hasRemaining()) {
        int count = opened.read(target, at);
        if (count <= 0) {
          throw new IOException(file + " ends before " + (at + target.remaining()));
        }
        at += count;
      }
    }
  }

  /** What went up is where it is, whether or not a root follows. */
  private void place(Map<RemoteFile, Extent> drawn) {
    synchronized (disk.lock) {
      drawn.forEach((file, extent) -> {
        if (file.placed.length() + extent.length() <= file.captured) {
          file.placed = file.placed.with(extent);
        }
      });
    }
  }

  private void send(SegmentDraft draft, long fileBytes) throws IOException {
    draft.finish();
    var segment = new Manifest.Segment(draft.number, draft.epoch, draft.bytes());
    synchronized (disk.lock) {
      unrooted.put(segment.number, segment); // also when it fails: it may have arrived
    }
    disk.objects.put(ObjectClient.segmentName(draft.epoch, draft.number), draft);
    merging.uploaded(fileBytes);
  }

  private void addManifests(
      SegmentDraft draft, Manifest.Change change, Set<Long> leaving, boolean last)
      throws IOException {
    ByteBuffer difference;
    boolean anew;
    synchronized (disk.lock) {
      difference = withSelf(draft, change, disk.names.manifest::difference);
      int bound =
          Math.max(DIFFERENCE_BYTES, disk.names.manifest.directoryBytes() / DIRECTORY_SHARE);
      anew =
          last
              || difference.remaining() > bound
              || disk.names.manifest.directoryIn(leaving)
              || !disk.names.manifest.pagesIn(leaving).isEmpty();
    }
    if (!anew) {
      change.difference = draft.add("//f", difference);
    } else {
      Map<Manifest.Page, ByteBuffer> pages;
      synchronized (disk.lock) {
        pages = disk.names.manifest.pages(disk.names.manifest.toWrite(change, leaving), change);
      }
      var sorted = new ArrayList<>(pages.keySet());
      sorted.sort(Comparator.comparing(Manifest.Page::folder).thenComparingInt(Manifest.Page::row));
      for (Manifest.Page page : sorted) {
        change.pages.put(page, draft.add("//p", Objects.requireNonNull(pages.get(page))));
      }
      ByteBuffer directory;
      synchronized (disk.lock) {
        directory = withSelf(draft, change, disk.names.manifest::directory);
      }
      change.directory = draft.add("//d", directory);
    }
    change.added.add(new Manifest.Segment(draft.number, draft.epoch, draft.bytes()));
  }

  /** A manifest that also names the segment that it will stand in, with its own bytes. */
  private static ByteBuffer withSelf(
      SegmentDraft draft,
      Manifest.Change change,
      java.util.function.Function<Manifest.Change, ByteBuffer> encode) {
    long bytes = 0;
    ByteBuffer encoded = ByteBuffer.allocate(0);
    for (int pass = 0; pass < 2; pass++) {
      var self = new Manifest.Segment(draft.number, draft.epoch, bytes);
      change.added.add(self);
      encoded = encode.apply(change);
      change.added.remove(self);
      bytes = draft.bytes() + encoded.remaining();
    }
    return encoded;
  }

  // ---------------------------------------------------------------- the root

  private void write(Root next, Manifest.Change change, Capture capture, boolean last)
      throws IOException {
    pending = new Pending(next, change, capture);
    try {
      String written =
          root.isEmpty()
              ? disk.objects.putIfAbsent(Root.KEY, next.encode())
              : disk.objects.putIfMatch(Root.KEY, next.encode(), version);
      commit(Objects.requireNonNull(pending), written);
    } catch (ObjectStoreException failed) {
      Pending unknown = Objects.requireNonNull(pending);
      settle();
      if (root.isEmpty() || !root.get().isSameAs(unknown.root())) {
        throw failed;
      }
    }
    if (last) {
      synchronized (disk.lock) {
        boolean nothing = disk.names.changed.isEmpty() && disk.names.changedFolders.isEmpty();
        if (nothing && disk.unsent.bytes() == 0 && disk.log != null) {
          disk.log.append(new LocalLog.Frame.Clean(next.generation()));
          disk.log.sync();
        }
      }
    }
  }

  /** Finds out what became of a root whose outcome is not known. */
  private void settle() throws IOException {
    Pending unknown = pending;
    if (unknown == null) {
      return;
    }
    Optional<ObjectStore.Found> found = disk.objects.get(Root.KEY);
    if (found.isEmpty()) {
      if (root.isPresent()) {
        throw new ObjectStoreException(
            ObjectStoreException.Kind.NOT_FOUND,
            "the root of the store is gone from the object store",
            null);
      }
      pending = null;
      giveBack(unknown.capture());
      return;
    }
    Root there = Root.decode(found.get().content());
    if (there.isSameAs(unknown.root())) {
      commit(unknown, found.get().version());
      return;
    }
    if (root.isPresent() && found.get().version().equals(version)) {
      pending = null;
      giveBack(unknown.capture());
      return;
    }
    pending = null;
    giveBack(unknown.capture());
    if (there.writer().equals(writer) && there.epoch() == epoch) {
      // An earlier try of ours that was given up and has come late: the next root replaces it.
      version = found.get().version();
      return;
    }
    root = Optional.of(there);
    fenced = true;
    requireNotFenced();
  }

  private void commit(Pending done, String written) throws IOException {
    pending = null;
    root = Optional.of(done.root());
    version = written;
    Manifest.Change change = done.change();
    synchronized (disk.lock) {
      disk.names.rooted(change);
      change.added.forEach(segment -> unrooted.remove(segment.number));
      done.capture()
          .files
          .forEach((path, file) -> {
            Facts facts = change.files.get(path);
            if (file != null && facts != null) {
              file.placed = facts.cutTo(file.captured);
              sent(file, Math.min(file.captured, facts.length()), done.capture().atNanos);
            }
          });
      change.files.forEach((path, facts) -> {
        RemoteFile file = disk.names.held(path);
        if (facts != null && file != null && !done.capture().files.containsKey(path)) {
          file.placed = facts.cutTo(file.placed.length()); // merged
        }
      });
      merging.rooted(disk.clock.monotonicNanos());
      LocalLog log = disk.log;
      boolean overtaken = disk.names.changed.isEmpty() && disk.names.changedFolders.isEmpty();
      if (log != null && overtaken) {
        log.overtaken(new LocalLog.Frame.Identity(done.root().generation(), storeId, writer));
      }
    }
    release(done.capture());
  }

  private void sent(RemoteFile file, long length, long atNanos) {
    if (!file.gone && length > file.sent) {
      long bytes = length - file.sent;
      file.sent = length;
      disk.unsent.sent(bytes, atNanos);
    }
  }

  // ---------------------------------------------------------------- rubbish

  /** Deletes segments of earlier epochs that no root speaks of. */
  private void sweep() throws IOException {
    String after = "";
    for (; ; ) {
      List<String> names = disk.objects.list("s/", after);
      for (String name : names) {
        if (isRubbish(name)) {
          disk.objects.delete(name);
        }
      }
      if (names.size() < ObjectStore.LIST_MAX) {
        break;
      }
      after = names.getLast();
    }
    sweepWanted = false;
  }

  private boolean isRubbish(String name) {
    if (!name.matches("s/[0-9a-f]{16}-[0-9a-f]{16}")) {
      return false;
    }
    long itsEpoch = Long.parseUnsignedLong(name.substring(2, 18), 16);
    long number = Long.parseUnsignedLong(name.substring(19), 16);
    synchronized (disk.lock) {
      Manifest.Segment known = disk.names.manifest.segment(number);
      return itsEpoch < epoch && (known == null || known.epoch != itsEpoch);
    }
  }

  UUID randomId() {
    return new UUID(random.nextLong(), random.nextLong());
  }

  // ---------------------------------------------------------------- telling

  RemoteStatus status(long unsentBytes, long unsentMicros) {
    long stored = 0;
    long live = 0;
    int segments = 0;
    synchronized (disk.lock) {
      for (Manifest.Segment segment : disk.names.manifest.segments()) {
        stored += segment.bytes;
        live += segment.live;
        segments++;
      }
    }
    var requests = new HashMap<RemoteStatus.Request, Long>();
    for (RemoteStatus.Request kind : RemoteStatus.Request.values()) {
      requests.put(kind, disk.objects.count(kind));
    }
    Optional<Root> known = root;
    return new RemoteStatus(
        unsentBytes,
        unsentMicros,
        disk.cache.cachedBytes(),
        stored,
        stored - live,
        segments,
        epoch,
        known.map(Root::generation).orElse(0L),
        fenced,
        lastFailure,
        requests,
        disk.objects.sentBytes(),
        disk.objects.receivedBytes());
  }

  /** How long a dead segment stays, in nanoseconds. */
  static long nanos(long millis) {
    return TimeUnit.MILLISECONDS.toNanos(millis);
  }

  /** Numbers of segments, for tests of what is left behind. */
  Set<Long> unrooted() {
    synchronized (disk.lock) {
      return new HashSet<>(unrooted.keySet());
    }
  }
}
