package io.pannier.query.when;

import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What a query wants otherwise than the server's settings have it. The directive {@code
 * #io_timeout} is checked and has no effect, as in the reference.
 *
 * @param batchBytes bytes of bodies after which a batch is closed
 * @param metadataBytes bytes of headers after which a batch is closed
 * @param batchRecords records after which a batch is closed
 * @param batchTimeoutMicros longest time to collect a batch
 * @param recordTimeoutMicros longest time between two records of a batch
 */
public record TransferLimits(
    OptionalLong batchBytes,
    OptionalLong metadataBytes,
    OptionalInt batchRecords,
    OptionalLong batchTimeoutMicros,
    OptionalLong recordTimeoutMicros) {
  /** Nothing is wanted. */
  public static final TransferLimits NONE =
      new TransferLimits(
          OptionalLong.empty(),
          OptionalLong.empty(),
          OptionalInt.empty(),
          OptionalLong.empty(),
          OptionalLong.empty());
}
