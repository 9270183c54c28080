package io.pannier.query;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Screen;
import io.pannier.query.when.Condition;
import io.pannier.query.when.Evaluator;
import io.pannier.query.when.Expression;
import io.pannier.query.when.Interrupt;
import io.pannier.query.when.RecordFacts;
import io.pannier.query.when.Window;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * The condition of a step: judges items, which carry computed labels, always strictly, and adds
 * those around a match that belong to it. It remembers across records, as long as the query lives.
 */
final class StepFilter {
  /** Most items, and bytes of them, that wait for a match to come with. */
  private static final int BEFORE_MAX = 10_000;

  private static final long BEFORE_BYTES_MAX = 32L << 20;

  private final Condition condition;
  private final Expression root;
  private final Evaluator evaluator;
  private final ArrayDeque<Item> before = new ArrayDeque<>();
  private long beforeBytes;
  private boolean matched;
  private long lastMatch;
  private long following;
  private boolean usedUp;

  /** A condition that has seen no item yet. */
  StepFilter(Condition condition) {
    this.condition = condition;
    root = condition.root();
    evaluator = new Evaluator(condition);
  }

  /** Reads the condition beside an extension. */
  static StepFilter parse(JsonNode when) {
    if (when.isNull()) {
      throw new PannierException.Invalid("Null type is not supported: null");
    }
    return new StepFilter(Condition.parse(when));
  }

  /** What can be told of it before an item is made. */
  Screen screen() {
    return condition.screen();
  }

  /** Whether it judges each item without regard to those before it. */
  boolean isIndependent() {
    return condition.stateful().isEmpty()
        && condition.before().isEmpty()
        && condition.after().isEmpty();
  }

  /** Whether a limit is used up: nothing passes any more. */
  boolean isUsedUp() {
    return usedUp;
  }

  /**
   * Judges an item.
   *
   * @param inherited computed labels that it has beside its own
   * @param kept takes what passes: the item, before it those that it brings with it; or nothing
   */
  void judge(Item item, Labels inherited, Queue<Item> kept) {
    boolean matches;
    try {
      matches = evaluator.isTrue(root, new Facts(item, inherited));
    } catch (Interrupt limit) {
      usedUp = true;
      forget();
      return;
    }
    if (isGiven(matches, item.timestamp())) {
      kept.addAll(before);
      forget();
      kept.add(item);
    } else {
      remember(item);
    }
  }

  private boolean isGiven(boolean matches, long time) {
    Window after = condition.after();
    if (matches) {
      matched = true;
      lastMatch = time;
      following = after.byTime() ? 0 : after.amount();
      return true;
    }
    if (after.isEmpty()) {
      return false;
    }
    if (after.byTime()) {
      return matched
          && (!Timestamp.isAfter(time, lastMatch)
              || Long.compareUnsigned(time - lastMatch, after.amount()) <= 0);
    }
    if (following > 0) {
      following--;
      return true;
    }
    return false;
  }

  private void remember(Item item) {
    Window window = condition.before();
    if (window.isEmpty()) {
      return;
    }
    before.add(item);
    beforeBytes += item.body().length();
    while (!before.isEmpty() && isBehind(window, before.getFirst(), item.timestamp())) {
      beforeBytes -= before.removeFirst().body().length();
    }
    if (before.size() > BEFORE_MAX || beforeBytes > BEFORE_BYTES_MAX) {
      forget();
      throw new PannierException.Invalid(
          "#ctx_before of a step must not keep more than "
              + BEFORE_MAX
              + " items or "
              + BEFORE_BYTES_MAX
              + " bytes");
    }
  }

  private boolean isBehind(Window window, Item first, long now) {
    if (!window.byTime()) {
      return before.size() > window.amount();
    }
    return Timestamp.isBefore(first.timestamp(), now)
        && Long.compareUnsigned(now - first.timestamp(), window.amount()) > 0;
  }

  private void forget() {
    before.clear();
    beforeBytes = 0;
  }

  /** Stored labels that are left of what the step makes. */
  Labels shown(Labels labels) {
    return condition.selectedLabels().map(labels::only).orElse(labels);
  }

  /** What the condition sees. */
  private record Facts(Item item, Labels inherited) implements RecordFacts {
    @Override
    public long timestamp() {
      return item.timestamp();
    }

    @Override
    public @Nullable String label(String name) {
      return item.labels().get(name);
    }

    @Override
    public @Nullable String computedLabel(String name) {
      String own = item.computed(name);
      return own == null ? inherited.get(name) : own;
    }
  }
}
