package io.pannier.store;

import static io.pannier.store.Described.unsigned;

import io.pannier.model.Ack;
import io.pannier.model.LabelType;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Tells what stands in the files of a data folder, structure by structure, with the readers of the
 * engine. Changes nothing and needs no lock: what a server writes meanwhile is seen or not.
 */
public final class Describer {
  private final Disk disk;
  private final Consumer<Described> out;
  private final UUID storeId;

  private Describer(Disk disk, Consumer<Described> out, UUID storeId) {
    this.disk = disk;
    this.out = out;
    this.storeId = storeId;
  }

  /**
   * Describes a part of the store.
   *
   * @param what empty: format, journal of the store, and a line for each bucket and entry; a bucket
   *     or {@code bucket/entry} by name; else a file or a folder by its path. A leading {@code ./}
   *     makes sure that a path is meant.
   * @throws NoSuchFileException when there is nothing of this name
   * @throws StoreRefused when the folder is not a store, or one of another version
   */
  public static void describe(Disk disk, String what, Consumer<Described> out) throws IOException {
    var describer = new Describer(disk, out, StoreFormat.read(disk));
    if (what.isEmpty()) {
      describer.store();
    } else if (what.startsWith("./")) {
      describer.path(what.substring(2));
    } else if (!describer.name(what)) {
      describer.path(what);
    }
  }

  private void say(int depth, String kind, Object... namesAndValues) {
    var fields = new LinkedHashMap<String, Object>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      fields.put((String) namesAndValues[i], namesAndValues[i + 1]);
    }
    out.accept(new Described(depth, kind, fields));
  }

  // ---------------------------------------------------------------- what is meant

  private StoreJournal.Facts facts() throws IOException {
    var facts = new StoreJournal.Facts();
    Journal.inspect(
        disk,
        "",
        StoreJournal.PREFIX,
        new Journal.Identity(storeId, 0),
        StoreJournal.SNAPSHOT_END,
        (offset, number, kind, content) -> facts.frame(kind, content));
    return facts;
  }

  private Recovery.Replay replay(int bucketId) throws IOException {
    var replay = new Recovery.Replay();
    Journal.inspect(
        disk,
        "b/" + bucketId,
        Recovery.PREFIX,
        new Journal.Identity(storeId, bucketId),
        BucketJournal.SNAPSHOT_END,
        (offset, number, kind, content) -> replay.frame(kind, content));
    return replay;
  }

  private void store() throws IOException {
    format(StoreFormat.FILE);
    format(StoreFormat.COPY);
    for (String name : Documents.names(disk)) {
      say(0, "document", "name", name);
    }
    journal("");
    StoreJournal.Facts facts = facts();
    for (var bucket : new TreeMap<>(facts.buckets).entrySet()) {
      summary(bucket.getKey(), bucket.getValue(), facts.gone.contains(bucket.getKey()));
    }
  }

  private void summary(int id, StoreJournal.BucketFacts bucket, boolean gone) {
    say(0, "bucket", "name", bucket.name(), "folder", "b/" + id, "removed", gone);
    try {
      for (var entry : new TreeMap<>(replay(id).entries).entrySet()) {
        summary(id, entry.getKey(), entry.getValue());
      }
    } catch (IOException | PannierException failed) {
      say(1, "unreadable", "because", String.valueOf(failed.getMessage()));
    }
  }

  private void summary(int bucketId, int id, Recovery.Replay.EntryFacts entry) {
    long live = 0;
    long size = 0;
    long bytes = 0;
    for (BlockState state : entry.blocks) {
      live += state.live();
      size += state.size();
      bytes += state.bytes() + state.changeBytes();
    }
    say(
        1,
        "entry",
        "name",
        entry.name,
        "folder",
        "b/" + bucketId + "/" + id,
        "removed",
        entry.gone,
        "blocks",
        entry.blocks.size(),
        "records",
        live,
        "size",
        size,
        "bytes",
        bytes,
        "nextNumber",
        unsigned(entry.nextSequence));
  }

  /** Whether there is a bucket, or an entry in it, of this name. */
  private boolean name(String what) throws IOException {
    StoreJournal.Facts facts = facts();
    int slash = what.indexOf('/');
    String bucketName = slash < 0 ? what : what.substring(0, slash);
    for (var bucket : facts.buckets.entrySet()) {
      if (!bucket.getValue().name().equals(bucketName) || facts.gone.contains(bucket.getKey())) {
        continue;
      }
      int id = bucket.getKey();
      if (slash < 0) {
        summary(id, bucket.getValue(), false);
        journal("b/" + id);
        return true;
      }
      for (var entry : replay(id).entries.entrySet()) {
        if (!entry.getValue().gone && entry.getValue().name.equals(what.substring(slash + 1))) {
          summary(id, entry.getKey(), entry.getValue());
          folder("b/" + id + "/" + entry.getKey());
          return true;
        }
      }
    }
    return false;
  }

  private void path(String path) throws IOException {
    String clean = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
    String file = clean.substring(clean.lastIndexOf('/') + 1);
    String folder = clean.substring(0, Math.max(0, clean.lastIndexOf('/')));
    if (!clean.isEmpty() && !disk.exists(clean)) {
      throw new NoSuchFileException(path);
    }
    if (clean.isEmpty()) {
      store();
    } else if (file.equals(StoreFormat.FILE) || file.equals(StoreFormat.COPY)) {
      format(file);
    } else if (file.endsWith(".blk")) {
      block(clean);
    } else if (file.endsWith(".chg")) {
      changes(clean);
    } else if (file.startsWith(StoreJournal.PREFIX + "-")
        || file.startsWith(Recovery.PREFIX + "-")) {
      journal(folder);
    } else if (clean.matches("b/\\d+")) {
      journal(clean);
    } else if (clean.matches("b/\\d+/\\d+")) {
      folder(clean);
    } else {
      throw new NoSuchFileException(path, null, "holds nothing that has a description");
    }
  }

  private void folder(String folder) throws IOException {
    var blocks = new TreeMap<Integer, List<String>>();
    for (String name : disk.list(folder)) {
      if (name.matches("\\d{1,9}\\.(blk|chg)")) {
        blocks
            .computeIfAbsent(
                Integer.valueOf(name.substring(0, name.length() - 4)), _ -> new ArrayList<>())
            .add(name);
      }
    }
    for (List<String> files : blocks.values()) {
      for (String name : files.stream().sorted().toList()) {
        if (name.endsWith(".blk")) {
          block(folder + "/" + name);
        } else {
          changes(folder + "/" + name);
        }
      }
    }
  }

  // ---------------------------------------------------------------- format and journals

  private void format(String name) {
    var said = StoreFormat.said(disk, name);
    if (said.isPresent()) {
      say(
          0,
          "format",
          "path",
          name,
          "version",
          StoreFormat.VERSION,
          "store",
          said.get().storeId().toString(),
          "created",
          unsigned(said.get().createdMicros()));
    } else {
      say(
          0,
          "format",
          "path",
          name,
          "problem",
          StoreFormat.problems(disk).getOrDefault(name, "unknown"));
    }
  }

  private void journal(String folder) throws IOException {
    boolean ofStore = folder.isEmpty();
    var frames = new ArrayList<Described>();
    JournalReport report =
        Journal.inspect(
            disk,
            folder,
            ofStore ? StoreJournal.PREFIX : Recovery.PREFIX,
            new Journal.Identity(
                storeId,
                ofStore ? 0 : Integer.parseInt(folder.substring(folder.lastIndexOf('/') + 1))),
            ofStore ? StoreJournal.SNAPSHOT_END : BucketJournal.SNAPSHOT_END,
            (offset, number, kind, content) -> {
              var fields = new LinkedHashMap<String, Object>();
              fields.put("number", number);
              fields.put("offset", offset);
              String name;
              try {
                name =
                    ofStore
                        ? storeFrame(kind, content, fields)
                        : bucketFrame(kind, content, fields);
              } catch (BufferUnderflowException | IllegalArgumentException malformed) {
                name = "malformed-frame-of-kind-" + kind;
              }
              frames.add(new Described(1, name, fields));
            });
    say(
        0,
        "journal",
        "path",
        report.name(),
        "generation",
        report.generation(),
        "frames",
        report.frames(),
        "synced",
        report.durable(),
        "snapshotWhole",
        report.snapshotWhole());
    for (JournalReport.Copy copy : report.copies()) {
      say(
          1,
          "copy",
          "path",
          copy.path(),
          "present",
          copy.present(),
          "bytes",
          copy.bytes(),
          "frames",
          copy.frames());
    }
    for (String problem : report.problems()) {
      say(1, "problem", "text", problem);
    }
    for (String leftover : report.leftovers()) {
      say(1, "leftover", "path", leftover);
    }
    frames.forEach(out);
  }

  private static String storeFrame(int kind, ByteBuffer in, Map<String, Object> fields) {
    return switch (kind) {
      case StoreJournal.BUCKET, StoreJournal.BUCKET_BEGUN -> {
        fields.put("id", in.getInt());
        fields.put("provisioned", in.get() != 0);
        fields.put("quotaType", QuotaType.ofCode(in.get()).toString());
        fields.put("quotaSize", unsigned(in.getLong()));
        fields.put("maxBlockSize", unsigned(in.getLong()));
        fields.put("maxBlockRecords", unsigned(in.getLong()));
        int ack = in.get();
        fields.put(
            "ack", ack == 0 ? "default" : Ack.ofCode(ack).toString().toLowerCase(Locale.ROOT));
        fields.put("name", BucketJournal.text(in, in.remaining()));
        yield kind == StoreJournal.BUCKET ? "bucket" : "bucket-begun";
      }
      case StoreJournal.BUCKET_RESTORED -> {
        fields.put("id", in.getInt());
        yield "bucket-restored";
      }
      case StoreJournal.BUCKET_GONE -> {
        fields.put("id", in.getInt());
        yield "bucket-gone";
      }
      case StoreJournal.BUCKET_PURGED -> {
        fields.put("id", in.getInt());
        yield "bucket-purged";
      }
      case StoreJournal.SNAPSHOT_END -> {
        fields.put("nextId", in.getInt());
        yield "snapshot-end";
      }
      case StoreJournal.CLEAN_STOP -> "clean-stop";
      case StoreJournal.STARTED -> "started";
      default -> {
        fields.put("bytes", in.remaining());
        yield "frame-of-kind-" + kind;
      }
    };
  }

  private static String bucketFrame(int kind, ByteBuffer in, Map<String, Object> fields) {
    return switch (kind) {
      case BucketJournal.ENTRY -> {
        fields.put("id", in.getInt());
        fields.put("nextBlock", in.getInt());
        fields.put("nextNumber", unsigned(in.getLong()));
        fields.put("name", BucketJournal.text(in, in.remaining()));
        yield "entry";
      }
      case BucketJournal.ENTRIES_GONE -> {
        fields.put("ids", ids(in, in.remaining() / 4));
        yield "entries-gone";
      }
      case BucketJournal.ENTRY_PURGED -> {
        fields.put("id", in.getInt());
        yield "entry-purged";
      }
      case BucketJournal.RENAMED -> {
        int length = in.getInt();
        fields.put("from", BucketJournal.text(in, length));
        fields.put("to", BucketJournal.text(in, in.remaining()));
        yield "renamed";
      }
      case BucketJournal.BLOCK -> {
        state(BucketJournal.readBlock(in), fields);
        fields.put("replaces", ids(in, in.getInt()));
        yield "block";
      }
      case BucketJournal.BLOCK_GONE, BucketJournal.BLOCK_PURGED -> {
        fields.put("entry", in.getInt());
        fields.put("block", in.getInt());
        yield kind == BucketJournal.BLOCK_GONE ? "block-gone" : "block-purged";
      }
      case BucketJournal.SNAPSHOT_END -> {
        fields.put("nextEntry", in.getInt());
        yield "snapshot-end";
      }
      case BucketJournal.CLEAN_STOP -> "clean-stop";
      case BucketJournal.STARTED -> "started";
      default -> {
        fields.put("bytes", in.remaining());
        yield "frame-of-kind-" + kind;
      }
    };
  }

  private static List<Integer> ids(ByteBuffer in, int count) {
    var ids = new ArrayList<Integer>();
    for (int i = 0; i < count; i++) {
      ids.add(in.getInt());
    }
    return List.copyOf(ids);
  }

  private static void state(BlockState state, Map<String, Object> fields) {
    fields.put("entry", state.entry());
    fields.put("block", state.block());
    var flags = new ArrayList<String>();
    String[] names = {"sealed", "changes-beyond", "belated", "rewrite", "copied"};
    for (int i = 0; i < names.length; i++) {
      if ((state.flags() >> i & 1) != 0) {
        flags.add(names[i]);
      }
    }
    fields.put("flags", List.copyOf(flags));
    fields.put("bytes", state.bytes());
    fields.put("changeBytes", state.changeBytes());
    fields.put("live", state.live());
    fields.put("records", state.records());
    fields.put("oldest", unsigned(state.oldest()));
    fields.put("newest", unsigned(state.newest()));
    fields.put("size", state.size());
    fields.put("dead", state.dead());
    fields.put("lastNumber", unsigned(state.lastSequence()));
    fields.put("arrival", unsigned(state.arrival()));
  }

  // ---------------------------------------------------------------- blocks

  private static void put(Map<String, Object> fields, FileHeader header) {
    fields.put("store", header.storeId().toString());
    fields.put("bucket", header.bucketId());
    fields.put("entry", header.entryId());
    fields.put("block", header.blockId());
    fields.put("created", unsigned(header.createdMicros()));
  }

  /**
   * Says what the header of a file says; its salt, which stays out of every description because
   * clients must not learn it.
   */
  private @Nullable Long header(String kind, String path, DiskFile file) throws IOException {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("path", path);
    fields.put("bytes", file.size());
    Long salt = null;
    var bytes = ByteBuffer.allocate(FileHeader.BYTES);
    DiskReads.fill(file, bytes, 0);
    try {
      FileHeader header = FileHeader.parseForReading(bytes.flip());
      put(fields, header);
      salt = header.salt();
    } catch (FileHeader.Unusable unusable) {
      fields.put("headerProblem", String.valueOf(unusable.getMessage()));
    }
    out.accept(new Described(0, kind, fields));
    return salt;
  }

  private void block(String path) throws IOException {
    try (DiskFile file = disk.open(path)) {
      Long known = header("block", path, file);
      long salt = known != null ? known : BlockWalk.saltOf(file, FileHeader.BYTES);
      Footer.Loaded footer = null;
      String problem = "";
      try {
        footer = Footer.read(file);
      } catch (PannierException.Damaged none) {
        problem = String.valueOf(none.getMessage());
      }
      long accounted = footer == null ? FileHeader.BYTES : footer.recordsEnd();
      var records = new Records();
      BlockWalk.End end = new BlockWalk(file, salt).walk(FileHeader.BYTES, accounted, records);
      if (records.damaged > 0) {
        say(
            1,
            "kept",
            "because",
            "a block with a damaged record is not rewritten: its dead bytes stay until the damaged"
                + " records are removed",
            "damaged",
            records.damaged);
      }
      if (footer != null) {
        footer(footer, file.size());
      } else if (end.footer() >= 0) {
        say(1, "footer", "offset", end.footer(), "problem", problem);
      } else if (end.end() < file.size()) {
        say(1, "rest", "offset", end.end(), "bytes", file.size() - end.end());
      }
    } catch (PannierException.Damaged damaged) {
      say(1, "unreadable", "because", String.valueOf(damaged.getMessage()));
    }
  }

  private final class Records implements BlockWalk.Visitor {
    int damaged;

    @Override
    public void record(long offset, Frames.Header header, long sequence, Meta meta) {
      say(
          1,
          "record",
          "offset",
          offset,
          "bytes",
          header.frameLength(),
          "timestamp",
          unsigned(header.timestamp()),
          "number",
          unsigned(sequence),
          "length",
          header.length(),
          "stored",
          header.stored(),
          "flags",
          header.flags(),
          "contentType",
          meta.contentType(),
          "labels",
          meta.labels().toMap(),
          "unknownItems",
          meta.unknown().size());
    }

    @Override
    public void damaged(long offset, long length, long timestamp, long sequence) {
      damaged++;
      say(
          1,
          "damaged",
          "offset",
          offset,
          "bytes",
          length,
          "timestamp",
          unsigned(timestamp),
          "number",
          unsigned(sequence));
    }

    @Override
    public void hole(long from, long to) {
      say(1, "hole", "offset", from, "bytes", to - from);
    }
  }

  private void footer(Footer.Loaded footer, long fileLength) {
    SealedIndex index = footer.index();
    say(
        1,
        "footer",
        "offset",
        footer.recordsEnd(),
        "bytes",
        fileLength - footer.recordsEnd(),
        "rows",
        index.rows(),
        "reordered",
        index.isReordered());
    for (IndexCodec.Hole hole : footer.holes()) {
      say(2, "hole", "offset", hole.from(), "bytes", hole.to() - hole.from());
    }
    SealedIndex.Columns columns = index.columns();
    say(2, "column", "name", "timestamp", "layout", columns.timestamps().layout());
    say(2, "column", "name", "offset", "layout", columns.offsets().layout());
    say(2, "column", "name", "length", "layout", columns.lengths().layout());
    say(2, "column", "name", "stored", "layout", columns.storedLengths().layout());
    say(2, "column", "name", "metaLength", "layout", columns.metaLengths().layout());
    say(2, "column", "name", "number", "layout", columns.sequences().layout());
    say(2, "column", "name", "flags", "layout", columns.flags().layout());
    say(2, "content-types", "values", values(index.contentTypes()));
    for (LabelColumn label : index.labelColumns()) {
      LabelColumnStatistics statistics = label.statistics();
      var types = new LinkedHashMap<String, Object>();
      for (LabelType type : LabelType.values()) {
        if (statistics.count(type) > 0) {
          types.put(type.name().toLowerCase(Locale.ROOT), statistics.count(type));
        }
      }
      var fields = new LinkedHashMap<String, Object>();
      fields.put("name", label.name());
      fields.put("missing", label.missingCount());
      fields.put("types", types);
      if (statistics.count(LabelType.INT) > 0) {
        fields.put("intMin", statistics.intMin());
        fields.put("intMax", statistics.intMax());
      }
      if (statistics.count(LabelType.FLOAT) > 0) {
        fields.put("floatMin", Double.toString(statistics.floatMin()));
        fields.put("floatMax", Double.toString(statistics.floatMax()));
      }
      fields.put("values", values(label.dictionary()));
      out.accept(new Described(2, "label", fields));
    }
    for (int row = 0; row < index.rows(); row++) {
      say(
          2,
          "row",
          "row",
          row,
          "timestamp",
          unsigned(index.timestamp(row)),
          "offset",
          index.offset(row),
          "length",
          index.length(row),
          "stored",
          index.storedLength(row),
          "metaLength",
          index.metaLength(row),
          "number",
          unsigned(index.sequence(row)),
          "flags",
          index.flags(row),
          "contentType",
          index.contentType(row),
          "labels",
          index.labels(row).toMap());
    }
  }

  private static List<String> values(LabelColumnDictionary dictionary) {
    var values = new ArrayList<String>();
    for (int i = 0; i < dictionary.count(); i++) {
      values.add(dictionary.value(i));
    }
    return List.copyOf(values);
  }

  // ---------------------------------------------------------------- change logs

  private void changes(String path) throws IOException {
    try (DiskFile file = disk.open(path)) {
      Long salt = header("change-log", path, file);
      if (salt == null) {
        salt = saltOfBlock(path);
      }
      int length = Math.toIntExact(Math.max(0, file.size() - FileHeader.BYTES));
      ByteBuffer frames = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
      DiskReads.fill(file, frames, FileHeader.BYTES);
      frames.flip();
      // How far the journal vouches is not known here: with none vouched for, everything whole is
      // told and the rest is a hole.
      long end = ChangeFrames.walk(frames, FileHeader.BYTES, 0, salt, new ChangeLines());
      if (end < file.size()) {
        say(1, "rest", "offset", end, "bytes", file.size() - end);
      }
    } catch (PannierException.Damaged damaged) {
      say(1, "unreadable", "because", String.valueOf(damaged.getMessage()));
    }
  }

  /** A log has the salt of its block. */
  private long saltOfBlock(String changesPath) throws IOException {
    try (DiskFile block = disk.open(changesPath.substring(0, changesPath.length() - 4) + ".blk")) {
      var header = ByteBuffer.allocate(FileHeader.BYTES);
      DiskReads.fill(block, header, 0);
      return FileHeader.parseForReading(header.flip()).salt();
    } catch (FileHeader.Unusable unusable) {
      throw new PannierException.Damaged("the headers of the log and of its block do not check");
    }
  }

  private final class ChangeLines implements ChangeFrames.Visitor {
    @Override
    public void change(int kind, long target, long own, long timestamp, ByteBuffer content) {
      boolean removal = kind == ChangeFrames.KIND_REMOVAL;
      Labels labels = removal ? Labels.EMPTY : Meta.decode(content, 0, content.limit()).labels();
      if (removal) {
        say(
            1,
            "removal",
            "number",
            unsigned(own),
            "of",
            unsigned(target),
            "timestamp",
            unsigned(timestamp));
      } else {
        say(
            1,
            "labels",
            "number",
            unsigned(own),
            "of",
            unsigned(target),
            "timestamp",
            unsigned(timestamp),
            "labels",
            labels.toMap());
      }
    }

    @Override
    public void damaged(long target, long own) {
      say(1, "damaged", "number", unsigned(own), "of", unsigned(target));
    }

    @Override
    public void lost(long beforeSequence) {
      say(1, "lost", "before", unsigned(beforeSequence));
    }

    @Override
    public void hole(long from, long to) {
      say(1, "hole", "offset", from, "bytes", to - from);
    }
  }
}
