package io.pannier.store;

import io.pannier.model.Clock;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.DiskFullException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.random.RandomGenerator;

/**
 * The file {@code FORMAT} and its copy: which store a folder is, and who may open it ({@code
 * docs/format.md}, "FORMAT"). Both are written once, under another name, and then renamed: a file
 * of the real name is never half written, so one that does not check was damaged.
 */
final class StoreFormat {
  static final int BYTES = 64;
  static final int VERSION = 1;
  static final String FILE = "FORMAT";
  static final String COPY = "FORMAT.copy";

  /** Stands in the root while a backup is restored into the folder. */
  static final String RESTORING = "RESTORING";

  private static final String NEW = ".new";
  private static final long MAGIC = FileHeader.magicOf("PANNIER\n");
  private static final int VERSION_AT = 8;
  private static final int READER_FLAGS_AT = 12;
  private static final int WRITER_FLAGS_AT = 16;
  private static final int STORE_ID_AT = 24;
  private static final int CREATED_AT = 40;
  private static final int CRC_AT = 60;

  /**
   * Names that do not make a folder foreign: what a first start leaves that did not get to FORMAT,
   * and what mount points and repositories hold.
   */
  private static final Set<String> NO_CONTENT =
      Set.of(
          FolderLock.LOCK,
          FolderLock.HOLDER,
          FolderLock.HOLDER_NEW,
          FILE + NEW,
          COPY + NEW,
          "ballast",
          "token",
          "token.copy",
          "lost+found",
          ".gitkeep");

  private StoreFormat() {}

  /** What one of the two files says. */
  private sealed interface Found {
    /** It checks. */
    record Valid(UUID storeId, long createdMicros) implements Found {}

    /** It checks, and this program must keep away. */
    record Unfit(StoreRefused.Reason reason, String why) implements Found {}

    /**
     * It is there and does not check; {@code ours} when its magic or its length is that of a FORMAT
     * file.
     */
    record Bad(boolean ours) implements Found {}

    /** There is no such file. */
    record Missing() implements Found {}

    /** The device does not give it. */
    record Unreadable(IOException failure) implements Found {}
  }

  /**
   * Makes sure that the folder is a store that this program may write to. An empty folder becomes
   * one; a missing or damaged copy is written again. The caller holds the {@link FolderLock}.
   *
   * @return the id of the store
   * @throws StoreRefused when the folder is foreign, damaged, too new or too old; nothing was
   *     changed then
   */
  static UUID openOrCreate(Disk disk, RandomGenerator random, Clock clock) throws IOException {
    if (disk.exists(RESTORING)) {
      throw new StoreRefused(
          StoreRefused.Reason.UNFINISHED,
          "The data folder holds a restore that was cut short. Repeat it: pannier restore.");
    }
    Found file = read(disk, FILE, true);
    Found copy = read(disk, COPY, true);
    if (file instanceof Found.Missing && copy instanceof Found.Missing) {
      refuseUnlessEmpty(disk);
      var storeId = randomId(random);
      write(disk, new Found.Valid(storeId, clock.wallMicros()), List.of(FILE, COPY));
      return storeId;
    }
    Found.Valid valid = decide(file, copy);
    var lacking = new ArrayList<String>();
    if (!(file instanceof Found.Valid)) {
      lacking.add(FILE);
    }
    if (!(copy instanceof Found.Valid)) {
      lacking.add(COPY);
    }
    try {
      write(disk, valid, lacking);
    } catch (DiskFullException _) {
      // The next start tries again; a full device must not keep anybody from making room.
      disk.syncFolder("");
    }
    return valid.storeId();
  }

  /** Writes both files for a store that was there before. */
  static void create(Disk disk, UUID storeId, long createdMicros) throws IOException {
    write(disk, new Found.Valid(storeId, createdMicros), List.of(FILE, COPY));
  }

  /** Names in a folder that make it neither a store nor anything else. */
  static boolean isNoContent(String name) {
    return NO_CONTENT.contains(name);
  }

  /**
   * The id of the store for a tool that only reads: changes nothing, and opens what only writers
   * must keep away from.
   *
   * @throws StoreRefused as {@link #openOrCreate}, also for an empty folder
   */
  static UUID read(Disk disk) throws IOException {
    Found file = read(disk, FILE, false);
    Found copy = read(disk, COPY, false);
    if (file instanceof Found.Missing && copy instanceof Found.Missing) {
      throw foreign("it has no file FORMAT");
    }
    return decide(file, copy).storeId();
  }

  /**
   * A sentence for each of the two files that is not as {@link #openOrCreate} leaves it, by its
   * name. Changes nothing.
   */
  static Map<String, String> problems(Disk disk) {
    var problems = new TreeMap<String, String>();
    for (String name : List.of(FILE, COPY)) {
      switch (read(disk, name, false)) {
        case Found.Valid _ -> {}
        case Found.Unfit unfit -> problems.put(name, unfit.why());
        case Found.Bad _ -> problems.put(name, "does not check; the next start writes it again");
        case Found.Missing _ -> problems.put(name, "missing; the next start writes it again");
        case Found.Unreadable(var failure) ->
            problems.put(name, "cannot be read: " + failure.getMessage());
      }
    }
    return problems;
  }

  /** What one of the two files says, for a reader; empty when it does not check. */
  static Optional<Said> said(Disk disk, String name) {
    return read(disk, name, false) instanceof Found.Valid(var storeId, var createdMicros)
        ? Optional.of(new Said(storeId, createdMicros))
        : Optional.empty();
  }

  /** Content of one of the two files. */
  record Said(UUID storeId, long createdMicros) {}

  private static Found.Valid decide(Found file, Found copy) throws IOException {
    for (Found found : List.of(file, copy)) {
      if (found instanceof Found.Unfit(var reason, var why)) {
        throw new StoreRefused(reason, why);
      }
    }
    if (file instanceof Found.Valid first) {
      if (copy instanceof Found.Valid second && !first.equals(second)) {
        throw new StoreRefused(
            StoreRefused.Reason.DAMAGED,
            "The data folder holds parts of two stores: FORMAT and FORMAT.copy name "
                + first.storeId()
                + " and "
                + second.storeId()
                + ". Take away what does not belong here.");
      }
      return first;
    }
    if (copy instanceof Found.Valid second) {
      return second;
    }
    for (Found found : List.of(file, copy)) {
      if (found instanceof Found.Unreadable(var failure)) {
        throw failure;
      }
    }
    if (isOurs(file) || isOurs(copy)) {
      throw new StoreRefused(
          StoreRefused.Reason.DAMAGED,
          "The data folder is damaged: neither FORMAT nor FORMAT.copy checks. Bring one of them back"
              + " from a backup of this folder.");
    }
    throw foreign("its file FORMAT is not one of ours");
  }

  private static boolean isOurs(Found found) {
    return found instanceof Found.Bad(boolean ours) && ours;
  }

  private static void refuseUnlessEmpty(Disk disk) throws IOException {
    List<String> others =
        disk.list("").stream().filter(name -> !NO_CONTENT.contains(name)).sorted().toList();
    if (!others.isEmpty()) {
      throw foreign("it has no file FORMAT but holds " + others.getFirst());
    }
  }

  private static StoreRefused foreign(String why) {
    return new StoreRefused(
        StoreRefused.Reason.FOREIGN,
        "The data folder is not a Pannier store: "
            + why
            + ". Give an empty folder or that of a store.");
  }

  private static Found read(Disk disk, String name, boolean toWrite) {
    ByteBuffer bytes;
    long size;
    try (DiskFile file = disk.open(name)) {
      size = file.size();
      bytes = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
      DiskReads.fill(file, bytes, 0);
    } catch (NoSuchFileException _) {
      return new Found.Missing();
    } catch (IOException failure) {
      return new Found.Unreadable(failure);
    }
    boolean whole = bytes.position() == BYTES && size == BYTES;
    boolean magic = bytes.getLong(0) == MAGIC;
    if (!whole || !magic || bytes.getInt(CRC_AT) != Checksum.of(bytes, 0, CRC_AT)) {
      return new Found.Bad(magic || size == BYTES);
    }
    try {
      FileHeader.checkVersion(bytes.getInt(VERSION_AT), VERSION);
      FileHeader.checkFlags(bytes.getInt(READER_FLAGS_AT));
      if (toWrite) {
        FileHeader.checkFlags(bytes.getInt(WRITER_FLAGS_AT));
      }
    } catch (FileHeader.TooNew tooNew) {
      return new Found.Unfit(
          StoreRefused.Reason.TOO_NEW,
          "The data folder was written by a newer Pannier ("
              + tooNew.getMessage()
              + "). Use that one.");
    } catch (FileHeader.TooOld tooOld) {
      return new Found.Unfit(
          StoreRefused.Reason.TOO_OLD,
          "The data folder was written by an older Pannier ("
              + tooOld.getMessage()
              + "). Bring it forward with a release in between.");
    }
    return new Found.Valid(FileHeader.getUuid(bytes, STORE_ID_AT), bytes.getLong(CREATED_AT));
  }

  /**
   * Writes these files, durably with their names. The names are synced in any case: whoever gave
   * them may have been killed before that.
   */
  private static void write(Disk disk, Found.Valid content, List<String> names) throws IOException {
    for (String name : names) {
      disk.delete(name + NEW);
      try (DiskFile file = disk.create(name + NEW)) {
        file.append(bytes(content));
        file.sync();
      }
    }
    for (String name : names) {
      disk.rename(name + NEW, name);
    }
    disk.syncFolder("");
  }

  private static ByteBuffer bytes(Found.Valid content) {
    var bytes = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(0, MAGIC);
    bytes.putInt(VERSION_AT, VERSION);
    FileHeader.putUuid(bytes, STORE_ID_AT, content.storeId());
    bytes.putLong(CREATED_AT, content.createdMicros());
    bytes.putInt(CRC_AT, Checksum.of(bytes, 0, CRC_AT));
    return bytes;
  }

  /** A random id in the form of RFC 9562, version 4. */
  private static UUID randomId(RandomGenerator random) {
    return new UUID(
        (random.nextLong() & 0xffffffffffff0fffL) | 0x4000L,
        (random.nextLong() & 0x3fffffffffffffffL) | 0x8000000000000000L);
  }
}
