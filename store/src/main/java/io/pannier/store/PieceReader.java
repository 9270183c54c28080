package io.pannier.store;

import io.pannier.store.Backup.Piece;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads pieces one behind the other and checks each against its digest. What does not match is
 * given all the same, and reported: a block knows itself which of its records are damaged.
 */
final class PieceReader implements AutoCloseable, BucketBuilder.Bytes {
  private final BackupFolder folder;
  private final List<Piece> pieces;
  private final Findings findings;
  private final MessageDigest digest = Snapshot.sha256();
  private int next;
  private @Nullable DiskFile ownedFile;
  private long at;

  PieceReader(BackupFolder folder, List<Piece> pieces, Findings findings) {
    this.folder = folder;
    this.pieces = pieces;
    this.findings = findings;
  }

  /** The first of the pieces that is not there in its length; null when all are. */
  static @Nullable Piece missing(BackupFolder folder, List<Piece> pieces) throws IOException {
    for (Piece piece : pieces) {
      if (!folder.has(piece)) {
        return piece;
      }
    }
    return null;
  }

  @Override
  public void read(ByteBuffer target) throws IOException {
    while (target.hasRemaining()) {
      DiskFile file = ownedFile;
      if (file == null) {
        if (next == pieces.size()) {
          return;
        }
        file = folder.disk.open(BackupFolder.path(pieces.get(next)));
        ownedFile = file;
        at = 0;
      }
      Piece piece = pieces.get(next);
      int from = target.position();
      int limit = target.limit();
      target.limit(from + (int) Math.min(target.remaining(), piece.bytes() - at));
      DiskReads.fill(file, target, at);
      target.limit(limit);
      int read = target.position() - from;
      if (read == 0 && at < piece.bytes()) {
        throw new IOException(BackupFolder.path(piece) + " ends at " + at);
      }
      digest.update(target.duplicate().flip().position(from));
      at += read;
      if (at == piece.bytes()) {
        end(piece);
      }
    }
  }

  private void end(Piece piece) throws IOException {
    if (!HexFormat.of().formatHex(digest.digest()).equals(piece.digest())) {
      findings.damage(BackupFolder.path(piece), "does not match its digest");
    }
    close();
    next++;
  }

  @Override
  public void close() throws IOException {
    DiskFile file = ownedFile;
    ownedFile = null;
    if (file != null) {
      file.close();
    }
  }
}
