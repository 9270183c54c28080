package io.pannier.server;

import io.pannier.model.PannierException;
import io.pannier.query.Queries;
import io.pannier.replicate.HttpDestinations;
import io.pannier.replicate.ReplicationDeclaration;
import io.pannier.replicate.ReplicationOptions;
import io.pannier.replicate.Replications;
import io.pannier.server.http.HttpServer;
import io.pannier.server.http.HttpServerConfig;
import io.pannier.store.Store;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP API of a store. It listens before the store is open, so that a start which takes long
 * can be watched: until {@link #open} everything but {@code /alive} is answered 503.
 */
public final class Server implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Server.class);

  private final Context context;
  private final ServerTimers timers;
  private final HttpServer http;
  private final ReplicationWorkers workers = new ReplicationWorkers();
  private volatile @Nullable Replications replications;

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
   */
  public void open(Store store) {
    ServerConfig config = context.config;
    ReplicationOptions options =
        config
            .replication()
            .options()
            .withListenPort(port())
            .withBatches(config.io().batchBytes(), config.io().batchRecords());
    Replications opened =
        Replications.open(
            store,
            config.clock(),
            workers,
            new HttpDestinations(options, config.clock(), store.id()),
            options);
    replications = opened;
    for (ReplicationDeclaration declaration : config.replication().declarations()) {
      try {
        opened.provision(declaration);
      } catch (PannierException refused) {
        // As in the reference: what cannot be set up must not keep the server from serving.
        LOG.error("replication {}: {}", declaration.name(), refused.getMessage());
      }
    }
    context.open(store, opened);
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
    Replications opened = replications;
    if (opened != null) {
      opened.close();
    }
    workers.close();
    timers.close();
  }
}
