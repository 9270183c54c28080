package io.pannier.store;

import io.pannier.model.Clock;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Uploads that outlive the connection they came over: what has arrived is kept, and whoever knows
 * the id goes on behind it. Nothing of it is visible before it is finished, all of it counts for
 * quota and device as that of any other upload, and it ends with the process ({@code
 * docs/replication.md}, "Large records"). Any thread may call.
 */
public final class PartialUploads implements AutoCloseable {
  /** Most of them: each has a block of its own. */
  private static final int MAX = 256;

  /** Most in one entry, which has few open blocks for all its writers. */
  private static final int PER_ENTRY_MAX = 2;

  /** One that nobody goes on with for so long is given up. */
  static final long IDLE_NANOS = TimeUnit.HOURS.toNanos(1);

  /** One that has rested for so long gives way to another where there are too many. */
  private static final long YIELDING_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final Clock clock;
  private final Map<Key, Session> sessions = new HashMap<>();
  private boolean closed;

  /** What an upload is known by. */
  private record Key(Entry entry, long timestamp, String id) {}

  /**
   * What the record is to be.
   *
   * @param timestamp µs since the epoch, unsigned
   * @param length bytes of its body
   */
  public record Draft(
      long timestamp, String contentType, Labels labels, Optional<UUID> origin, long length) {}

  /** Uploads by this clock. */
  public PartialUploads(Clock clock) {
    this.clock = clock;
  }

  /**
   * Bytes that have arrived of an upload.
   *
   * @throws PannierException.NotFound when there is none
   * @throws PannierException.Conflict when there is a record of this time
   */
  public long received(Entry entry, long timestamp, String id) {
    Session session = find(new Key(entry, timestamp, id));
    if (session != null) {
      return session.received();
    }
    try {
      entry.find(timestamp);
    } catch (PannierException.NotFound free) {
      throw new PannierException.NotFound("Upload '" + id + "' does not exist");
    }
    throw new PannierException.Conflict(
        "A record with timestamp " + Timestamp.toString(timestamp) + " already exists");
  }

  /**
   * Lets a connection go on with an upload behind what has arrived, or begin one. Another
   * connection that was about to is cut off.
   *
   * @param offset where the caller wants to go on
   * @return where it has to go on; it may write only if that is where it wants to
   */
  public Turn take(Entry entry, String id, Draft draft, long offset) {
    var key = new Key(entry, draft.timestamp(), id);
    sweep();
    Session session = find(key);
    if (session == null) {
      if (offset != 0) {
        return new Turn(null, 0, 0);
      }
      makeRoom(entry);
      session = begin(key, draft);
    }
    return session.take(draft.length(), offset);
  }

  private synchronized @Nullable Session find(Key key) {
    return sessions.get(key);
  }

  private Session begin(Key key, Draft draft) {
    var session = new Session(key, draft.length());
    session.lock.lock();
    try {
      register(key, session);
      boolean begun = false;
      try {
        session.begin(draft);
        begun = true;
      } finally {
        if (!begun) {
          session.end();
        }
      }
    } finally {
      session.lock.unlock();
    }
    return session;
  }

  private synchronized void register(Key key, Session session) {
    if (closed) {
      throw new PannierException.Unavailable("Server is stopping", 1);
    }
    if (sessions.containsKey(key)) {
      throw new PannierException.TooEarly("Upload '" + key.id() + "' is only just beginning");
    }
    long ofEntry = countOf(key.entry());
    if (ofEntry >= PER_ENTRY_MAX || sessions.size() >= MAX) {
      throw new PannierException.TooEarly(
          "Too many unfinished uploads"
              + (ofEntry >= PER_ENTRY_MAX ? " to entry '" + key.entry().name() + "'" : ""));
    }
    sessions.put(key, session);
  }

  private synchronized void forget(Key key, Session session) {
    sessions.remove(key, session);
  }

  /** Gives one up. */
  public void abandon(Entry entry, long timestamp, String id) {
    Session session = find(new Key(entry, timestamp, id));
    if (session == null) {
      throw new PannierException.NotFound("Upload '" + id + "' does not exist");
    }
    session.abandon();
  }

  /**
   * Makes a record of an upload that has arrived as a whole.
   *
   * @param checksum CRC32C of its body; where it is another one, the upload is given up
   * @return bytes of its body
   */
  public long finish(Entry entry, long timestamp, String id, int checksum) {
    Session session = find(new Key(entry, timestamp, id));
    if (session == null) {
      received(entry, timestamp, id); // says whether it was finished before
      throw new PannierException.NotFound("Upload '" + id + "' does not exist");
    }
    return session.finish(checksum);
  }

  /** Gives up those that rest for too long, or whose entry is gone; to be called now and then. */
  public void sweep() {
    List<Session> all;
    synchronized (this) {
      all = new ArrayList<>(sessions.values());
    }
    long now = clock.monotonicNanos();
    for (Session session : all) {
      if (session.idleNanos(now) >= IDLE_NANOS || session.key.entry().isGone()) {
        session.abandon();
      }
    }
  }

  /**
   * Where there are too many, in the entry or at all, the one that has rested longest gives way: a
   * sender that has lost its ids must not wait until nobody can come back for the old ones.
   */
  private void makeRoom(Entry entry) {
    long now = clock.monotonicNanos();
    Session longest;
    synchronized (this) {
      Stream<Session> rivals;
      if (countOf(entry) >= PER_ENTRY_MAX) {
        rivals = sessions.values().stream().filter(one -> one.key.entry().equals(entry));
      } else if (sessions.size() >= MAX) {
        rivals = sessions.values().stream();
      } else {
        return;
      }
      longest = rivals.max(Comparator.comparingLong(one -> one.idleNanos(now))).orElseThrow();
    }
    if (longest.idleNanos(now) >= YIELDING_NANOS) {
      longest.abandon();
    }
  }

  private long countOf(Entry entry) {
    return sessions.keySet().stream().filter(one -> one.entry().equals(entry)).count();
  }

  /** Number of them. */
  public synchronized int size() {
    return sessions.size();
  }

  /** Gives all of them up; the store is still open. */
  @Override
  public void close() {
    List<Session> all;
    synchronized (this) {
      closed = true;
      all = new ArrayList<>(sessions.values());
    }
    all.forEach(Session::abandon);
  }

  /**
   * The right to go on with an upload, until another connection takes it.
   *
   * @param session null when it has to go on elsewhere
   * @param received bytes that have arrived
   */
  public record Turn(@Nullable Session session, long number, long received) {
    /**
     * Takes the next piece.
     *
     * @throws PannierException.TooEarly when another connection goes on with it
     */
    public void write(ByteBuffer piece) {
      if (session != null) {
        session.write(number, piece);
      }
    }

    /** Nothing comes for now; returns the bytes that have arrived. */
    public long rest() {
      return session == null ? received : session.rest(number);
    }
  }

  /** One upload. */
  public final class Session {
    private final Key key;
    private final long length;
    private final ReentrantLock lock = new ReentrantLock();
    private final Checksum checksum = new Checksum();
    private @Nullable Upload upload;
    private long turn;
    private volatile long movedNanos = clock.monotonicNanos();

    private Session(Key key, long length) {
      this.key = key;
      this.length = length;
    }

    private void begin(Draft draft) {
      upload =
          key.entry()
              .beginUpload(
                  draft.timestamp(),
                  draft.contentType(),
                  draft.labels(),
                  draft.origin(),
                  draft.length());
    }

    private Turn take(long announced, long offset) {
      lock.lock();
      try {
        Upload now = current();
        if (announced != length) {
          throw new PannierException.Invalid(
              "Upload '" + key.id() + "' has " + length + " bytes, not " + announced);
        }
        movedNanos = clock.monotonicNanos();
        turn++; // whoever wrote until now is cut off, so that the answer stays true
        boolean fits = offset == now.received();
        return new Turn(fits ? this : null, turn, now.received());
      } finally {
        lock.unlock();
      }
    }

    private Upload current() {
      if (upload == null) {
        throw new PannierException.TooEarly("Upload '" + key.id() + "' has ended just now");
      }
      return upload;
    }

    private long received() {
      lock.lock();
      try {
        return upload == null ? 0 : upload.received();
      } finally {
        lock.unlock();
      }
    }

    private long idleNanos(long now) {
      return now - movedNanos;
    }

    private void write(long number, ByteBuffer piece) {
      lock.lock();
      try {
        Upload now = current();
        if (number != turn) {
          throw new PannierException.TooEarly(
              "Another connection goes on with upload '" + key.id() + "'");
        }
        boolean written = false;
        try {
          int at = piece.position();
          int bytes = piece.remaining();
          now.write(piece);
          checksum.add(piece, at, bytes);
          written = true;
        } finally {
          if (!written) {
            end(); // how much of the piece is in the file nobody knows
          }
        }
        movedNanos = clock.monotonicNanos();
      } finally {
        lock.unlock();
      }
    }

    private long rest(long number) {
      lock.lock();
      try {
        if (upload == null) {
          return 0;
        }
        if (number == turn) {
          boolean rests = false;
          try {
            upload.pause();
            rests = true;
          } finally {
            if (!rests) {
              end();
            }
          }
        }
        return upload.received();
      } finally {
        lock.unlock();
      }
    }

    private long finish(int expected) {
      lock.lock();
      try {
        Upload now = current();
        if (now.received() < length) {
          throw new PannierException.BadRequest(
              "Upload '" + key.id() + "' has " + now.received() + " of " + length + " bytes");
        }
        try {
          if (checksum.value() != expected) {
            throw new PannierException.BadRequest(
                "Upload '" + key.id() + "' does not match its checksum and was given up");
          }
          now.commit();
        } finally {
          end();
        }
        return length;
      } finally {
        lock.unlock();
      }
    }

    private void abandon() {
      lock.lock();
      try {
        end();
      } finally {
        lock.unlock();
      }
    }

    /** After a commit this only forgets it. */
    private void end() {
      Upload now = upload;
      upload = null;
      forget(key, this);
      if (now != null) {
        now.abort();
      }
    }
  }
}
