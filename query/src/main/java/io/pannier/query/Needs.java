package io.pannier.query;

import io.pannier.query.when.Expression;
import io.pannier.query.when.Operator;
import io.pannier.query.when.Value;
import java.util.HashSet;
import java.util.Set;

/**
 * What the value of an expression depends on.
 *
 * @param labels names of the labels
 * @param any whether it may look at labels whose names are not known beforehand
 * @param time whether it looks at the time of the record
 * @param state whether it remembers earlier records, or may end the query
 */
record Needs(Set<String> labels, boolean any, boolean time, boolean state) {

  static Needs of(Expression expression) {
    var labels = new HashSet<String>();
    int flags = collect(expression, labels);
    return new Needs(
        Set.copyOf(labels), (flags & ANY) != 0, (flags & TIME) != 0, (flags & STATE) != 0);
  }

  /** Whether the value is the same for every record. */
  boolean nothing() {
    return labels.isEmpty() && !any && !time && !state;
  }

  /** Whether one label decides. */
  boolean oneLabel() {
    return labels.size() == 1 && !any && !time && !state;
  }

  private static final int ANY = 1;
  private static final int TIME = 2;
  private static final int STATE = 4;

  private static int collect(Expression expression, Set<String> labels) {
    return switch (expression) {
      case Expression.Constant _ -> 0;
      case Expression.ComputedLabel _ -> 0; // stored records have none
      case Expression.Label(String name) -> {
        labels.add(name);
        yield 0;
      }
      case Expression.OneOf oneOf -> collect(oneOf.operand(), labels);
      case Expression.Call call -> {
        int flags = call.operator() == Operator.TIMESTAMP ? TIME : 0;
        if (call.operator().isStateful()) {
          flags |= STATE;
        }
        boolean names = call.operator() == Operator.EXISTS || call.operator() == Operator.REF;
        for (Expression operand : call.operands()) {
          if (names && operand instanceof Expression.Constant(Value value)) {
            labels.add(value.asText());
          } else {
            flags |= collect(operand, labels) | (names ? ANY : 0);
          }
        }
        yield flags;
      }
    };
  }
}
