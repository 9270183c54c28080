package io.pannier.store;

import io.pannier.model.Clock;
import io.pannier.store.Backup.KeptBlock;
import io.pannier.store.Backup.KeptText;
import io.pannier.store.Backup.Line;
import io.pannier.store.Backup.OfBucket;
import io.pannier.store.Backup.OfEntry;
import io.pannier.store.Backup.OfStore;
import io.pannier.store.Backup.Piece;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Makes a data folder of a restore point. Until it is whole, the file {@code RESTORING} keeps
 * servers away; repeating a restore that was cut short begins anew ({@code docs/backup.md},
 * "Restoring").
 */
public final class BackupRestore {
  /**
   * What came of it.
   *
   * @param damage pieces of the backup and parts of blocks that are damaged or missing
   */
  public record Report(
      int buckets,
      int entries,
      long blocks,
      long records,
      long bytes,
      int documents,
      List<Verification.Finding> damage) {
    /** Copies the findings. */
    public Report {
      damage = List.copyOf(damage);
    }
  }

  private final BackupFolder folder;
  private final int point;
  private final BackupSelection selection;
  private final Disk target;
  private final Clock clock;
  private final RandomGenerator random;
  private final BackupRun.Progress progress;
  private final Findings findings = new Findings(Verifier.Progress.NONE);
  private final List<OfBucket> buckets = new ArrayList<>();

  private TimeRange range;
  private @Nullable OfStore store;
  private @Nullable BucketBuilder builder;
  private @Nullable OfBucket bucket;
  private int entries;
  private long blocks;
  private long records;
  private long bytes;
  private int documents;
  private long planned;

  private BackupRestore(
      BackupFolder folder,
      int point,
      BackupSelection selection,
      Disk target,
      Clock clock,
      RandomGenerator random,
      BackupRun.Progress progress) {
    this.folder = folder;
    this.point = point;
    this.selection = selection;
    this.target = target;
    this.clock = clock;
    this.random = random;
    this.progress = progress;
    range = selection.range();
  }

  /**
   * Restores into an empty folder, or one in which a restore was cut short.
   *
   * @param selection buckets by their names, without documents then; and times
   * @param target the data folder; the caller closes it
   * @param holder text that names this process in the lock of the folder
   * @throws StoreRefused when the folder holds something
   * @throws BackupDamaged when the restore point cannot be read
   */
  public static Report run(
      BackupFolder folder,
      int point,
      BackupSelection selection,
      Disk target,
      String holder,
      Clock clock,
      RandomGenerator random,
      BackupRun.Progress progress)
      throws IOException {
    return new BackupRestore(folder, point, selection, target, clock, random, progress).run(holder);
  }

  private Report run(String holder) throws IOException {
    FolderLock.take(target, holder);
    requireEmpty();
    // Whatever is wrong with the manifest is known before anything is written.
    var found = new ArrayList<String>();
    folder.read(
        point,
        line -> {
          switch (line) {
            case OfBucket of -> found.add(of.name());
            case KeptBlock block -> planned += block.state().bytes() + block.state().changeBytes();
            case Backup.Within(TimeRange within) -> range = both(range, within);
            default -> {}
          }
        });
    requireFound(selection, found, point);
    clear();
    try (DiskFile mark = target.create(StoreFormat.RESTORING)) {
      mark.sync();
    }
    target.syncFolder("");
    target.makeFolder("b");
    folder.read(point, this::restore);
    endBucket();
    OfStore of = store;
    if (of == null) {
      throw new BackupDamaged("Restore point " + point + " does not say which store it is of");
    }
    journal(of);
    StoreFormat.create(target, of.id(), of.created());
    // Each file was synced; now all names are, and only then the mark goes.
    target.syncAll();
    target.delete(StoreFormat.RESTORING);
    target.syncFolder("");
    return new Report(
        buckets.size(), entries, blocks, records, bytes, documents, findings.result().findings());
  }

  /** Refuses names that the point does not have. */
  static void requireFound(BackupSelection selection, List<String> found, int point) {
    for (String name : selection.buckets()) {
      if (!found.contains(name)) {
        throw new io.pannier.model.PannierException.NotFound(
            "Bucket '" + name + "' is not in restore point " + point);
      }
    }
  }

  /** The times that are in both ranges. */
  static TimeRange both(TimeRange a, TimeRange b) {
    long start = io.pannier.model.Timestamp.max(a.start(), b.start());
    if (!a.bounded() && !b.bounded()) {
      return TimeRange.from(start);
    }
    long stop =
        !a.bounded()
            ? b.stop()
            : !b.bounded() ? a.stop() : io.pannier.model.Timestamp.min(a.stop(), b.stop());
    return TimeRange.of(start, stop);
  }

  private void requireEmpty() throws IOException {
    List<String> names = target.list("");
    if (names.contains(StoreFormat.RESTORING)) {
      return;
    }
    if (names.contains(StoreFormat.FILE) || names.contains(StoreFormat.COPY)) {
      throw new StoreRefused(
          StoreRefused.Reason.FOREIGN,
          "The data folder holds a store. Restore into an empty folder, or single buckets into the"
              + " running server.");
    }
    for (String name : names) {
      if (!StoreFormat.isNoContent(name)) {
        throw new StoreRefused(
            StoreRefused.Reason.FOREIGN,
            "The data folder holds " + name + ". Restore into an empty folder.");
      }
    }
  }

  /** Deletes what a restore has left that was cut short; what begins to make it a store first. */
  private void clear() throws IOException {
    if (!target.exists(StoreFormat.RESTORING)) {
      return;
    }
    target.delete(StoreFormat.FILE);
    target.delete(StoreFormat.COPY);
    for (String name : target.list("")) {
      if (name.equals("b") || name.equals(Documents.FOLDER)) {
        deleteFolder(name);
      } else if (JournalFileName.parse(StoreJournal.PREFIX, name).isPresent()
          || name.startsWith(StoreJournal.PREFIX + "-")) {
        target.delete(name);
      }
    }
    target.syncFolder("");
    target.delete(StoreFormat.RESTORING);
  }

  private void deleteFolder(String path) throws IOException {
    for (String name : target.list(path)) {
      String child = path + "/" + name;
      if (name.indexOf('.') < 0) {
        deleteFolder(child);
      } else {
        target.delete(child);
      }
    }
    target.delete(path);
  }

  private void restore(Line line) throws IOException {
    switch (line) {
      case OfStore of -> store = of;
      case OfBucket of -> {
        endBucket();
        bucket = null;
        if (selection.buckets().isEmpty() || selection.buckets().contains(of.name())) {
          bucket = of;
          buckets.add(of);
          OfStore here = store;
          if (here == null) {
            throw new BackupDamaged("Restore point " + point + " does not begin with its store");
          }
          builder = new BucketBuilder(target, here.id(), of.id(), range, clock, findings);
        }
      }
      case OfEntry entry -> {
        if (builder != null) {
          builder.entry(entry);
          entries++;
        }
      }
      case KeptBlock block -> {
        if (builder != null) {
          restore(builder, block);
        }
      }
      case KeptText text -> {
        if (selection.buckets().isEmpty()) {
          restore(text);
        }
      }
      case Backup.Within _, Backup.Lost _, Backup.End _ -> {
        // The range is known; what was lost is not there.
      }
      case Backup.Text _, Backup.OfBlock _ ->
          throw new BackupDamaged("Restore point " + point + " has lines of a listing");
    }
  }

  private void restore(BucketBuilder into, KeptBlock block) throws IOException {
    List<Piece> pieces = BackupFolder.pieces(block);
    Piece missing = PieceReader.missing(folder, pieces);
    if (missing != null) {
      findings.damage(
          BackupFolder.path(missing),
          folder.problem(missing)
              + "; block "
              + block.state().block()
              + " with "
              + block.state().live()
              + " records is not restored");
      return;
    }
    long before = into.records();
    try (var reader = new PieceReader(folder, pieces, findings)) {
      into.block(block.state(), reader);
    }
    blocks++;
    records += into.records() - before;
    bytes += block.state().bytes() + block.state().changeBytes();
    progress.at(bytes, Math.max(bytes, planned));
  }

  private void restore(KeptText text) throws IOException {
    String problem = folder.problem(text.piece());
    if (!problem.isEmpty()) {
      findings.damage(
          BackupFolder.path(text.piece()),
          problem + "; document '" + text.name() + "' is not restored");
      return;
    }
    Documents.write(
        target,
        java.util.Objects.requireNonNull(store).id(),
        clock.wallMicros(),
        text.name(),
        folder.content(text.piece()));
    documents++;
  }

  private void endBucket() throws IOException {
    BucketBuilder ending = builder;
    OfBucket of = bucket;
    builder = null;
    if (ending != null && of != null) {
      ending.finish(of.nextEntry(), random);
    }
  }

  private void journal(OfStore of) throws IOException {
    try (Journal journal =
        Journal.create(
            target,
            "",
            StoreJournal.PREFIX,
            new Journal.Identity(of.id(), 0),
            random,
            clock,
            StoreJournal.SNAPSHOT_END,
            sink -> {
              int next = of.nextBucket();
              for (OfBucket made : buckets) {
                sink.frame(
                    StoreJournal.BUCKET,
                    StoreJournal.frame(made.id(), made.name(), made.settings()));
                next = Math.max(next, made.id() + 1);
              }
              sink.frame(
                  StoreJournal.SNAPSHOT_END,
                  ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(next).flip());
            })) {
      journal.append(StoreJournal.CLEAN_STOP, ByteBuffer.allocate(0));
      journal.sync();
    }
  }
}
