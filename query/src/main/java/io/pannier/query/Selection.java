package io.pannier.query;

import io.pannier.model.Names;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.query.when.Condition;
import io.pannier.query.when.Evaluator;
import io.pannier.query.when.Expression;
import io.pannier.query.when.Interrupt;
import io.pannier.query.when.Operator;
import io.pannier.query.when.Value;
import io.pannier.query.when.Window;
import io.pannier.store.BlockFacts;
import io.pannier.store.Entry;
import io.pannier.store.RecordFilter;
import java.util.IdentityHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A condition at work on one entry: judges its records in the order of time, and adds the records
 * around a match that belong to it.
 *
 * <p>Records before a match are not kept until it is known whether one comes. When it comes, the
 * walk pauses and {@link #takePending} names the range that was passed and is wanted after all;
 * whoever walks reads it again. So memory does not depend on the window.
 */
final class Selection implements RecordFilter {
  /** Most blocks whose plan is kept within one read. */
  private static final int PLANS_MAX = 64;

  /** Nodes of a condition that are evaluated in one step of a walk, about. */
  private static final int STEP_NODES = 1 << 16;

  /** Larger conditions are not tried on values beforehand. */
  private static final int PLANNED_NODES_MAX = 512;

  /** With more relabelled records in a block than that, its rows are judged one by one. */
  private static final int RELABELLED_MAX = 256;

  /** A removed attachment stays readable by its time, but no query gives it. */
  private static final Expression NOT_REMOVED =
      Expression.Call.of(
          Operator.NOT,
          Expression.Call.of(
              Operator.AND,
              Expression.Call.of(Operator.EXISTS, Expression.text("remove")),
              Expression.Call.of(
                  Operator.EQ,
                  new Expression.Label("remove"),
                  new Expression.Constant(Value.of(true)))));

  private final Condition condition;
  private final Expression root;
  private final boolean hasState;
  private final boolean strict;
  private final long start;
  private final IdentityHashMap<BlockFacts, BlockPlan> plans = new IdentityHashMap<>();

  /** What its expressions depend on: the same on every block. */
  private final IdentityHashMap<Expression, Needs> needs = new IdentityHashMap<>();

  private Evaluator evaluator;

  /** Whether a limit ended it. */
  private boolean over;

  private @Nullable PannierException failure;

  // ---- context

  private final boolean hasContext;
  private final Trail trail = new Trail();

  /** Whether anything was passed since the last record that was given. */
  private boolean passedAny;

  /** First time behind the last record that was given. */
  private long behindGiven;

  /** Records that still follow the last match. */
  private long following;

  private boolean matched;
  private long lastMatch;
  private @Nullable Pending pending;

  /**
   * Records that were passed and are wanted after all, the match among them.
   *
   * @param from time of the first, or of one before it
   * @param skip how many records from {@code from} on are not wanted
   * @param to time of the match
   */
  record Pending(long from, long skip, long to) {}

  /**
   * @param start where the range begins; no context reaches beyond it
   */
  Selection(Condition condition, boolean strict, long start) {
    this.condition = condition;
    root = condition.root();
    hasState = !condition.stateful().isEmpty();
    this.strict = strict;
    this.start = start;
    evaluator = new Evaluator(condition);
    hasContext = !condition.before().isEmpty() || !condition.after().isEmpty();
    behindGiven = start;
  }

  /** What a query has to judge records of an entry by; null when it takes them all. */
  static @Nullable Selection of(QueryOptions options, Entry entry, long start) {
    Condition condition = options.condition();
    if (Names.isMeta(entry.name())) {
      condition = condition.and(List.of(NOT_REMOVED));
    }
    return condition.choosesAll() ? null : new Selection(condition, options.strict(), start);
  }

  /** Whether a limit ended it: nothing follows. */
  boolean isOver() {
    return over;
  }

  /** What ended it in strict mode. */
  @Nullable PannierException failure() {
    return failure;
  }

  /** The range that was passed and is wanted after all, once. */
  @Nullable Pending takePending() {
    Pending taken = pending;
    pending = null;
    return taken;
  }

  /** Begins anew, with nothing remembered. */
  void restart() {
    evaluator = new Evaluator(condition);
    plans.clear();
    over = false;
    trail.clear();
    passedAny = false;
    following = 0;
    matched = false;
  }

  /** A member of the condition. */
  Expression member(int index) {
    return condition.members().get(index);
  }

  /** Lets go of the blocks. */
  void forgetBlocks() {
    plans.clear();
  }

  @Override
  public int stepRows() {
    return Math.clamp(STEP_NODES / (1 + condition.nodes()), 16, RecordFilter.super.stepRows());
  }

  @Override
  public OfBlock of(BlockFacts facts) {
    BlockPlan plan = plans.get(facts);
    if (plan == null || plan.rows != facts.rows()) {
      if (plans.size() >= PLANS_MAX) {
        plans.clear();
      }
      plan = new BlockPlan(facts);
      plans.put(facts, plan);
    }
    return plan;
  }

  /** The condition on one block. */
  final class BlockPlan implements OfBlock {
    private final BlockFacts facts;
    private final int rows;
    private final Truth.Compiler compiler;
    private final Truth.Several truth;
    private final RowFacts record;

    /** What can come out of the condition; 0 before it is asked for. */
    private int outcomes;

    BlockPlan(BlockFacts facts) {
      this.facts = facts;
      rows = facts.rows();
      compiler = new Truth.Compiler(facts, evaluator, strict, needs);
      truth = Truth.all(condition.members(), compiler);
      record = new RowFacts(facts);
    }

    @Override
    public boolean isSkipped() {
      // Whether a record belongs to a match is not known before all records in front are judged.
      return !hasContext && isHopeless();
    }

    /** Whether no record can match, none reaches an operator with state, and none is an error. */
    boolean isHopeless() {
      if (condition.nodes() > PLANNED_NODES_MAX || facts.relabelledRows().size() > RELABELLED_MAX) {
        return false;
      }
      if (outcomes == 0) {
        outcomes = truth.outcomes();
      }
      int refused = Truth.TRUE | Truth.STATE | (strict ? Truth.ERROR : 0);
      if ((outcomes & refused) != 0 || facts.hasDamage()) {
        return false;
      }
      // Of what was relabelled, the columns do not tell.
      for (int row : facts.relabelledRows()) {
        if (hasState || (compiler.tryEvaluate(root, record.at(row)) & refused) != 0) {
          return false;
        }
      }
      return true;
    }

    /** The member of the condition that no record as it was written satisfies; −1: none. */
    int hopelessMember() {
      return truth.hopeless();
    }

    @Override
    public Choice judge(int row) {
      if (facts.isDamaged(row)) {
        return Choice.TAKE; // whoever reads it hears that it is damaged
      }
      boolean matches;
      try {
        matches =
            (facts.relabelled(row) == null
                    ? truth.of(row)
                    : compiler.evaluate(root, record.at(row)))
                == Truth.TRUE;
      } catch (Interrupt e) {
        over = true;
        return Choice.PAUSE;
      } catch (PannierException e) {
        failure = e;
        return Choice.PAUSE;
      }
      if (!hasContext) {
        return matches ? Choice.TAKE : Choice.LEAVE;
      }
      return withContext(matches, facts.timestamp(row));
    }
  }

  private Choice withContext(boolean matches, long time) {
    if (!isGiven(matches, time)) {
      passedAny = true;
      if (!condition.before().byTime()) {
        trail.add(time);
      }
      return Choice.LEAVE;
    }
    Pending earlier = passedAny ? earlier(time) : null;
    trail.clear();
    passedAny = false;
    behindGiven = time == Timestamp.MAX ? time : time + 1;
    if (earlier == null) {
      return Choice.TAKE;
    }
    pending = earlier;
    return Choice.PAUSE;
  }

  private boolean isGiven(boolean matches, long time) {
    if (matches) {
      matched = true;
      lastMatch = time;
      following = condition.after().byTime() ? 0 : condition.after().amount();
      return true;
    }
    if (condition.after().byTime()) {
      return matched && !isBehindWindow(time);
    }
    if (following > 0) {
      following--;
      return true;
    }
    return false;
  }

  private boolean isBehindWindow(long time) {
    return Timestamp.isAfter(time, lastMatch)
        && Long.compareUnsigned(time - lastMatch, condition.after().amount()) > 0;
  }

  /** What was passed and belongs to a match at this time, or null if nothing does. */
  private @Nullable Pending earlier(long time) {
    Window before = condition.before();
    if (before.isEmpty()) {
      return null;
    }
    if (before.byTime()) {
      long reach = time - before.amount();
      if (Timestamp.isAfter(reach, time)) {
        reach = Timestamp.MIN;
      }
      return new Pending(Timestamp.max(Timestamp.max(reach, behindGiven), start), 0, time);
    }
    if (trail.count() == 0) {
      return null;
    }
    Trail.Start first = trail.lastOnes(before.amount());
    return new Pending(first.time(), first.skip(), time);
  }
}
