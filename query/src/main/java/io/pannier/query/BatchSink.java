package io.pannier.query;

import io.pannier.model.PannierException;
import io.pannier.store.StoredRecord;

/**
 * Where a query puts the records of one answer. It decides how much fits. Used by one thread at a
 * time.
 */
public non-sealed interface BatchSink extends ReadSink {
  /**
   * Takes the next record.
   *
   * @return false when it does not fit: it will be offered first to the next sink. The first record
   *     of a batch always fits.
   * @throws PannierException.NotFound when the record vanished since it was found; it is left out
   * @throws PannierException.Damaged when its bytes cannot be served; the batch ends before it, and
   *     the next read tells the error
   */
  boolean add(StoredRecord record);

  /** Most records it will take: how far reading ahead makes sense. */
  int maxRecords();
}
