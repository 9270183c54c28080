package io.pannier.server.metrics;

import io.pannier.query.Queries;
import io.pannier.replicate.Replications;
import io.pannier.server.access.Tokens;
import io.pannier.server.events.SystemEvents;
import io.pannier.server.http.HttpStats;
import io.pannier.server.http.RouteMeter;
import io.pannier.server.lifecycle.Lifecycles;
import io.pannier.store.Store;
import java.util.List;
import java.util.Optional;

/**
 * Where the numbers of a scrape come from.
 *
 * @param http of the server's transport, at this moment
 * @param routes meters of all routes
 * @param limits of the server, at this moment
 * @param replica how it follows the store of another instance; empty when it writes itself
 * @param instance what the server calls itself
 * @param version our own
 * @param apiVersion of the protocol
 */
public record Sources(
    Store store,
    Tokens tokens,
    Queries queries,
    Lifecycles lifecycles,
    Replications replications,
    SystemEvents events,
    HttpStats http,
    List<RouteMeter> routes,
    Limits limits,
    Optional<Replica> replica,
    String instance,
    String version,
    String apiVersion) {

  /**
   * How an instance follows another one.
   *
   * @param behindMicros since the newest state was looked for successfully
   * @param lookedMicros when that was, by the wall clock
   * @param states that it has turned to
   * @param failures looks that failed
   * @param epoch of the writer that was seen last, and {@code generation} of its state; 0 where a
   *     shared folder is followed
   */
  public record Replica(
      long behindMicros,
      long lookedMicros,
      long states,
      long failures,
      long epoch,
      long generation) {}

  /**
   * What waits, and for what.
   *
   * @param writersActive uploads and batches that are being written
   * @param writersWaiting those that wait for their turn
   * @param writersMax that may be written at once; 0: any number
   * @param transferBytes of buffers between files and connections
   * @param transferBytesMax that they may take
   * @param transferBuffers those in use
   * @param chores tasks of the server that wait for a thread
   */
  public record Limits(
      int writersActive,
      int writersWaiting,
      int writersMax,
      long transferBytes,
      long transferBytesMax,
      int transferBuffers,
      int chores) {}
}
