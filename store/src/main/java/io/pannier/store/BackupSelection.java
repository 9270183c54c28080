package io.pannier.store;

import java.util.List;

/**
 * What is to be backed up.
 *
 * @param buckets names; empty: all of them, and the documents of the store
 * @param range blocks that lie outside of it are left out
 */
public record BackupSelection(List<String> buckets, TimeRange range) {
  /** Everything. */
  public static final BackupSelection ALL = new BackupSelection(List.of(), TimeRange.all());

  /** Copies the list. */
  public BackupSelection {
    buckets = List.copyOf(buckets);
  }

  /** Whether no time is left out. */
  public boolean isUnbounded() {
    return range.start() == 0 && !range.bounded();
  }
}
