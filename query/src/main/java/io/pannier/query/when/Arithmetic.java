package io.pannier.query.when;

import io.pannier.model.PannierException;

/**
 * The arithmetic of the language: with a float the result is a float, otherwise a whole number that
 * wraps around. Texts can be added to each other and to nothing else.
 */
final class Arithmetic {
  private Arithmetic() {}

  static Value add(Value left, Value right) {
    if (left instanceof Value.Text(String a) && right instanceof Value.Text(String b)) {
      return new Value.Text(a + b);
    }
    if (isText(left) || isText(right)) {
      throw invalid("Cannot add " + left.typeName() + " to " + right.typeName());
    }
    return isFloat(left, right)
        ? new Value.Real(left.asFloat() + right.asFloat())
        : new Value.Int(left.asInt() + right.asInt());
  }

  static Value multiply(Value left, Value right) {
    if (isText(left) || isText(right)) {
      throw invalid("Cannot multiply " + left.typeName() + " by " + right.typeName());
    }
    return isFloat(left, right)
        ? new Value.Real(left.asFloat() * right.asFloat())
        : new Value.Int(left.asInt() * right.asInt());
  }

  static Value subtract(Value left, Value right) {
    if (isText(left) && isText(right)) {
      throw invalid("Cannot subtract string");
    }
    if (isText(left) || isText(right)) {
      Value other = isText(left) ? right : left;
      throw invalid("Cannot subtract string from " + other.typeName());
    }
    return isFloat(left, right)
        ? new Value.Real(left.asFloat() - right.asFloat())
        : new Value.Int(left.asInt() - right.asInt());
  }

  static Value divide(Value left, Value right) {
    refuseTexts(left, right);
    double divisor = right.asFloat();
    if (divisor == 0) {
      throw divisionByZero();
    }
    return new Value.Real(left.asFloat() / divisor);
  }

  static Value divideWhole(Value left, Value right) {
    refuseTexts(left, right);
    long divisor = right.asInt();
    if (divisor == 0) {
      throw divisionByZero();
    }
    return new Value.Int(left.asInt() / divisor);
  }

  static Value remainder(Value left, Value right) {
    if (isText(left)) {
      throw invalid(
          isText(right) ? "Cannot divide string" : "Cannot divide string by " + right.typeName());
    }
    if (isText(right)) {
      throw invalid("Cannot divide " + left.typeName() + " by string");
    }
    if (isFloat(left, right)) {
      return new Value.Real(left.asFloat() % right.asFloat());
    }
    long divisor = right.asInt();
    if (divisor == 0) {
      throw divisionByZero(); // the reference dies of it
    }
    return new Value.Int(left.asInt() % divisor);
  }

  static Value absolute(Value value) {
    return switch (value) {
      case Value.Text _ -> throw invalid("Cannot calculate absolute value of a string");
      case Value.Real(double number) -> new Value.Real(Math.abs(number));
      case Value.Bool _, Value.Int _, Value.Duration _ -> new Value.Int(Math.abs(value.asInt()));
    };
  }

  private static void refuseTexts(Value left, Value right) {
    if (isText(left)) {
      throw invalid("Cannot divide string");
    }
    if (isText(right)) {
      throw invalid("Cannot divide by string");
    }
  }

  private static boolean isText(Value value) {
    return value instanceof Value.Text;
  }

  private static boolean isFloat(Value left, Value right) {
    return left instanceof Value.Real || right instanceof Value.Real;
  }

  private static PannierException.Invalid divisionByZero() {
    return invalid("Cannot divide by zero");
  }

  private static PannierException.Invalid invalid(String message) {
    return new PannierException.Invalid(message);
  }
}
