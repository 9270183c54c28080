package io.pannier.server.lifecycle;

import io.pannier.query.QueryOptions;
import io.pannier.query.Removal;
import io.pannier.query.when.Condition;
import io.pannier.store.Entry;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Removes records, or only counts them. */
final class DeleteWork implements Work {
  private final Removal removal;

  DeleteWork(List<Entry> entries, Window window, Optional<Condition> when, boolean isDry) {
    removal =
        new Removal(
            entries,
            QueryOptions.removal(
                OptionalLong.of(window.start()), OptionalLong.of(window.stop()), when),
            isDry);
  }

  @Override
  public boolean step() {
    return removal.step();
  }

  @Override
  public long records() {
    return removal.records();
  }

  @Override
  public long blocks() {
    return 0;
  }
}
