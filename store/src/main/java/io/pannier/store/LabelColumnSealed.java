package io.pannier.store;

/** A label of a sealed index. */
record LabelColumnSealed(
    String name,
    int missingCount,
    LabelColumnStatistics statistics,
    LabelColumnDictionary.Packed dictionary,
    PackedColumn codes)
    implements LabelColumn {

  @Override
  public int code(int row) {
    return (int) codes.get(row);
  }

  long memoryBytes() {
    return 188 + 2L * name.length() + PackedColumn.OBJECT_BYTES + dictionary.memoryBytes();
  }
}
