package io.pannier.query.ext;

import java.util.List;

/**
 * What can be told of a step's condition from numbers alone, so that a step may refuse or keep what
 * it has in hands without making an {@link Item} of it. To be used as follows, for each thing that
 * would become an item:
 *
 * <ul>
 *   <li>the comparisons are looked at in their order, each with the computed label that it names;
 *   <li>if that label is missing, or no plain number: an item is made, for the condition to judge;
 *   <li>if the comparison does not hold: no item is made, as the condition would refuse it;
 *   <li>if all hold: the condition would keep it when {@link #decides}, and an item is made
 *       otherwise.
 * </ul>
 *
 * <p>A step that makes every item is right, too.
 *
 * @param comparisons what must hold, in this order, before the condition asks for anything else
 * @param decides whether it asks for nothing else
 */
public record Screen(List<Comparison> comparisons, boolean decides) {
  /** Nothing can be told: every item is to be judged. */
  public static final Screen NONE = new Screen(List.of(), false);

  /** There is no condition: everything passes. */
  public static final Screen OPEN = new Screen(List.of(), true);

  public Screen {
    comparisons = List.copyOf(comparisons);
  }

  /** Whether everything passes. */
  public boolean isOpen() {
    return decides && comparisons.isEmpty();
  }

  /** How a label is to stand to a number. */
  public enum Relation {
    /** Equal. */
    EQUAL,
    /** Not equal. */
    UNEQUAL,
    /** Less. */
    BELOW,
    /** Less or equal. */
    AT_MOST,
    /** Greater. */
    ABOVE,
    /** Greater or equal. */
    AT_LEAST;

    boolean holds(int order) {
      return switch (this) {
        case EQUAL -> order == 0;
        case UNEQUAL -> order != 0;
        case BELOW -> order < 0;
        case AT_MOST -> order <= 0;
        case ABOVE -> order > 0;
        case AT_LEAST -> order >= 0;
      };
    }
  }

  /**
   * A label beside a number. Two whole numbers are compared as such, others as floating-point
   * numbers.
   *
   * @param label a computed label, without {@code @}
   * @param relation how the label is to stand to the number
   * @param isWhole whether the number is a whole one
   * @param whole the number if it is a whole one
   * @param real the number as a floating-point number; never "not a number"
   */
  public record Comparison(
      String label, Relation relation, boolean isWhole, long whole, double real) {
    /** A label beside a whole number. */
    public static Comparison of(String label, Relation relation, long number) {
      return new Comparison(label, relation, true, number, number);
    }

    /** A label beside a floating-point number. */
    public static Comparison of(String label, Relation relation, double number) {
      return new Comparison(label, relation, false, 0, number);
    }

    /** Whether it holds for a label that is a whole number. */
    public boolean holds(long value) {
      return isWhole ? relation.holds(Long.compare(value, whole)) : holds((double) value);
    }

    /** Whether it holds for a label that is a floating-point number, and a number. */
    public boolean holds(double value) {
      return relation.holds(value < real ? -1 : value > real ? 1 : 0);
    }
  }
}
