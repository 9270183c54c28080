package io.pannier.store;

import io.pannier.store.Backup.KeptBlock;
import io.pannier.store.Backup.Piece;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.ReadOnlyFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** A block of a backup as the file that its pieces make up; it can be read only. */
final class BlockCopy extends ReadOnlyFile {
  private final List<DiskFile> ownedFiles = new ArrayList<>();
  private final long[] ends;

  private BlockCopy(BackupFolder folder, List<Piece> pieces) throws IOException {
    ends = new long[pieces.size()];
    boolean done = false;
    try {
      long sum = 0;
      for (int i = 0; i < ends.length; i++) {
        ownedFiles.add(folder.disk.open(BackupFolder.path(pieces.get(i))));
        sum += pieces.get(i).bytes();
        ends[i] = sum;
      }
      done = true;
    } finally {
      if (!done) {
        close();
      }
    }
  }

  static BlockCopy of(BackupFolder folder, List<Piece> pieces) throws IOException {
    return new BlockCopy(folder, pieces);
  }

  /** Checks a block against itself and what its manifest says of it. */
  static void verify(
      BackupFolder folder, UUID store, int bucket, KeptBlock block, Findings findings) {
    BlockVerifier.Files files =
        path -> {
          boolean isLog = path.endsWith(".chg");
          if (isLog && block.changePieces().isEmpty()) {
            throw new NoSuchFileException(path);
          }
          return of(folder, isLog ? block.changePieces() : block.pieces());
        };
    BlockVerifier.verify(
        new BlockVerifier.Place(
            files, store, bucket, "b/" + bucket + "/" + block.state().entry(), true),
        block.state(),
        findings);
  }

  @Override
  public long size() {
    return ends.length == 0 ? 0 : ends[ends.length - 1];
  }

  @Override
  public int read(ByteBuffer target, long position) throws IOException {
    int total = 0;
    for (int i = 0; i < ends.length && target.hasRemaining(); i++) {
      long begin = i == 0 ? 0 : ends[i - 1];
      long at = position + total;
      if (at < ends[i]) {
        int limit = target.limit();
        int some = (int) Math.min(target.remaining(), ends[i] - at);
        target.limit(target.position() + some);
        int read = ownedFiles.get(i).read(target, at - begin);
        target.limit(limit);
        total += read;
        if (read < some) {
          return total;
        }
      }
    }
    return total;
  }

  @Override
  public void close() throws IOException {
    IOException first = null;
    for (DiskFile file : ownedFiles) {
      try {
        file.close();
      } catch (IOException failed) {
        first = failed;
      }
    }
    if (first != null) {
      throw first;
    }
  }
}
