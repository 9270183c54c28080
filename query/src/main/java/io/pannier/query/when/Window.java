package io.pannier.query.when;

/**
 * How much of the neighbourhood of a match belongs to it.
 *
 * @param byTime whether the amount is a time, else a number of records
 * @param amount µs or records, not negative
 */
public record Window(boolean byTime, long amount) {
  /** No neighbour. */
  public static final Window NONE = new Window(false, 0);

  /** Whether no neighbour can belong to it by number; a time of 0 takes none either. */
  public boolean isEmpty() {
    return amount == 0;
  }
}
