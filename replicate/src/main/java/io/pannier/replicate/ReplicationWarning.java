package io.pannier.replicate;

/** What an operator should know of a task without having to ask. */
public sealed interface ReplicationWarning {
  /** Name of the task. */
  String task();

  /** In words. */
  String text();

  /**
   * Records will be lost unsent if it goes on like this. Told once, and again only after the danger
   * was over.
   *
   * @param seconds until the first of them goes
   * @param bytes that will be lost within the time for which warnings are given
   */
  record LossAhead(String task, double seconds, long bytes, long pendingRecords, long pendingBytes)
      implements ReplicationWarning {
    @Override
    public String text() {
      return "records will be evicted unsent in "
          + Math.round(seconds)
          + " s: "
          + pendingRecords
          + " records with "
          + pendingBytes
          + " bytes are pending";
    }
  }

  /**
   * Records were evicted unsent. Told at most once a minute; the counts of all such warnings add up
   * to the totals.
   *
   * @param records lost since it was told last
   * @param bytes of their bodies
   */
  record Lost(String task, long records, long bytes, long totalRecords, long totalBytes)
      implements ReplicationWarning {
    @Override
    public String text() {
      return records
          + " records with "
          + bytes
          + " bytes were evicted unsent ("
          + totalRecords
          + " records with "
          + totalBytes
          + " bytes since the task exists)";
    }
  }
}
