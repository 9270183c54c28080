package io.pannier.client;

import java.util.Map;

/**
 * What went wrong with single records of a request that was accepted as a whole.
 *
 * @param byTimestamp by the time of the record
 */
public record RecordErrors(Map<Long, ClientException.Refused> byTimestamp) {
  /** All went well. */
  public static final RecordErrors NONE = new RecordErrors(Map.of());

  public RecordErrors {
    byTimestamp = Map.copyOf(byTimestamp);
  }
}
