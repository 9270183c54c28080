package io.pannier.store;

import io.pannier.store.Backup.KeptBlock;
import io.pannier.store.Backup.KeptText;
import io.pannier.store.Backup.OfBucket;
import io.pannier.store.Backup.OfEntry;
import io.pannier.store.Backup.OfStore;
import io.pannier.store.Backup.Piece;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/** Looks at a backup: what its restore points are, and whether everything in it is as it was. */
public final class BackupCheck {
  /**
   * A restore point.
   *
   * @param taken when the snapshot was begun, µs by the clock of the store
   * @param range times that it is limited to
   * @param lostBlocks blocks that went while it was made
   * @param problem why it cannot be restored; empty when it can, as far as its manifest goes
   */
  public record Point(
      int number,
      long taken,
      List<String> buckets,
      TimeRange range,
      long blocks,
      long records,
      long bytes,
      long lostBlocks,
      String problem) {
    /** Copies the names. */
    public Point {
      buckets = List.copyOf(buckets);
    }
  }

  private BackupCheck() {}

  /** All restore points, the oldest first. */
  public static List<Point> points(BackupFolder folder) throws IOException {
    var points = new ArrayList<Point>();
    for (int number : folder.points()) {
      points.add(point(folder, number));
    }
    return points;
  }

  private static Point point(BackupFolder folder, int number) throws IOException {
    var sums =
        new Object() {
          long taken;
          final List<String> buckets = new ArrayList<>();
          TimeRange range = TimeRange.all();
          long blocks;
          long records;
          long bytes;
          long lost;
        };
    String problem = "";
    try {
      folder.read(
          number,
          line -> {
            switch (line) {
              case OfStore of -> sums.taken = of.taken();
              case Backup.Within(TimeRange within) -> sums.range = within;
              case OfBucket of -> sums.buckets.add(of.name());
              case KeptBlock block -> {
                sums.blocks++;
                sums.records += block.state().live();
                sums.bytes += block.state().bytes() + block.state().changeBytes();
              }
              case Backup.Lost _ -> sums.lost++;
              default -> {}
            }
          });
    } catch (BackupDamaged damaged) {
      problem = String.valueOf(damaged.getMessage());
    }
    return new Point(
        number,
        sums.taken,
        sums.buckets,
        sums.range,
        sums.blocks,
        sums.records,
        sums.bytes,
        sums.lost,
        problem);
  }

  /**
   * Checks both copies of every manifest, every piece against its digest, and every block of the
   * newest point against itself.
   */
  public static Verification verify(BackupFolder folder, BackupRun.Progress progress)
      throws IOException {
    var findings = new Findings(Verifier.Progress.NONE);
    var pieces = new HashMap<String, Piece>();
    Map<String, Set<Integer>> users = new HashMap<>();
    List<Integer> points = folder.points();
    for (int number : points) {
      for (boolean copy : new boolean[] {false, true}) {
        String path = BackupFolder.path(number, copy);
        String problem = folder.problem(path);
        if (!problem.isEmpty()) {
          boolean isCut =
              problem.equals(BackupFolder.MISSING)
                  && folder.problem(BackupFolder.path(number, !copy)).isEmpty();
          findings.add(
              isCut ? Verification.Kind.NOTE : Verification.Kind.DAMAGE,
              path,
              problem + "; the next backup writes it again if the other copy is whole");
        }
      }
      try {
        folder.read(
            number,
            line ->
                BackupFolder.pieces(line)
                    .forEach(piece -> {
                      pieces.put(piece.digest(), piece);
                      users.computeIfAbsent(piece.digest(), _ -> new HashSet<>()).add(number);
                    }));
      } catch (BackupDamaged damaged) {
        findings.damage(BackupFolder.path(number, false), String.valueOf(damaged.getMessage()));
      }
    }
    long planned = pieces.values().stream().mapToLong(Piece::bytes).sum();
    long done = 0;
    var bad = new HashSet<String>();
    for (Piece piece : pieces.values()) {
      String problem = folder.problem(piece);
      if (!problem.isEmpty()) {
        bad.add(piece.digest());
        findings.damage(
            BackupFolder.path(piece),
            problem + "; needed by restore points " + users.get(piece.digest()));
      }
      done += piece.bytes();
      findings.bytes += piece.bytes();
      progress.at(done, planned);
    }
    orphans(folder, pieces.keySet(), findings);
    if (!points.isEmpty()) {
      blocks(folder, points.getLast(), bad, findings);
    }
    return findings.result();
  }

  private static void orphans(BackupFolder folder, Set<String> needed, Findings findings)
      throws IOException {
    if (!folder.disk.exists(BackupFolder.PIECES)) {
      return;
    }
    for (String parent : folder.disk.list(BackupFolder.PIECES)) {
      for (String name : folder.disk.list(BackupFolder.PIECES + "/" + parent)) {
        if (!needed.contains(name)) {
          findings.add(
              Verification.Kind.ORPHAN,
              BackupFolder.PIECES + "/" + parent + "/" + name,
              "no restore point needs it; pruning deletes it");
        }
      }
    }
  }

  /** Damage in blocks whose pieces are whole was copied from the store. */
  private static void blocks(BackupFolder folder, int point, Set<String> bad, Findings findings)
      throws IOException {
    var at =
        new Object() {
          UUID store = new UUID(0, 0);
          int bucket;
        };
    try {
      folder.read(
          point,
          line -> {
            switch (line) {
              case OfStore of -> at.store = of.id();
              case OfBucket of -> {
                at.bucket = of.id();
                findings.buckets++;
              }
              case OfEntry _ -> findings.entries++;
              case KeptBlock block -> {
                boolean isWhole =
                    BackupFolder.pieces(block).stream()
                        .noneMatch(piece -> bad.contains(piece.digest()));
                if (isWhole) {
                  long before = findings.bytes;
                  BlockCopy.verify(folder, at.store, at.bucket, block, findings);
                  findings.bytes = before;
                }
              }
              case KeptText _,
                  Backup.Within _,
                  Backup.Lost _,
                  Backup.End _,
                  Backup.Text _,
                  Backup.OfBlock _ -> {}
            }
          });
    } catch (BackupDamaged damaged) {
      // Told already.
      assert damaged != null;
    }
  }
}
