package io.pannier.store;

import io.pannier.store.Backup.KeptBlock;
import io.pannier.store.disk.DiskFile;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * What a backup has brought so far, for the next one in case it is cut short: blocks of which all
 * pieces are on the device. A line that does not check ends it.
 */
final class BackupProgress implements AutoCloseable {
  /** Bytes or blocks after which what was brought is made durable. */
  private static final long BYTES = 256L << 20;

  private static final int BLOCKS = 1_000;

  private final BackupFolder folder;
  private final List<String> pending = new ArrayList<>();
  private final DiskFile ownedFile;
  private long bytes;

  /**
   * Goes on from what an earlier backup has brought.
   *
   * @param known what {@link #read} found
   */
  BackupProgress(BackupFolder folder, List<Known> known) throws IOException {
    this.folder = folder;
    String fresh = BackupFolder.PROGRESS + ".new";
    folder.disk.delete(fresh);
    DiskFile file = folder.disk.create(fresh);
    boolean done = false;
    try {
      for (Known block : known) {
        file.append(StandardCharsets.UTF_8.encode(line(block)));
      }
      file.sync();
      folder.disk.rename(fresh, BackupFolder.PROGRESS);
      folder.disk.syncFolder(BackupFolder.INCOMING);
      done = true;
    } finally {
      if (!done) {
        file.close();
      }
    }
    ownedFile = file;
  }

  private static String line(Known known) {
    String text = known.store() + " " + known.bucket() + " " + Backup.text(known.block());
    return text + " " + check(text) + "\n";
  }

  /** A block was brought, with so many new bytes. */
  void add(Known block, long newBytes) throws IOException {
    pending.add(line(block));
    bytes += newBytes;
    if (bytes >= BYTES || pending.size() >= BLOCKS) {
      folder.disk.syncAll();
      ownedFile.append(StandardCharsets.UTF_8.encode(String.join("", pending)));
      ownedFile.sync();
      pending.clear();
      bytes = 0;
    }
  }

  /** The restore point is there: nothing needs to be known beside it. */
  void finish() throws IOException {
    ownedFile.close();
    folder.disk.delete(BackupFolder.PROGRESS);
  }

  @Override
  public void close() throws IOException {
    ownedFile.close();
  }

  private static String check(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return Integer.toHexString(Checksum.of(java.nio.ByteBuffer.wrap(bytes), 0, bytes.length));
  }

  /** What a known block belongs to. */
  record Known(UUID store, int bucket, KeptBlock block) {}

  /** The blocks that an earlier backup brought. */
  static List<Known> read(BackupFolder folder) throws IOException {
    var known = new ArrayList<Known>();
    try (BufferedReader lines = folder.lines(BackupFolder.PROGRESS)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        int end = line.lastIndexOf(' ');
        if (end < 0 || !line.substring(end + 1).equals(check(line.substring(0, end)))) {
          break;
        }
        String[] parts = line.substring(0, end).split(" ", 3);
        if (Backup.parse(parts[2]) instanceof KeptBlock block) {
          known.add(new Known(UUID.fromString(parts[0]), Integer.parseInt(parts[1]), block));
        }
      }
    } catch (NoSuchFileException none) {
      return List.of();
    }
    return known;
  }
}
