package io.pannier.store;

import io.pannier.store.Backup.KeptBlock;
import io.pannier.store.Backup.KeptText;
import io.pannier.store.Backup.Line;
import io.pannier.store.Backup.Piece;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * A folder of restore points ({@code docs/backup.md}). Pieces lie in it under the digest of what
 * they hold and are never changed; a restore point is a manifest that names them, and is there when
 * the manifest has its name. One process at a time.
 */
public final class BackupFolder implements AutoCloseable {
  static final String MARK = "BACKUP";
  static final String PIECES = "pieces";
  static final String POINTS = "points";
  static final String INCOMING = "incoming";

  /** What a backup that was cut short has brought already. */
  static final String PROGRESS = INCOMING + "/progress";

  static final String MISSING = "missing";

  private static final String POINT = ".point";
  private static final String COPY = ".copy";
  private static final String NEW = ".new";
  private static final String MARK_TEXT =
      "Backup of a Pannier store, format 1. See docs/backup.md.\n";

  final Disk disk;

  private BackupFolder(Disk disk) {
    this.disk = disk;
  }

  /**
   * Opens a folder to add to it; an empty one becomes a backup. Owns the disk.
   *
   * @throws StoreRefused when something else is in it, or another process uses it
   */
  public static BackupFolder toWrite(Disk disk) throws IOException {
    boolean done = false;
    try {
      List<String> names = disk.list("");
      if (!names.contains(MARK)) {
        List<String> others =
            names.stream()
                .filter(name ->
                    !Set.of(FolderLock.LOCK, MARK + NEW, "lost+found", ".gitkeep").contains(name))
                .sorted()
                .toList();
        if (!others.isEmpty()) {
          throw new StoreRefused(
              StoreRefused.Reason.FOREIGN,
              "The folder is no backup and holds " + others.getFirst() + ". Give an empty folder.");
        }
      }
      var folder = lock(disk);
      if (!names.contains(MARK)) {
        disk.delete(MARK + NEW);
        try (DiskFile mark = disk.create(MARK + NEW)) {
          mark.append(StandardCharsets.UTF_8.encode(MARK_TEXT));
          mark.sync();
        }
        disk.rename(MARK + NEW, MARK);
      } else {
        folder.checkMark();
      }
      for (String name : List.of(PIECES, POINTS, INCOMING)) {
        disk.makePrivateFolder(name);
      }
      disk.syncFolder("");
      done = true;
      return folder;
    } finally {
      if (!done) {
        disk.close();
      }
    }
  }

  /**
   * Opens a folder to read it; owns the disk.
   *
   * @throws StoreRefused when it is no backup, or another process writes to it
   */
  public static BackupFolder toRead(Disk disk) throws IOException {
    boolean done = false;
    try {
      FolderLock.takeToLook(disk);
      var folder = new BackupFolder(disk);
      folder.checkMark();
      done = true;
      return folder;
    } finally {
      if (!done) {
        disk.close();
      }
    }
  }

  private static BackupFolder lock(Disk disk) throws IOException {
    if (!disk.tryLock(FolderLock.LOCK)) {
      throw new StoreRefused(
          StoreRefused.Reason.IN_USE, "The backup folder is in use by another process.");
    }
    return new BackupFolder(disk);
  }

  private void checkMark() throws IOException {
    String text;
    try (DiskFile mark = disk.open(MARK)) {
      var bytes = ByteBuffer.allocate((int) Math.min(mark.size(), 4096));
      DiskReads.fill(mark, bytes, 0);
      text = StandardCharsets.UTF_8.decode(bytes.flip()).toString();
    } catch (NoSuchFileException missing) {
      throw new StoreRefused(
          StoreRefused.Reason.FOREIGN, "The folder is no backup: it has no file " + MARK + ".");
    }
    // A damaged mark tells nothing of the rest; another format does.
    if (text.matches("(?s)Backup of a Pannier store, format \\d+\\..*")
        && !text.startsWith("Backup of a Pannier store, format 1.")) {
      throw new StoreRefused(
          StoreRefused.Reason.TOO_NEW, "The backup was made by a newer Pannier. Use that one.");
    }
  }

  // ---------------------------------------------------------------- restore points

  /** Numbers of the restore points, ascending. */
  public List<Integer> points() throws IOException {
    var numbers = new TreeSet<Integer>();
    for (String name : disk.exists(POINTS) ? disk.list(POINTS) : List.<String>of()) {
      if (name.matches("\\d{1,9}\\.(point|copy)")) {
        numbers.add(Integer.parseInt(name.substring(0, name.indexOf('.'))));
      }
    }
    return List.copyOf(numbers);
  }

  static String path(int point, boolean copy) {
    return POINTS
        + "/"
        + String.format(java.util.Locale.ROOT, "%06d", point)
        + (copy ? COPY : POINT);
  }

  /** Takes the lines of a manifest, without the first and the last. */
  interface Reader {
    void line(Line line) throws IOException;
  }

  /**
   * Reads a manifest, of which one of two copies must be whole.
   *
   * @throws BackupDamaged when neither is
   */
  void read(int point, Reader reader) throws IOException {
    String whole = null;
    for (boolean copy : new boolean[] {false, true}) {
      if (whole == null && problem(path(point, copy)).isEmpty()) {
        whole = path(point, copy);
      }
    }
    if (whole == null) {
      throw new BackupDamaged(
          "Restore point " + point + " is damaged: neither of its manifests checks");
    }
    try (var lines = lines(whole)) {
      long count = 0;
      for (String text = lines.readLine(); text != null; text = lines.readLine(), count++) {
        if (count == 0) {
          if (!text.equals(Backup.MAGIC)) {
            throw new BackupDamaged(whole + " is of a newer version: " + text);
          }
          continue;
        }
        Line line = Backup.parse(text);
        if (line instanceof Backup.End(long told)) {
          if (told != count) {
            throw new BackupDamaged(whole + " has " + count + " lines, not " + told);
          }
          return;
        }
        reader.line(line);
      }
    }
    throw new BackupDamaged(whole + " has no end");
  }

  /** What is wrong with one copy of a manifest; empty when nothing is. */
  String problem(String path) throws IOException {
    if (!disk.exists(path)) {
      return MISSING;
    }
    try (DiskFile file = disk.open(path)) {
      long sealed = file.size() - SEAL;
      if (sealed <= 0) {
        return "too short";
      }
      var seal = ByteBuffer.allocate(SEAL);
      DiskReads.fill(file, seal, sealed);
      String told = StandardCharsets.US_ASCII.decode(seal.flip()).toString();
      return told.equals(seal(digest(file, sealed))) ? "" : "does not match its digest";
    }
  }

  /** Bytes of the last line of a manifest, which is outside of its own digest. */
  private static final int SEAL = "sha256 ".length() + 64 + 1;

  static String seal(String digest) {
    return "sha256 " + digest + "\n";
  }

  /** Digest of the first bytes of a file. */
  static String digest(DiskFile file, long bytes) throws IOException {
    MessageDigest digest = Snapshot.sha256();
    ByteBuffer piece = ByteBuffer.allocate(512 << 10);
    for (long at = 0; at < bytes; ) {
      piece.clear().limit((int) Math.min(piece.capacity(), bytes - at));
      DiskReads.fill(file, piece, at);
      if (piece.hasRemaining()) {
        throw new IOException("ends at " + (at + piece.position()));
      }
      digest.update(piece.flip());
      at += piece.limit();
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** The lines of a file. */
  BufferedReader lines(String path) throws IOException {
    DiskFile file = disk.open(path);
    return new BufferedReader(
        new InputStreamReader(new FileStream(file), StandardCharsets.UTF_8), 64 << 10);
  }

  /** A file from its beginning to its end. */
  private static final class FileStream extends InputStream {
    private final DiskFile ownedFile;
    private long at;

    FileStream(DiskFile ownedFile) {
      this.ownedFile = ownedFile;
    }

    @Override
    public int read() throws IOException {
      var one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int from, int length) throws IOException {
      if (at >= ownedFile.size()) {
        return -1;
      }
      int some = (int) Math.min(length, ownedFile.size() - at);
      DiskReads.fill(ownedFile, ByteBuffer.wrap(target, from, some), at);
      at += some;
      return some;
    }

    @Override
    public void close() throws IOException {
      ownedFile.close();
    }
  }

  /** Adds lines to a new file. */
  static final class Lines implements AutoCloseable, Consumer<String> {
    private final DiskFile ownedFile;
    private final ByteBuffer buffer = ByteBuffer.allocate(64 << 10);
    private final MessageDigest digest = Snapshot.sha256();
    long count;

    Lines(DiskFile ownedFile) {
      this.ownedFile = ownedFile;
    }

    void add(Line line) throws IOException {
      add(Backup.text(line));
    }

    void add(String line) throws IOException {
      append((line + "\n").getBytes(StandardCharsets.UTF_8));
      count++;
    }

    @Override
    public void accept(String line) {
      try {
        add(line);
      } catch (IOException failed) {
        throw new UncheckedIOException(failed);
      }
    }

    private void append(byte[] bytes) throws IOException {
      digest.update(bytes);
      if (bytes.length > buffer.remaining()) {
        flush();
      }
      if (bytes.length > buffer.capacity()) {
        ownedFile.append(ByteBuffer.wrap(bytes));
      } else {
        buffer.put(bytes);
      }
    }

    private void flush() throws IOException {
      ownedFile.append(buffer.flip());
      buffer.clear();
    }

    /** Ends a manifest. */
    void seal() throws IOException {
      add(new Backup.End(count));
      append(
          BackupFolder.seal(HexFormat.of().formatHex(digest.digest()))
              .getBytes(StandardCharsets.US_ASCII));
    }

    void sync() throws IOException {
      flush();
      ownedFile.sync();
    }

    @Override
    public void close() throws IOException {
      try {
        flush();
      } finally {
        ownedFile.close();
      }
    }
  }

  /**
   * Gives a manifest its name: from here on the restore point is there.
   *
   * @param incoming both copies, synced
   */
  void publish(int point, String incoming, String incomingCopy) throws IOException {
    // What the manifest names must be on the device before it is.
    disk.syncAll();
    disk.rename(incomingCopy, path(point, true));
    disk.rename(incoming, path(point, false));
    disk.syncFolder(POINTS);
  }

  // ---------------------------------------------------------------- pieces

  static String path(Piece piece) {
    return PIECES + "/" + piece.digest().substring(0, 2) + "/" + piece.digest();
  }

  /** Whether the piece is there, in its length. */
  boolean has(Piece piece) throws IOException {
    try (DiskFile file = disk.open(path(piece))) {
      return file.size() == piece.bytes();
    } catch (NoSuchFileException missing) {
      return false;
    }
  }

  /** What is wrong with a piece; empty when nothing is. Reads it. */
  String problem(Piece piece) throws IOException {
    try (DiskFile file = disk.open(path(piece))) {
      if (file.size() != piece.bytes()) {
        return "has " + file.size() + " bytes, not " + piece.bytes();
      }
      return digest(file, file.size()).equals(piece.digest()) ? "" : "does not match its digest";
    } catch (NoSuchFileException missing) {
      return "missing";
    } catch (IOException failed) {
      return "cannot be read: " + failed.getMessage();
    }
  }

  /** The content of a small piece. */
  byte[] content(Piece piece) throws IOException {
    try (DiskFile file = disk.open(path(piece))) {
      var bytes = ByteBuffer.allocate(Math.toIntExact(piece.bytes()));
      DiskReads.fill(file, bytes, 0);
      return bytes.array();
    }
  }

  /** Every piece of a line of a manifest. */
  static List<Piece> pieces(Line line) {
    return switch (line) {
      case KeptBlock block -> {
        var all = new ArrayList<>(block.pieces());
        all.addAll(block.changePieces());
        yield all;
      }
      case KeptText text -> List.of(text.piece());
      case Backup.OfStore _,
          Backup.Within _,
          Backup.Text _,
          Backup.OfBucket _,
          Backup.OfEntry _,
          Backup.OfBlock _,
          Backup.Lost _,
          Backup.End _ ->
          List.of();
    };
  }

  // ---------------------------------------------------------------- what goes

  /**
   * Removes all but the newest restore points, and the pieces that none of those left needs.
   *
   * @param keep how many stay, at least 1
   * @return what was removed
   * @throws BackupDamaged when a point that stays cannot be read: then no piece is removed, for
   *     nobody knows which of them it needs
   */
  public Pruned prune(int keep) throws IOException {
    List<Integer> points = points();
    List<Integer> leaving = points.subList(0, Math.max(0, points.size() - Math.max(1, keep)));
    for (int point : leaving) {
      disk.delete(path(point, false));
      disk.delete(path(point, true));
    }
    disk.syncFolder(POINTS);
    Set<String> needed = new HashSet<>();
    for (int point : points()) {
      read(point, line -> pieces(line).forEach(piece -> needed.add(piece.digest())));
    }
    for (BackupProgress.Known known : BackupProgress.read(this)) {
      pieces(known.block()).forEach(piece -> needed.add(piece.digest()));
    }
    long files = 0;
    long bytes = 0;
    for (String folder : disk.list(PIECES)) {
      for (String name : disk.list(PIECES + "/" + folder)) {
        if (!needed.contains(name)) {
          String path = PIECES + "/" + folder + "/" + name;
          try (DiskFile file = disk.open(path)) {
            bytes += file.size();
          }
          disk.delete(path);
          files++;
        }
      }
    }
    return new Pruned(leaving, files, bytes);
  }

  /**
   * What a pruning removed.
   *
   * @param points numbers of restore points
   * @param files pieces that no point needs any more, and their {@code bytes}
   */
  public record Pruned(List<Integer> points, long files, long bytes) {
    /** Copies the list. */
    public Pruned {
      points = List.copyOf(points);
    }
  }

  @Override
  public void close() throws IOException {
    disk.close();
  }
}
