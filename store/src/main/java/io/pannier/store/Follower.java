package io.pannier.store;

import java.util.BitSet;

/**
 * Follows what happens in a bucket by sequence numbers ({@link History}) and keeps a position of
 * its own. The store tells it that there is something new, and asks it before something is
 * forgotten that it may not have seen.
 */
public interface Follower {
  /**
   * Records were committed or changed. Called by the committing thread, event loops among them: it
   * must neither wait nor take long.
   */
  void moved(Entry entry);

  /**
   * A block is about to be rewritten or taken away: labels as they were written, and removed
   * records, can be read until this returns and not any more then. Called where waiting is allowed,
   * without a lock that a reader of the entry needs. The follower has to have remembered durably
   * what it needs to know of everything up to the sequence number.
   */
  void beforeLoss(Entry entry, long sequence);

  /** Whether {@link #gone} has to be told which records go with a block of this entry. */
  boolean caresFor(Entry entry);

  /**
   * A block was taken away as a whole. Called under the lock of the entry.
   *
   * @param sequences numbers of its records, ascending
   * @param lengths bytes of their bodies
   * @param live which of them were not removed before
   * @param evicted whether a quota wanted it; else somebody has removed its records
   */
  void gone(Entry entry, long[] sequences, long[] lengths, BitSet live, boolean evicted);
}
