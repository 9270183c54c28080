package io.pannier.query.when;

import java.util.List;

/** A node of a condition. */
public sealed interface Expression {
  /** Always the same value. */
  record Constant(Value value) implements Expression {}

  /** Value of a stored label. */
  record Label(String name) implements Expression {}

  /** Value of a label that an extension made. */
  record ComputedLabel(String name) implements Expression {}

  /**
   * An operator with its operands.
   *
   * @param slot where an {@link Evaluator} keeps the state of this very call; −1 for operators
   *     without state
   */
  record Call(Operator operator, List<Expression> operands, int slot) implements Expression {
    public Call {
      operands = List.copyOf(operands);
    }

    /** A call of an operator without state. */
    public static Call of(Operator operator, Expression... operands) {
      return new Call(operator, List.of(operands), -1);
    }
  }

  /**
   * Whether a value equals one of many constants: {@code $in} and {@code $nin} with nothing else
   * behind their first operand.
   *
   * @param negated whether it must equal none
   */
  record OneOf(Expression operand, ConstantSet constants, boolean negated) implements Expression {}

  /** Number of expressions in it; a set of constants counts as one. */
  default int nodes() {
    return switch (this) {
      case Constant _, Label _, ComputedLabel _ -> 1;
      case OneOf oneOf -> 2 + oneOf.operand().nodes();
      case Call call -> 1 + call.operands().stream().mapToInt(Expression::nodes).sum();
    };
  }

  /** A constant text. */
  static Expression text(String value) {
    return new Constant(new Value.Text(value));
  }
}
