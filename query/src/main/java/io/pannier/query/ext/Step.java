package io.pannier.query.ext;

/**
 * An extension at work in one query, from {@link Extension#open} to {@link #close}. It keeps what
 * it likes across records. What it is given and what happens to what it makes:
 *
 * <pre>
 * for each input:                             records of the query, or what the step before made
 *   for each item of process(input):
 *     if the condition of the step holds:     without one everything passes
 *       commit(item)        → outputs
 *   finish(input)           → outputs
 * at the end of the data:
 *   flush()                 → outputs         also whenever a continuous query runs dry
 * </pre>
 *
 * <p>Inputs come in the order of the query: by time, then by entry. Outputs go on to the next step
 * or to the client in the order in which they are made, and take over those computed labels of the
 * input, and of the item they were committed from, that they lack; conditions see those of the
 * input too. {@link #commit} is given the very objects that {@link #process} made. Outputs of
 * {@link #finish} and {@link #flush} are not judged by the condition of this step.
 *
 * <p>Errors: a {@link io.pannier.model.PannierException} from any method is told to the client with
 * its status, its text and the record that was in work; the query stays usable and goes on with the
 * next record. Any other exception is a 500 and a line in the log.
 */
public interface Step extends AutoCloseable {
  /** What becomes of an input. Nothing of it should be read before {@link Items#next}. */
  Items process(Item input);

  /**
   * What becomes of an item that {@link #process} made and the condition kept; may hold it back.
   */
  default Items commit(Item kept) {
    return Items.of(kept);
  }

  /** Called when everything that an input was split into was judged: the place to join it again. */
  default Items finish(Item input) {
    return Items.none();
  }

  /** What was held back. Data may follow all the same, in a continuous query. */
  default Items flush() {
    return Items.none();
  }

  /**
   * The input in work failed, here or further on, and {@link #finish} will not be called for it:
   * what was held back of it alone is to be forgotten.
   */
  default void discard(Item input) {}

  /**
   * Whether what becomes of an input depends on that input alone, and takes no memory that would
   * have to be {@link Work#reserve reserved}. A query may then open several such steps with the
   * same parameters, which work on different records at the same time; outputs are told in the
   * order of the records all the same. Nothing may be held back over {@link #finish}.
   */
  default boolean isIndependent() {
    return false;
  }

  /** The query is over. Called once. */
  @Override
  default void close() {}
}
