package io.pannier.server.lifecycle;

/** What one run of a policy does to the records of its window, in steps of bounded length. */
interface Work {
  /**
   * Does a part; may wait.
   *
   * @return false when everything is done
   */
  boolean step();

  /** Records that were handled so far. */
  long records();

  /** Blocks that were handled so far. */
  long blocks();
}
