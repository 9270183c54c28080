package io.pannier.replicate;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What holds for all tasks.
 *
 * @param retrySeconds pause after the destination was not available
 * @param verifyTls whether certificates of destinations are checked
 * @param authorities PEM file of more authorities to trust
 * @param listenPort port of this server, by which a task that copies to itself is known
 * @param batchBytes bytes of bodies after which a batch is closed
 * @param batchRecords most records in a batch
 */
public record ReplicationOptions(
    int retrySeconds,
    boolean verifyTls,
    Optional<Path> authorities,
    int listenPort,
    long batchBytes,
    int batchRecords) {
  /** What the reference has. */
  public static final ReplicationOptions DEFAULT =
      new ReplicationOptions(5, true, Optional.empty(), 8383, 8_000_000, 85);

  /** The same for a server that listens on this port. */
  public ReplicationOptions withListenPort(int port) {
    return new ReplicationOptions(
        retrySeconds, verifyTls, authorities, port, batchBytes, batchRecords);
  }

  /** The same with other batches. */
  public ReplicationOptions withBatches(long bytes, int records) {
    return new ReplicationOptions(retrySeconds, verifyTls, authorities, listenPort, bytes, records);
  }
}
