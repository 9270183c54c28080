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
  private volatile @Nullable Opened opened;

  /** What is there once the store is open. */
  private record Opened(
      Store store, Tokens tokens, Lifecycles lifecycles, Replications replications) {}

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

  void open(Store store, Tokens tokens, Lifecycles lifecycles, Replications replications) {
    opened = new Opened(store, tokens, lifecycles, replications);
  }

  boolean isOpen() {
    return opened != null;
  }

  private Opened opened() {
    Opened there = opened;
    if (there == null) {
      throw new PannierException.Unavailable(STARTING, 1);
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
