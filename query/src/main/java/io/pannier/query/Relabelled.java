package io.pannier.query;

import io.pannier.model.Labels;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Item;
import org.jspecify.annotations.Nullable;

/** An item with other labels. */
record Relabelled(Item item, Labels labels, Labels computed) implements Item {
  @Override
  public String entry() {
    return item.entry();
  }

  @Override
  public long timestamp() {
    return item.timestamp();
  }

  @Override
  public String contentType() {
    return item.contentType();
  }

  @Override
  public Body body() {
    return item.body();
  }

  @Override
  public @Nullable Object identity() {
    return item.identity();
  }
}
