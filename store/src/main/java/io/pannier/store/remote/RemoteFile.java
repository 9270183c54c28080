package io.pannier.store.remote;

import io.pannier.store.disk.DiskFile;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A file that is in the local folder, or open. Guarded by the lock of the disk where nothing else
 * is said.
 */
final class RemoteFile {
  /** No capture holds it. */
  static final long NOT_CAPTURED = -1;

  String path;

  /** Whether the local folder has all of it; read without the lock. */
  volatile boolean local;

  /** Bytes that complete appends have brought; set by the one appender. */
  volatile long size;

  /** Whether the next sync of everything has to look at it. */
  volatile boolean unsynced;

  /** Up to where a sync of this process has covered it. */
  long durable;

  /** A sync of it failed: nothing more of it becomes durable. */
  boolean doubtful;

  /** How often it was cut: a sync that began before a cut says nothing. */
  int cuts;

  /** What lies in segments, whether a root speaks of it already or not. */
  Facts placed = Facts.EMPTY;

  /** Its length in the root, by which what is unsent is counted. */
  long sent;

  /** Length in the capture that is going on. */
  long captured = NOT_CAPTURED;

  volatile boolean gone;

  /** Its bytes for the capture that is going on, when the name is gone. */
  @Nullable DiskFile ownedKeep;

  final List<RemoteHandle> handles = new ArrayList<>(1);

  /** When it was opened last, as a count of openings. */
  long lastUse;

  /** Held while its bytes are fetched; taken before the lock of the disk. */
  final Object fetching = new Object();

  RemoteFile(String path) {
    this.path = path;
  }

  /** Whether all of it is in the root, and nothing will be added: it is a sealed block. */
  boolean isClean() {
    return placed.isSealed() && placed.length() == size && sent == size && !gone;
  }

  @Override
  public String toString() {
    return path;
  }
}
