package io.pannier.store;

import io.pannier.model.Labels;
import io.pannier.model.Timestamp;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Facts about the records of one block, in row order (row = position in the file). Sequence numbers
 * ascend with the row; timestamps need not, so there is a second order, by time.
 *
 * <p>A sealed index may be read by any number of threads. An open one is not thread-safe while it
 * grows: callers hold the entry's lock.
 */
sealed interface BlockIndex permits OpenIndex, SealedIndex {
  /** The content type of records that name none; it has code 0. */
  String DEFAULT_CONTENT_TYPE = "application/octet-stream";

  /** Number of records. */
  int rows();

  /** Time of the record, unsigned. */
  long timestamp(int row);

  /** Where the frame of the record starts in the file. */
  long offset(int row);

  /** Raw length of the body. */
  long length(int row);

  /** Stored length of the body: less than the raw one when it is compressed. */
  long storedLength(int row);

  /** Length of the meta section. */
  int metaLength(int row);

  /** Sequence number of the record, unsigned. */
  long sequence(int row);

  /** The flag byte of the frame. */
  int flags(int row);

  /** Whether the frame of any record is known to be damaged. */
  boolean hasDamagedFrame();

  /** Content type of the record. */
  String contentType(int row);

  /** 0 for {@link #DEFAULT_CONTENT_TYPE}, else 1 + the index in {@link #contentTypes}. */
  int contentTypeCode(int row);

  /** The other content types. */
  LabelColumnDictionary contentTypes();

  /** Labels of the record as its frame has them; changes are overlaid elsewhere. */
  Labels labels(int row);

  /** One column for each label name that a record of the block has, sorted by name. A view. */
  List<LabelColumn> labelColumns();

  /** The column of a label, or null when no record of the block has it. */
  @Nullable LabelColumn labelColumn(String name);

  /** Names of all labels that a record of the block has, sorted. */
  default List<String> labelNames() {
    return labelColumns().stream().map(LabelColumn::name).toList();
  }

  /** Row at a position of the time order (timestamp, then sequence number). */
  int rowAt(int position);

  /** Whether the time order differs from the order of rows. */
  boolean isReordered();

  /** Estimate of the heap that the index takes, for bounds. Takes constant time. */
  long memoryBytes();

  /**
   * First position in time order whose timestamp is at or behind the given one; {@link #rows} if
   * none is.
   */
  default int lowerBound(long timestamp) {
    int high = rows();
    if (high == 0 || Timestamp.isBefore(timestamp(rowAt(high - 1)), timestamp)) {
      return high; // the usual question of a writer
    }
    int low = 0;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (Timestamp.isBefore(timestamp(rowAt(middle)), timestamp)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** Row of a sequence number, or −1. */
  default int rowOfSequence(long sequence) {
    int low = 0;
    int high = rows() - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      int order = Long.compareUnsigned(sequence(middle), sequence);
      if (order == 0) {
        return middle;
      }
      if (order < 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return -1;
  }
}
