package io.pannier.store;

import io.pannier.model.PannierException;
import io.pannier.store.Recovery.Replay;
import io.pannier.store.Verification.Kind;
import io.pannier.store.disk.Disk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;

/**
 * Checks a whole data folder without a server: every journal frame, every record with every chunk,
 * every footer, every change, what the journals say of the files, and what else lies there. Reads
 * everything and writes nothing. It reads with the classes of the engine, so it cannot be of
 * another opinion than the server about what is damaged.
 */
public final class Verifier {
  /** Called often; must be quick. */
  public interface Progress {
    /** Says nothing. */
    Progress NONE = (path, done, planned) -> {};

    /**
     * Work goes on.
     *
     * @param path the file in hand
     * @param done bytes read of the bucket in hand
     * @param planned bytes that there are to read of it
     */
    void at(String path, long done, long planned);
  }

  /** Names in the root that are the store's, besides its journal. */
  private static final Set<String> ROOT =
      Set.of(
          StoreFormat.FILE,
          StoreFormat.COPY,
          StoreFormat.FILE + ".new",
          StoreFormat.COPY + ".new",
          FolderLock.LOCK,
          FolderLock.HOLDER,
          FolderLock.HOLDER_NEW,
          "ballast",
          "token",
          "token.copy",
          StoreFormat.RESTORING,
          Documents.FOLDER,
          "b");

  private final Disk disk;
  private final Findings findings;
  private final UUID storeId;

  /** What a store in use knows of its journals beyond what they say. */
  private Map<Integer, Journal.Mark> durable = Map.of();

  private Verifier(Disk disk, Findings findings, UUID storeId) {
    this.disk = disk;
    this.findings = findings;
    this.storeId = storeId;
  }

  /**
   * Checks a data folder that no server uses. Holds the lock of the folder from here on until the
   * disk is closed, so that no server starts meanwhile.
   *
   * @throws StoreRefused when the folder is in use, foreign, too new or too old
   * @throws IOException when it cannot be read at all
   */
  public static Verification run(Disk disk, Progress progress) throws IOException {
    FolderLock.takeToLook(disk);
    return runInUse(disk, progress);
  }

  /**
   * As {@link #run} whether or not a server uses the folder. What it writes meanwhile can look like
   * damage.
   */
  public static Verification runInUse(Disk disk, Progress progress) throws IOException {
    var verifier = new Verifier(disk, new Findings(progress), StoreFormat.read(disk));
    verifier.store();
    return verifier.findings.result();
  }

  private void store() throws IOException {
    StoreFormat.problems(disk)
        .forEach((path, problem) ->
            findings.add(problem.startsWith("missing") ? Kind.NOTE : Kind.DAMAGE, path, problem));
    if (!Journal.exists(disk, "", StoreJournal.PREFIX)) {
      if (disk.exists("b") && !disk.list("b").isEmpty()) {
        findings.damage(StoreJournal.PREFIX, "the journal of the store is missing");
      }
      return;
    }
    var facts = new StoreJournal.Facts();
    boolean usable = journal("", StoreJournal.PREFIX, 0, StoreJournal.SNAPSHOT_END, facts);
    var buckets = new TreeMap<>(facts.buckets);
    for (var bucket : buckets.entrySet()) {
      if (!facts.gone.contains(bucket.getKey())) {
        findings.buckets++;
        bucket(bucket.getKey(), bucket.getValue().name());
      } else if (disk.exists("b/" + bucket.getKey())) {
        findings.add(
            Kind.NOTE,
            "b/" + bucket.getKey(),
            "a removed bucket; the next start goes on with deleting it");
      }
    }
    for (String name : new TreeSet<>(disk.list(""))) {
      if (!ROOT.contains(name) && JournalFileName.parse(StoreJournal.PREFIX, name).isEmpty()) {
        findings.add(Kind.NOTE, name, "not a file of the store");
      }
    }
    if (usable && disk.exists("b")) {
      orphans("b", ids(facts.buckets.keySet(), ""));
    }
    if (disk.exists(StoreFormat.RESTORING)) {
      findings.add(Kind.NOTE, StoreFormat.RESTORING, "a restore into this folder was cut short");
    }
    Documents.verify(disk, storeId, findings);
  }

  /**
   * Checks what a store that is in use has beside blocks: FORMAT, journals, documents. What it
   * writes meanwhile can look like damage.
   *
   * @param durable what of the journals is on the device for sure: by bucket, 0 for that of the
   *     store
   */
  static void frame(Disk disk, UUID storeId, Map<Integer, Journal.Mark> durable, Findings findings)
      throws IOException {
    var verifier = new Verifier(disk, findings, storeId);
    verifier.durable = durable;
    StoreFormat.problems(disk)
        .forEach((path, problem) ->
            findings.add(problem.startsWith("missing") ? Kind.NOTE : Kind.DAMAGE, path, problem));
    verifier.journal("", StoreJournal.PREFIX, 0, StoreJournal.SNAPSHOT_END, (kind, content) -> {});
    for (int id : durable.keySet()) {
      if (id == 0) {
        continue;
      }
      try {
        verifier.journal(
            "b/" + id, Recovery.PREFIX, id, BucketJournal.SNAPSHOT_END, (kind, content) -> {});
      } catch (NoSuchFileException missing) {
        findings.damage("b/" + id, "the journal of the bucket is missing");
      } catch (IOException | PannierException | StoreRefused failed) {
        findings.damage("b/" + id, "the bucket cannot be read: " + failed.getMessage());
      }
    }
    Documents.verify(disk, storeId, findings);
  }

  private void bucket(int id, String name) {
    String folder = "b/" + id;
    try {
      var replay = new Replay();
      if (!journal(folder, Recovery.PREFIX, id, BucketJournal.SNAPSHOT_END, replay)) {
        return;
      }
      findings.plan(replay.entries.values().stream().mapToLong(Verifier::bytes).sum());
      var entries = new TreeMap<>(replay.entries);
      for (var entry : entries.entrySet()) {
        if (!entry.getValue().gone) {
          findings.entries++;
          entry(id, entry.getKey(), entry.getValue(), replay);
        } else if (disk.exists(folder + "/" + entry.getKey())) {
          findings.add(
              Kind.NOTE,
              folder + "/" + entry.getKey(),
              "a removed entry; the next start goes on with deleting it");
        }
      }
      Set<String> known = ids(entries.keySet(), "");
      for (String file : disk.list(folder)) {
        if (JournalFileName.parse(Recovery.PREFIX, file).isPresent()) {
          known.add(file);
        }
      }
      orphans(folder, known);
    } catch (NoSuchFileException missing) {
      findings.damage(folder, "journal of bucket '" + name + "' is missing");
    } catch (IOException | PannierException | StoreRefused failed) {
      findings.damage(folder, "bucket '" + name + "' cannot be read: " + failed.getMessage());
    }
  }

  private static long bytes(Replay.EntryFacts facts) {
    return facts.blocks.stream().mapToLong(state -> state.bytes() + state.changeBytes()).sum();
  }

  private void entry(int bucketId, int id, Replay.EntryFacts facts, Replay replay)
      throws IOException {
    String folder = "b/" + bucketId + "/" + id;
    if (!disk.exists(folder) && facts.blocks.isEmpty()) {
      findings.add(Kind.NOTE, folder, "not there yet; made with its first block");
      return;
    }
    var known = new HashSet<String>();
    for (BlockState state : facts.blocks) {
      known.add(state.block() + ".blk");
      known.add(state.block() + ".chg");
      if ((state.flags() & Block.REWRITE) != 0) {
        findings.add(
            Kind.NOTE,
            folder + "/" + state.block() + ".blk",
            "an unfinished copy of a block; the next start deletes it");
      } else {
        BlockVerifier.verify(
            new BlockVerifier.Place(disk::open, storeId, bucketId, folder, replay.clean),
            state,
            findings);
      }
    }
    Set<String> leaving = new HashSet<>();
    for (BlockState state : replay.unpurged.values()) {
      if (state.entry() == id) {
        leaving.add(state.block() + ".blk");
        leaving.add(state.block() + ".chg");
      }
    }
    if (disk.exists(folder)) {
      for (String file : new TreeSet<>(disk.list(folder))) {
        if (leaving.contains(file)) {
          known.add(file);
          findings.add(
              Kind.NOTE, folder + "/" + file, "of a removed block; the next start deletes it");
        }
      }
      orphans(folder, known);
    }
  }

  private static String message(PannierException error) {
    return Objects.requireNonNullElse(error.getMessage(), "malformed");
  }

  private static Set<String> ids(Set<Integer> ids, String suffix) {
    var names = new HashSet<String>();
    for (int id : ids) {
      names.add(id + suffix);
    }
    return names;
  }

  private void orphans(String folder, Set<String> known) throws IOException {
    for (String name : new TreeSet<>(disk.list(folder))) {
      if (!known.contains(name)) {
        findings.add(Kind.ORPHAN, folder + "/" + name, "belongs to nothing that the journal knows");
      }
    }
  }

  // ---------------------------------------------------------------- journals

  /**
   * Checks both copies of a journal and replays it. False when what it says is not the whole truth.
   */
  private boolean journal(
      String folder, String prefix, int bucketId, int snapshotEnd, Journal.Visitor facts)
      throws IOException {
    var ends = new ArrayList<>(List.of((long) FileHeader.BYTES));
    var lastKind = new int[1];
    JournalReport report;
    try {
      report =
          Journal.inspect(
              disk,
              folder,
              prefix,
              new Journal.Identity(storeId, bucketId),
              snapshotEnd,
              (long offset, int number, int kind, ByteBuffer content) -> {
                ends.add(offset + JournalCopy.frameBytes(content.remaining()));
                lastKind[0] = kind;
                facts.frame(kind, content);
              });
    } catch (PannierException.Damaged malformed) {
      findings.damage(folder.isEmpty() ? prefix : folder + "/" + prefix, message(malformed));
      return false;
    }
    boolean clean =
        lastKind[0] == (bucketId == 0 ? StoreJournal.CLEAN_STOP : BucketJournal.CLEAN_STOP);
    // Bytes in front of this were synced, so nothing but damage explains what is wrong with them.
    Journal.Mark known = durable.get(bucketId);
    int synced =
        known != null && known.generation() == report.generation()
            ? Math.max(known.frames(), report.durable())
            : report.durable();
    long syncedTo = clean ? Long.MAX_VALUE : ends.get(Math.min(synced, ends.size() - 1));
    String path = report.name() + "-" + report.generation();
    if (!report.snapshotWhole()) {
      findings.damage(path, "the snapshot is not complete in either copy");
    }
    if (!report.missing().isEmpty()) {
      findings.damage(
          path,
          "frames " + JournalReport.join(report.missing()) + " are unreadable in both copies");
    }
    if (report.dropped() > 0) {
      findings.add(
          Kind.PAST_LOSS,
          path,
          report.dropped() + " frames behind a hole were never synced; the next start drops them");
    }
    for (JournalReport.Copy copy : report.copies()) {
      journalCopy(report, copy, clean, syncedTo);
    }
    for (String leftover : report.leftovers()) {
      findings.add(Kind.NOTE, leftover, "of another generation; the next start deletes it");
    }
    return !report.isLost();
  }

  private void journalCopy(
      JournalReport report, JournalReport.Copy copy, boolean clean, long syncedTo) {
    findings.read(copy.path(), copy.bytes());
    if (!copy.present()) {
      boolean unfinished = report.leftovers().contains(copy.path() + ".new");
      findings.add(
          unfinished ? Kind.NOTE : Kind.DAMAGE,
          copy.path(),
          "missing; the next start writes a new generation");
      return;
    }
    if (!copy.headerProblem().isEmpty()) {
      findings.damage(copy.path(), copy.headerProblem());
      return;
    }
    int seen = findings.size();
    for (JournalReport.Range range : copy.damaged()) {
      findings.add(
          range.from() < syncedTo ? Kind.DAMAGE : Kind.NOTE,
          copy.path(),
          "bytes " + range + " are damaged");
    }
    if (copy.unpadded() > 0) {
      findings.damage(copy.path(), "padding of " + copy.unpadded() + " frames is not zero");
    }
    if (copy.tornBytes() > 0) {
      long from = copy.bytes() - copy.tornBytes();
      findings.add(
          clean || from < syncedTo ? Kind.DAMAGE : Kind.NOTE,
          copy.path(),
          "torn tail of " + copy.tornBytes() + " bytes from " + from);
    }
    if (seen == findings.size() && copy.frames() < report.frames()) {
      // After a failed sync a copy stays behind by intent, but a clean stop mends that first.
      findings.add(
          clean ? Kind.DAMAGE : Kind.NOTE,
          copy.path(),
          "has "
              + copy.frames()
              + " of "
              + report.frames()
              + " frames; the next start writes a new generation");
    }
  }
}
