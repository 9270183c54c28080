package io.pannier.store.remote;

import java.util.Map;

/**
 * How a store in S3 stands at a moment.
 *
 * @param unsentBytes bytes that only the local folder has: lost if it is lost
 * @param oldestUnsentMicros age of the oldest of them; 0 when there are none
 * @param cachedBytes bytes of clean blocks in the local folder, without the indexes of evicted ones
 * @param storedBytes bytes of all segments
 * @param deadBytes how many of these nothing needs any more
 * @param segments how many segments there are
 * @param epoch how often a writer has started
 * @param generation number of the last root
 * @param fenced whether another server has taken over
 * @param lastFailure why the last upload failed; empty when it did not
 * @param requests requests since the start
 * @param sentBytes bytes put since the start, tries that failed among them
 * @param receivedBytes bytes read since the start
 */
public record RemoteStatus(
    long unsentBytes,
    long oldestUnsentMicros,
    long cachedBytes,
    long storedBytes,
    long deadBytes,
    int segments,
    long epoch,
    long generation,
    boolean fenced,
    String lastFailure,
    Map<Request, Long> requests,
    long sentBytes,
    long receivedBytes) {

  /** What is asked of the object store, as it is charged for. */
  public enum Request {
    PUT,
    GET,
    LIST,
    DELETE
  }

  public RemoteStatus {
    requests = Map.copyOf(requests);
  }
}
