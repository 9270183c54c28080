package io.pannier.store;

import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.util.Optional;

/**
 * One process per data folder. The lock is that of the operating system on the file {@code LOCK}
 * and ends with the process. Who holds it stands in a file of its own, because on POSIX systems a
 * process gives up its lock when it closes any handle on the locked file.
 */
final class FolderLock {
  static final String LOCK = "LOCK";

  /** Text about the holder; no promise hangs on it, so it is never synced. */
  static final String HOLDER = "LOCK.holder";

  static final String HOLDER_NEW = "LOCK.holder.new";

  private static final int HOLDER_BYTES_MAX = 4096;

  private FolderLock() {}

  /**
   * Takes the lock until the disk is closed and leaves a note about the holder: host, process id,
   * boot id.
   *
   * @throws StoreRefused when another process has the folder; names it
   */
  static void take(Disk disk, String holder) throws IOException {
    if (!disk.tryLock(LOCK)) {
      throw inUse(disk);
    }
    try {
      disk.delete(HOLDER); // no note is better than one about a process that is gone
      note(disk, holder);
    } catch (IOException _) {
      // A full or ailing device is no reason not to start: the lock is held, only the note is
      // missing.
    }
  }

  /**
   * Takes the lock for a tool that only looks, without a note. Where there is no lock file there
   * was never a server, and none is made.
   *
   * @throws StoreRefused when another process has the folder; names it
   */
  static void takeToLook(Disk disk) throws IOException {
    if (disk.exists(LOCK) && !disk.tryLock(LOCK)) {
      throw inUse(disk);
    }
  }

  private static StoreRefused inUse(Disk disk) {
    String other = holder(disk).orElse("another process");
    return new StoreRefused(
        StoreRefused.Reason.IN_USE, "The data folder is in use by " + other + ". Stop it first.");
  }

  /** The note of whoever holds the folder, or held it last. */
  static Optional<String> holder(Disk disk) {
    try (DiskFile file = disk.open(HOLDER)) {
      var bytes = ByteBuffer.allocate((int) Math.min(file.size(), HOLDER_BYTES_MAX));
      file.read(bytes, 0);
      String text = StandardCharsets.UTF_8.decode(bytes.flip()).toString().strip();
      return text.isEmpty() ? Optional.empty() : Optional.of(text);
    } catch (NoSuchFileException _) {
      return Optional.empty();
    } catch (IOException _) {
      return Optional.empty(); // the caller has something more important to say
    }
  }

  private static void note(Disk disk, String holder) throws IOException {
    disk.delete(HOLDER_NEW);
    try (DiskFile file = disk.create(HOLDER_NEW)) {
      file.append(StandardCharsets.UTF_8.encode(holder + "\n"));
    }
    disk.rename(HOLDER_NEW, HOLDER);
  }
}
