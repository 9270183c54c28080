package io.pannier.client;

import java.util.HashMap;
import java.util.Map;

/**
 * What went wrong with single records of a call; the others were taken.
 *
 * @param byRecord empty when all went well
 */
public record BatchErrors(Map<RecordKey, ClientException.Refused> byRecord) {
  /** All went well. */
  public static final BatchErrors NONE = new BatchErrors(Map.of());

  public BatchErrors {
    byRecord = Map.copyOf(byRecord);
  }

  /** Whether all went well. */
  public boolean isEmpty() {
    return byRecord.isEmpty();
  }

  BatchErrors and(BatchErrors others) {
    if (others.isEmpty()) {
      return this;
    }
    Map<RecordKey, ClientException.Refused> both = new HashMap<>(byRecord);
    both.putAll(others.byRecord);
    return new BatchErrors(both);
  }
}
