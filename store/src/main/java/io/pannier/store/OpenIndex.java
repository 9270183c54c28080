package io.pannier.store;

import io.pannier.model.Labels;
import io.pannier.model.Timestamp;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The index of a block that still grows. Its columns have the packed form from the start, so ten
 * thousand entries of one record each stay small, and a block of equal records costs a few bytes a
 * row. Not thread-safe: callers hold the entry's lock.
 */
final class OpenIndex implements BlockIndex {
  private final PackedColumn.Growing timestamps = PackedColumn.Growing.ofSteps();
  private final PackedColumn.Growing offsets = PackedColumn.Growing.ofSteps();
  private final PackedColumn.Growing lengths = PackedColumn.Growing.ofSmall();

  /** Absent while no record is compressed. */
  private PackedColumn.@Nullable Growing storedLengths;

  private final PackedColumn.Growing metaLengths = PackedColumn.Growing.ofSmall();
  private final PackedColumn.Growing sequences = PackedColumn.Growing.ofSteps();
  private final PackedColumn.Growing flags = PackedColumn.Growing.ofSmall();
  private final PackedColumn.Growing contentTypeCodes = PackedColumn.Growing.ofSmall();
  private final LabelColumnDictionary.Growing contentTypes = new LabelColumnDictionary.Growing();

  /** Sorted by name. */
  private final ArrayList<LabelColumnOpen> labels = new ArrayList<>(0);

  private long labelBytes;
  private int rows;
  private boolean damagedFrame;
  private long newest;

  /** Rows by timestamp, then sequence number; absent while that is the order of rows. */
  private int @Nullable [] order;

  /**
   * Appends a record that is not compressed.
   *
   * @param sequence above that of every record before
   * @return its row
   */
  int add(
      long timestamp,
      long offset,
      long length,
      int metaLength,
      long sequence,
      int flagByte,
      String contentType,
      Labels recordLabels) {
    return add(
        timestamp,
        offset,
        length,
        length,
        metaLength,
        sequence,
        flagByte,
        contentType,
        recordLabels);
  }

  /** The same for any record. */
  int add(
      long timestamp,
      long offset,
      long length,
      long storedLength,
      int metaLength,
      long sequence,
      int flagByte,
      String contentType,
      Labels recordLabels) {
    int row = rows;
    if (row > 0 && Long.compareUnsigned(sequence, sequences.get(row - 1)) <= 0) {
      throw new IllegalArgumentException("sequence numbers must ascend");
    }
    if (metaLength < 0 || (flagByte & ~0xff) != 0) {
      throw new IllegalArgumentException("meta length or flags out of range");
    }
    timestamps.add(timestamp);
    offsets.add(offset);
    lengths.add(length);
    addStored(storedLength, length);
    metaLengths.add(metaLength);
    sequences.add(sequence);
    flags.add(flagByte);
    damagedFrame |= (flagByte & Frames.DAMAGED) != 0;
    contentTypeCodes.add(
        contentType.equals(DEFAULT_CONTENT_TYPE) ? 0 : contentTypes.codeOf(contentType));
    int next = 0;
    for (int i = 0; i < recordLabels.size(); i++) {
      int at = columnAt(recordLabels.name(i), next);
      LabelColumnOpen column = labels.get(at);
      long before = column.memoryBytes();
      column.add(row, recordLabels.value(i));
      labelBytes += column.memoryBytes() - before;
      next = at + 1;
    }
    placeInTime(row, timestamp);
    rows = row + 1;
    return row;
  }

  private void addStored(long stored, long length) {
    PackedColumn.Growing column = storedLengths;
    if (column == null) {
      if (stored == length) {
        return;
      }
      column = PackedColumn.Growing.ofSmall();
      for (int i = 0; i < rows; i++) {
        column.add(lengths.get(i));
      }
      storedLengths = column;
    }
    column.add(stored);
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public long timestamp(int row) {
    return timestamps.get(row);
  }

  @Override
  public long offset(int row) {
    return offsets.get(row);
  }

  @Override
  public long length(int row) {
    return lengths.get(row);
  }

  @Override
  public long storedLength(int row) {
    return storedLengths == null ? lengths.get(row) : storedLengths.get(row);
  }

  @Override
  public int metaLength(int row) {
    return (int) metaLengths.get(row);
  }

  @Override
  public long sequence(int row) {
    return sequences.get(row);
  }

  @Override
  public int flags(int row) {
    return (int) flags.get(row);
  }

  @Override
  public boolean hasDamagedFrame() {
    return damagedFrame;
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
    int at = find(name);
    return at < 0 ? null : labels.get(at);
  }

  @Override
  public int rowAt(int position) {
    Objects.checkIndex(position, rows);
    return order == null ? position : order[position];
  }

  @Override
  public boolean isReordered() {
    return order != null;
  }

  /**
   * At least one byte for each row and label: so much a label costs in the sealed form once a
   * record lacks it, also where this form stores nothing.
   */
  @Override
  public long memoryBytes() {
    long columns =
        timestamps.memoryBytes()
            + offsets.memoryBytes()
            + lengths.memoryBytes()
            + (storedLengths == null ? 0 : storedLengths.memoryBytes())
            + metaLengths.memoryBytes()
            + sequences.memoryBytes()
            + flags.memoryBytes()
            + contentTypeCodes.memoryBytes()
            + contentTypes.memoryBytes()
            + (order == null ? 0 : 16 + 4L * order.length);
    return 120 + columns + Math.max(labelBytes, (long) rows * labels.size());
  }

  /** Position of the column of a label, made if need be; mostly the one behind the last one. */
  private int columnAt(String name, int guess) {
    if (guess < labels.size() && labels.get(guess).name().equals(name)) {
      return guess;
    }
    int at = find(name);
    if (at >= 0) {
      return at;
    }
    String stored = new String(name.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    if (!stored.equals(name)) {
      return columnAt(stored, guess); // half a surrogate pair: the name is what the file will say
    }
    var column = new LabelColumnOpen(this, name);
    labels.add(-at - 1, column);
    labelBytes += column.memoryBytes() + 4;
    return -at - 1;
  }

  private int find(String name) {
    int low = 0;
    int high = labels.size() - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      int difference = labels.get(middle).name().compareTo(name);
      if (difference == 0) {
        return middle;
      }
      if (difference < 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return -low - 1;
  }

  private void placeInTime(int row, long timestamp) {
    boolean inOrder = row == 0 || !Timestamp.isBefore(timestamp, newest);
    if (inOrder) {
      newest = timestamp;
    }
    if (order == null) {
      if (inOrder) {
        return;
      }
      order = new int[Math.max(16, row + row / 2)];
      for (int i = 0; i < row; i++) {
        order[i] = i;
      }
    } else if (row == order.length) {
      order = Arrays.copyOf(order, row + row / 2);
    }
    int at = inOrder ? row : firstBehind(order, row, timestamp);
    System.arraycopy(order, at, order, at + 1, row - at);
    order[at] = row;
  }

  /** First of {@code count} positions whose timestamp lies behind: equal ones keep their order. */
  private int firstBehind(int[] rowsByTime, int count, long timestamp) {
    int low = 0;
    int high = count;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (Timestamp.isAfter(timestamps.get(rowsByTime[middle]), timestamp)) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }
}
