package io.pannier.query;

import java.util.List;

/**
 * What a query would read, or a removal remove.
 *
 * @param entries number of entries that are looked into
 * @param blocksOutside blocks that the times leave out
 * @param blocksSkipped blocks whose index rules every record out
 * @param blocksRead blocks whose records are judged one by one
 * @param indexBytes bytes of the indexes of sealed blocks; those in the cache are not read again
 * @param records live records in the blocks that are judged
 * @param chosen records that come out
 * @param bodyBytes bytes of their bodies
 * @param skipped why blocks are passed over, the first {@link #SKIPPED_MAX} of them
 */
public record Explanation(
    int entries,
    int blocksOutside,
    int blocksSkipped,
    int blocksRead,
    long indexBytes,
    long records,
    long chosen,
    long bodyBytes,
    List<Skipped> skipped) {
  /** Most reasons that are listed. */
  public static final int SKIPPED_MAX = 100;

  /**
   * A block that is passed over.
   *
   * @param entry name of the entry
   * @param block its number within the entry
   * @param records live records in it
   * @param oldest time of the oldest, unsigned
   * @param newest time of the newest, unsigned
   * @param member which member of the condition rules its records out, counted from 1
   * @param reason what the index knows of it
   */
  public record Skipped(
      String entry, int block, int records, long oldest, long newest, int member, String reason) {}
}
