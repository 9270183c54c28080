package io.pannier.store;

import io.pannier.model.Labels;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What the index of a block knows of its records, for a {@link RecordFilter}. */
public interface BlockFacts {
  /** Number of the block within its entry. */
  int id();

  /** Number of records, removed ones included. */
  int rows();

  /** Number of live records. */
  int live();

  /** Bytes of the file that hold the index; 0 while the block grows and its index is in memory. */
  long indexBytes();

  /** Time of a record, unsigned. */
  long timestamp(int row);

  /** A label over all records as they were written, or null when none had it. */
  @Nullable LabelFacts label(String name);

  /** Rows of records whose labels are no longer those that were written. */
  Set<Integer> relabelledRows();

  /** The labels of a record that was relabelled, else null. */
  @Nullable Labels relabelled(int row);

  /**
   * Whether what is known of the row cannot be trusted: the record or a change to it is damaged.
   */
  boolean isDamaged(int row);

  /** Whether any row may be damaged. */
  boolean hasDamage();

  /** Oldest time of a live record, unsigned; of nothing if there is none. */
  long oldest();

  /** Newest time of a live record, unsigned; of nothing if there is none. */
  long newest();
}
