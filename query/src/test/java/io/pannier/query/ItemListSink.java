package io.pannier.query;

import io.pannier.query.ext.Item;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Takes items as texts: {@code entry@time type content labels computed}. */
class ItemListSink implements ItemSink {
  final List<String> items = new ArrayList<>();
  private final List<String> names = new ArrayList<>();
  private final int max;

  ItemListSink(int max) {
    this.max = max;
  }

  @Override
  public boolean add(Item item) {
    String name = item.entry() + "@" + Long.toUnsignedString(item.timestamp());
    if (names.contains(name)) {
      return false;
    }
    names.add(name);
    items.add(
        name
            + " "
            + new String(item.body().bytes(1 << 24), StandardCharsets.UTF_8)
            + (item.labels().isEmpty() ? "" : " " + item.labels())
            + (item.computed().isEmpty() ? "" : " @" + item.computed()));
    item.body().close();
    return true;
  }

  @Override
  public boolean isEmpty() {
    return items.isEmpty();
  }

  @Override
  public boolean isFull() {
    return items.size() >= max;
  }
}
