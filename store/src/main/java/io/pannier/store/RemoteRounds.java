package io.pannier.store;

import io.pannier.model.PannierException;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.remote.RemoteDisk;
import io.pannier.store.remote.RemoteRefused;
import io.pannier.store.remote.RemoteStatus;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Brings what is on the device to the object store, if the data folder has one: every interval, and
 * at once when somebody waits for it. All who wait while an upload goes on are answered by the next
 * one.
 */
public final class RemoteRounds {
  /** How soon an upload that failed is tried again. */
  private static final long RETRY_MILLIS = 5_000;

  private static final int RETRY_SECONDS = 5;

  /** Finds footers for {@link RemoteDisk}, which knows nothing of blocks. */
  public static final RemoteDisk.FooterRule FOOTERS = RemoteRounds::footer;

  private final Store store;
  private final @Nullable RemoteDisk disk;
  private final List<Consumer<Optional<PannierException>>> waiters = new ArrayList<>();
  private final ReentrantLock rounds = new ReentrantLock();
  private boolean immediate; // guarded by waiters
  private boolean fencedTold;
  private volatile boolean ended;

  /**
   * @param given what the store was given, without what it put around it
   */
  RemoteRounds(Store store, Disk given) {
    this.store = store;
    disk = given instanceof RemoteDisk remote ? remote : null;
  }

  private static OptionalLong footer(DiskFile file, long length) throws IOException {
    return Footer.positionIn(file, length);
  }

  boolean isThere() {
    return disk != null;
  }

  Optional<RemoteStatus> status() {
    return Optional.ofNullable(disk).map(RemoteDisk::status);
  }

  /** Whether writers have to be told to wait, or to stop. */
  boolean isStopping() {
    RemoteDisk there = disk;
    return there != null && (there.isTailFull() || there.isFenced());
  }

  /** Refuses new records while too much waits to be uploaded. */
  void requireRoom() {
    RemoteDisk there = disk;
    if (there != null && there.isTailFull()) {
      throw new PannierException.Unavailable(
          "Object store does not keep up: " + there.unsentBytes() + " bytes wait to be uploaded",
          RETRY_SECONDS);
    }
  }

  /** Refuses everything once another server has the store. */
  void requireWriter() {
    RemoteDisk there = disk;
    if (there != null && there.isFenced()) {
      throw new PannierException.Unavailable(
          "Another server has taken over this store in the object store", 60);
    }
  }

  void start() {
    RemoteDisk there = disk;
    if (there != null) {
      store.scheduler.runLater(Scheduler.Lane.REMOTE, there.intervalMillis(), this::tick);
    }
  }

  /** There are no more uploads but the one of the stop. */
  void end() {
    ended = true;
  }

  private void tick() {
    RemoteDisk there = disk;
    if (ended || there == null) {
      return;
    }
    boolean done = round();
    long millis = there.intervalMillis();
    if (!there.isFenced()) {
      store.scheduler.runLater(
          Scheduler.Lane.REMOTE, done ? millis : Math.min(millis, RETRY_MILLIS), this::tick);
    }
  }

  void whenRemote(Consumer<Optional<PannierException>> done) {
    if (disk == null) {
      done.accept(
          Optional.of(
              new PannierException.Invalid(
                  "This server has no object store: nothing can be acknowledged 'remote'")));
      return;
    }
    boolean start;
    synchronized (waiters) {
      waiters.add(done);
      start = !immediate;
      immediate = true;
    }
    if (start) {
      store.scheduler.run(Scheduler.Lane.REMOTE, this::round);
    }
  }

  /** One upload; returns whether all that was acknowledged before it is in the object store. */
  boolean round() {
    RemoteDisk there = disk;
    if (there == null) {
      return false;
    }
    rounds.lock();
    try {
      List<Consumer<Optional<PannierException>>> waiting;
      synchronized (waiters) {
        waiting = List.copyOf(waiters);
        waiters.clear();
        immediate = false;
      }
      Optional<PannierException> failure = ended ? stopped() : upload(there);
      for (var waiter : waiting) {
        waiter.accept(failure);
      }
      return failure.isEmpty();
    } finally {
      rounds.unlock();
    }
  }

  private static Optional<PannierException> stopped() {
    return Optional.of(new PannierException.Unavailable("Server is stopping", 1));
  }

  private Optional<PannierException> upload(RemoteDisk there) {
    try {
      // What is not on the device does not go up: the folder may never hold less.
      if (!store.sync.round()) {
        return Optional.of(
            new PannierException.Internal("Internal error: sync round failed", null));
      }
      there.upload();
      return Optional.empty();
    } catch (RemoteRefused refused) {
      if (!fencedTold) {
        fencedTold = true;
        store.failure("uploads have ended", "object store", refused);
      }
      return Optional.of(
          new PannierException.Unavailable(String.valueOf(refused.getMessage()), 60));
    } catch (IOException | RuntimeException failed) {
      store.failure("upload failed", "object store", failed);
      return Optional.of(
          new PannierException.Unavailable(
              "Object store could not be written: " + failed.getMessage(), RETRY_SECONDS));
    }
  }
}
