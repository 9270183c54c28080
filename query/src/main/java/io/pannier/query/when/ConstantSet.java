package io.pannier.query.when;

import java.util.Collection;
import java.util.HashSet;
import java.util.Set;

/** Constants to compare a value with, by the rules of {@link Value#compare}. */
public final class ConstantSet {
  private final Set<String> texts = new HashSet<>();
  private final Set<Long> numbers = new HashSet<>();

  /** Floats, and beside them what whole numbers are as floats. */
  private final Set<Double> reals = new HashSet<>();

  private final Set<Double> numbersAsReals = new HashSet<>();

  ConstantSet(Collection<Value> constants) {
    for (Value constant : constants) {
      switch (constant) {
        case Value.Text(String text) -> texts.add(text);
        case Value.Real(double number) -> {
          if (!Double.isNaN(number)) {
            reals.add(withoutSignOfZero(number));
          }
        }
        case Value.Bool _, Value.Int _, Value.Duration _ -> {
          numbers.add(constant.asInt());
          numbersAsReals.add((double) constant.asInt());
        }
      }
    }
  }

  /** Whether a value equals one of them. */
  boolean contains(Value value) {
    return switch (value) {
      case Value.Text(String text) -> texts.contains(text);
      case Value.Real(double number) -> {
        double plain = withoutSignOfZero(number);
        yield !Double.isNaN(number) && (reals.contains(plain) || numbersAsReals.contains(plain));
      }
      case Value.Bool _, Value.Int _, Value.Duration _ ->
          numbers.contains(value.asInt()) || reals.contains((double) value.asInt());
    };
  }

  /** Minus zero equals zero, but not as a key. */
  private static double withoutSignOfZero(double number) {
    return number == 0 ? 0.0 : number;
  }
}
