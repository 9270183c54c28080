package io.pannier.query;

import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.query.when.Evaluator;
import io.pannier.query.when.Expression;
import io.pannier.query.when.Interrupt;
import io.pannier.query.when.Operator;
import io.pannier.query.when.RecordFacts;
import io.pannier.query.when.Value;
import io.pannier.store.BlockFacts;
import io.pannier.store.LabelFacts;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether an expression holds, for the records of one block as they were written. What one label
 * decides is worked out once for each of its values; what no label decides, once. The answer is
 * always that of an {@link Evaluator} on the record, and operators with state are reached by
 * exactly the records that reach them there.
 */
abstract sealed class Truth {
  /** It does not hold. */
  static final int FALSE = 1;

  /** It holds. */
  static final int TRUE = 2;

  /** It cannot be told. In strict mode that is thrown instead. */
  static final int ERROR = 4;

  /** Of {@link #outcomes} only: an operator with state may be reached. */
  static final int STATE = 8;

  /**
   * The answer for a row.
   *
   * @throws PannierException in strict mode, when it cannot be told
   * @throws Interrupt when a limit is used up
   */
  abstract int of(int row) throws Interrupt;

  /** All answers that the rows of the block can give: a sum of the constants; more never harms. */
  abstract int outcomes();

  /** Makes the truths of one block. */
  static final class Compiler {
    private final BlockFacts block;
    private final Evaluator evaluator;
    private final boolean strict;
    private final IdentityHashMap<Expression, Needs> needs;

    /**
     * @param needs what is known of the condition's expressions, by identity; added to
     */
    Compiler(
        BlockFacts block,
        Evaluator evaluator,
        boolean strict,
        IdentityHashMap<Expression, Needs> needs) {
      this.block = block;
      this.evaluator = evaluator;
      this.strict = strict;
      this.needs = needs;
    }

    Truth compile(Expression expression) {
      Needs of = needs.computeIfAbsent(expression, Needs::of);
      if (of.nothing()) {
        return new Fixed(this, expression);
      }
      if (of.oneLabel()) {
        return new ByValue(this, expression, of.labels().iterator().next());
      }
      if (expression instanceof Expression.Call(Operator operator, List<Expression> operands, _)) {
        switch (operator) {
          case AND, OR, NOT, XOR -> {
            return new Several(operator, operands.stream().map(this::compile).toList());
          }
          case EQ, NE, GT, GTE, LT, LTE -> {
            if (operands.getFirst() instanceof Expression.Call(Operator left, _, _)
                && left == Operator.TIMESTAMP
                && operands.getLast() instanceof Expression.Constant(Value.Int(long time))) {
              return new ByTime(block, operator, time);
            }
          }
          default -> {
            // One record after the other.
          }
        }
      }
      return new EachRow(this, expression, of.state());
    }

    /** The plain way: what every other way must agree with. */
    int evaluate(Expression expression, RecordFacts record) throws Interrupt {
      if (strict) {
        return evaluator.isTrue(expression, record) ? TRUE : FALSE;
      }
      try {
        return evaluator.isTrue(expression, record) ? TRUE : FALSE;
      } catch (PannierException e) {
        return ERROR;
      }
    }

    /** As {@link #evaluate} for what has no state, and never throws. */
    int tryEvaluate(Expression expression, RecordFacts record) {
      try {
        return evaluator.isTrue(expression, record) ? TRUE : FALSE;
      } catch (PannierException e) {
        return ERROR;
      } catch (Interrupt e) {
        throw new IllegalStateException("an expression without state ended the query", e);
      }
    }
  }

  /** The same for every record. */
  static final class Fixed extends Truth {
    private final Compiler compiler;
    private final Expression expression;
    private final RecordFacts nothing = new OneLabel("", null);
    private final int answer;

    Fixed(Compiler compiler, Expression expression) {
      this.compiler = compiler;
      this.expression = expression;
      answer = compiler.tryEvaluate(expression, nothing);
    }

    @Override
    int of(int row) throws Interrupt {
      return answer == ERROR && compiler.strict ? compiler.evaluate(expression, nothing) : answer;
    }

    @Override
    int outcomes() {
      return answer;
    }
  }

  /** Decided by the value of one label. */
  static final class ByValue extends Truth {
    /** Up to so many values are all tried to learn what can come out. */
    private static final int TRIED_MAX = 256;

    private final Compiler compiler;
    private final Expression expression;
    private final String name;
    private final @Nullable LabelFacts label;

    /** Answers by code; 0 where it was not asked for yet. */
    private final byte[] answers;

    ByValue(Compiler compiler, Expression expression, String name) {
      this.compiler = compiler;
      this.expression = expression;
      this.name = name;
      label = compiler.block.label(name);
      answers = new byte[1 + (label == null ? 0 : label.valueCount())];
    }

    @Override
    int of(int row) throws Interrupt {
      int code = label == null ? 0 : label.code(row);
      int answer = answers[code];
      if (answer == 0) {
        answer = answer(code);
      }
      return answer == ERROR && compiler.strict
          ? compiler.evaluate(expression, record(code))
          : answer;
    }

    @Override
    int outcomes() {
      if (label == null) {
        return answer(0);
      }
      int outcomes = label.missingCount() > 0 ? answer(0) : 0;
      if (label.valueCount() > TRIED_MAX) {
        return outcomes | Bounds.outcomes(expression, label);
      }
      for (int code = 1; code <= label.valueCount(); code++) {
        outcomes |= answer(code);
      }
      return outcomes;
    }

    private int answer(int code) {
      int answer = answers[code];
      if (answer == 0) {
        answer = compiler.tryEvaluate(expression, record(code));
        answers[code] = (byte) answer;
      }
      return answer;
    }

    private RecordFacts record(int code) {
      return new OneLabel(name, code == 0 || label == null ? null : label.value(code - 1));
    }
  }

  /** The time compared with a constant, both as numbers with a sign. */
  static final class ByTime extends Truth {
    private final BlockFacts block;
    private final Operator operator;
    private final long time;

    ByTime(BlockFacts block, Operator operator, long time) {
      this.block = block;
      this.operator = operator;
      this.time = time;
    }

    @Override
    int of(int row) {
      return answer(block.timestamp(row));
    }

    private int answer(long asNumber) {
      int order = Long.compare(asNumber, time); // tidy: the language has signed numbers only
      return operator.holds(Value.Order.of(order)) ? TRUE : FALSE;
    }

    @Override
    int outcomes() {
      long oldest = block.oldest();
      long newest = block.newest();
      boolean isOneSign = (oldest < 0) == (newest < 0);
      boolean isInside = !Timestamp.isBefore(time, oldest) && !Timestamp.isAfter(time, newest);
      return isOneSign && !isInside ? answer(oldest) : TRUE | FALSE;
    }
  }

  /** A logical operator over others. */
  static final class Several extends Truth {
    private final Operator operator;
    private final Truth[] operands;

    Several(Operator operator, List<Truth> operands) {
      this.operator = operator;
      this.operands = operands.toArray(new Truth[0]);
    }

    @Override
    int of(int row) throws Interrupt {
      return switch (operator) {
        case AND -> until(row, FALSE, FALSE, TRUE);
        case OR -> until(row, TRUE, TRUE, FALSE);
        case NOT -> until(row, TRUE, FALSE, TRUE);
        default -> exactlyOne(row);
      };
    }

    /** One answer of the operands ends the search; without it there is the other result. */
    private int until(int row, int sought, int found, int otherwise) throws Interrupt {
      for (Truth operand : operands) {
        int answer = operand.of(row);
        if (answer == ERROR) {
          return ERROR;
        }
        if (answer == sought) {
          return found;
        }
      }
      return otherwise;
    }

    private int exactlyOne(int row) throws Interrupt {
      int count = 0;
      for (Truth operand : operands) {
        int answer = operand.of(row);
        if (answer == ERROR) {
          return ERROR;
        }
        count += answer == TRUE ? 1 : 0;
      }
      return count == 1 ? TRUE : FALSE;
    }

    @Override
    int outcomes() {
      return switch (operator) {
        case AND -> outcomes(FALSE, FALSE, TRUE);
        case OR -> outcomes(TRUE, TRUE, FALSE);
        case NOT -> outcomes(TRUE, FALSE, TRUE);
        default -> {
          int outcomes = TRUE | FALSE;
          for (Truth operand : operands) {
            outcomes |= operand.outcomes() & (ERROR | STATE);
          }
          yield outcomes;
        }
      };
    }

    private int outcomes(int sought, int found, int otherwise) {
      int outcomes = 0;
      for (Truth operand : operands) {
        int one = operand.outcomes();
        outcomes |= one & (ERROR | STATE);
        if ((one & sought) != 0) {
          outcomes |= found;
        }
        int other = TRUE + FALSE - sought;
        if ((one & other) == 0) {
          return outcomes; // the operands behind are never reached
        }
      }
      return outcomes | otherwise;
    }

    /** The first operand that no record of the block satisfies, counted from 0; −1: none. */
    int hopeless() {
      for (int i = 0; i < operands.length; i++) {
        if ((operands[i].outcomes() & TRUE) == 0) {
          return i;
        }
      }
      return -1;
    }
  }

  /** Evaluated for each record. */
  static final class EachRow extends Truth {
    private final Compiler compiler;
    private final Expression expression;
    private final boolean hasState;
    private final RowFacts facts;

    EachRow(Compiler compiler, Expression expression, boolean hasState) {
      this.compiler = compiler;
      this.expression = expression;
      this.hasState = hasState;
      facts = new RowFacts(compiler.block);
    }

    @Override
    int of(int row) throws Interrupt {
      return compiler.evaluate(expression, facts.at(row));
    }

    @Override
    int outcomes() {
      return TRUE | FALSE | ERROR | (hasState ? STATE : 0);
    }
  }

  /** A record of which one label only is asked for. */
  private record OneLabel(String name, @Nullable String value) implements RecordFacts {
    @Override
    public long timestamp() {
      throw new IllegalStateException("the time decides nothing here");
    }

    @Override
    public @Nullable String label(String asked) {
      return asked.equals(name) ? value : null;
    }
  }

  /** Members of a condition as one. */
  static Several all(List<Expression> members, Compiler compiler) {
    var truths = new ArrayList<Truth>(members.size());
    for (Expression member : members) {
      truths.add(compiler.compile(member));
    }
    return new Several(Operator.AND, truths);
  }
}
