package io.pannier.store;

import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Keeps at most a set number of files open, whatever the number of blocks. A {@link Slot} is a file
 * that may be open; who wants to use it acquires and releases it. Idle files are closed by second
 * chance. A file with unsynced bytes may be closed too: {@link Unsynced} notes it, for only the
 * file system as a whole still knows then whether they could be written.
 */
final class FileCache {
  private final Disk disk;
  private final int openMax;
  private final ArrayDeque<Slot> open = new ArrayDeque<>();
  private final AtomicLong opens = new AtomicLong();

  private final Tally tally;

  FileCache(Disk disk, int openMax, Tally tally) {
    this.disk = disk;
    this.openMax = openMax;
    this.tally = tally;
  }

  /** A file of the data folder by its path. */
  final class Slot {
    final String path;
    private @Nullable DiskFile file;

    /** Which handle this is of all that were ever opened; 0 while there is none. */
    private volatile long handle;

    private int users;
    private boolean used;
    private boolean deleted;
    private @Nullable Runnable whenClosed;

    /** Reads going on through {@link #beginRead}; once cut off no more begin. */
    private int reads;

    private boolean cut;

    Slot(String path) {
      this.path = path;
    }

    /** Opens the file if needed and keeps it open until {@link #release}. */
    DiskFile acquire() throws IOException {
      tally.fileUses.increment();
      boolean opened = false;
      DiskFile result;
      synchronized (this) {
        result = file;
        if (result == null) {
          if (deleted) {
            throw new java.nio.file.NoSuchFileException(path);
          }
          result = disk.open(path);
          file = result;
          handle = opens.incrementAndGet();
          opened = true;
        }
        users++;
        used = true;
      }
      if (opened) {
        opened(this);
      }
      return result;
    }

    /** Creates the file; as {@link #acquire} otherwise. */
    DiskFile create() throws IOException {
      tally.fileUses.increment();
      DiskFile result;
      synchronized (this) {
        result = disk.create(path);
        file = result;
        handle = opens.incrementAndGet();
        users++;
        used = true;
      }
      opened(this);
      return result;
    }

    /** A number that no other handle has; 0 while the file is not open. */
    long handle() {
      return handle;
    }

    /** Ends one use. */
    void release() {
      Runnable closed = null;
      synchronized (this) {
        users--;
        if (users == 0 && deleted) {
          closed = closeQuietly();
        }
      }
      if (closed != null) {
        closed.run();
      }
    }

    /**
     * Deletes the file. Handles in use stay readable; {@code closed} runs when the last one is
     * released, which is when the device gets its room back.
     *
     * @return whether handles are in use
     */
    boolean delete(Runnable closed) throws IOException {
      synchronized (this) {
        disk.delete(path);
        deleted = true;
        if (users > 0) {
          whenClosed = closed;
          return true;
        }
        closeQuietly();
      }
      closed.run();
      return false;
    }

    /** Begins a read by one who has acquired the file; false when it was cut off. */
    synchronized boolean beginRead() {
      if (cut) {
        return false;
      }
      reads++;
      return true;
    }

    void endRead() {
      Runnable closed = null;
      synchronized (this) {
        reads--;
        if (cut && reads == 0) {
          closed = closeQuietly();
        }
      }
      if (closed != null) {
        closed.run();
      }
    }

    /**
     * Takes a deleted file from its readers, so that the device gets its room back: at once, or
     * when the read that is going on ends.
     */
    void cut() {
      Runnable closed = null;
      synchronized (this) {
        cut = true;
        if (reads == 0) {
          closed = closeQuietly();
        }
      }
      if (closed != null) {
        closed.run();
      }
    }

    /** Forgets an open handle, as before the file is deleted by its folder. */
    synchronized void closeIfIdle() {
      if (users == 0) {
        closeQuietly();
      }
    }

    /** What is to be run now that it is closed, once. */
    private @Nullable Runnable closeQuietly() {
      DiskFile closing = file;
      file = null;
      handle = 0;
      if (closing != null) {
        try {
          closing.close();
        } catch (IOException e) {
          // Nothing depends on a close: content is made durable by sync rounds only.
          assert e != null;
        }
      }
      Runnable closed = whenClosed;
      whenClosed = null;
      return closed;
    }

    /** Whether it was closed, or is to be dropped from the list of open files. */
    private synchronized boolean closeUnlessUsed() {
      if (file == null) {
        return true;
      }
      if (users > 0 || used) {
        used = false;
        return false;
      }
      closeQuietly();
      return true;
    }
  }

  private void opened(Slot slot) {
    synchronized (open) {
      open.addLast(slot);
      // Twice round: the first clears the marks of use. When all are in use the bound is exceeded
      // rather than a request refused; requests are bounded elsewhere.
      for (int looked = 2 * open.size(); open.size() > openMax && looked > 0; looked--) {
        Slot candidate = open.removeFirst();
        if (candidate != slot && candidate.closeUnlessUsed()) {
          continue;
        }
        open.addLast(candidate);
      }
    }
  }

  StoreStats.Files stats() {
    int now;
    synchronized (open) {
      now = open.size();
    }
    return new StoreStats.Files(tally.fileUses.sum(), opens.get(), now, openMax);
  }

  /** Closes what nobody uses at this moment. */
  void closeIdle() {
    synchronized (open) {
      open.removeIf(slot -> {
        slot.closeIfIdle();
        return slot.handle == 0;
      });
    }
  }

  void closeAll() {
    synchronized (open) {
      for (Slot slot : open) {
        slot.closeIfIdle();
      }
      open.clear();
    }
  }
}
