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
 * @param warnSeconds how long before the expected loss of unsent records it is told; 0: never
 * @param resumeBytes records from this length on go on where a broken connection ended, if the
 *     destination can do that
 */
public record ReplicationOptions(
    int retrySeconds,
    boolean verifyTls,
    Optional<Path> authorities,
    int listenPort,
    long batchBytes,
    int batchRecords,
    long warnSeconds,
    long resumeBytes) {
  /** What the reference has, and what is usual for ours. */
  public static final ReplicationOptions DEFAULT =
      new ReplicationOptions(5, true, Optional.empty(), 8383, 8_000_000, 85, 3600, 4L << 20);

  /** The same for a server that listens on this port. */
  public ReplicationOptions withListenPort(int port) {
    return new ReplicationOptions(
        retrySeconds,
        verifyTls,
        authorities,
        port,
        batchBytes,
        batchRecords,
        warnSeconds,
        resumeBytes);
  }

  /** The same with other batches. */
  public ReplicationOptions withBatches(long bytes, int records) {
    return new ReplicationOptions(
        retrySeconds, verifyTls, authorities, listenPort, bytes, records, warnSeconds, resumeBytes);
  }

  /** The same with another length from which on records are resumed. */
  public ReplicationOptions withResumeBytes(long length) {
    return new ReplicationOptions(
        retrySeconds,
        verifyTls,
        authorities,
        listenPort,
        batchBytes,
        batchRecords,
        warnSeconds,
        length);
  }
}
