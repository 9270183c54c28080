package io.pannier.server.http;

import io.netty.channel.EventLoop;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

/** What the connections of one event loop share. Used on that loop only. */
final class LoopState {
  final EventLoop loop;
  final HeadWriter heads;
  final H2Heads h2Heads;
  private final HttpServer server;
  private final long tickNanos;
  private final LinkedHashSet<Peer> connections = new LinkedHashSet<>();
  private boolean ticking;

  LoopState(EventLoop loop, HttpServer server, long tickNanos) {
    this.loop = loop;
    this.server = server;
    this.tickNanos = tickNanos;
    this.heads = new HeadWriter(server.config, server.ids);
    this.h2Heads = new H2Heads(server.config, server.ids);
  }

  /** Runs a task on the loop; false if the loop has ended. From any thread. */
  boolean execute(Runnable task) {
    try {
      loop.execute(task);
      return true;
    } catch (RejectedExecutionException ended) {
      return false;
    }
  }

  void add(Peer connection) {
    connections.add(connection);
    if (!ticking) {
      ticking = true;
      loop.schedule(this::tick, tickNanos, TimeUnit.NANOSECONDS);
    }
  }

  void remove(Peer connection) {
    connections.remove(connection);
  }

  /** The connections as they are now; looking at one may remove it. */
  List<Peer> connections() {
    return List.copyOf(connections);
  }

  private void tick() {
    long now = server.config.clock().monotonicNanos();
    for (Peer connection : connections()) {
      connection.tick(now);
    }
    if (connections.isEmpty()) {
      ticking = false;
    } else {
      loop.schedule(this::tick, tickNanos, TimeUnit.NANOSECONDS);
    }
  }
}
