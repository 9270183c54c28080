package io.pannier.server;

import io.pannier.model.PannierException;
import io.pannier.query.Queries;
import io.pannier.query.Timers;
import io.pannier.replicate.Replications;
import io.pannier.server.access.ClientAddress;
import io.pannier.server.access.RateLimiter;
import io.pannier.server.access.Tokens;
import io.pannier.server.events.SystemEvents;
import io.pannier.server.http.Exchange;
import io.pannier.server.lifecycle.Lifecycles;
import io.pannier.store.Bucket;
import io.pannier.store.Store;
import java.net.InetAddress;
import java.util.Optional;
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
  private volatile @Nullable Tokens tokens;
  private volatile @Nullable Lifecycles lifecycles;
  private volatile @Nullable Store store;
  private volatile @Nullable Replications replications;

  Context(ServerConfig config, Queries queries, Timers timers, SystemEvents events) {
    this.config = config;
    this.queries = queries;
    this.events = events;
    buffers = new Buffers(config.memory().transferBytes());
    acks = new Acks(this);
    limiter = new RateLimiter(config.rates(), config.clock());
    writers = new WriterSlots(config.io(), timers);
    startedNanos = config.clock().monotonicNanos();
  }

  void open(
      Store opened, Tokens openedTokens, Lifecycles policies, Replications openedReplications) {
    tokens = openedTokens;
    lifecycles = policies;
    replications = openedReplications;
    store = opened;
  }

  /** The policies; only there once the store is open. */
  Lifecycles lifecycles() {
    Lifecycles opened = lifecycles;
    if (opened == null) {
      throw new PannierException.Unavailable(STARTING, 1);
    }
    return opened;
  }

  /** The replications; only there once the store is open. */
  Replications replications() {
    Replications opened = replications;
    if (opened == null) {
      throw new PannierException.Unavailable(STARTING, 1);
    }
    return opened;
  }

  boolean isOpen() {
    return store != null;
  }

  /** The store; only there once it is open. */
  Store store() {
    Store opened = store;
    if (opened == null) {
      throw new PannierException.Unavailable(STARTING, 1);
    }
    return opened;
  }

  /** The tokens; only there once the store is open. */
  Tokens tokens() {
    Tokens opened = tokens;
    if (opened == null) {
      throw new PannierException.Unavailable(STARTING, 1);
    }
    return opened;
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
