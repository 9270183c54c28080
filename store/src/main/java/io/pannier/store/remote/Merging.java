package io.pannier.store.remote;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Wins back what is dead in segments, and makes few of many small ones ({@code docs/s3.md},
 * "Merging"). Belongs to the thread that uploads.
 */
final class Merging {
  private static final long SMALL_BYTES = 1 << 20;
  private static final int SMALL_MIN = 32;

  /** Most live bytes that one upload copies. */
  private static final long COPY_BYTES_MAX = 32 << 20;

  private static final int UPLOADED_SHARE = 10;
  private static final long COPIED_FREE = 16 << 20;

  private final RemoteDisk disk;

  /** Segments with bytes that could not be read: they stay as they are. */
  private final Set<Long> spoilt = new HashSet<>();

  private long uploaded;
  private long copied;

  Merging(RemoteDisk disk) {
    this.disk = disk;
  }

  /** Bytes of files went up. */
  void uploaded(long bytes) {
    uploaded += bytes;
  }

  /** Segments that the next root had better not need any more. */
  Set<Long> choose() {
    long budget = Math.min(COPY_BYTES_MAX, uploaded / UPLOADED_SHARE + COPIED_FREE - copied);
    var chosen = new HashSet<Long>();
    var small = new ArrayList<Manifest.Segment>();
    synchronized (disk.lock) {
      for (Manifest.Segment segment : disk.names.manifest.segments()) {
        if (segment.live <= 0 || spoilt.contains(segment.number)) {
          continue;
        }
        if (segment.bytes < SMALL_BYTES) {
          small.add(segment);
        } else if (2 * segment.live < segment.bytes && segment.live <= budget) {
          chosen.add(segment.number);
          budget -= segment.live;
        }
      }
      if (small.size() >= SMALL_MIN) {
        for (Manifest.Segment segment : small) {
          if (segment.live <= budget) {
            chosen.add(segment.number);
            budget -= segment.live;
          }
        }
      }
    }
    return chosen;
  }

  /** Segments in which nothing has lived for so long that no reader looks there any more. */
  List<Manifest.Segment> dead() {
    var due = new ArrayList<Manifest.Segment>();
    long now = disk.clock.monotonicNanos();
    synchronized (disk.lock) {
      for (Manifest.Segment segment : disk.names.manifest.segments()) {
        if (segment.dead
            && now - segment.deadSinceNanos >= Uploads.nanos(disk.config.graceMillis())) {
          due.add(segment);
        }
      }
    }
    return due;
  }

  /** Under the lock of the disk: a root was written; notes what died with it. */
  void rooted(long now) {
    for (Manifest.Segment segment : disk.names.manifest.segments()) {
      if (segment.live > 0) {
        segment.dead = false;
      } else if (!segment.dead) {
        segment.dead = true;
        segment.deadSinceNanos = now;
      }
    }
  }

  /** Copies what lives in these segments into the draft, and changes the facts of its files. */
  void copy(Set<Long> leaving, SegmentDraft draft, Manifest.Change change) throws IOException {
    if (leaving.isEmpty()) {
      return;
    }
    var touched = new TreeMap<String, Facts>();
    synchronized (disk.lock) {
      for (String folder : disk.names.manifest.folders()) {
        for (String name : disk.names.manifest.names(folder)) {
          String path = Manifest.path(folder, name);
          Facts facts =
              change.files.containsKey(path)
                  ? change.files.get(path)
                  : disk.names.manifest.facts(path);
          if (facts != null && facts.all().stream().anyMatch(e -> leaving.contains(e.segment()))) {
            touched.put(path, facts);
          }
        }
      }
    }
    for (Map.Entry<String, Facts> file : touched.entrySet()) {
      Facts moved = copy(file.getKey(), file.getValue(), leaving, draft);
      change.files.put(file.getKey(), moved);
    }
  }

  private Facts copy(String path, Facts facts, Set<Long> leaving, SegmentDraft draft)
      throws IOException {
    Facts moved = facts;
    long position = 0;
    int next = 0;
    List<Extent> all = facts.all();
    while (next < all.size()) {
      Extent extent = all.get(next);
      if (!leaving.contains(extent.segment())) {
        position += extent.length();
        next++;
        continue;
      }
      long from = position;
      var run = new ArrayList<Extent>();
      while (next < all.size() && leaving.contains(all.get(next).segment())) {
        run.add(all.get(next));
        position += all.get(next).length();
        next++;
      }
      moved = moved.moved(from, copy(path, from, position - from, run, draft));
    }
    return moved;
  }

  private Extent copy(String path, long from, long length, List<Extent> run, SegmentDraft draft)
      throws IOException {
    // At most what choose allows for all of them.
    ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(length));
    var epochs = new HashMap<Extent, Long>();
    synchronized (disk.lock) {
      for (Extent extent : run) {
        epochs.put(extent, disk.epochOf(extent.segment()));
      }
    }
    for (Extent extent : run) {
      try {
        bytes.put(disk.objects.read(epochs.getOrDefault(extent, 0L), extent));
      } catch (ObjectStoreException failed) {
        if (failed.kind() == ObjectStoreException.Kind.DAMAGED
            || failed.kind() == ObjectStoreException.Kind.NOT_FOUND) {
          spoilt.add(extent.segment()); // the next upload leaves it alone
        }
        throw failed;
      }
    }
    bytes.flip();
    copied += length;
    return draft.add(
        path, from, length, (target, at) -> target.put(bytes.slice((int) at, target.remaining())));
  }
}
