package io.pannier.query;

import io.pannier.model.Labels;
import io.pannier.query.when.RecordFacts;
import io.pannier.store.BlockFacts;
import io.pannier.store.LabelFacts;
import org.jspecify.annotations.Nullable;

/** A record of a block, as a condition sees it; moved from row to row. */
final class RowFacts implements RecordFacts {
  private final BlockFacts block;
  private int row;

  RowFacts(BlockFacts block) {
    this.block = block;
  }

  RowFacts at(int newRow) {
    row = newRow;
    return this;
  }

  @Override
  public long timestamp() {
    return block.timestamp(row);
  }

  @Override
  public @Nullable String label(String name) {
    Labels relabelled = block.relabelled(row);
    if (relabelled != null) {
      return relabelled.get(name);
    }
    LabelFacts label = block.label(name);
    int code = label == null ? 0 : label.code(row);
    return code == 0 || label == null ? null : label.value(code - 1);
  }
}
