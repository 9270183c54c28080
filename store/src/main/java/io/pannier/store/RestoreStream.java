package io.pannier.store;

import io.pannier.model.PannierException;
import io.pannier.store.Backup.KeptBlock;
import io.pannier.store.Backup.Line;
import io.pannier.store.Backup.OfBucket;
import io.pannier.store.Backup.OfEntry;
import io.pannier.store.Backup.Piece;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One bucket of a restore point as a running server takes it: lines, and behind those of blocks
 * their bytes with a checksum ({@code docs/backup.md}, "Restoring").
 */
public final class RestoreStream extends InputStream {
  private static final int PIECE = 256 << 10;

  private final BackupFolder folder;
  private final BackupRun.Progress progress;
  private final Findings findings = new Findings(Verifier.Progress.NONE);
  private final List<Line> lines = new ArrayList<>();
  private final Iterator<Line> rest;
  private final TimeRange range;
  private final long planned;
  private final Checksum crc = new Checksum();
  private ByteBuffer ready = ByteBuffer.allocate(0);
  private @Nullable PieceReader ownedReader;
  private long blockLeft;
  private long done;
  private int told;

  private RestoreStream(
      BackupFolder folder, List<Line> lines, TimeRange range, BackupRun.Progress progress) {
    this.folder = folder;
    this.lines.addAll(lines);
    this.range = range;
    this.progress = progress;
    rest = this.lines.iterator();
    planned =
        lines.stream().mapToLong(line -> line instanceof KeptBlock block ? bytes(block) : 0).sum();
    add(Backup.MAGIC);
  }

  /**
   * A bucket of a restore point.
   *
   * @throws PannierException.NotFound when the point has no such bucket
   */
  public static RestoreStream of(
      BackupFolder folder, int point, String bucket, BackupRun.Progress progress)
      throws IOException {
    var lines = new ArrayList<Line>();
    var at =
        new Object() {
          boolean here;
          TimeRange range = TimeRange.all();
        };
    folder.read(
        point,
        line -> {
          switch (line) {
            case OfBucket of -> at.here = of.name().equals(bucket);
            case Backup.Within(TimeRange within) -> at.range = within;
            default -> {}
          }
          if (at.here && !(line instanceof Backup.Lost)) {
            lines.add(line);
          }
        });
    if (lines.isEmpty()) {
      throw new PannierException.NotFound(
          "Bucket '" + bucket + "' is not in restore point " + point);
    }
    return new RestoreStream(folder, lines, at.range, progress);
  }

  /** The times that are in both ranges. */
  public static TimeRange both(TimeRange a, TimeRange b) {
    return BackupRestore.both(a, b);
  }

  /** The times that the point is limited to. */
  public TimeRange range() {
    return range;
  }

  /** What is damaged in the backup, of what was read so far. */
  public List<Verification.Finding> damage() {
    return findings.result().findings();
  }

  private static long bytes(KeptBlock block) {
    return block.state().bytes() + block.state().changeBytes();
  }

  private void add(String line) {
    ready = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
    told++;
  }

  @Override
  public int read() throws IOException {
    var one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int from, int length) throws IOException {
    while (!ready.hasRemaining()) {
      if (!advance()) {
        return -1;
      }
    }
    int some = Math.min(length, ready.remaining());
    ready.get(target, from, some);
    return some;
  }

  private boolean advance() throws IOException {
    PieceReader reader = ownedReader;
    if (reader != null) {
      more(reader);
      return true;
    }
    if (rest.hasNext()) {
      switch (rest.next()) {
        case OfBucket of -> add(Backup.text(of));
        case OfEntry of -> add(Backup.text(of));
        case KeptBlock block -> begin(block);
        default -> {}
      }
      return true;
    }
    if (told > 0) {
      add(Backup.text(new Backup.End(told)));
      told = Integer.MIN_VALUE;
      return true;
    }
    return false;
  }

  private void begin(KeptBlock block) throws IOException {
    List<Piece> pieces = BackupFolder.pieces(block);
    Piece missing = PieceReader.missing(folder, pieces);
    if (missing != null) {
      findings.damage(
          BackupFolder.path(missing),
          folder.problem(missing)
              + "; a block with "
              + block.state().live()
              + " records is not restored");
      return;
    }
    add(Backup.text(new Backup.OfBlock(block.state(), 0, block.tag())));
    ownedReader = new PieceReader(folder, pieces, findings);
    blockLeft = bytes(block);
    crc.reset();
  }

  private void more(PieceReader reader) throws IOException {
    if (blockLeft == 0) {
      ready =
          ByteBuffer.allocate(Integer.BYTES)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putInt(crc.value())
              .flip();
      reader.close();
      ownedReader = null;
      return;
    }
    ByteBuffer piece = ByteBuffer.allocate((int) Math.min(PIECE, blockLeft));
    reader.read(piece);
    piece.flip();
    if (!piece.hasRemaining()) {
      throw new IOException("a piece of the backup ended early");
    }
    crc.add(piece, 0, piece.remaining());
    blockLeft -= piece.remaining();
    done += piece.remaining();
    ready = piece;
    progress.at(done, planned);
  }

  @Override
  public void close() throws IOException {
    PieceReader reader = ownedReader;
    ownedReader = null;
    if (reader != null) {
      reader.close();
    }
  }
}
