package io.pannier.store;

import io.pannier.model.Ack;
import io.pannier.model.BucketSettings;
import io.pannier.model.Clock;
import io.pannier.model.Limits;
import io.pannier.store.disk.Disk;
import java.util.random.RandomGenerator;

/**
 * Everything a store is given: it reaches for nothing itself.
 *
 * @param disk the data folder
 * @param clock wall and monotonic time
 * @param random ids and salts; unpredictable in production
 * @param scheduler runs the engine's own work
 * @param limits every bound
 * @param defaults settings of a new bucket where its creator gives none
 * @param ack what an acknowledgement promises where neither bucket nor request says
 * @param events takes what there is to tell
 * @param holder text that names this process in the lock of the folder: host, pid, boot id
 */
public record StoreConfig(
    Disk disk,
    Clock clock,
    RandomGenerator random,
    Scheduler scheduler,
    Limits limits,
    BucketSettings defaults,
    Ack ack,
    StoreEvents events,
    String holder) {
  /** The same on another folder, for somebody who only reads: nothing is ever to be done for it. */
  StoreConfig following(Disk state, StoreEvents quieter) {
    return new StoreConfig(
        state, clock, random, new Idle(), limits, defaults, ack, quieter, holder);
  }

  /** Leaves everything undone. */
  private static final class Idle implements Scheduler {
    @Override
    public void run(Lane lane, Runnable task) {}

    @Override
    public void runLater(Lane lane, long delayMillis, Runnable task) {}

    @Override
    public int waiting(Lane lane) {
      return 0;
    }
  }
}
