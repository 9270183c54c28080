package io.pannier.store.remote;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Up to where files of a {@link RemoteDisk} are durable, which is what may be uploaded of them.
 * Syncs say when they begin and when they have ended: what was appended meanwhile is not covered, a
 * cut meanwhile takes back what was to be covered, and a file of which a sync failed never becomes
 * more durable than it was. Any thread.
 */
final class SyncCover {
  /** A sync of a file that has begun. */
  record Begun(RemoteFile file, long size, int cuts) {}

  private final Object lock;
  private final RemoteNames names;

  /** Files that the next sync of everything has to look at; guarded by the lock of the disk. */
  private final Set<RemoteFile> unsynced = new LinkedHashSet<>();

  SyncCover(Object lock, RemoteNames names) {
    this.lock = lock;
    this.names = names;
  }

  /** Something was appended that no sync covers. */
  void appended(RemoteFile file) {
    synchronized (lock) {
      if (!file.gone) {
        file.unsynced = true;
        unsynced.add(file);
      }
    }
  }

  /** The file is gone; under the lock. */
  void forget(RemoteFile file) {
    unsynced.remove(file);
  }

  /** A sync of one file begins. */
  Begun begin(RemoteFile file) {
    synchronized (lock) {
      unsynced.remove(file);
      return begun(file);
    }
  }

  private static Begun begun(RemoteFile file) {
    file.unsynced = false;
    return new Begun(file, file.size, file.cuts);
  }

  /** It has ended. */
  void end(Begun sync, boolean done) {
    synchronized (lock) {
      if (done) {
        cover(sync);
      } else {
        sync.file().doubtful = true;
      }
    }
  }

  /** A sync of everything begins. */
  List<Begun> beginAll() {
    synchronized (lock) {
      var all = new ArrayList<Begun>();
      unsynced.forEach(file -> all.add(begun(file)));
      unsynced.clear();
      return all;
    }
  }

  /** It has ended. When it failed nobody knows of which: those that are asked alone will tell. */
  void endAll(List<Begun> syncs, boolean done) {
    synchronized (lock) {
      for (Begun sync : syncs) {
        if (done) {
          cover(sync);
        } else {
          appended(sync.file());
        }
      }
    }
  }

  private void cover(Begun sync) {
    RemoteFile file = sync.file();
    if (file.doubtful || file.gone) {
      return;
    }
    if (file.cuts != sync.cuts()) {
      appended(file); // what was covered is not known: the next sync tells
      return;
    }
    if (sync.size() > file.durable) {
      file.durable = sync.size();
      names.changed.add(file.path);
    }
  }
}
