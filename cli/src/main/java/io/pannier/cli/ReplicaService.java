package io.pannier.cli;

import io.pannier.model.Clock;
import io.pannier.model.PannierException;
import io.pannier.server.Following;
import io.pannier.server.Server;
import io.pannier.store.Replica;
import io.pannier.store.Store;
import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A replica behind a server: looks for newer states, one after the other, and lets the server turn
 * to them. One thread of its own, as a look may wait for the network and take as long as a start.
 */
final class ReplicaService implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("pannier");

  /** How often a start says again that there is nothing to follow yet. */
  private static final long TELL_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final Replica replica;
  private final Server server;
  private final Clock clock;
  private final long intervalNanos;
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Thread thread;
  private boolean failing;

  private ReplicaService(Replica replica, Server server, Clock clock, long intervalNanos) {
    this.replica = replica;
    this.server = server;
    this.clock = clock;
    this.intervalNanos = intervalNanos;
    thread = new Thread(this::follow, "replica");
    thread.setDaemon(true);
  }

  /**
   * Waits for the first state and opens the server with it.
   *
   * @param following how it follows, told by the server
   * @throws IOException when what is there cannot be followed
   */
  static ReplicaService start(
      Replica replica,
      Server server,
      Clock clock,
      long intervalNanos,
      java.util.function.Supplier<Following> following)
      throws IOException, InterruptedException {
    var service = new ReplicaService(replica, server, clock, intervalNanos);
    server.open(service.first());
    server.followsAs(following);
    service.thread.start();
    return service;
  }

  private Store first() throws IOException, InterruptedException {
    long told = clock.monotonicNanos() - TELL_NANOS;
    while (true) {
      try {
        return replica.look().orElseThrow();
      } catch (java.nio.file.NoSuchFileException nothing) {
        if (clock.monotonicNanos() - told >= TELL_NANOS) {
          told = clock.monotonicNanos();
          LOG.info(
              "nothing to follow yet in {}: {}; waiting for the instance that writes",
              replica.place(),
              nothing.getMessage());
        }
      }
      TimeUnit.NANOSECONDS.sleep(intervalNanos);
    }
  }

  private void follow() {
    long pause = intervalNanos;
    try {
      while (!ended.await(pause, TimeUnit.NANOSECONDS)) {
        long began = clock.monotonicNanos();
        look();
        // A store that takes long to open leaves half of the time to those who read.
        pause = Math.max(intervalNanos, clock.monotonicNanos() - began);
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  private void look() {
    try {
      replica.look().ifPresent(server::turnTo);
      replica.tidy(server::uses);
      if (failing) {
        failing = false;
        LOG.info("following {} again", replica.place());
      }
    } catch (IOException | PannierException failed) {
      if (!failing) {
        failing = true;
        LOG.warn("cannot follow {}, the last state is served", replica.place(), failed);
      }
    } catch (RuntimeException broken) {
      LOG.error("following {} failed, the last state is served", replica.place(), broken);
    }
  }

  @Override
  public void close() {
    ended.countDown();
    try {
      thread.join(TimeUnit.SECONDS.toMillis(10));
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
    try {
      replica.close();
    } catch (IOException failed) {
      LOG.warn("replica could not be closed", failed);
    }
  }
}
