package io.pannier.query.ext;

import io.pannier.model.PannierException;

/**
 * The bounds within which the steps of one query work. Exceeding one is an error of the record that
 * was in work; the query goes on behind it.
 */
public interface Work {
  /**
   * Throws when the query was given up, or one stored record has taken more CPU time than one may.
   * To be called about every millisecond of work (each 1000 rows, each 100 KB); costs less than a
   * microsecond.
   *
   * @throws PannierException.Invalid when the CPU time is used up
   * @throws PannierException.Unavailable when nobody wants the result any more
   */
  void check();

  /**
   * Takes note of memory that a step is about to use beside the item in its hands: rows it holds
   * back, a decompressed chunk, buffers of an engine.
   *
   * @throws PannierException.Invalid when the query has more than it may; nothing is taken then
   */
  void reserve(long bytes);

  /** Gives memory back that was reserved. */
  void release(long bytes);

  /** Most memory that {@link #reserve} grants in all, in bytes. */
  long memoryBytes();

  /** What is left of it. */
  long memoryLeft();

  /** CPU time that is left for the stored record in work, in nanoseconds; may be negative. */
  long cpuNanosLeft();

  /**
   * Has somebody else stop what cannot call {@link #check} while it works, such as a native engine:
   * the hook is run on another thread when the CPU time is used up or the query is given up, at
   * once if that is so already. It must not block.
   *
   * @return ends the registration
   */
  Hook onStop(Runnable hook);

  /**
   * Collects bytes of a body whose length is not known beforehand: in memory at first, in a
   * temporary file from about a megabyte on. What it takes is bounded for each query.
   */
  Spool spool();

  /** A registration of {@link #onStop}. */
  interface Hook extends AutoCloseable {
    @Override
    void close();
  }

  /** Without bounds, for tools and tests; {@link #spool} keeps all in memory. */
  static Work unbounded() {
    return new UnboundedWork();
  }
}
