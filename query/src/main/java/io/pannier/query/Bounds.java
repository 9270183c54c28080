package io.pannier.query;

import io.pannier.model.LabelType;
import io.pannier.query.when.Expression;
import io.pannier.query.when.Operator;
import io.pannier.query.when.Value;
import io.pannier.store.LabelFacts;
import java.util.List;

/**
 * What a comparison of a label with a constant can answer, by the extremes of the label's values.
 * For labels with too many values to try them all.
 */
final class Bounds {
  private static final int ALL = Truth.TRUE | Truth.FALSE | Truth.ERROR;

  private Bounds() {}

  /** Possible answers over the records that have the label; everything if it cannot be told. */
  static int outcomes(Expression expression, LabelFacts label) {
    if (expression instanceof Expression.Call(Operator operator, List<Expression> operands, _)
        && operands.size() == 2) {
      if (operands.get(0) instanceof Expression.Label
          && operands.get(1) instanceof Expression.Constant(Value value)) {
        return compared(operator, value, label);
      }
      if (operands.get(1) instanceof Expression.Label
          && operands.get(0) instanceof Expression.Constant(Value value)) {
        return compared(mirrored(operator), value, label);
      }
    }
    return ALL;
  }

  private static Operator mirrored(Operator operator) {
    return switch (operator) {
      case GT -> Operator.LT;
      case GTE -> Operator.LTE;
      case LT -> Operator.GT;
      case LTE -> Operator.GTE;
      default -> operator;
    };
  }

  /** {@code label operator value}. */
  private static int compared(Operator operator, Value value, LabelFacts label) {
    switch (operator) {
      case EQ, NE, GT, GTE, LT, LTE, IN, NIN -> {}
      default -> {
        return ALL;
      }
    }
    Operator simple =
        switch (operator) {
          case IN -> Operator.EQ;
          case NIN -> Operator.NE;
          default -> operator;
        };
    int none = simple == Operator.NE ? Truth.TRUE : Truth.FALSE;
    int outcomes = 0;
    if (value instanceof Value.Text) {
      if (label.count(LabelType.STRING) > 0) {
        outcomes |= Truth.TRUE | Truth.FALSE;
      }
      if (label.count(LabelType.BOOL) + label.count(LabelType.INT) + label.count(LabelType.FLOAT)
          > 0) {
        outcomes |= none;
      }
      return outcomes;
    }
    if (label.count(LabelType.STRING) > 0 || label.hasNaN()) {
      outcomes |= none;
    }
    if (label.count(LabelType.BOOL) > 0) {
      outcomes |= between(simple, new Value.Int(0), new Value.Int(1), value);
    }
    if (label.count(LabelType.INT) > 0) {
      outcomes |=
          between(simple, new Value.Int(label.intMin()), new Value.Int(label.intMax()), value);
    }
    if (label.count(LabelType.FLOAT) > 0 && label.floatMin() <= label.floatMax()) {
      outcomes |=
          between(
              simple, new Value.Real(label.floatMin()), new Value.Real(label.floatMax()), value);
    }
    return outcomes;
  }

  /** Answers for values from one extreme to the other, both of which occur. */
  private static int between(Operator operator, Value min, Value max, Value constant) {
    Value.Order low = Value.compare(min, constant);
    Value.Order high = Value.compare(max, constant);
    int outcomes = answer(operator, low) | answer(operator, high);
    if (low == Value.Order.LESS && high == Value.Order.GREATER) {
      outcomes |= Truth.TRUE | Truth.FALSE;
    }
    return outcomes;
  }

  private static int answer(Operator operator, Value.Order order) {
    return operator.holds(order) ? Truth.TRUE : Truth.FALSE;
  }
}
