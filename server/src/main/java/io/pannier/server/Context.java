package io.pannier.server;

import io.pannier.model.PannierException;
import io.pannier.query.Queries;
import io.pannier.replicate.Replications;
import io.pannier.store.Bucket;
import io.pannier.store.Store;
import org.jspecify.annotations.Nullable;

/** What routes work with. */
final class Context {
  final ServerConfig config;
  final Queries queries;
  final Buffers buffers;
  final Acks acks;
  final long startedNanos;
  private volatile @Nullable Store store;
  private volatile @Nullable Replications replications;

  Context(ServerConfig config, Queries queries) {
    this.config = config;
    this.queries = queries;
    buffers = new Buffers(config.memory().transferBytes());
    acks = new Acks(this);
    startedNanos = config.clock().monotonicNanos();
  }

  void open(Store opened, Replications opening) {
    replications = opening;
    store = opened;
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

  static final String STARTING = "The server is starting up, please try again later";

  /** The bucket that the path names. */
  Bucket bucket(Call call) {
    return store().bucket(call.bucket());
  }
}
