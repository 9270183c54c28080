package io.pannier.server;

import io.pannier.model.PannierException;
import io.pannier.query.Timers;
import io.pannier.store.BackupSelection;
import io.pannier.store.Snapshot;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Backups that are being made by others. Each keeps blocks from being rewritten and deleted, so
 * there are few, and one that nobody asks anything of for a while ends by itself.
 */
final class SnapshotSessions implements AutoCloseable {
  /** Most at once. */
  static final int MAX = 2;

  /** How long one lives without a request. */
  static final long IDLE_NANOS = TimeUnit.MINUTES.toNanos(10);

  private static final long BUSY_SECONDS = 10;

  private final Context context;
  private final Timers timers;
  private final Map<String, Session> sessions = new ConcurrentHashMap<>();

  SnapshotSessions(Context context, Timers timers) {
    this.context = context;
    this.timers = timers;
  }

  /** One of them. */
  final class Session {
    final String id;
    final Snapshot snapshot;
    private final ReentrantLock busy = new ReentrantLock();
    private volatile long usedNanos;

    private Session(String id, Snapshot snapshot) {
      this.id = id;
      this.snapshot = snapshot;
      usedNanos = now();
    }

    /** Does one thing with it; it does not end meanwhile. */
    void use(Work work) throws Exception {
      // Whoever has read the last byte of an answer may ask on before its request has ended here.
      if (!busy.tryLock(BUSY_SECONDS, TimeUnit.SECONDS)) {
        throw new PannierException.Conflict("Backup '" + id + "' is busy with another request");
      }
      try {
        if (sessions.get(id) != this) {
          throw unknown(id);
        }
        work.run(snapshot);
      } finally {
        usedNanos = now();
        busy.unlock();
      }
    }

    private void endIfIdle() {
      if (sessions.get(id) != this) {
        return;
      }
      long left = IDLE_NANOS - (now() - usedNanos);
      if (busy.tryLock()) {
        try {
          if (left <= 0) {
            sessions.remove(id);
            snapshot.close();
            return;
          }
        } finally {
          busy.unlock();
        }
      }
      timers.after(Math.max(left, TimeUnit.SECONDS.toNanos(1)), this::endIfIdle);
    }
  }

  /** What is done with a snapshot. */
  interface Work {
    void run(Snapshot snapshot) throws Exception;
  }

  private long now() {
    return context.config.clock().monotonicNanos();
  }

  /** Begins one. */
  Session begin(BackupSelection selection) {
    synchronized (sessions) {
      if (sessions.size() >= MAX) {
        throw new PannierException.Unavailable(
            "There are " + MAX + " backups under way already", 30);
      }
      String id = HexFormat.of().toHexDigits(context.config.random().nextLong());
      var session = new Session(id, context.store().snapshot(selection));
      sessions.put(id, session);
      timers.after(IDLE_NANOS, session::endIfIdle);
      return session;
    }
  }

  Session get(String id) {
    Session session = sessions.get(id);
    if (session == null) {
      throw unknown(id);
    }
    return session;
  }

  private static PannierException unknown(String id) {
    return new PannierException.Conflict("Backup '" + id + "' is not known, or has ended");
  }

  /** Ends one; one that is not there is not an error. */
  void end(String id) throws Exception {
    Session session = sessions.get(id);
    if (session != null) {
      session.use(snapshot -> {
        sessions.remove(id);
        snapshot.close();
      });
    }
  }

  /** Ends all that nobody is using at this moment. */
  @Override
  public void close() {
    sessions.values().forEach(session -> session.snapshot.close());
    sessions.clear();
  }
}
