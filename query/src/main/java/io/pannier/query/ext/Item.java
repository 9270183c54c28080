package io.pannier.query.ext;

import io.pannier.model.Labels;
import org.jspecify.annotations.Nullable;

/**
 * A record on its way through the steps of a query: one that is stored, or what a step made. Steps
 * may implement it themselves, so that rows which no condition keeps cost little: labels and body
 * are asked for only when somebody needs them. An item stays as it is once it was given away, and
 * does not change when the next one is asked for.
 */
public interface Item {
  /** The entry it appears under. Items without one are dropped. */
  String entry();

  /** µs since the epoch, unsigned. */
  long timestamp();

  /** Stored labels: those of the record it was made from. */
  default Labels labels() {
    return Labels.EMPTY;
  }

  /** Labels made by extensions, without the {@code @} that conditions and clients put in front. */
  default Labels computed() {
    return Labels.EMPTY;
  }

  /** One of {@link #computed}, or null when it has none of that name; what conditions ask for. */
  default @Nullable String computed(String name) {
    return computed().get(name);
  }

  /** Never empty; without a comma. */
  String contentType();

  /** Its bytes. The same body each time. */
  Body body();

  /**
   * Names the bytes of a stored record: what has an equal one has the same bytes, in any query, so
   * that what was found out about them may be kept. Null where nobody knows.
   */
  default @Nullable Object identity() {
    return null;
  }

  /**
   * An item of its parts.
   *
   * @param computed without {@code @}
   */
  static Item of(
      String entry, long timestamp, Labels labels, Labels computed, String contentType, Body body) {
    return new PlainItem(entry, timestamp, labels, computed, contentType, body);
  }

  /** The same item with further computed labels, which go before those it has. */
  default Item withComputed(Labels more) {
    return of(entry(), timestamp(), labels(), computed().with(more), contentType(), body());
  }

  /** The same item with other content. */
  default Item withBody(String newContentType, Body newBody) {
    return of(entry(), timestamp(), labels(), computed(), newContentType, newBody);
  }
}
