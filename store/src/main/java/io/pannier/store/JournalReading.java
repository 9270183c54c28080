package io.pannier.store;

import io.pannier.model.PannierException;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The newest generation of a journal, read. Both copies were written with the same bytes, so the
 * frame with a number starts at the same offset in both: the reader goes along one offset, takes
 * the frame from the first copy that has it, and looks into the second copy only where the first
 * has none.
 */
final class JournalReading implements AutoCloseable {
  /** Takes what is replayed. */
  interface FrameVisitor {
    void frame(long offset, int number, int kind, ByteBuffer content);
  }

  static final int COPIES = 2;

  /** One of the two files. */
  private static final class Side {
    final String path;
    @Nullable DiskFile ownedFile;
    @Nullable JournalCopy copy;
    String headerProblem = "";

    Side(String path) {
      this.path = path;
    }
  }

  private final Disk disk;
  private final String folder;
  private final String prefix;
  private final Journal.Identity identity;
  private final List<JournalFileName> names;
  private final int generation;
  private final List<Side> sides = new ArrayList<>(COPIES);
  private boolean salted;
  private long salt;

  // What the replay found
  private int frames;
  private long end = FileHeader.BYTES;
  private int durable;
  private long snapshotEnd;
  private boolean firstHasAll = true;
  private boolean unpadded;
  private int dropped;
  private final List<JournalReport.Range> missing = new ArrayList<>();

  private JournalReading(Disk disk, String folder, String prefix, Journal.Identity identity)
      throws IOException {
    this.disk = disk;
    this.folder = folder;
    this.prefix = prefix;
    this.identity = identity;
    names = JournalFileName.in(disk.list(folder), prefix);
    generation = JournalFileName.newest(names);
  }

  /**
   * Opens the files of the highest generation that has a complete name. There is no falling back to
   * an older one: a generation gets its name when all of it is durable, and from then on it alone
   * is current.
   *
   * @throws NoSuchFileException when there is none
   * @throws StoreRefused when another version wrote it
   */
  static JournalReading open(
      Disk disk, String folder, String prefix, Journal.Identity identity, boolean toWrite)
      throws IOException {
    var reading = new JournalReading(disk, folder, prefix, identity);
    if (reading.generation == 0) {
      throw new NoSuchFileException(reading.name());
    }
    try {
      reading.openFiles(toWrite);
      return reading;
    } catch (Throwable failure) {
      reading.close();
      throw failure;
    }
  }

  private void openFiles(boolean toWrite) throws IOException {
    for (int i = 0; i < COPIES; i++) {
      var side = new Side(new JournalFileName(prefix, generation, i, true).path(folder));
      sides.add(side);
      try {
        side.ownedFile = disk.open(side.path);
      } catch (NoSuchFileException _) {
        side.headerProblem = "missing";
      }
    }
    IOException unreadable = null;
    for (Side side : sides) {
      DiskFile file = side.ownedFile;
      if (file != null) {
        try {
          readHeader(side, file, toWrite);
        } catch (IOException e) {
          unreadable = e;
          side.headerProblem = "the header cannot be read: " + e.getMessage();
        }
      }
    }
    if (!salted && unreadable != null) {
      throw unreadable;
    }
    for (Side side : sides) {
      DiskFile file = side.ownedFile;
      if (salted && file != null) {
        side.copy = new JournalCopy(file, salt);
      }
    }
  }

  private void readHeader(Side side, DiskFile file, boolean toWrite) throws IOException {
    var bytes = ByteBuffer.allocate(FileHeader.BYTES);
    DiskReads.fill(file, bytes, 0);
    bytes.flip();
    try {
      FileHeader header = toWrite ? FileHeader.parse(bytes) : FileHeader.parseForReading(bytes);
      if (header.kind() != FileHeader.Kind.JOURNAL
          || !header.storeId().equals(identity.storeId())
          || header.bucketId() != identity.bucketId()
          || header.blockId() != generation) {
        side.headerProblem = "the header is that of another file";
      } else if (!salted) {
        salted = true;
        salt = header.salt();
      } else if (salt != header.salt()) {
        side.headerProblem = "the salt is not that of the other copy";
      }
    } catch (FileHeader.Corrupt corrupt) {
      side.headerProblem = "the header is damaged: " + corrupt.getMessage();
    } catch (FileHeader.TooNew tooNew) {
      throw new StoreRefused(
          StoreRefused.Reason.TOO_NEW,
          side.path + " was written by a newer Pannier (" + tooNew.getMessage() + ").");
    } catch (FileHeader.TooOld tooOld) {
      throw new StoreRefused(
          StoreRefused.Reason.TOO_OLD,
          side.path + " was written by an older Pannier (" + tooOld.getMessage() + ").");
    }
  }

  /**
   * Shows all frames up to the end or the first hole, once.
   *
   * @throws IOException when the device did not give a part without which the end cannot be told
   *     from a hole
   */
  void replay(int snapshotEndKind, FrameVisitor visitor) throws IOException {
    JournalCopy first = sides.getFirst().copy;
    JournalCopy second = sides.getLast().copy;
    firstHasAll = first != null;
    while (true) {
      JournalCopy copy;
      if (first != null && isNext(first)) {
        copy = first;
      } else if (second != null && isNext(second)) {
        copy = second;
        firstHasAll = false;
      } else {
        break;
      }
      show(copy, visitor);
      durable = Math.max(durable, copy.durable());
      unpadded |= !copy.padded();
      end = copy.frameEnd();
      frames++;
      if (copy.kind() == snapshotEndKind && snapshotEnd == 0) {
        snapshotEnd = end;
        durable = Math.max(durable, frames);
      }
    }
    lookBehind(snapshotEndKind);
    IOException failure = failure();
    if (failure != null && (isTorn() || isDamaged())) {
      throw failure;
    }
  }

  /** Shows a frame. One that checks and yet makes no sense is damage like one that does not. */
  private void show(JournalCopy copy, FrameVisitor visitor) {
    try {
      visitor.frame(end, frames, copy.kind(), copy.content());
    } catch (PannierException told) {
      throw told;
    } catch (RuntimeException malformed) {
      throw new PannierException.Damaged(
          name() + "-" + generation + ": frame " + frames + " is malformed: " + malformed);
    }
  }

  private boolean isNext(JournalCopy copy) {
    return copy.frameAt(end) && copy.number() == frames;
  }

  /**
   * Looks at what stands behind the last frame. Frames behind a hole are dropped when a power loss
   * may have made the hole; when it was synced, it is damage.
   */
  private void lookBehind(int snapshotEndKind) {
    // Not by a bit for each number: a number may be anything.
    var seen = new TreeSet<Integer>();
    boolean snapshotEndSeen = false;
    for (Side side : sides) {
      JournalCopy copy = side.copy;
      if (copy == null || copy.size() <= end) {
        continue;
      }
      long from = end;
      int numberMin = frames;
      while (copy.frameFrom(from, numberMin)) {
        seen.add(copy.number());
        durable = Math.max(durable, copy.durable());
        snapshotEndSeen |= copy.kind() == snapshotEndKind;
        from = copy.frameEnd();
        numberMin = copy.number() + 1;
      }
    }
    boolean synced = durable > frames || (snapshotEnd == 0 && snapshotEndSeen);
    if (!synced) {
      dropped = seen.size();
      return;
    }
    long next = frames;
    for (int number : seen) {
      if (number > next) {
        missing.add(new JournalReport.Range(next, number - 1L));
      }
      next = number + 1L;
    }
    if (durable > next) {
      missing.add(new JournalReport.Range(next, durable - 1L));
    }
  }

  private @Nullable IOException failure() {
    for (Side side : sides) {
      JournalCopy copy = side.copy;
      if (copy != null && copy.failure() != null) {
        return copy.failure();
      }
    }
    return null;
  }

  /** Path without generation and copy. */
  String name() {
    return folder.isEmpty() ? prefix : folder + "/" + prefix;
  }

  int generation() {
    return generation;
  }

  long salt() {
    return salt;
  }

  int frames() {
    return frames;
  }

  int durable() {
    return durable;
  }

  /** Where the next frame would stand. */
  long end() {
    return end;
  }

  /** Where the snapshot ends, 0 when it does not. */
  long snapshotEnd() {
    return snapshotEnd;
  }

  /** Frames behind a hole that a power loss may leave. */
  int dropped() {
    return dropped;
  }

  String path(int i) {
    return sides.get(i).path;
  }

  /** The file of a copy, whose owner is the caller from then on; null when there is none. */
  @Nullable DiskFile takeFile(int i) {
    Side side = sides.get(i);
    DiskFile file = side.ownedFile;
    side.ownedFile = null;
    return file;
  }

  /** Whether bytes stand behind the last frame that is replayed. */
  boolean isTorn() {
    for (Side side : sides) {
      JournalCopy copy = side.copy;
      if (copy != null && copy.size() > end) {
        return true;
      }
    }
    return false;
  }

  boolean isDamaged() {
    return !salted || snapshotEnd == 0 || !missing.isEmpty();
  }

  /** Says what is gone for good, if something is. */
  void requireUndamaged() {
    String journal = name() + "-" + generation;
    if (!salted) {
      throw new PannierException.Damaged(
          "journal " + journal + ": the headers of both copies are unreadable");
    }
    if (!missing.isEmpty()) {
      throw new PannierException.Damaged(
          "journal "
              + journal
              + ": frames "
              + JournalReport.join(missing)
              + " are unreadable in both copies");
    }
    if (snapshotEnd == 0) {
      throw new PannierException.Damaged(
          "journal " + journal + ": the snapshot is unreadable from frame " + frames + " on");
    }
  }

  /**
   * Whether frames may be appended to this copy. It must hold every frame that was replayed and
   * nothing else, and the other copy must not be longer: its remains could pass for frames that are
   * still to come. The second copy is not read when the first has all; then its length speaks for
   * it.
   */
  boolean isWhole(int i) {
    Side side = sides.get(i);
    JournalCopy copy = side.copy;
    if (copy == null || copy.size() != end || isTorn() || !side.headerProblem.isEmpty()) {
      return false;
    }
    return i == 0 ? firstHasAll && !unpadded : isWhole(0) || hasAll(copy);
  }

  private boolean hasAll(JournalCopy copy) {
    long at = FileHeader.BYTES;
    int number = 0;
    while (copy.frameAt(at) && copy.number() == number && copy.padded()) {
      at = copy.frameEnd();
      number++;
    }
    return at == end && number == frames;
  }

  /** Sentences about what is not as a running server leaves it. */
  List<String> findings() {
    var findings = new ArrayList<String>();
    for (int i = 0; i < COPIES; i++) {
      Side side = sides.get(i);
      if (!side.headerProblem.isEmpty()) {
        findings.add(side.path + ": " + side.headerProblem);
      } else if (!isWhole(i)) {
        JournalCopy copy = side.copy;
        long size = copy == null ? 0 : copy.size();
        findings.add(
            side.path
                + ": "
                + (size < end
                    ? "ends at " + size + " of " + end + " bytes"
                    : size > end
                        ? "torn tail of " + (size - end) + " bytes"
                        : isTorn() ? "the other copy has a torn tail" : "damaged"));
      }
    }
    if (dropped > 0) {
      findings.add(
          name()
              + "-"
              + generation
              + ": "
              + dropped
              + " frames behind a hole were never synced and are dropped");
    }
    return findings;
  }

  /** Looks at each copy alone, after a replay. */
  JournalReport report() {
    var reports = new ArrayList<JournalReport.Copy>();
    for (Side side : sides) {
      reports.add(report(side));
    }
    var leftovers = new ArrayList<String>();
    for (JournalFileName name : names) {
      if (!name.complete() || name.generation() != generation) {
        leftovers.add(name.path(folder));
      }
    }
    leftovers.sort(null);
    return new JournalReport(
        name(),
        generation,
        frames,
        durable,
        snapshotEnd != 0,
        missing,
        dropped,
        reports,
        leftovers);
  }

  private static JournalReport.Copy report(Side side) {
    DiskFile file = side.ownedFile;
    JournalCopy copy = side.copy;
    if (file == null || copy == null) {
      return new JournalReport.Copy(
          side.path,
          file != null,
          side.headerProblem,
          file == null ? 0 : file.size(),
          0,
          List.of(),
          0,
          0,
          0);
    }
    var damaged = new ArrayList<JournalReport.Range>();
    var digest = new Checksum();
    int count = 0;
    int badPadding = 0;
    long at = FileHeader.BYTES;
    int numberMin = 0;
    while (copy.frameFrom(at, numberMin)) {
      if (copy.frameStart() > at) { // tidy: offsets in a file
        damaged.add(new JournalReport.Range(at, copy.frameStart() - 1));
      }
      count++;
      badPadding += copy.padded() ? 0 : 1;
      digest.add(copy.crc());
      at = copy.frameEnd();
      numberMin = copy.number() + 1;
    }
    return new JournalReport.Copy(
        side.path,
        true,
        side.headerProblem,
        copy.size(),
        count,
        damaged,
        Math.max(0, copy.size() - at),
        badPadding,
        digest.value());
  }

  /** Closes the files that were not taken. */
  @Override
  public void close() throws IOException {
    IOException failure = null;
    for (int i = 0; i < sides.size(); i++) {
      DiskFile file = takeFile(i);
      if (file != null) {
        try {
          file.close();
        } catch (IOException e) {
          failure = e;
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
