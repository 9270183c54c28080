package io.pannier.server;

import io.pannier.query.Queries;
import io.pannier.server.access.Tokens;
import io.pannier.server.http.HttpServer;
import io.pannier.server.http.HttpServerConfig;
import io.pannier.store.Store;
import java.time.Duration;

/**
 * The HTTP API of a store. It listens before the store is open, so that a start which takes long
 * can be watched: until {@link #open} everything but {@code /alive} is answered 503.
 */
public final class Server implements AutoCloseable {
  private final Context context;
  private final ServerTimers timers;
  private final HttpServer http;

  private Server(Context context, ServerTimers timers, HttpServer http) {
    this.context = context;
    this.timers = timers;
    this.http = http;
  }

  /** Binds and begins to answer. */
  public static Server start(ServerConfig config) {
    var timers = new ServerTimers();
    var context = new Context(config, new Queries(config.clock(), config.random(), timers));
    boolean started = false;
    try {
      HttpServer http = HttpServer.start(transport(config), new Routes(context));
      started = true;
      return new Server(context, timers, http);
    } finally {
      if (!started) {
        timers.close();
      }
    }
  }

  private static HttpServerConfig transport(ServerConfig config) {
    HttpServerConfig usual = HttpServerConfig.defaults(Errors::response, config.clock());
    Duration operation = Duration.ofMillis(config.io().operationMillis());
    return usual
        .withAddress(config.host(), config.port())
        .withThreads(
            config.threads().loops(), config.threads().workers(), config.threads().workerQueue())
        .withMaxConnections(config.threads().connections())
        .withHeadLimits(
            usual.maxRequestLineBytes(), config.io().metadataBytes(), config.io().headerFields())
        .withMemoryLimits(config.memory().requestBytes(), usual.drainBytes())
        .withTimeouts(usual.headTimeout(), operation, usual.keepAliveTimeout(), usual.closeGrace())
        .withIdentity("ReductStore " + ServerRoutes.REFERENCE_VERSION, ServerRoutes.API_VERSION);
  }

  /**
   * From now on requests are answered from this store, which stays the caller's to close, after the
   * server.
   *
   * @throws io.pannier.model.PannierException when the tokens of the store cannot be read, or those
   *     of the configuration not be made
   */
  public void open(Store store) {
    ServerConfig config = context.config;
    Tokens tokens =
        Tokens.open(
            store,
            config.authentication(),
            config.declarations().tokens(),
            config.clock(),
            config.random(),
            timers::blockingAfter);
    tokens.listen(new Revocations(context.queries));
    context.open(store, tokens);
  }

  /** What happens to queries whose owners may less than before. */
  private record Revocations(Queries queries) implements Tokens.Listener {
    @Override
    public void ended(String owner) {
      queries.endOf(owner);
    }

    @Override
    public void changed(String owner) {
      queries.stopWaitingOf(owner);
    }
  }

  /** Whether a token of this value is there and works. The store must be open. */
  public boolean accepts(String token) {
    return context.tokens().accepts(token);
  }

  /** What its routes work with. */
  Context context() {
    return context;
  }

  /** The port it listens on. */
  public int port() {
    return http.port();
  }

  /** Lets running requests finish for a while, then ends every connection. */
  @Override
  public void close() {
    context.queries.close();
    http.close();
    timers.close();
    if (context.isOpen()) {
      context.tokens().close();
    }
  }
}
