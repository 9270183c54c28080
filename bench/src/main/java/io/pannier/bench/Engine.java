package io.pannier.bench;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;

/**
 * Drives the connections of a workload through warm-up and measurement, in the calling thread. One
 * connection blocks in its reads and writes, which saves a system call per operation; several share
 * a selector.
 */
final class Engine {
  private static final long NANOS_PER_SECOND = 1_000_000_000L;
  private static final int FAILURES_IN_A_ROW = 20;

  private enum Phase {
    WARM_UP,
    MEASURED,
    OVER
  }

  /** So many operations failed that it makes no sense to go on. */
  private static final class GaveUpException extends IOException {
    private static final long serialVersionUID = 1;

    GaveUpException(String message) {
      super(message);
    }
  }

  private final DriverOptions options;
  private final Workload workload;
  private final Meter meter;
  private final Connection[] connections;

  private Phase phase = Phase.WARM_UP;
  private long phaseEnd;
  private long operationsLeft;
  private long bytesLeft;
  private int underWay;
  private int failuresInARow;

  Engine(DriverOptions options, Workload workload, Meter meter) throws IOException {
    this.options = options;
    this.workload = workload;
    this.meter = meter;
    int bufferSize = options.connections <= 64 ? 256 * 1024 : 16 * 1024;
    var address = new InetSocketAddress(options.host, options.port);
    connections = new Connection[options.connections];
    for (int i = 0; i < connections.length; i++) {
      connections[i] =
          new Connection(i, address, workload.newRequest(), new ResponseReader(bufferSize));
    }
  }

  /** Runs until the options say that it is enough. */
  void run() throws IOException {
    phaseEnd = System.nanoTime() + options.warmupNanos;
    bytesLeft = options.warmupBytes;
    operationsLeft = Long.MAX_VALUE;
    try {
      if (options.blocking) {
        runBlocking(connections[0]);
      } else {
        runSelector();
      }
    } finally {
      for (Connection connection : connections) {
        connection.channel.close();
      }
      if (phase == Phase.WARM_UP) {
        meter.begin();
      }
      meter.end();
    }
  }

  private void runBlocking(Connection connection) throws IOException {
    var watchdog = Thread.ofPlatform().daemon().name("watchdog").start(() -> watch(connection));
    try {
      long now = System.nanoTime();
      while (begin(connection, now)) {
        try {
          boolean over = false;
          while (!over) {
            while (!connection.request.send(connection.channel)) {
              // A blocking channel sends everything at once, except that a gathering write may
              // stop.
            }
            while (!connection.response.receive(connection.channel)) {
              // The rest of the response is yet to come.
            }
            now = System.nanoTime();
            over = advance(connection, now);
          }
          if (connection.response.close()) {
            connection.reconnect();
          }
        } catch (AsynchronousCloseException e) {
          now = System.nanoTime();
          broken(connection, now, new IOException("no answer in time", e));
        } catch (IOException e) {
          now = System.nanoTime();
          broken(connection, now, e);
        }
      }
    } finally {
      watchdog.interrupt();
    }
  }

  /** Closes the socket of a request that takes too long, which ends the blocking call. */
  private void watch(Connection connection) {
    try {
      while (true) {
        Thread.sleep(1000);
        if (late(connection, System.nanoTime())) {
          connection.channel.close();
        }
      }
    } catch (InterruptedException | IOException _) {
      // The run is over.
    }
  }

  private boolean late(Connection connection, long now) {
    return connection.busy && now - connection.begunNanos > options.timeoutNanos;
  }

  private void runSelector() throws IOException {
    try (var selector = Selector.open()) {
      long now = System.nanoTime();
      for (Connection connection : connections) {
        register(selector, connection);
        start(connection, connection.channel.keyFor(selector), now);
      }
      long nextWatch = now + NANOS_PER_SECOND;
      while (underWay > 0) {
        selector.select(key -> ready(selector, key), 1000);
        now = System.nanoTime();
        if (now - nextWatch > 0) {
          nextWatch = now + NANOS_PER_SECOND;
          for (Connection connection : connections) {
            if (late(connection, now)) {
              recover(selector, connection, new IOException("no answer in time"));
            }
          }
        }
      }
    } catch (java.io.UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static void register(Selector selector, Connection connection) throws IOException {
    connection.channel.configureBlocking(false);
    connection.channel.register(selector, SelectionKey.OP_READ, connection);
  }

  private void start(Connection connection, SelectionKey key, long now) throws IOException {
    if (begin(connection, now)) {
      send(connection, key);
    }
  }

  private static void send(Connection connection, SelectionKey key) throws IOException {
    if (!connection.request.send(connection.channel)) {
      key.interestOps(SelectionKey.OP_READ | SelectionKey.OP_WRITE);
    }
  }

  private void ready(Selector selector, SelectionKey key) {
    var connection = (Connection) key.attachment();
    try {
      try {
        if (key.isReadable() && connection.response.receive(connection.channel)) {
          answered(selector, connection, key);
        } else if (key.isWritable() && connection.request.send(connection.channel)) {
          key.interestOps(SelectionKey.OP_READ);
        }
      } catch (IOException e) {
        recover(selector, connection, e);
      }
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private void answered(Selector selector, Connection connection, SelectionKey key)
      throws IOException {
    long now = System.nanoTime();
    boolean early = !connection.request.sent();
    if (!advance(connection, now)) {
      send(connection, key);
    } else if (early || connection.response.close()) {
      connection.reconnect();
      register(selector, connection);
      start(connection, connection.channel.keyFor(selector), now);
    } else {
      start(connection, key, now);
    }
  }

  private void recover(Selector selector, Connection connection, IOException cause)
      throws IOException {
    if (cause instanceof GaveUpException) {
      throw cause;
    }
    long now = System.nanoTime();
    if (!connection.busy) {
      // An idle connection that the server closed after the last operation.
      connection.channel.close();
      return;
    }
    broken(connection, now, cause);
    register(selector, connection);
    start(connection, connection.channel.keyFor(selector), now);
  }

  /** Begins the connection's next operation; false if there shall be none. */
  private boolean begin(Connection connection, long now) throws IOException {
    long begun = now;
    if (phase == Phase.WARM_UP && (now - phaseEnd >= 0 || bytesLeft <= 0)) {
      phase = Phase.MEASURED;
      begun = meter.begin();
      phaseEnd = begun + options.measuredNanos;
      operationsLeft = options.operations;
      bytesLeft = options.maxBytes;
    }
    if (phase == Phase.MEASURED
        && (begun - phaseEnd >= 0 || operationsLeft <= 0 || bytesLeft <= 0)) {
      phase = Phase.OVER;
    }
    if (phase == Phase.OVER) {
      return false;
    }
    operationsLeft--;
    bytesLeft -= workload.bytesToWrite();
    connection.measured = phase == Phase.MEASURED;
    connection.begunNanos = begun;
    connection.busy = true;
    underWay++;
    workload.next(connection);
    return true;
  }

  /** Takes a complete response; true when the operation is over. */
  private boolean advance(Connection connection, long now) throws IOException {
    var response = connection.response;
    meter.tick(now);
    if (connection.measured) {
      meter.requests++;
    }
    if (response.status() >= 400) {
      finish(connection, now);
      meter.failure(response.status(), response.error());
      giveUpAfterTooMany();
      return true;
    }
    if (!workload.received(connection)) {
      return false;
    }
    failuresInARow = 0;
    finish(connection, now);
    String wrong = workload.wrong(connection);
    if (!wrong.isEmpty()) {
      meter.failure(response.status(), wrong);
      giveUpAfterTooMany();
      return true;
    }
    if (response.recordErrors() > 0) {
      meter.recordFailure(response.recordErrors(), response.error());
    }
    if (connection.measured) {
      long bytes = workload.bytes(connection);
      meter.operations++;
      meter.records += workload.records(connection);
      meter.bytes += bytes;
      if (workload.bytesToWrite() == 0) {
        bytesLeft -= bytes;
      }
      meter.latency.record(now - connection.begunNanos);
      long first = workload.firstRecordNanos(connection);
      if (first >= 0) {
        meter.firstRecord.record(first);
      }
    }
    return true;
  }

  private void finish(Connection connection, long now) {
    connection.busy = false;
    underWay--;
    meter.tick(now);
  }

  /** The connection failed in the middle of an operation: a new one takes its place. */
  private void broken(Connection connection, long now, IOException cause) throws IOException {
    if (connection.busy) {
      finish(connection, now);
      meter.failure(0, cause.toString());
    }
    if (++failuresInARow >= FAILURES_IN_A_ROW) {
      throw new IOException("the server cannot be reached any more", cause);
    }
    giveUpAfterTooMany();
    connection.reconnect();
  }

  private void giveUpAfterTooMany() throws IOException {
    if (meter.failures >= options.maxErrors) {
      throw new GaveUpException(
          meter.failures + " operations failed, the first with: " + meter.firstError);
    }
  }
}
