package io.pannier.store;

import io.pannier.model.Labels;
import java.util.List;

/** One label over all records of a block: a code per row, the values, and what is known of them. */
sealed interface LabelColumn permits LabelColumnOpen, LabelColumnSealed {
  /** The type that the condition language reads out of a text. The order is the format's. */
  enum Type {
    BOOL,
    INT,
    FLOAT,
    STRING
  }

  /** Name of the label. */
  String name();

  /** Number of records that lack the label. */
  int missingCount();

  /** 0 when the record lacks the label, else 1 + the index of its value in the dictionary. */
  int code(int row);

  /** The values. Beyond 256, one value may stand there more than once. */
  LabelColumnDictionary dictionary();

  /** Counts by type and extremes, over the records that have the label. */
  LabelColumnStatistics statistics();

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
    return Labels.of(pairs);
  }
}
