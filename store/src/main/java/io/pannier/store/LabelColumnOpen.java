package io.pannier.store;

import io.pannier.model.LabelType;
import java.util.Arrays;
import java.util.Objects;

/** A label of an open index. Rows behind the last one that has the label are not stored. */
final class LabelColumnOpen implements LabelColumn {

  private final OpenIndex index;
  private final String name;
  private final PackedColumn.Growing codes = PackedColumn.Growing.ofSmall();
  private final LabelColumnDictionary.Growing dictionary = new LabelColumnDictionary.Growing();
  private final LabelColumnStatistics statistics = new LabelColumnStatistics();

  /** Types of the shared values. */
  private LabelType[] types = new LabelType[1];

  LabelColumnOpen(OpenIndex index, String name) {
    this.index = index;
    this.name = name;
  }

  /**
   * Gives the row, which lies behind all that were added before, a value; only the first counts.
   */
  void add(int row, String value) {
    if (row < codes.rows()) {
      return;
    }
    int before = dictionary.count();
    int code = dictionary.codeOf(value);
    if (code <= before) {
      statistics.addKnown(types[code - 1]);
    } else {
      LabelType type = statistics.addNew(value);
      if (code <= LabelColumnDictionary.SHARED) {
        if (code > types.length) {
          types = Arrays.copyOf(types, 2 * types.length);
        }
        types[code - 1] = type;
      }
    }
    codes.addZeros(row);
    codes.add(code);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int missingCount() {
    return index.rows() - statistics.total();
  }

  @Override
  public int code(int row) {
    Objects.checkIndex(row, index.rows());
    return row < codes.rows() ? (int) codes.get(row) : 0;
  }

  @Override
  public LabelColumnDictionary dictionary() {
    return dictionary;
  }

  @Override
  public LabelColumnStatistics statistics() {
    return statistics;
  }

  long memoryBytes() {
    return 188
        + 2L * name.length()
        + 4L * types.length
        + codes.memoryBytes()
        + dictionary.memoryBytes();
  }
}
