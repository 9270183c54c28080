package io.pannier.query.ext;

import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Items one after the other, each made when it is asked for: nobody makes more than the client
 * takes. May be left standing between two reads of the client, and be closed before its end.
 */
public interface Items extends AutoCloseable {
  /** The next item, or null when there is none. Not asked again then. */
  @Nullable Item next();

  /** Gives up what it holds. Called once, also behind the end or an error. */
  @Override
  default void close() {}

  /** No item. */
  static Items none() {
    return NoItems.NONE;
  }

  /** One item. */
  static Items of(Item item) {
    return of(List.of(item));
  }

  /** These items. */
  static Items of(List<? extends Item> items) {
    return of(items.iterator());
  }

  /** The items of an iterator. */
  static Items of(Iterator<? extends Item> items) {
    return () -> items.hasNext() ? items.next() : null;
  }
}
