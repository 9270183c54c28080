package io.pannier.query.when;

import io.pannier.model.PannierException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Judges records by one condition, one after the other in the order of time, and keeps what its
 * stateful operators remember. One per query and entry; for one thread.
 */
public final class Evaluator {
  private final List<Memory> memories = new ArrayList<>();

  /** An evaluator that has seen no record yet. */
  public Evaluator(Condition condition) {
    for (Operator operator : condition.stateful()) {
      memories.add(Memory.of(operator));
    }
  }

  /** What it remembers, as numbers: an evaluator of the same condition can go on from there. */
  public long[] state() {
    var numbers = LongStream.builder();
    memories.forEach(memory -> memory.save(numbers::add));
    return numbers.build().toArray();
  }

  /**
   * Goes on where an evaluator of the same condition was.
   *
   * @throws java.util.NoSuchElementException when the numbers are those of another condition
   */
  public void restore(long[] state) {
    var numbers = Arrays.stream(state).iterator();
    memories.forEach(memory -> memory.restore(numbers::nextLong));
  }

  /**
   * Value of an expression of the condition for a record. Operands are evaluated from left to right
   * and only as far as needed.
   *
   * @throws PannierException.NotFound when a label is missing
   * @throws PannierException.Invalid when an operator cannot take a value
   * @throws Interrupt when a limit is used up
   */
  public Value evaluate(Expression expression, RecordFacts record) throws Interrupt {
    return switch (expression) {
      case Expression.Constant(Value value) -> value;
      case Expression.Label(String name) -> {
        String text = record.label(name);
        if (text == null) {
          throw new PannierException.NotFound("Reference '" + name + "' not found");
        }
        yield Value.ofLabel(text);
      }
      case Expression.ComputedLabel(String name) -> {
        String text = record.computedLabel(name);
        if (text == null) {
          throw new PannierException.NotFound("Reference '@" + name + "' not found");
        }
        yield Value.ofLabel(text);
      }
      case Expression.OneOf(Expression operand, ConstantSet constants, boolean negated) ->
          Value.of(constants.contains(evaluate(operand, record)) != negated);
      case Expression.Call call -> call(call, record);
    };
  }

  /** Whether an expression is true for a record. */
  public boolean isTrue(Expression expression, RecordFacts record) throws Interrupt {
    return evaluate(expression, record).isTrue();
  }

  private Value call(Expression.Call call, RecordFacts record) throws Interrupt {
    return switch (call.operator()) {
      case AND -> Value.of(!any(call, record, false));
      case OR -> Value.of(any(call, record, true));
      case NOT -> Value.of(!any(call, record, true));
      case XOR -> Value.of(exactlyOne(call, record));
      case IN -> Value.of(isIn(call, record));
      case NIN -> Value.of(!isIn(call, record));

      case EQ, NE, GT, GTE, LT, LTE ->
          Value.of(
              call.operator()
                  .holds(Value.compare(operand(call, 0, record), operand(call, 1, record))));

      case ADD -> {
        Value sum = null;
        for (Expression operand : call.operands()) {
          Value next = evaluate(operand, record);
          sum = sum == null ? next : Arithmetic.add(sum, next);
        }
        yield sum == null ? new Value.Int(0) : sum;
      }
      case MULT -> {
        Value product = null;
        for (Expression operand : call.operands()) {
          Value next = evaluate(operand, record);
          product = product == null ? next : Arithmetic.multiply(product, next);
        }
        yield product == null ? new Value.Int(0) : product;
      }
      case SUB -> Arithmetic.subtract(operand(call, 0, record), operand(call, 1, record));
      case DIV -> Arithmetic.divide(operand(call, 0, record), operand(call, 1, record));
      case DIV_NUM -> Arithmetic.divideWhole(operand(call, 0, record), operand(call, 1, record));
      case REM -> Arithmetic.remainder(operand(call, 0, record), operand(call, 1, record));
      case ABS -> Arithmetic.absolute(operand(call, 0, record));

      case CONTAINS -> Value.of(textOf(call, 0, record).contains(textOf(call, 1, record)));
      case STARTS_WITH -> Value.of(textOf(call, 0, record).startsWith(textOf(call, 1, record)));
      case ENDS_WITH -> Value.of(textOf(call, 0, record).endsWith(textOf(call, 1, record)));

      case EXISTS -> {
        for (Expression operand : call.operands()) {
          if (record.label(evaluate(operand, record).asText()) == null) {
            yield Value.Bool.FALSE;
          }
        }
        yield Value.Bool.TRUE;
      }
      case CAST -> cast(operand(call, 0, record), textOf(call, 1, record));
      case REF -> Value.ofLabel(referenced(textOf(call, 0, record), record));
      case TEXT -> new Value.Text(storedText(call.operands().getFirst(), record));
      case TIMESTAMP -> new Value.Int(record.timestamp());

      case SECOND, MINUTE, HOUR, DAY, MONTH, YEAR, WEEKDAY -> {
        Value time = operand(call, 0, record);
        Value zone = call.operands().size() > 1 ? operand(call, 1, record) : null;
        yield new Value.Int(Calendar.part(call.operator(), time, zone));
      }

      case EACH_N, EACH_T, LIMIT, GATE -> stateful(call, record);
    };
  }

  private Value stateful(Expression.Call call, RecordFacts record) throws Interrupt {
    return switch (memories.get(call.slot())) {
      case Memory.EachN memory -> {
        memory.visit();
        yield Value.of(memory.isTrue(operand(call, 0, record)));
      }
      case Memory.EachT memory -> {
        memory.visit(record.timestamp());
        yield Value.of(memory.isTrue(record.timestamp(), operand(call, 0, record)));
      }
      case Memory.Limit memory -> {
        memory.visit();
        if (memory.isOver(operand(call, 0, record))) {
          throw new Interrupt();
        }
        yield Value.Bool.TRUE;
      }
      case Memory.Gate memory -> {
        memory.visit(record.timestamp());
        Value open = operand(call, 0, record);
        boolean input = operand(call, 1, record).isTrue();
        yield Value.of(memory.isTrue(record.timestamp(), open, input));
      }
    };
  }

  private Value operand(Expression.Call call, int index, RecordFacts record) throws Interrupt {
    return evaluate(call.operands().get(index), record);
  }

  private String textOf(Expression.Call call, int index, RecordFacts record) throws Interrupt {
    return operand(call, index, record).asText();
  }

  /** Whether one of the operands is as wanted; the first that is ends it. */
  private boolean any(Expression.Call call, RecordFacts record, boolean wanted) throws Interrupt {
    for (Expression operand : call.operands()) {
      if (isTrue(operand, record) == wanted) {
        return true;
      }
    }
    return false;
  }

  private boolean exactlyOne(Expression.Call call, RecordFacts record) throws Interrupt {
    int count = 0;
    for (Expression operand : call.operands()) {
      if (isTrue(operand, record)) {
        count++;
      }
    }
    return count == 1;
  }

  private boolean isIn(Expression.Call call, RecordFacts record) throws Interrupt {
    Value wanted = operand(call, 0, record);
    for (int i = 1; i < call.operands().size(); i++) {
      if (Value.compare(wanted, operand(call, i, record)) == Value.Order.EQUAL) {
        return true;
      }
    }
    return false;
  }

  private static Value cast(Value value, String type) {
    return switch (type) {
      case "bool" -> Value.of(value.isTrue());
      case "int" -> new Value.Int(value.asInt());
      case "float" -> new Value.Real(value.asFloat());
      case "string" -> new Value.Text(value.asText());
      case "duration" ->
          value instanceof Value.Duration ? value : new Value.Duration(value.asInt());
      default -> throw new PannierException.Invalid("Unknown type '" + type + "'");
    };
  }

  private static String referenced(String name, RecordFacts record) {
    String text = record.label(name);
    if (text == null) {
      throw new PannierException.NotFound("Label '" + quoted(name) + "' not found");
    }
    return text;
  }

  /** Text of a label as it is stored; of anything else as it is converted. */
  private String storedText(Expression operand, RecordFacts record) throws Interrupt {
    return switch (operand) {
      case Expression.Label(String name) -> {
        String text = record.label(name);
        if (text == null) {
          throw new PannierException.NotFound("Reference '" + name + "' not found");
        }
        yield text;
      }
      case Expression.Call(Operator operator, List<Expression> names, int _)
          when operator == Operator.REF ->
          referenced(evaluate(names.getFirst(), record).asText(), record);
      case Expression other -> evaluate(other, record).asText();
    };
  }

  /** A name in double quotes, with quotes, backslashes and control characters escaped. */
  private static String quoted(String name) {
    var text = new StringBuilder("\"");
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      switch (c) {
        case '"', '\\' -> text.append('\\').append(c);
        case '\n' -> text.append("\\n");
        case '\r' -> text.append("\\r");
        case '\t' -> text.append("\\t");
        default -> {
          if (Character.isISOControl(c)) {
            text.append("\\u{").append(Integer.toHexString(c)).append('}');
          } else {
            text.append(c);
          }
        }
      }
    }
    return text.append('"').toString();
  }
}
