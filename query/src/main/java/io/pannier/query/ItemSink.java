package io.pannier.query;

import io.pannier.query.ext.Item;

/**
 * Where a query with extensions puts what they made for one answer. It decides how much fits. Used
 * by one thread at a time.
 */
public non-sealed interface ItemSink extends ReadSink {
  /**
   * Takes the next item, and is to close its body from then on.
   *
   * @return false when it does not fit, or an item of the same entry and time is there: it will be
   *     offered first to the next sink. The first item of a batch always fits.
   */
  boolean add(Item item);
}
