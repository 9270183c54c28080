package io.pannier.server;

/** What was collected of a query for one answer. */
interface BatchAnswer extends AutoCloseable {
  /**
   * Sends what was collected; on a worker.
   *
   * @param last whether the query is at its end
   */
  void send(Call call, boolean last);

  @Override
  void close();
}
