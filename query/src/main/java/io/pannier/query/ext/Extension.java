package io.pannier.query.ext;

/**
 * Looks into records while a query runs. Found by {@link java.util.ServiceLoader}: a jar offers it
 * as a service, in {@code META-INF/services/io.pannier.query.ext.Extension} or in its {@code
 * module-info}. One instance serves all queries and any thread; what belongs to a query is in its
 * {@link Step}. Making one must cost nothing: what is heavy is loaded by {@link #open}.
 */
public interface Extension {
  /** What queries call it, such as {@code select}; not {@code when}. */
  String name();

  /** Its version, as people write it. */
  String version();

  /**
   * Begins a step of a query: reads the parameters, and refuses them if they are of no use.
   *
   * @throws io.pannier.model.PannierException.Invalid (or any other of the tree) to refuse the
   *     query; the text goes to the client as it is
   */
  Step open(Opening opening);
}
