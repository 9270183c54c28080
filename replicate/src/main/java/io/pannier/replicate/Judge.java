package io.pannier.replicate;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.query.when.Condition;
import io.pannier.query.when.Evaluator;
import io.pannier.query.when.Expression;
import io.pannier.query.when.Interrupt;
import io.pannier.query.when.RecordFacts;
import io.pannier.query.when.Window;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * A condition at work on one entry: each record is judged once, in the order of commits, with the
 * labels that it was written with. Remembers what the operators with state remember, and the few
 * records in front that a later match brings with it. Not thread-safe.
 */
final class Judge {
  /** Most records in front of a match that can come with it. */
  private static final int CONTEXT_MAX = 65_536;

  private final Condition condition;
  private final Expression root;
  private final Evaluator evaluator;

  /** Whether a limit is used up: nothing is chosen any more. */
  private boolean over;

  /** Records behind the last match that still come with it. */
  private long following;

  private boolean matched;
  private long lastMatch;

  /** Records that were not chosen, in front of the next match. */
  private final ArrayDeque<Passed> passed = new ArrayDeque<>(0);

  private record Passed(long sequence, long timestamp, long length) {}

  /** Hears which records are chosen. */
  @FunctionalInterface
  interface Chosen {
    void accept(long sequence, long length);
  }

  /** A record as the condition sees it. */
  private record Facts(long timestamp, Labels labels) implements RecordFacts {
    @Override
    public @Nullable String label(String name) {
      return labels.get(name);
    }
  }

  Judge(Condition condition) {
    this.condition = condition;
    root = condition.root();
    evaluator = new Evaluator(condition);
  }

  /** Whether it looks at labels. */
  boolean needsLabels() {
    return !condition.choosesAll();
  }

  /**
   * Whether a record that was not chosen may be judged again when its labels change: a condition
   * with a memory has counted it already.
   */
  boolean isRepeatable() {
    return condition.stateful().isEmpty();
  }

  /** Judges a record that was committed; tells which records are chosen by that. */
  void written(long sequence, long timestamp, long length, Labels labels, Chosen chosen) {
    boolean matches = holds(timestamp, labels);
    if (matches) {
      for (Passed earlier : passed) {
        if (isBefore(earlier, timestamp)) {
          chosen.accept(earlier.sequence(), earlier.length());
        }
      }
      passed.clear();
      matched = true;
      lastMatch = timestamp;
      following = condition.after().byTime() ? 0 : condition.after().amount();
      chosen.accept(sequence, length);
    } else if (isAfterMatch(timestamp)) {
      passed.clear();
      chosen.accept(sequence, length);
    } else {
      remember(new Passed(sequence, timestamp, length));
    }
  }

  /** Judges a record by its new labels; only where {@link #isRepeatable}. */
  boolean relabelled(long timestamp, Labels labels) {
    return holds(timestamp, labels);
  }

  /** A record is not there any more: no match brings it. */
  void removed(long sequence) {
    passed.removeIf(record -> record.sequence() == sequence);
  }

  private boolean holds(long timestamp, Labels labels) {
    if (over) {
      return false;
    }
    try {
      return evaluator.isTrue(root, new Facts(timestamp, labels));
    } catch (Interrupt limit) {
      over = true;
      return false;
    } catch (PannierException unfit) {
      // As the reference has it: a record of which the condition cannot be told is not copied.
      return false;
    }
  }

  private boolean isBefore(Passed earlier, long timestamp) {
    Window before = condition.before();
    return !before.byTime()
        || Timestamp.isAfter(earlier.timestamp(), timestamp)
        || Long.compareUnsigned(timestamp - earlier.timestamp(), before.amount()) <= 0;
  }

  private boolean isAfterMatch(long timestamp) {
    Window after = condition.after();
    if (after.byTime()) {
      return matched
          && !after.isEmpty()
          && (Timestamp.isBefore(timestamp, lastMatch)
              || Long.compareUnsigned(timestamp - lastMatch, after.amount()) <= 0);
    }
    if (following > 0) {
      following--;
      return true;
    }
    return false;
  }

  private void remember(Passed record) {
    Window before = condition.before();
    if (before.isEmpty()) {
      return;
    }
    passed.addLast(record);
    long most = before.byTime() ? CONTEXT_MAX : Math.min(CONTEXT_MAX, before.amount());
    while (passed.size() > most
        || (before.byTime()
            && Timestamp.isAfter(record.timestamp(), passed.getFirst().timestamp())
            && Long.compareUnsigned(
                    record.timestamp() - passed.getFirst().timestamp(), before.amount())
                > 0)) {
      passed.removeFirst();
    }
  }

  void write(DataOutput out) throws IOException {
    long[] state = evaluator.state();
    out.writeInt(state.length);
    for (long number : state) {
      out.writeLong(number);
    }
    out.writeBoolean(over);
    out.writeLong(following);
    out.writeBoolean(matched);
    out.writeLong(lastMatch);
    out.writeInt(passed.size());
    for (Passed record : passed) {
      out.writeLong(record.sequence());
      out.writeLong(record.timestamp());
      out.writeLong(record.length());
    }
  }

  /** Goes on where a judge of the same condition was. */
  void read(DataInput in) throws IOException {
    var state = new long[in.readInt()];
    for (int i = 0; i < state.length; i++) {
      state[i] = in.readLong();
    }
    try {
      evaluator.restore(state);
    } catch (NoSuchElementException other) {
      throw new IOException("state of another condition", other);
    }
    over = in.readBoolean();
    following = in.readLong();
    matched = in.readBoolean();
    lastMatch = in.readLong();
    for (int left = in.readInt(); left > 0; left--) {
      passed.addLast(new Passed(in.readLong(), in.readLong(), in.readLong()));
    }
  }
}
