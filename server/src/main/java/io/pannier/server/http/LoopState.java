package io.pannier.server.http;

import io.netty.channel.EventLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What the connections of one event loop share. Used on that loop only. */
final class LoopState {
  final EventLoop loop;
  final HeadWriter heads;
  private final HttpServer server;
  private final long tickNanos;
  private final ArrayList<Connection> connections = new ArrayList<>();
  private boolean ticking;

  LoopState(EventLoop loop, HttpServer server, long tickNanos) {
    this.loop = loop;
    this.server = server;
    this.tickNanos = tickNanos;
    this.heads = new HeadWriter(server.config);
  }

  void add(Connection connection) {
    connection.loopIndex = connections.size();
    connections.add(connection);
    if (!ticking) {
      ticking = true;
      loop.schedule(this::tick, tickNanos, TimeUnit.NANOSECONDS);
    }
  }

  void remove(Connection connection) {
    Connection last = connections.removeLast();
    if (last != connection) {
      connections.set(connection.loopIndex, last);
      last.loopIndex = connection.loopIndex;
    }
  }

  /** The connections as they are now; looking at one may remove it. */
  List<Connection> connections() {
    return List.copyOf(connections);
  }

  private void tick() {
    long now = server.config.clock().monotonicNanos();
    for (Connection connection : connections()) {
      connection.tick(now);
    }
    if (connections.isEmpty()) {
      ticking = false;
    } else {
      loop.schedule(this::tick, tickNanos, TimeUnit.NANOSECONDS);
    }
  }
}
