package io.pannier.query;

import io.pannier.query.ext.Item;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Takes items until the one is there that is looked for. */
final class OneItem implements ItemSink {
  private final String entry;
  private final long timestamp;
  private volatile @Nullable Item found;

  OneItem(String entry, long timestamp) {
    this.entry = entry;
    this.timestamp = timestamp;
  }

  Optional<Item> found() {
    return Optional.ofNullable(found);
  }

  @Override
  public boolean add(Item item) {
    if (item.timestamp() == timestamp && item.entry().equals(entry)) {
      found = item;
    } else {
      item.body().close();
    }
    return true;
  }

  /** Always, so that errors are heard of. */
  @Override
  public boolean isEmpty() {
    return found == null;
  }

  @Override
  public boolean isFull() {
    return found != null;
  }
}
