package io.pannier.server;

import java.util.Map;

/**
 * How a replica follows the store that another instance writes.
 *
 * @param source where it looks
 * @param states how many states there were since the start
 * @param ageMicros since the newest state was looked for successfully: how far it may be behind
 *     what the writer has flushed
 * @param lookedMicros when that was, by the wall clock
 * @param failures looks that failed since the start
 * @param lastFailure why the last look failed; empty when it did not
 * @param epoch of the writer that was seen last, and {@code generation} of its state; 0 where a
 *     shared folder is followed
 * @param cachedBytes of what was read, in the local folder
 * @param receivedBytes read from the object store since the start
 * @param requests of the object store since the start, by kind; empty for a shared folder
 */
public record Following(
    String source,
    long states,
    long ageMicros,
    long lookedMicros,
    long failures,
    String lastFailure,
    long epoch,
    long generation,
    long cachedBytes,
    long receivedBytes,
    Map<String, Long> requests) {
  public Following {
    requests = Map.copyOf(requests);
  }
}
