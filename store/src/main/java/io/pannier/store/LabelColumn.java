package io.pannier.store;

import io.pannier.model.LabelType;
import io.pannier.model.Labels;
import java.util.List;

/** One label over all records of a block: a code per row, the values, and what is known of them. */
sealed interface LabelColumn extends LabelFacts permits LabelColumnOpen, LabelColumnSealed {
  /** Name of the label. */
  String name();

  /** The values. */
  LabelColumnDictionary dictionary();

  /** Counts by type and extremes, over the records that have the label. */
  LabelColumnStatistics statistics();

  @Override
  default int valueCount() {
    return dictionary().count();
  }

  @Override
  default String value(int index) {
    return dictionary().value(index);
  }

  @Override
  default int count(LabelType type) {
    return statistics().count(type);
  }

  @Override
  default long intMin() {
    return statistics().intMin();
  }

  @Override
  default long intMax() {
    return statistics().intMax();
  }

  @Override
  default double floatMin() {
    return statistics().floatMin();
  }

  @Override
  default double floatMax() {
    return statistics().floatMax();
  }

  @Override
  default boolean hasNaN() {
    return statistics().hasNaN();
  }

  /** The labels of a row, from columns sorted by name. */
  static Labels labels(List<? extends LabelColumn> columns, int row) {
    int count = 0;
    for (int i = 0; i < columns.size(); i++) {
      if (columns.get(i).code(row) != 0) {
        count++;
      }
    }
    if (count == 0) {
      return Labels.EMPTY;
    }
    var pairs = new String[2 * count];
    int at = 0;
    for (int i = 0; i < columns.size(); i++) {
      LabelColumn column = columns.get(i);
      int code = column.code(row);
      if (code != 0) {
        pairs[at++] = column.name();
        pairs[at++] = column.dictionary().value(code - 1);
      }
    }
    return Labels.ofSorted(pairs);
  }
}
