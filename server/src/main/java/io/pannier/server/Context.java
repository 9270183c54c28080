package io.pannier.server;

import io.pannier.model.PannierException;
import io.pannier.model.Refusal;
import io.pannier.query.Queries;
import io.pannier.query.Timers;
import io.pannier.replicate.Replications;
import io.pannier.server.access.ClientAddress;
import io.pannier.server.access.RateLimiter;
import io.pannier.server.access.Tokens;
import io.pannier.server.events.SystemEvents;
import io.pannier.server.http.Exchange;
import io.pannier.server.http.HttpServer;
import io.pannier.server.http.RouteMeter;
import io.pannier.server.lifecycle.Lifecycles;
import io.pannier.server.metrics.Sources;
import io.pannier.store.Bucket;
import io.pannier.store.PartialUploads;
import io.pannier.store.Scheduler;
import io.pannier.store.Store;
import java.net.InetAddress;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What routes work with. */
final class Context {
  final ServerConfig config;
  final Queries queries;
  final Buffers buffers;
  final Acks acks;
  final RateLimiter limiter;
  final WriterSlots writers;
  final SystemEvents events;
  final long startedNanos;
  private final Scheduler chores;
  private volatile @Nullable Opened opened;
  private volatile @Nullable HttpServer http;
  private volatile @Nullable Supplier<Following> following;
  private final SnapshotSessions snapshots;

  /** What is there once the store is open. */
  private record Opened(
      Store store,
      Tokens tokens,
      Lifecycles lifecycles,
      Replications replications,
      PartialUploads uploads,
      Scrubber scrubber) {}

  /**
   * @param chores runs the server's own work
   */
  Context(
      ServerConfig config, Queries queries, Timers timers, SystemEvents events, Scheduler chores) {
    this.config = config;
    this.chores = chores;
    this.queries = queries;
    this.events = events;
    buffers = new Buffers(config.memory().transferBytes());
    acks = new Acks(this);
    limiter = new RateLimiter(config.rates(), config.clock());
    writers = new WriterSlots(config.io(), timers);
    startedNanos = config.clock().monotonicNanos();
    snapshots = new SnapshotSessions(this, timers);
  }

  void open(
      Store store,
      Tokens tokens,
      Lifecycles lifecycles,
      Replications replications,
      PartialUploads uploads,
      Scrubber scrubber) {
    opened = new Opened(store, tokens, lifecycles, replications, uploads, scrubber);
  }

  /** On a replica: requests that begin now are answered from a newer state. */
  void turnTo(Store state) {
    Opened before = opened();
    opened =
        new Opened(
            state,
            before.tokens,
            before.lifecycles,
            before.replications,
            before.uploads,
            before.scrubber);
  }

  /**
   * Refuses what changes something where nothing may be changed.
   *
   * @throws PannierException.Forbidden when the store belongs to another instance
   */
  void requireWriter() {
    if (store().isFollowing()) {
      throw ReadOnly.refusal();
    }
  }

  void followsAs(Supplier<Following> how) {
    following = how;
  }

  /** How this instance follows another one; empty when it writes itself. */
  Optional<Following> following() {
    Supplier<Following> how = following;
    return how == null ? Optional.empty() : Optional.of(how.get());
  }

  /** What carries the requests, told before the store is open. */
  void listensWith(HttpServer server) {
    http = server;
  }

  /**
   * Where metrics come from, at this moment; only there once the store is open.
   *
   * @param routes meters of all routes
   */
  Sources sources(List<RouteMeter> routes) {
    Opened there = opened();
    WriterSlots.Stats slots = writers.stats();
    Buffers.Stats memory = buffers.stats();
    return new Sources(
        there.store,
        there.tokens,
        queries,
        there.lifecycles,
        there.replications,
        events,
        Objects.requireNonNull(http).stats(),
        routes,
        new Sources.Limits(
            slots.inUse(),
            slots.waiting(),
            slots.most(),
            memory.bytes(),
            memory.bytesMax(),
            memory.inUse(),
            chores.waiting(Scheduler.Lane.SYNC) + chores.waiting(Scheduler.Lane.BACKGROUND)),
        following()
            .map(how ->
                new Sources.Replica(
                    how.ageMicros(),
                    how.lookedMicros(),
                    how.states(),
                    how.failures(),
                    how.epoch(),
                    how.generation())),
        config.instanceName(),
        config.version(),
        ServerRoutes.API_VERSION);
  }

  boolean isOpen() {
    return opened != null;
  }

  private Opened opened() {
    Opened there = opened;
    if (there == null) {
      throw new PannierException.Unavailable(Refusal.STARTING, STARTING, 1);
    }
    return there;
  }

  /** The policies; only there once the store is open. */
  Lifecycles lifecycles() {
    return opened().lifecycles;
  }

  /** The replications; only there once the store is open. */
  Replications replications() {
    return opened().replications;
  }

  /** Uploads that go on over several connections; only there once the store is open. */
  PartialUploads uploads() {
    return opened().uploads;
  }

  /** The scrub; only there once the store is open. */
  Scrubber scrubber() {
    return opened().scrubber;
  }

  /** Backups that are being made of the store. */
  SnapshotSessions snapshots() {
    return snapshots;
  }

  /** The store; only there once it is open. */
  Store store() {
    return opened().store;
  }

  /** The tokens; only there once the store is open. */
  Tokens tokens() {
    return opened().tokens;
  }

  /** Where a request comes from. */
  Optional<InetAddress> client(Exchange exchange) {
    InetAddress peer = exchange.clientAddress().getAddress();
    return peer == null
        ? Optional.empty()
        : Optional.of(ClientAddress.of(peer, exchange::header, config.trustedProxies()));
  }

  static final String STARTING = "The server is starting up, please try again later";

  /** The bucket that the path names. */
  Bucket bucket(Call call) {
    Bucket bucket = store().bucket(call.bucket());
    call.found(bucket);
    return bucket;
  }

  /**
   * Refuses changes by clients to records and entries of a bucket that belongs to the server.
   *
   * @throws PannierException.Forbidden when its name begins with {@code $}
   */
  static void refuseOwnBucket(String bucket) {
    if (bucket.startsWith("$")) {
      throw new PannierException.Forbidden(
          "Bucket '" + bucket + "' is written by the server only: clients may read it");
    }
  }
}
