package io.pannier.store;

/**
 * Chooses records by what the indexes know of them, while an entry is walked in the order of time.
 * Called under the lock of the entry, so it must neither wait nor take long.
 */
public interface RecordFilter {
  /** What it makes of a record. */
  enum Choice {
    /** The record is not wanted. */
    LEAVE,
    /** The record is wanted. */
    TAKE,
    /**
     * The walk ends behind this record, which is not among the found ones; the filter knows why.
     */
    PAUSE
  }

  /** The filter for the rows of one block. */
  interface OfBlock {
    /** Whether no row can be taken and none needs to be seen, so that all are passed over. */
    boolean isSkipped();

    /**
     * Judges a record; records come in ascending time, of those with one time only the one that
     * counts.
     */
    Choice judge(int row);
  }

  /** Most rows to judge under the lock at once. */
  default int stepRows() {
    return Scan.ROWS_MAX;
  }

  /**
   * Looks at a block before its rows are judged. Called again and again for the same block; what it
   * knows of the block may be kept as long as {@code facts} is the same object, but rows may have
   * been added, removed or relabelled since.
   */
  OfBlock of(BlockFacts facts);
}
