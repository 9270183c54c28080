package io.pannier.server;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.model.PannierException;
import io.pannier.query.Extensions;
import io.pannier.query.Queries;
import io.pannier.query.RecordCut;
import io.pannier.replicate.Extractor;
import io.pannier.replicate.HttpDestinations;
import io.pannier.replicate.ReplicationDeclaration;
import io.pannier.replicate.ReplicationOptions;
import io.pannier.replicate.Replications;
import io.pannier.server.access.Tokens;
import io.pannier.server.events.LogSink;
import io.pannier.server.events.SystemEvents;
import io.pannier.server.http.HttpServer;
import io.pannier.server.http.HttpServerConfig;
import io.pannier.server.http.TlsFiles;
import io.pannier.server.lifecycle.Lifecycles;
import io.pannier.server.settings.Provisioning;
import io.pannier.store.Bucket;
import io.pannier.store.PartialUploads;
import io.pannier.store.Scheduler;
import io.pannier.store.Store;
import io.pannier.store.StoredRecord;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP API of a store. It listens before the store is open, so that a start which takes long
 * can be watched: until {@link #open} everything but {@code /alive} is answered 503.
 */
public final class Server implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Server.class);
  private static final long SWEEP_MILLIS = 30_000;

  private final Context context;
  private final ServerTimers timers;
  private final HttpServer http;
  private final Extensions extensions;
  private final Scheduler chores;
  private final Runnable endChores;
  private final ReplicationWorkers workers = new ReplicationWorkers();
  private volatile @Nullable Lifecycles lifecycles;
  private volatile @Nullable Replications replications;
  private volatile @Nullable PartialUploads uploads;

  private Server(
      Context context,
      ServerTimers timers,
      HttpServer http,
      Extensions extensions,
      Scheduler chores,
      Runnable endChores) {
    this.context = context;
    this.extensions = extensions;
    this.timers = timers;
    this.http = http;
    this.chores = chores;
    this.endChores = endChores;
  }

  /**
   * Binds and begins to answer.
   *
   * @throws io.pannier.model.PannierException.Internal when the address cannot be bound
   * @throws io.pannier.model.PannierException.Invalid when a certificate or key is of no use
   */
  public static Server start(ServerConfig config) {
    // One for events, which are short, and one for lifecycles, which may take long.
    var chores = new PlatformScheduler("server", 2);
    boolean started = false;
    try {
      Server server = start(config, chores, chores::close);
      started = true;
      return server;
    } finally {
      if (!started) {
        chores.close();
      }
    }
  }

  /**
   * The same with a scheduler for the server's own work: events, lifecycles.
   *
   * @param chores runs what may wait
   * @param endChores called when the server has stopped
   */
  static Server start(ServerConfig config, Scheduler chores, Runnable endChores) {
    var timers = new ServerTimers();
    var events = new SystemEvents(config.events(), config.instanceName(), config.clock(), chores);
    boolean started = false;
    Extensions extensions = null;
    try {
      extensions = Extensions.open(config.extensions(), config.clock(), timers);
      var queries = new Queries(config.clock(), config.random(), timers, extensions);
      var context = new Context(config, queries, timers, events, chores);
      HttpServer http = HttpServer.start(transport(config), new Routes(context));
      context.listensWith(http);
      started = true;
      return new Server(context, timers, http, extensions, chores, endChores);
    } finally {
      if (!started) {
        timers.close();
        if (extensions != null) {
          extensions.close();
        }
      }
    }
  }

  private static HttpServerConfig transport(ServerConfig config) {
    HttpServerConfig usual = HttpServerConfig.defaults(Errors::response, config.clock());
    Duration operation = Duration.ofMillis(config.io().operationMillis());
    return usual
        .withAddress(config.host(), config.port())
        .withTls(
            config
                .tls()
                .map(tls ->
                    new TlsFiles(
                        tls.certificate(), tls.key(), tls.clientCa(), tls.requireClient())))
        .withThreads(
            config.threads().loops(), config.threads().workers(), config.threads().workerQueue())
        .withMaxConnections(config.threads().connections())
        .withHeadLimits(
            usual.maxRequestLineBytes(), config.io().metadataBytes(), config.io().headerFields())
        .withMemoryLimits(config.memory().requestBytes(), usual.drainBytes())
        .withTimeouts(
            config.patience().head(),
            operation,
            config.patience().keepAlive(),
            config.patience().stop())
        .withMinBodyRate(config.patience().minBodyRate())
        .withProcessNumber(config.random().nextInt())
        .withIdentity("ReductStore " + ServerRoutes.REFERENCE_VERSION, ServerRoutes.API_VERSION);
  }

  /**
   * From now on requests are answered from this store, which stays the caller's to close, after the
   * server. What the configuration declares is there when this returns.
   *
   * @throws io.pannier.model.PannierException when the tokens of the store cannot be read, or what
   *     the configuration declares cannot be made
   */
  public void open(Store store) {
    ServerConfig config = context.config;
    boolean writes = !store.isFollowing();
    if (writes) {
      Provisioning.buckets(store, config.declarations().buckets());
    }
    Tokens tokens =
        Tokens.open(
            store,
            config.authentication(),
            config.declarations().tokens(),
            config.clock(),
            config.random(),
            timers::blockingAfter);
    tokens.listen(new Revocations(context.queries));
    if (writes) {
      context.events.open(store);
    }
    var policies = new Lifecycles(store, config.clock(), chores, context.events, Errors::status);
    if (writes) {
      policies.open(config.declarations().lifecycles());
    }
    lifecycles = policies;
    Replications copies = openReplications(store, writes);
    replications = copies;
    var partial = new PartialUploads(config.clock());
    uploads = partial;
    sweep(partial);
    var scrubbing = new Scrubber(store, config.scrub(), config.clock(), timers, context.events);
    context.open(store, tokens, policies, copies, partial, scrubbing);
    if (writes) {
      scrubbing.start();
    }
  }

  /**
   * On a replica: answers from a newer state of the store from now on. Who began to read in the one
   * before reads on there.
   *
   * @throws io.pannier.model.PannierException when its tokens cannot be read; then nothing changes
   */
  public void turnTo(Store state) {
    context.tokens().follow(state);
    context.turnTo(state);
    context.queries.turnTo(state);
  }

  /** Whether somebody may still read on in a state of before. */
  public boolean uses(Store state) {
    return context.queries.use(state);
  }

  /** How a replica follows, told by {@code /info}. */
  public void followsAs(Supplier<Following> how) {
    context.followsAs(how);
  }

  /** Unfinished uploads that nobody goes on with are given up. */
  private void sweep(PartialUploads partial) {
    chores.runLater(
        Scheduler.Lane.BACKGROUND,
        SWEEP_MILLIS,
        () -> {
          partial.sweep();
          sweep(partial);
        });
  }

  private Replications openReplications(Store store, boolean writes) {
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
            options,
            context.events::replication,
            new Cutting(context.queries),
            writes);
    if (!writes) {
      return opened;
    }
    for (ReplicationDeclaration declaration : config.replication().declarations()) {
      try {
        opened.provision(declaration);
      } catch (PannierException refused) {
        // As in the reference: what cannot be set up must not keep the server from serving.
        LOG.error("replication {}: {}", declaration.name(), refused.getMessage());
      }
    }
    return opened;
  }

  /** Extensions at work for replications. */
  private record Cutting(Queries queries) implements Extractor {
    @Override
    public void check(Optional<Bucket> source, JsonNode ext) {
      if (source.isPresent()) {
        queries.checkExtensions(source.get(), ext);
      }
    }

    @Override
    public RecordCut open(StoredRecord record, JsonNode ext) {
      return queries.cut(record, ext);
    }
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

  /** Takes lines of the log, to be kept in {@code $system}. */
  public LogSink logSink() {
    return context.events;
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
    extensions.close();
    context.snapshots().close();
    if (context.isOpen()) {
      context.scrubber().close();
    }
    Replications copies = replications;
    if (copies != null) {
      copies.close();
    }
    workers.close();
    PartialUploads partial = uploads;
    if (partial != null) {
      partial.close();
    }
    Lifecycles policies = lifecycles;
    if (policies != null) {
      policies.close();
    }
    // Behind the last answer and the last run, so that they are told of too.
    context.events.close();
    endChores.run();
    timers.close();
    if (context.isOpen()) {
      context.tokens().close();
    }
  }
}
