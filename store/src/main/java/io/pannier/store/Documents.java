package io.pannier.store;

import io.pannier.model.PannierException;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.DiskFullException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.NoSuchFileException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Small texts that belong to the store and are not records: tokens, policies, tasks ({@code
 * docs/format.md}, "Documents"). Each is replaced as a whole, is durable when {@link #save}
 * returns, stands in two copies in a folder that only its owner may enter, and is checked when it
 * is read.
 *
 * <p>Thread-safe; every method may wait for the device.
 */
public final class Documents {
  static final String FOLDER = "c";

  /** Most bytes of one. */
  public static final int MAX_BYTES = 16 << 20;

  private static final String NEW = ".new";
  private static final List<String> COPIES = List.of(".a", ".b");
  private static final int HEADER = 64;
  private static final int VERSION = 1;
  private static final long MAGIC = FileHeader.magicOf("PNRDOCMT");
  private static final int VERSION_AT = 8;
  private static final int READER_FLAGS_AT = 12;
  private static final int WRITER_FLAGS_AT = 14;
  private static final int STORE_ID_AT = 16;
  private static final int GENERATION_AT = 32;
  private static final int WRITTEN_AT = 40;
  private static final int LENGTH_AT = 48;
  private static final int CONTENT_CRC_AT = 52;
  private static final int CRC_AT = 60;

  private final Store store;
  private final ReentrantLock lock = new ReentrantLock();

  /** The highest generation that a copy of a document may have, once that is known. */
  private final Map<String, Long> generations = new HashMap<>();

  /** Whether the name of the folder is on the device. */
  private boolean folderIsDurable;

  Documents(Store store) {
    this.store = store;
  }

  /** What one of the two copies says. */
  sealed interface Copy {
    /** It checks. */
    record Valid(long generation, ByteBuffer content) implements Copy {}

    /** It is there and does not check. */
    record Bad(String why) implements Copy {}

    /** There is no such file. */
    record Missing() implements Copy {}
  }

  /**
   * The document of this name as it was last saved; empty when it never was. A copy that is missing
   * or damaged is written again from the other.
   *
   * @throws PannierException.Damaged when neither copy checks
   */
  public Optional<byte[]> load(String name) {
    lock.lock();
    try {
      Copy first = read(store.disk, store.id(), name, COPIES.get(0));
      Copy second = read(store.disk, store.id(), name, COPIES.get(1));
      Copy.Valid best = newer(first, second);
      if (best == null) {
        if (first instanceof Copy.Missing && second instanceof Copy.Missing) {
          return Optional.empty();
        }
        throw new PannierException.Damaged(
            "Document '" + name + "' in the data folder is damaged in both copies");
      }
      generations.merge(name, best.generation(), Math::max);
      mend(name, best, first, COPIES.get(0));
      mend(name, best, second, COPIES.get(1));
      return Optional.of(array(best.content()));
    } catch (IOException failed) {
      throw new PannierException.Internal(
          "Document '" + name + "' cannot be read: " + failed.getMessage(), failed);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Replaces the document of this name. When this throws, the next start may find either text, and
   * the next save settles it.
   *
   * @param name letters, digits and hyphens
   * @param content at most {@link #MAX_BYTES}
   */
  public void save(String name, byte[] content) {
    if (!name.matches("[a-z0-9-]{1,64}") || content.length > MAX_BYTES) {
      throw new IllegalArgumentException(name + ": " + content.length + " bytes");
    }
    lock.lock();
    try {
      long generation = lastGeneration(name) + 1;
      // Whatever comes of it, a copy may have this number from here on.
      generations.put(name, generation);
      var next = new Copy.Valid(generation, ByteBuffer.wrap(content));
      store.withBallast(() -> {
        makeFolder();
        // One after the other, so that a whole copy is there at every moment.
        for (String copy : COPIES) {
          write(name + copy, next);
        }
        return next;
      });
    } catch (DiskFullException full) {
      throw new PannierException.DiskFull(
          "Not enough free disk space in the data folder to store the settings");
    } catch (IOException failed) {
      throw new PannierException.Internal(
          "Document '" + name + "' could not be stored: " + failed.getMessage(), failed);
    } finally {
      lock.unlock();
    }
  }

  private long lastGeneration(String name) throws IOException {
    Long known = generations.get(name);
    if (known != null) {
      return known;
    }
    Copy.Valid last =
        newer(
            read(store.disk, store.id(), name, COPIES.get(0)),
            read(store.disk, store.id(), name, COPIES.get(1)));
    return last == null ? 0 : last.generation();
  }

  private void makeFolder() throws IOException {
    if (!folderIsDurable) {
      store.disk.makePrivateFolder(FOLDER);
      store.disk.syncFolder("");
      folderIsDurable = true;
    }
  }

  /** Forgets the document of this name; one that is not there is not an error. */
  public void delete(String name) {
    lock.lock();
    try {
      if (!store.disk.exists(FOLDER)) {
        return;
      }
      for (String copy : COPIES) {
        store.disk.delete(FOLDER + "/" + name + copy);
      }
      store.disk.syncFolder(FOLDER);
    } catch (IOException failed) {
      throw new PannierException.Internal(
          "Document '" + name + "' could not be deleted: " + failed.getMessage(), failed);
    } finally {
      lock.unlock();
    }
  }

  private void mend(String name, Copy.Valid best, Copy found, String copy) {
    if (found instanceof Copy.Valid valid && valid.generation() == best.generation()) {
      return;
    }
    try {
      store.withBallast(() -> {
        write(name + copy, best);
        return best;
      });
      if (found instanceof Copy.Bad(String why)) {
        store.events.event(
            StoreEvents.Kind.DAMAGE,
            "a copy of a document was damaged and is written again",
            name + copy + ": " + why,
            null);
      }
    } catch (IOException failed) {
      // The other copy serves, and the next start tries again.
      store.events.event(
          StoreEvents.Kind.FAILURE,
          "a copy of a document could not be written again",
          name + copy,
          failed);
    }
  }

  private void write(String file, Copy.Valid document) throws IOException {
    write(store.disk, store.id(), store.clock.wallMicros(), file, document);
  }

  /** Writes a document into a folder that is not a store yet. */
  static void write(Disk disk, UUID storeId, long micros, String name, byte[] content)
      throws IOException {
    disk.makePrivateFolder(FOLDER);
    for (String copy : COPIES) {
      write(disk, storeId, micros, name + copy, new Copy.Valid(1, ByteBuffer.wrap(content)));
    }
  }

  private static void write(Disk disk, UUID storeId, long micros, String file, Copy.Valid document)
      throws IOException {
    String path = FOLDER + "/" + file;
    disk.delete(path + NEW);
    try (DiskFile out = disk.create(path + NEW)) {
      out.append(encode(document, storeId, micros));
      out.sync();
    }
    disk.rename(path + NEW, path);
    disk.syncFolder(FOLDER);
  }

  private static ByteBuffer encode(Copy.Valid document, UUID storeId, long micros) {
    ByteBuffer content = document.content().duplicate();
    int length = content.remaining();
    var bytes = ByteBuffer.allocate(HEADER + length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(0, MAGIC);
    bytes.putInt(VERSION_AT, VERSION);
    FileHeader.putUuid(bytes, STORE_ID_AT, storeId);
    bytes.putLong(GENERATION_AT, document.generation());
    bytes.putLong(WRITTEN_AT, micros);
    bytes.putInt(LENGTH_AT, length);
    bytes.put(HEADER, content, content.position(), length);
    bytes.putInt(CONTENT_CRC_AT, Checksum.of(bytes, HEADER, length));
    bytes.putInt(CRC_AT, Checksum.of(bytes, 0, CRC_AT));
    return bytes;
  }

  /** Reads one copy; {@code copy} is its suffix. */
  static Copy read(Disk disk, UUID storeId, String name, String copy) throws IOException {
    ByteBuffer bytes;
    try (DiskFile file = disk.open(FOLDER + "/" + name + copy)) {
      long size = file.size();
      if (size < HEADER || size > HEADER + MAX_BYTES) {
        return new Copy.Bad("its length is " + size);
      }
      bytes = ByteBuffer.allocate((int) size).order(ByteOrder.LITTLE_ENDIAN);
      DiskReads.fill(file, bytes, 0);
    } catch (NoSuchFileException none) {
      return new Copy.Missing();
    }
    if (bytes.getLong(0) != MAGIC || bytes.getInt(CRC_AT) != Checksum.of(bytes, 0, CRC_AT)) {
      return new Copy.Bad("its header does not check");
    }
    try {
      FileHeader.checkVersion(bytes.getInt(VERSION_AT), VERSION);
      FileHeader.checkFlags(bytes.getShort(READER_FLAGS_AT));
      FileHeader.checkFlags(bytes.getShort(WRITER_FLAGS_AT));
    } catch (FileHeader.TooNew | FileHeader.TooOld unfit) {
      throw new PannierException.Internal(
          "Document '" + name + "' was written by another version: " + unfit.getMessage(), unfit);
    }
    if (!FileHeader.getUuid(bytes, STORE_ID_AT).equals(storeId)) {
      return new Copy.Bad("it belongs to another store");
    }
    int length = bytes.getInt(LENGTH_AT);
    if (bytes.position() != HEADER + (long) length
        || bytes.getInt(CONTENT_CRC_AT) != Checksum.of(bytes, HEADER, length)) {
      return new Copy.Bad("its content does not check");
    }
    return new Copy.Valid(bytes.getLong(GENERATION_AT), bytes.slice(HEADER, length));
  }

  private static byte[] array(ByteBuffer content) {
    var bytes = new byte[content.remaining()];
    content.duplicate().get(bytes);
    return bytes;
  }

  private static Copy.@Nullable Valid newer(Copy first, Copy second) {
    Copy.@Nullable Valid a = first instanceof Copy.Valid valid ? valid : null;
    Copy.@Nullable Valid b = second instanceof Copy.Valid valid ? valid : null;
    if (a == null || b == null) {
      return a != null ? a : b;
    }
    return Long.compareUnsigned(a.generation(), b.generation()) >= 0 ? a : b;
  }

  /** Findings of an offline look: every copy of every document. */
  static void verify(Disk disk, UUID storeId, Findings findings) throws IOException {
    if (!disk.exists(FOLDER)) {
      return;
    }
    for (String file : new TreeSet<>(disk.list(FOLDER))) {
      String path = FOLDER + "/" + file;
      if (file.endsWith(NEW)) {
        findings.add(Verification.Kind.NOTE, path, "left by a stop while it was written");
        continue;
      }
      int dot = file.length() - 2;
      if (dot < 1 || !COPIES.contains(file.substring(dot))) {
        findings.add(Verification.Kind.NOTE, path, "not a file of the store");
        continue;
      }
      if (read(disk, storeId, file.substring(0, dot), file.substring(dot))
          instanceof Copy.Bad(String why)) {
        findings.damage(path, why);
      }
    }
  }

  /** Names of the documents of a folder, for a tool that only looks. */
  static List<String> names(Disk disk) throws IOException {
    return disk.exists(FOLDER)
        ? disk.list(FOLDER).stream()
            .filter(file -> COPIES.stream().anyMatch(file::endsWith))
            .map(file -> file.substring(0, file.length() - 2))
            .distinct()
            .sorted()
            .toList()
        : List.of();
  }
}
