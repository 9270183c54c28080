package io.pannier.query.when;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.model.PannierException;
import io.pannier.query.ext.Screen;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A condition that was read: what must hold, and what the directives ask for beside it.
 *
 * @param members expressions that must all be true, judged in this order
 * @param stateful the stateful operators in them; an evaluator keeps a slot for each
 * @param before records before a match that come with it
 * @param after records behind a match that come with it
 * @param selectedLabels labels that are answered; absent: all
 * @param transfer how the answer is cut into batches
 * @param ext parameters of extensions, not read further here
 */
public record Condition(
    List<Expression> members,
    List<Operator> stateful,
    Window before,
    Window after,
    Optional<Set<String>> selectedLabels,
    TransferLimits transfer,
    Optional<JsonNode> ext) {

  /** Holds for every record. */
  public static final Condition ALL =
      new Condition(
          List.of(),
          List.of(),
          Window.NONE,
          Window.NONE,
          Optional.empty(),
          TransferLimits.NONE,
          Optional.empty());

  public Condition {
    members = List.copyOf(members);
    stateful = List.copyOf(stateful);
  }

  /**
   * Reads a condition.
   *
   * @param when any JSON value but null
   * @throws PannierException.Invalid when it is malformed
   */
  public static Condition parse(JsonNode when) {
    Directives directives = Directives.read(when);
    var parser = new ConditionParser();
    List<Expression> members = parser.root(when);
    return new Condition(
        members,
        parser.stateful(),
        directives.window("#ctx_before"),
        directives.window("#ctx_after"),
        directives.selectedLabels(),
        directives.transferLimits(),
        directives.ext());
  }

  /** This condition, and then also these, which hold no stateful operators of their own slots. */
  public Condition and(List<Expression> more) {
    if (more.isEmpty()) {
      return this;
    }
    var all = new ArrayList<>(members);
    all.addAll(more);
    return new Condition(all, stateful, before, after, selectedLabels, transfer, ext);
  }

  /** This condition, and then an operator with state and one operand. */
  public Condition andStateful(Operator operator, Value operand) {
    var all = new ArrayList<>(members);
    all.add(
        new Expression.Call(operator, List.of(new Expression.Constant(operand)), stateful.size()));
    var slots = new ArrayList<>(stateful);
    slots.add(operator);
    return new Condition(all, slots, before, after, selectedLabels, transfer, ext);
  }

  /** How large it is: the number of its expressions. */
  public int nodes() {
    return members.stream().mapToInt(Expression::nodes).sum();
  }

  /** Whether every record is chosen. */
  public boolean choosesAll() {
    return members.isEmpty();
  }

  /** What can be told of it from numbers in computed labels alone. */
  public Screen screen() {
    return Screening.of(this);
  }

  /** The whole as one expression. */
  public Expression root() {
    return new Expression.Call(Operator.AND, members, -1);
  }
}
