package io.pannier.server.lifecycle;

/**
 * What a policy has done since the server was started.
 *
 * @param runs that ended, whatever came of them
 * @param failedRuns those of them that failed, or were stopped or put off
 * @param records that were removed or compressed, or would have been
 * @param blocks that were compressed, or would have been
 */
public record LifecycleTotals(long runs, long failedRuns, long records, long blocks) {
  /** Before the first run. */
  static final LifecycleTotals NONE = new LifecycleTotals(0, 0, 0, 0);

  LifecycleTotals and(boolean failed, long moreRecords, long moreBlocks) {
    return new LifecycleTotals(
        runs + 1, failedRuns + (failed ? 1 : 0), records + moreRecords, blocks + moreBlocks);
  }
}
