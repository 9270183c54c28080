package io.pannier.store;

import io.pannier.model.Labels;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The index of a sealed block as it lies in the footer: columns and dictionaries are views of the
 * one array that was read. Immutable, for any number of threads. {@link IndexCodec#decode} makes it
 * and has checked everything that the methods here rely on.
 */
final class SealedIndex implements BlockIndex {
  private final int rows;
  private final Columns columns;
  private final LabelColumnDictionary.Packed contentTypes;
  private final PackedColumn contentTypeCodes;
  private final @Nullable PackedColumn order;
  private final List<LabelColumnSealed> labels;
  private final int payloadBytes;
  private final long memoryBytes;

  /** Looked for when first asked; two threads may both look. */
  private @Nullable Boolean damagedFrame;

  /**
   * The columns that every record has.
   *
   * @param storedLengths the same object as the lengths when no record is compressed
   */
  record Columns(
      PackedColumn timestamps,
      PackedColumn offsets,
      PackedColumn lengths,
      PackedColumn storedLengths,
      PackedColumn metaLengths,
      PackedColumn sequences,
      PackedColumn flags) {}

  SealedIndex(
      int rows,
      Columns columns,
      LabelColumnDictionary.Packed contentTypes,
      PackedColumn contentTypeCodes,
      @Nullable PackedColumn order,
      List<LabelColumnSealed> labels,
      int payloadBytes) {
    this.rows = rows;
    this.columns = columns;
    this.contentTypes = contentTypes;
    this.contentTypeCodes = contentTypeCodes;
    this.order = order;
    this.labels = List.copyOf(labels);
    this.payloadBytes = payloadBytes;
    long bytes = 120 + 8 * PackedColumn.OBJECT_BYTES + payloadBytes + contentTypes.memoryBytes();
    for (LabelColumnSealed label : labels) {
      bytes += label.memoryBytes();
    }
    this.memoryBytes = bytes;
  }

  /** The columns as they are stored. */
  Columns columns() {
    return columns;
  }

  /** Length of the array that was read. */
  int payloadBytes() {
    return payloadBytes;
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public long timestamp(int row) {
    return columns.timestamps.get(row);
  }

  @Override
  public long offset(int row) {
    return columns.offsets.get(row);
  }

  @Override
  public long length(int row) {
    return columns.lengths.get(row);
  }

  @Override
  public long storedLength(int row) {
    return columns.storedLengths.get(row);
  }

  @Override
  public int metaLength(int row) {
    return (int) columns.metaLengths.get(row);
  }

  @Override
  public long sequence(int row) {
    return columns.sequences.get(row);
  }

  @Override
  public int flags(int row) {
    return (int) columns.flags.get(row);
  }

  @Override
  public boolean hasDamagedFrame() {
    Boolean known = damagedFrame;
    if (known == null) {
      known = false;
      for (int row = 0; row < rows && !known; row++) {
        known = (flags(row) & Frames.DAMAGED) != 0;
      }
      damagedFrame = known;
    }
    return known;
  }

  @Override
  public String contentType(int row) {
    int code = contentTypeCode(row);
    return code == 0 ? DEFAULT_CONTENT_TYPE : contentTypes.value(code - 1);
  }

  @Override
  public int contentTypeCode(int row) {
    return (int) contentTypeCodes.get(row);
  }

  @Override
  public LabelColumnDictionary contentTypes() {
    return contentTypes;
  }

  @Override
  public Labels labels(int row) {
    Objects.checkIndex(row, rows);
    return LabelColumn.labels(labels, row);
  }

  @Override
  public List<LabelColumn> labelColumns() {
    return Collections.unmodifiableList(labels);
  }

  @Override
  public @Nullable LabelColumn labelColumn(String name) {
    int low = 0;
    int high = labels.size() - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      int difference = labels.get(middle).name().compareTo(name);
      if (difference == 0) {
        return labels.get(middle);
      }
      if (difference < 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return null;
  }

  @Override
  public int rowAt(int position) {
    Objects.checkIndex(position, rows);
    return order == null ? position : (int) order.get(position);
  }

  @Override
  public boolean isReordered() {
    return order != null;
  }

  @Override
  public long memoryBytes() {
    return memoryBytes;
  }
}
