package io.pannier.store;

import io.pannier.model.PannierException;
import io.pannier.store.Backup.KeptBlock;
import io.pannier.store.Backup.Line;
import io.pannier.store.Backup.OfBlock;
import io.pannier.store.Backup.Piece;
import io.pannier.store.disk.DiskFile;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Adds one restore point to a backup: what the folder has already is not asked for again. */
public final class BackupRun {
  /**
   * Called often; must be quick; may wait, which slows the backup down, or throw, which ends it.
   */
  public interface Progress {
    /** Says nothing. */
    Progress NONE = (done, planned) -> {};

    /**
     * Bytes came.
     *
     * @param done bytes so far
     * @param planned bytes in all
     */
    void at(long done, long planned);

    /** The way to the store broke, so many times in a row; it is tried again after this call. */
    default void broken(int times) {}
  }

  /**
   * What came of it.
   *
   * @param point number of the restore point
   * @param taken when the snapshot was begun, µs by the clock of the store
   * @param fetchedBytes bytes of blocks that were asked for; {@code reusedBytes} those that the
   *     folder had
   * @param fetchedBlocks blocks of which something was asked for
   * @param lostBlocks blocks that were evicted or removed before they were copied, and {@code
   *     lostRecords} the records in them
   * @param damage what is damaged in the store, and so in the copy
   */
  public record Report(
      int point,
      long taken,
      int buckets,
      int entries,
      long blocks,
      long records,
      long fetchedBlocks,
      long fetchedBytes,
      long reusedBytes,
      long lostBlocks,
      long lostRecords,
      List<Verification.Finding> damage) {
    /** Copies the findings. */
    public Report {
      damage = List.copyOf(damage);
    }
  }

  private static final String LISTING = BackupFolder.INCOMING + "/listing";
  private static final String DATA = BackupFolder.INCOMING + "/piece";
  private static final String MANIFEST = BackupFolder.INCOMING + "/manifest";
  private static final int BUFFER = 512 << 10;

  /** How often a block is asked for before the run ends. */
  private static final int ATTEMPTS_MAX = 5;

  /** More pieces than that are not worth the bytes they save: the block is copied anew. */
  private static final int PIECES_MAX = 32;

  /** What makes two files of blocks the same file. */
  private record Key(UUID store, int bucket, int entry, int block, String tag) {}

  private final BackupFolder folder;
  private final BackupSource source;
  private final Progress progress;
  private final Map<Key, KeptBlock> known = new HashMap<>();

  /** Digests of pieces that are on the device for sure. */
  private final Set<String> settled = new HashSet<>();

  private final Set<String> pieceFolders = new HashSet<>();
  private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
  private final Findings findings = new Findings(Verifier.Progress.NONE);

  private UUID store = new UUID(0, 0);
  private long taken;
  private int bucket;
  private int buckets;
  private int entries;
  private long blocks;
  private long records;
  private long fetchedBlocks;
  private long fetchedBytes;
  private long reusedBytes;
  private long lostBlocks;
  private long lostRecords;
  private long planned;
  private long done;

  private BackupRun(BackupFolder folder, BackupSource source, Progress progress) {
    this.folder = folder;
    this.source = source;
    this.progress = progress;
  }

  /**
   * Adds a restore point. When this throws, there is none, and what was brought is kept for the
   * next run.
   *
   * @throws PannierException when the store refuses
   * @throws IOException when the store cannot be asked, or the folder not written
   */
  public static Report run(BackupFolder folder, BackupSource source, Progress progress)
      throws IOException {
    return new BackupRun(folder, source, progress).run();
  }

  private Report run() throws IOException {
    for (String leftover : List.of(LISTING, DATA, MANIFEST, MANIFEST + ".copy")) {
      folder.disk.delete(leftover);
    }
    try (var listing = new BackupFolder.Lines(folder.disk.create(LISTING))) {
      source.list(listing);
    }
    learn();
    var brought = BackupProgress.read(folder);
    brought.forEach(this::learn);
    List<Integer> points = folder.points();
    int point = points.isEmpty() ? 1 : points.getLast() + 1;
    eachLine(line -> {
      switch (line) {
        case Backup.OfStore of -> store = of.id();
        case Backup.OfBucket of -> bucket = of.id();
        case OfBlock block -> planned += plan(block).missing();
        default -> {}
      }
    });
    try (var bringing = new BackupProgress(folder, brought)) {
      try (var manifest = new BackupFolder.Lines(folder.disk.create(MANIFEST))) {
        manifest.add(Backup.MAGIC);
        eachLine(line -> manifest.add(copy(line, bringing)));
        manifest.seal();
        manifest.sync();
      }
      duplicate(MANIFEST, MANIFEST + ".copy");
      folder.publish(point, MANIFEST, MANIFEST + ".copy");
      bringing.finish();
    }
    folder.disk.delete(LISTING);
    return new Report(
        point,
        taken,
        buckets,
        entries,
        blocks,
        records,
        fetchedBlocks,
        fetchedBytes,
        reusedBytes,
        lostBlocks,
        lostRecords,
        findings.result().findings());
  }

  // ---------------------------------------------------------------- what is known

  private void learn() throws IOException {
    for (int point : folder.points()) {
      var at =
          new Object() {
            UUID of = new UUID(0, 0);
            int in;
          };
      try {
        mend(point);
        folder.read(
            point,
            line -> {
              switch (line) {
                case Backup.OfStore of -> at.of = of.id();
                case Backup.OfBucket of -> at.in = of.id();
                case KeptBlock block -> learn(new BackupProgress.Known(at.of, at.in, block));
                default -> BackupFolder.pieces(line).forEach(piece -> settled.add(piece.digest()));
              }
            });
      } catch (BackupDamaged damaged) {
        // It cannot be restored; all the more reason for another one.
        findings.damage(BackupFolder.path(point, false), String.valueOf(damaged.getMessage()));
      }
    }
  }

  private void learn(BackupProgress.Known found) {
    KeptBlock block = found.block();
    if (!block.tag().isEmpty()) {
      known.put(
          new Key(
              found.store(),
              found.bucket(),
              block.state().entry(),
              block.state().block(),
              block.tag()),
          block);
    }
    BackupFolder.pieces(block).forEach(piece -> settled.add(piece.digest()));
  }

  /**
   * What of a block needs not to be asked for.
   *
   * @param isWhole whether it is closed, and its bytes are those that the folder has, for sure
   */
  private record Plan(List<Piece> data, List<Piece> changes, boolean isWhole, long missing) {}

  private Plan plan(OfBlock block) throws IOException {
    BlockState state = block.state();
    KeptBlock before =
        block.tag().isEmpty()
            ? null
            : known.get(new Key(store, bucket, state.entry(), state.block(), block.tag()));
    long all = state.bytes() + state.changeBytes();
    if (before == null) {
      return new Plan(List.of(), List.of(), false, all);
    }
    List<Piece> data = usable(before.pieces(), state.bytes());
    List<Piece> changes = usable(before.changePieces(), state.changeBytes());
    boolean isWhole =
        (state.flags() & before.state().flags() & Block.SEALED) != 0
            && bytes(data) == state.bytes()
            && before.state().bytes() == state.bytes()
            && before.state().arrival() == state.arrival();
    return new Plan(data, changes, isWhole, all - bytes(data) - bytes(changes));
  }

  /** Pieces from the beginning that are there and lie within the length. */
  private List<Piece> usable(List<Piece> pieces, long length) throws IOException {
    var usable = new ArrayList<Piece>();
    long sum = 0;
    for (Piece piece : pieces) {
      sum += piece.bytes();
      if (sum > length || !folder.has(piece)) {
        break;
      }
      usable.add(piece);
    }
    return bytes(usable) < length && usable.size() >= PIECES_MAX ? List.of() : usable;
  }

  private static long bytes(List<Piece> pieces) {
    return pieces.stream().mapToLong(Piece::bytes).sum();
  }

  // ---------------------------------------------------------------- copying

  private interface LineAction {
    void take(Line line) throws IOException;
  }

  private void eachLine(LineAction action) throws IOException {
    try (BufferedReader lines = folder.lines(LISTING)) {
      String first = lines.readLine();
      if (!Backup.MAGIC.equals(first)) {
        throw new IOException("the store speaks another version of backups: " + first);
      }
      for (String text = lines.readLine(); text != null; text = lines.readLine()) {
        Line line = Backup.parse(text);
        if (line instanceof Backup.End) {
          return;
        }
        action.take(line);
      }
    }
    throw new IOException("the listing of the store was cut short");
  }

  private Line copy(Line line, BackupProgress bringing) throws IOException {
    return switch (line) {
      case Backup.OfStore of -> {
        store = of.id();
        taken = of.taken();
        yield of;
      }
      case Backup.OfBucket of -> {
        bucket = of.id();
        buckets++;
        yield of;
      }
      case Backup.OfEntry of -> {
        entries++;
        yield of;
      }
      case Backup.Text text -> keep(text);
      case OfBlock block -> copy(block, bringing);
      case Backup.Within within -> within;
      case Backup.KeptText _, KeptBlock _, Backup.Lost _, Backup.End _ ->
          throw new IOException("the store told a line that only a manifest has");
    };
  }

  private Backup.KeptText keep(Backup.Text text) throws IOException {
    ByteBuffer content = ByteBuffer.wrap(text.content());
    List<Piece> pieces =
        bring(
            target -> {
              int limit = content.limit();
              content.limit(Math.min(limit, content.position() + target.remaining()));
              target.put(content);
              content.limit(limit);
            },
            content.remaining());
    return new Backup.KeptText(text.name(), pieces.isEmpty() ? empty() : pieces.getFirst());
  }

  /** A document may be empty; its piece is then a file of no bytes. */
  private Piece empty() throws IOException {
    try (DiskFile file = folder.disk.create(DATA)) {
      file.sync();
    }
    return settle(HexFormat.of().formatHex(Snapshot.sha256().digest()), 0);
  }

  private Line copy(OfBlock block, BackupProgress bringing) throws IOException {
    BlockState state = block.state();
    Plan plan = plan(block);
    if (plan.isWhole() && state.changeBytes() == 0) {
      reusedBytes += state.bytes();
      blocks++;
      records += state.live();
      return new KeptBlock(state, block.tag(), plan.data(), List.of());
    }
    long before = fetchedBytes;
    KeptBlock kept = fetch(block, plan);
    if (kept == null) {
      lostBlocks++;
      lostRecords += state.live();
      return new Backup.Lost(state.block(), state.live());
    }
    blocks++;
    records += state.live();
    if (fetchedBytes > before) {
      fetchedBlocks++;
      BlockCopy.verify(folder, store, bucket, kept, findings);
      var found = new BackupProgress.Known(store, bucket, kept);
      learn(found);
      bringing.add(found, fetchedBytes - before);
    }
    return kept;
  }

  /** Asks for what is missing of a block; null when it is gone. */
  private @Nullable KeptBlock fetch(OfBlock block, Plan plan) throws IOException {
    BlockState state = block.state();
    for (int attempt = 1; ; attempt++) {
      long done = this.done;
      Optional<BackupSource.Bytes> opened;
      try {
        opened = source.open(wanted(block, plan));
        if (opened.isEmpty()) {
          return null;
        }
        try (BackupSource.Bytes bytes = opened.get()) {
          List<Piece> data = prefix(plan.data(), bytes.from());
          List<Piece> changes = prefix(plan.changes(), bytes.changesFrom());
          long had = bytes(data) + bytes(changes);
          data.addAll(bring(bytes::read, state.bytes() - bytes.from()));
          changes.addAll(bring(bytes::read, state.changeBytes() - bytes.changesFrom()));
          reusedBytes += had;
          return new KeptBlock(state, block.tag(), List.copyOf(data), List.copyOf(changes));
        }
      } catch (PannierException.NotFound gone) {
        return null;
      } catch (BackupSource.Broken broken) {
        if (attempt == ATTEMPTS_MAX) {
          throw broken;
        }
        this.done = done;
        progress.broken(attempt);
      }
    }
  }

  private static Snapshot.Wanted wanted(OfBlock block, Plan plan) {
    BlockState state = block.state();
    return new Snapshot.Wanted(
        block.number(),
        state.bytes(),
        state.changeBytes(),
        plan.isWhole() ? List.of(new Snapshot.Part(state.bytes(), "")) : parts(plan.data()),
        parts(plan.changes()));
  }

  private static List<Snapshot.Part> parts(List<Piece> pieces) {
    return pieces.stream().map(piece -> new Snapshot.Part(piece.bytes(), piece.digest())).toList();
  }

  /** The pieces in front of an offset, at which one of them ends. */
  private static List<Piece> prefix(List<Piece> pieces, long end) throws IOException {
    var front = new ArrayList<Piece>();
    long sum = 0;
    for (Piece piece : pieces) {
      if (sum < end) {
        front.add(piece);
        sum += piece.bytes();
      }
    }
    if (sum != end) {
      throw new IOException("the store goes on at " + end + ", which is no end of a piece");
    }
    return front;
  }

  private interface Bytes {
    void read(ByteBuffer target) throws IOException;
  }

  /** Brings so many bytes as a piece; none when there are none. */
  private List<Piece> bring(Bytes from, long length) throws IOException {
    if (length == 0) {
      return List.of();
    }
    MessageDigest digest = Snapshot.sha256();
    folder.disk.delete(DATA);
    try (DiskFile file = folder.disk.create(DATA)) {
      for (long left = length; left > 0; ) {
        buffer.clear().limit((int) Math.min(buffer.capacity(), left));
        from.read(buffer);
        buffer.flip();
        if (!buffer.hasRemaining()) {
          throw new IOException("the store ended a block " + left + " bytes early");
        }
        left -= buffer.remaining();
        digest.update(buffer.duplicate());
        fetchedBytes += buffer.remaining();
        done += buffer.remaining();
        file.append(buffer);
        progress.at(done, Math.max(done, planned));
      }
    }
    return List.of(settle(HexFormat.of().formatHex(digest.digest()), length));
  }

  /** Gives what was brought its name. */
  private Piece settle(String digest, long length) throws IOException {
    var piece = new Piece(digest, length);
    if (settled.contains(digest) && folder.has(piece)) {
      folder.disk.delete(DATA);
      return piece;
    }
    // One that lies there and that nobody vouches for may be torn: this one takes its place, and
    // is on the device before, for a damaged manifest may have named the other.
    String path = BackupFolder.path(piece);
    if (folder.disk.exists(path)) {
      try (DiskFile file = folder.disk.open(DATA)) {
        file.sync();
      }
    }
    String parent = path.substring(0, path.lastIndexOf('/'));
    if (pieceFolders.add(parent)) {
      folder.disk.makeFolder(parent);
    }
    folder.disk.rename(DATA, path);
    return piece;
  }

  /** A crash, or damage, may have left one of the two manifests of a point. */
  private void mend(int point) throws IOException {
    boolean isWhole = folder.problem(BackupFolder.path(point, false)).isEmpty();
    boolean isCopyWhole = folder.problem(BackupFolder.path(point, true)).isEmpty();
    if (isWhole != isCopyWhole) {
      folder.disk.delete(MANIFEST);
      duplicate(BackupFolder.path(point, isCopyWhole), MANIFEST);
      folder.disk.rename(MANIFEST, BackupFolder.path(point, isWhole));
      folder.disk.syncFolder(BackupFolder.POINTS);
    }
  }

  private void duplicate(String from, String to) throws IOException {
    try (DiskFile in = folder.disk.open(from);
        DiskFile out = folder.disk.create(to)) {
      for (long at = 0; at < in.size(); at += buffer.limit()) {
        buffer.clear().limit((int) Math.min(buffer.capacity(), in.size() - at));
        DiskReads.fill(in, buffer, at);
        buffer.flip();
        out.append(buffer.duplicate());
      }
      out.sync();
    }
  }
}
