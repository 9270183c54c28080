package io.pannier.query.when;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.PannierException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * Reads the JSON form of a condition into a tree. The value of a member decides its form: an array
 * holds the operands of the operator that is the key; an object makes the key the left operand; a
 * scalar is the one operand. Depth is bounded by the JSON reader.
 */
final class ConditionParser {
  /** So many constants are compared with one by one; more become a set. */
  private static final int SCANNED_MAX = 8;

  /** Operators with state, in the order of their slots. */
  private final List<Operator> stateful = new ArrayList<>();

  List<Operator> stateful() {
    return stateful;
  }

  /** Members of the root, all of which must hold; those of an object without its directives. */
  List<Expression> root(JsonNode when) {
    var members = new ArrayList<Expression>();
    if (when instanceof ObjectNode object) {
      for (var member : object.properties()) {
        if (!member.getKey().startsWith("#")) {
          members.add(member(member.getKey(), member.getValue()));
        }
      }
    } else {
      members.add(scalar(when));
    }
    return members;
  }

  private Expression member(String key, JsonNode value) {
    return switch (value.getNodeType()) {
      case ARRAY -> {
        var operands = new ArrayList<Expression>(value.size());
        for (JsonNode operand : value) {
          addOperands(operand, operands);
        }
        yield call(key, operands);
      }
      case OBJECT -> infix(key, (ObjectNode) value);
      default -> call(key, List.of(scalar(value)));
    };
  }

  /** An object counts as many operands as it has members. */
  private void addOperands(JsonNode value, List<Expression> operands) {
    if (value instanceof ObjectNode object) {
      for (var member : object.properties()) {
        operands.add(member(member.getKey(), member.getValue()));
      }
    } else {
      operands.add(scalar(value));
    }
  }

  private Expression infix(String key, ObjectNode value) {
    Expression left = text(key);
    if (value.size() != 1) {
      throw invalid("Object notation must have exactly one operator");
    }
    var inner = value.properties().iterator().next();
    var operands = new ArrayList<Expression>();
    operands.add(left);
    addOperands(inner.getValue(), operands);
    return call(inner.getKey(), operands);
  }

  private Expression call(String name, List<Expression> operands) {
    if (!name.startsWith("$")) {
      throw invalid("Operator '" + name + "' must start with '$'");
    }
    Operator operator = Operator.named(name);
    if (operator == null) {
      throw invalid("Operator '" + name + "' not supported");
    }
    String complaint = operator.complaint(operands.size());
    if (complaint != null) {
      throw invalid(complaint);
    }
    if ((operator == Operator.IN || operator == Operator.NIN) && operands.size() > SCANNED_MAX) {
      var constants = new ArrayList<Value>(operands.size());
      for (Expression operand : operands.subList(1, operands.size())) {
        if (operand instanceof Expression.Constant(Value value)) {
          constants.add(value);
        }
      }
      if (constants.size() == operands.size() - 1) {
        return new Expression.OneOf(
            operands.getFirst(), new ConstantSet(constants), operator == Operator.NIN);
      }
    }
    int slot = -1;
    if (operator.isStateful()) {
      slot = stateful.size();
      stateful.add(operator);
    }
    return new Expression.Call(operator, operands, slot);
  }

  private Expression scalar(JsonNode value) {
    return switch (value.getNodeType()) {
      case BOOLEAN -> new Expression.Constant(Value.of(value.booleanValue()));
      case NUMBER ->
          new Expression.Constant(number(value, n -> invalid("Integer value out of range: " + n)));
      case STRING -> text(value.textValue());
      case ARRAY -> throw invalid("Array type is not supported: " + value);
      default -> throw invalid("Null type is not supported: " + value);
    };
  }

  private Expression text(String text) {
    if (text.startsWith("&")) {
      return new Expression.Label(text.substring(1));
    }
    if (text.startsWith("@")) {
      return new Expression.ComputedLabel(text.substring(1));
    }
    if (text.startsWith("$$")) {
      return Expression.text(text.substring(1));
    }
    if (text.startsWith("$")) {
      try {
        return call(text, List.of());
      } catch (PannierException.Invalid unknown) {
        throw invalid("Unknown '$' literal '" + text + "'; use '$$' to escape a string value");
      }
    }
    OptionalLong duration = Durations.parse(text);
    return duration.isPresent()
        ? new Expression.Constant(new Value.Duration(duration.getAsLong()))
        : Expression.text(text);
  }

  /** Makes the error of a whole number that neither type of number can hold. */
  interface OutOfRange {
    PannierException.Invalid of(BigInteger number);
  }

  /**
   * A number: whole if it is written so and fits into 64 bits with a sign. What fits only without
   * one kills the reference and is an error here; beyond that, numbers are floats.
   */
  static Value number(JsonNode value, OutOfRange outOfRange) {
    if (!value.isIntegralNumber()) {
      if (Double.isInfinite(value.doubleValue())) {
        throw invalid("Invalid JSON: number out of range");
      }
      return new Value.Real(value.doubleValue());
    }
    if (value.canConvertToLong()) {
      return new Value.Int(value.longValue());
    }
    BigInteger number = value.bigIntegerValue();
    if (number.signum() > 0 && number.bitLength() == Long.SIZE) {
      throw outOfRange.of(number);
    }
    return new Value.Real(number.doubleValue());
  }

  private static PannierException.Invalid invalid(String message) {
    return new PannierException.Invalid(message);
  }
}
