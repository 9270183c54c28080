package io.pannier.store.disk;

import java.io.IOException;
import java.util.List;

/**
 * What the engine asks of a file system, and nothing more. Paths are relative to the data folder
 * and written with {@code /}; folders are created explicitly. Every method may be called from any
 * thread. Implementations never interrupt a thread that is inside a file call: an interrupt would
 * close the channel for every other reader.
 *
 * <p>Durability is explicit. A created, renamed or deleted name is durable only after {@link
 * #syncFolder} of its parent (or {@link #syncAll}); file content is durable only after {@link
 * DiskFile#sync} (or {@link #syncAll}). An {@link IOException} from a sync means that what was
 * written since the last successful sync of that file may be lost, and a later successful sync does
 * not bring it back.
 *
 * <p>When the device is full, a write, create or makeFolder throws {@link DiskFullException}.
 */
public interface Disk extends AutoCloseable {

  /**
   * Creates a new empty file for reading and appending. Fails with FileAlreadyExistsException if
   * the name exists.
   */
  DiskFile create(String path) throws IOException;

  /**
   * Opens an existing file for reading and appending at its end. Fails with NoSuchFileException if
   * there is none.
   */
  DiskFile open(String path) throws IOException;

  /**
   * As {@link #open} for reading alone, past the page cache where the file system lets us: what is
   * read is what the device holds, and nothing else is driven out of memory for it. Reads are of
   * whole pages into direct memory: position, length and address are multiples of {@link
   * DiskFile#DIRECT_ALIGNMENT}.
   */
  default DiskFile openPastCache(String path) throws IOException {
    return open(path);
  }

  /** Whether a file or a folder of this name exists. */
  boolean exists(String path) throws IOException;

  /**
   * Deletes a file or an empty folder; a missing one is not an error. Open handles stay readable.
   */
  void delete(String path) throws IOException;

  /** Renames a file atomically, replacing a file of the target name. */
  void rename(String from, String to) throws IOException;

  /** Creates a folder (parents must exist); an existing one is not an error. */
  void makeFolder(String path) throws IOException;

  /**
   * As {@link #makeFolder}, and nobody but the owner may enter it where the system knows owners.
   */
  default void makePrivateFolder(String path) throws IOException {
    makeFolder(path);
  }

  /**
   * Names directly in a folder, unsorted. Fails with NoSuchFileException if there is none. The root
   * is the empty string.
   */
  List<String> list(String folder) throws IOException;

  /** Makes created, renamed and deleted names of a folder durable. */
  void syncFolder(String folder) throws IOException;

  /**
   * Makes everything written so far durable, content and names, in one call to the file system that
   * holds the data folder.
   */
  void syncAll() throws IOException;

  /** Bytes that a writer may still use on the file system of the data folder. */
  long usableBytes() throws IOException;

  /**
   * Makes sure that a file of {@code bytes} length that really occupies the device exists under
   * this name (the ballast). Throws {@link DiskFullException} when it does not fit; nothing is left
   * behind then.
   */
  void allocate(String path, long bytes) throws IOException;

  /**
   * Takes the exclusive lock on the data folder, held until {@link #close}.
   *
   * @return false when another process holds it
   */
  boolean tryLock(String path) throws IOException;

  @Override
  void close() throws IOException;
}
