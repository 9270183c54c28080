package io.pannier.query.when;

import io.pannier.query.ext.Screen;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds what a condition asks of numbers in computed labels before it asks for anything else: its
 * leading comparisons. Members are judged in their order and the first that is false ends it, so an
 * item for which one of these is false needs no look at those behind it, whatever their state.
 */
final class Screening {
  private final List<Screen.Comparison> comparisons = new ArrayList<>();

  private Screening() {}

  static Screen of(Condition condition) {
    if (!condition.before().isEmpty() || !condition.after().isEmpty()) {
      // What does not match may be given all the same.
      return Screen.NONE;
    }
    var screening = new Screening();
    boolean decides = screening.takeAll(condition.members());
    return new Screen(screening.comparisons, decides);
  }

  /** Takes comparisons up to the first expression that is something else. True: there is none. */
  private boolean takeAll(List<Expression> members) {
    for (Expression member : members) {
      if (!(member instanceof Expression.Call call)) {
        return false;
      }
      if (call.operator() == Operator.AND) {
        if (!takeAll(call.operands())) {
          return false;
        }
      } else if (!take(call)) {
        return false;
      }
    }
    return true;
  }

  private boolean take(Expression.Call call) {
    Screen.Relation relation = relation(call.operator());
    if (relation == null
        || !(call.operands().get(0) instanceof Expression.ComputedLabel(String label))
        || !(call.operands().get(1) instanceof Expression.Constant(Value number))) {
      return false;
    }
    return switch (number) {
      case Value.Int(long whole) -> comparisons.add(Screen.Comparison.of(label, relation, whole));
      case Value.Real(double real) -> comparisons.add(Screen.Comparison.of(label, relation, real));
      case Value.Bool _, Value.Text _, Value.Duration _ -> false;
    };
  }

  private static Screen.@Nullable Relation relation(Operator operator) {
    return switch (operator) {
      case EQ -> Screen.Relation.EQUAL;
      case NE -> Screen.Relation.UNEQUAL;
      case LT -> Screen.Relation.BELOW;
      case LTE -> Screen.Relation.AT_MOST;
      case GT -> Screen.Relation.ABOVE;
      case GTE -> Screen.Relation.AT_LEAST;
      default -> null;
    };
  }
}
