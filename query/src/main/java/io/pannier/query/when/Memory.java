package io.pannier.query.when;

import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/** What an operator remembers of the records that reached it. */
sealed interface Memory {
  /** State of a call that nothing has reached yet. */
  static Memory of(Operator operator) {
    return switch (operator) {
      case EACH_N -> new EachN();
      case EACH_T -> new EachT();
      case LIMIT -> new Limit();
      case GATE -> new Gate();
      default -> throw new IllegalArgumentException(operator + " has no state");
    };
  }

  /** Tells what it remembers; {@link #restore} takes the same numbers in the same order. */
  void save(LongConsumer out);

  /** Takes what {@link #save} told. */
  void restore(LongSupplier in);

  /** Counts every visit, also one whose operand cannot be read. */
  final class EachN implements Memory {
    private long count;

    @Override
    public void save(LongConsumer out) {
      out.accept(count);
    }

    @Override
    public void restore(LongSupplier in) {
      count = in.getAsLong();
    }

    void visit() {
      count++;
    }

    boolean isTrue(Value each) {
      long n = each.asInt();
      if (n == 0) {
        throw new PannierException.Invalid("Value '0' is not a valid operand for $each_n");
      }
      return count % n == 0;
    }
  }

  /** Lets a record pass when enough time went by since the last one that passed. */
  final class EachT implements Memory {
    private boolean started;
    private long reference;

    @Override
    public void save(LongConsumer out) {
      out.accept(started ? 1 : 0);
      out.accept(reference);
    }

    @Override
    public void restore(LongSupplier in) {
      started = in.getAsLong() != 0;
      reference = in.getAsLong();
    }

    void visit(long time) {
      if (!started) {
        started = true;
        reference = time;
      }
    }

    boolean isTrue(long time, Value each) {
      if (Timestamp.isBefore(time, reference)) {
        reference = time;
        return false;
      }
      // Through seconds in any case, as the reference does: 251 µs become 250.
      double seconds = each instanceof Value.Duration(long micros) ? micros / 1e6 : each.asFloat();
      if (Long.compareUnsigned(time - reference, micros(seconds)) < 0) {
        return false;
      }
      reference = time;
      return true;
    }
  }

  /** Counts visits; the one beyond the limit ends the query. */
  final class Limit implements Memory {
    private long count;

    @Override
    public void save(LongConsumer out) {
      out.accept(count);
    }

    @Override
    public void restore(LongSupplier in) {
      count = in.getAsLong();
    }

    void visit() {
      count++;
    }

    boolean isOver(Value limit) {
      return count > limit.asInt();
    }
  }

  /**
   * Opens when its input becomes true, passes the input on for a time, then stays shut until the
   * input was false.
   */
  final class Gate implements Memory {
    private boolean visited;
    private long lastTime;
    private boolean timed;
    private long deadline;
    private boolean previous;
    private boolean locked;

    @Override
    public void save(LongConsumer out) {
      out.accept((visited ? 1 : 0) | (timed ? 2 : 0) | (previous ? 4 : 0) | (locked ? 8 : 0));
      out.accept(lastTime);
      out.accept(deadline);
    }

    @Override
    public void restore(LongSupplier in) {
      long flags = in.getAsLong();
      visited = (flags & 1) != 0;
      timed = (flags & 2) != 0;
      previous = (flags & 4) != 0;
      locked = (flags & 8) != 0;
      lastTime = in.getAsLong();
      deadline = in.getAsLong();
    }

    void visit(long time) {
      if (visited && Timestamp.isBefore(time, lastTime)) {
        timed = false;
        previous = false;
        locked = false;
      }
      visited = true;
      lastTime = time;
    }

    boolean isTrue(long time, Value open, boolean input) {
      if (timed && !Timestamp.isBefore(time, deadline)) {
        timed = false;
        locked = true;
      }
      if (locked) {
        locked = input;
        previous = input;
        return false;
      }
      if (!timed && !previous && input) {
        timed = true;
        long micros =
            open instanceof Value.Duration(long exact)
                ? Math.max(0, exact)
                : micros(open.asFloat());
        deadline = time + micros;
        if (Timestamp.isBefore(deadline, time)) {
          deadline = Timestamp.MAX;
        }
      }
      previous = input;
      return input && timed && Timestamp.isBefore(time, deadline);
    }
  }

  private static long micros(double seconds) {
    return Math.max(0, (long) (seconds * 1e6));
  }
}
