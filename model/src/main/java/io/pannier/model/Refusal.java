package io.pannier.model;

/** Why a request that is right in itself is refused for now: for whoever watches a server. */
public enum Refusal {
  /** The store is not open yet. */
  STARTING,
  /** The server is about to end. */
  STOPPING,
  /** A client sends or asks for more than it may in a while. */
  RATE_LIMIT,
  /** A client has tried too many tokens that there are none of. */
  FAILED_LOGINS,
  /** Too many uploads and batches are being written. */
  WRITERS,
  /** Too many queries are alive. */
  QUERIES,
  /** All threads for blocking work are busy, and their queue is full. */
  WORKERS,
  /** There is no memory left for bodies on their way. */
  MEMORY,
  /** There are as many connections as there may be. */
  CONNECTIONS,
  /** The device does not keep up with the writers. */
  DEVICE,
  /** What the request needs is in use by others. */
  BUSY
}
