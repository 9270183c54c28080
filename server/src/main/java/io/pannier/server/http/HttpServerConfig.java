package io.pannier.server.http;

import io.pannier.model.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Everything the transport can be told. Start from {@link #defaults} and change with the {@code
 * with} methods.
 *
 * @param host address to bind
 * @param port port to bind; 0 for any
 * @param transport which of the system's ways to wait for sockets
 * @param loops event loops; more than cores, because a file call on a loop may stall it
 * @param workers threads for blocking code
 * @param workerQueue exchanges that may wait for such a thread before 503 is answered
 * @param maxConnections connections beyond which new ones are answered 503; HTTP/2 streams of all
 *     connections together beyond which new ones are refused
 * @param maxRequestLineBytes beyond it 414
 * @param maxHeaderBytes size of the header section beyond which 431 is answered
 * @param maxHeaderFields number of header fields beyond which 431 is answered
 * @param requestMemoryBytes most memory for gathered bodies and large heads of all connections
 *     together; beyond it connections wait to be read
 * @param drainBytes most that is read and thrown away of a body nobody wants; for more the
 *     connection is closed
 * @param headTimeout longest time from the first byte of a request head to its last, for a TLS
 *     handshake, and for the first byte of a connection
 * @param operationTimeout longest stall while a body is received or a response is taken
 * @param minBodyRate bytes a second, over an operation timeout, below which whoever sends a body
 *     counts as stalled; 0: any
 * @param keepAliveTimeout longest time a connection may do nothing between two requests
 * @param closeGrace how long {@link HttpServer#close} waits for running exchanges
 * @param tls what HTTPS is spoken with; empty: plain HTTP
 * @param serverName value of the header {@code server}
 * @param apiVersion value of the header {@code x-reduct-api}
 * @param errors makes responses of failures
 * @param clock the time
 * @param processNumber what names of requests begin with; another one after every start
 */
public record HttpServerConfig(
    String host,
    int port,
    Transport transport,
    int loops,
    int workers,
    int workerQueue,
    int maxConnections,
    int maxRequestLineBytes,
    int maxHeaderBytes,
    int maxHeaderFields,
    long requestMemoryBytes,
    long drainBytes,
    Duration headTimeout,
    Duration operationTimeout,
    long minBodyRate,
    Duration keepAliveTimeout,
    Duration closeGrace,
    Optional<TlsFiles> tls,
    String serverName,
    String apiVersion,
    ErrorResponder errors,
    Clock clock,
    int processNumber) {

  /** How to wait for sockets. */
  public enum Transport {
    /** Epoll if this system has it. */
    AUTO,
    EPOLL,
    NIO
  }

  public HttpServerConfig {
    require(port >= 0 && port <= 65_535, "port must be 0 to 65535");
    require(
        loops >= 1 && workers >= 1 && workerQueue >= 1,
        "loops, workers and workerQueue must be positive");
    require(maxConnections >= 1, "maxConnections must be positive");
    require(maxRequestLineBytes >= 256, "maxRequestLineBytes must be at least 256");
    require(
        maxHeaderBytes >= 256 && maxHeaderFields >= 1,
        "maxHeaderBytes must be at least 256, maxHeaderFields positive");
    require(
        requestMemoryBytes >= 2L * maxHeaderBytes,
        "requestMemoryBytes must hold two header sections of maxHeaderBytes");
    require(drainBytes >= 0, "drainBytes must not be negative");
    require(
        headTimeout.isPositive() && operationTimeout.isPositive() && keepAliveTimeout.isPositive(),
        "timeouts must be positive");
    require(minBodyRate >= 0, "minBodyRate must not be negative");
    require(!closeGrace.isNegative(), "closeGrace must not be negative");
  }

  /** The usual values. */
  public static HttpServerConfig defaults(ErrorResponder errors, Clock clock) {
    return new HttpServerConfig(
        "0.0.0.0",
        8383,
        Transport.AUTO,
        4,
        32,
        1024,
        4096,
        16 << 10,
        512_000,
        100,
        64L << 20,
        64L << 20,
        Duration.ofSeconds(30),
        Duration.ofSeconds(30),
        0,
        Duration.ofSeconds(120),
        Duration.ofSeconds(10),
        Optional.empty(),
        "ReductStore 1.21.5",
        "1.21",
        errors,
        clock,
        0);
  }

  private HttpServerConfig with(Consumer<Copy> change) {
    var copy = new Copy(this);
    change.accept(copy);
    return copy.build();
  }

  /** The same with names that can be set. */
  private static final class Copy {
    String host;
    int port;
    Transport transport;
    int loops;
    int workers;
    int workerQueue;
    int maxConnections;
    int maxRequestLineBytes;
    int maxHeaderBytes;
    int maxHeaderFields;
    long requestMemoryBytes;
    long drainBytes;
    Duration headTimeout;
    Duration operationTimeout;
    long minBodyRate;
    Duration keepAliveTimeout;
    Duration closeGrace;
    Optional<TlsFiles> tls;
    String serverName;
    String apiVersion;
    ErrorResponder errors;
    Clock clock;
    int processNumber;

    Copy(HttpServerConfig of) {
      host = of.host;
      port = of.port;
      transport = of.transport;
      loops = of.loops;
      workers = of.workers;
      workerQueue = of.workerQueue;
      maxConnections = of.maxConnections;
      maxRequestLineBytes = of.maxRequestLineBytes;
      maxHeaderBytes = of.maxHeaderBytes;
      maxHeaderFields = of.maxHeaderFields;
      requestMemoryBytes = of.requestMemoryBytes;
      drainBytes = of.drainBytes;
      headTimeout = of.headTimeout;
      operationTimeout = of.operationTimeout;
      minBodyRate = of.minBodyRate;
      keepAliveTimeout = of.keepAliveTimeout;
      closeGrace = of.closeGrace;
      tls = of.tls;
      serverName = of.serverName;
      apiVersion = of.apiVersion;
      errors = of.errors;
      clock = of.clock;
      processNumber = of.processNumber;
    }

    HttpServerConfig build() {
      return new HttpServerConfig(
          host,
          port,
          transport,
          loops,
          workers,
          workerQueue,
          maxConnections,
          maxRequestLineBytes,
          maxHeaderBytes,
          maxHeaderFields,
          requestMemoryBytes,
          drainBytes,
          headTimeout,
          operationTimeout,
          minBodyRate,
          keepAliveTimeout,
          closeGrace,
          tls,
          serverName,
          apiVersion,
          errors,
          clock,
          processNumber);
    }
  }

  public HttpServerConfig withAddress(String host, int port) {
    return with(copy -> {
      copy.host = host;
      copy.port = port;
    });
  }

  public HttpServerConfig withTransport(Transport transport) {
    return with(copy -> copy.transport = transport);
  }

  public HttpServerConfig withThreads(int loops, int workers, int workerQueue) {
    return with(copy -> {
      copy.loops = loops;
      copy.workers = workers;
      copy.workerQueue = workerQueue;
    });
  }

  public HttpServerConfig withMaxConnections(int maxConnections) {
    return with(copy -> copy.maxConnections = maxConnections);
  }

  public HttpServerConfig withHeadLimits(
      int maxRequestLineBytes, int maxHeaderBytes, int maxHeaderFields) {
    return with(copy -> {
      copy.maxRequestLineBytes = maxRequestLineBytes;
      copy.maxHeaderBytes = maxHeaderBytes;
      copy.maxHeaderFields = maxHeaderFields;
    });
  }

  public HttpServerConfig withMemoryLimits(long requestMemoryBytes, long drainBytes) {
    return with(copy -> {
      copy.requestMemoryBytes = requestMemoryBytes;
      copy.drainBytes = drainBytes;
    });
  }

  public HttpServerConfig withTimeouts(
      Duration headTimeout,
      Duration operationTimeout,
      Duration keepAliveTimeout,
      Duration closeGrace) {
    return with(copy -> {
      copy.headTimeout = headTimeout;
      copy.operationTimeout = operationTimeout;
      copy.keepAliveTimeout = keepAliveTimeout;
      copy.closeGrace = closeGrace;
    });
  }

  public HttpServerConfig withMinBodyRate(long minBodyRate) {
    return with(copy -> copy.minBodyRate = minBodyRate);
  }

  public HttpServerConfig withTls(Optional<TlsFiles> tls) {
    return with(copy -> copy.tls = tls);
  }

  public HttpServerConfig withProcessNumber(int processNumber) {
    return with(copy -> copy.processNumber = processNumber);
  }

  public HttpServerConfig withIdentity(String serverName, String apiVersion) {
    return with(copy -> {
      copy.serverName = serverName;
      copy.apiVersion = apiVersion;
    });
  }

  private static void require(boolean condition, String message) {
    if (!condition) {
      throw new IllegalArgumentException(message);
    }
  }
}
