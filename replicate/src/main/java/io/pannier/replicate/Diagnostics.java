package io.pannier.replicate;

import io.pannier.model.Clock;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * Counts what became of records within the last hour, in frames of a minute. The numbers are what
 * they say: nothing is extrapolated. Any thread may call.
 */
public final class Diagnostics {
  private static final int FRAMES = 60;

  private final Clock clock;
  private final Frame[] frames = new Frame[FRAMES];
  private Totals totals = Totals.NONE;
  private long failed;

  /** What of the losses was told in warnings. */
  private long toldRecords;

  private long toldBytes;
  private Optional<LastError> lastError = Optional.empty();

  /** One minute. */
  private static final class Frame {
    final long minute;
    long ok;
    final Map<Integer, Errors> errors = new TreeMap<>();

    Frame(long minute) {
      this.minute = minute;
    }
  }

  /**
   * Errors of one code.
   *
   * @param count records concerned
   */
  public record Errors(long count, String lastMessage) {}

  /**
   * What is known of the last hour, and of the whole time.
   *
   * @param ok records and changes that arrived
   * @param errored those that did not, once for each attempt
   * @param errors by status, or by the negative number of an error on this side
   * @param totals since the task exists
   * @param failed records and changes that did not arrive, once for each attempt, since the process
   *     was started
   * @param lastError what went wrong last
   */
  public record Report(
      long ok,
      long errored,
      Map<Integer, Errors> errors,
      Totals totals,
      long failed,
      Optional<LastError> lastError) {
    /** Records gone from here before they had arrived, since the task exists. */
    public long lostRecords() {
      return totals.lostRecords();
    }

    /** Records given up because the destination will never take them, since the task exists. */
    public long refusedRecords() {
      return totals.refusedRecords();
    }
  }

  /**
   * Counts since a task exists; bytes are those of bodies.
   *
   * @param lostRecords gone from here before they had arrived
   * @param refusedRecords given up because the destination will never take them
   * @param sentRecords arrived as a whole, or found there
   * @param sentChanges changes of labels that arrived
   * @param resumedBytes that did not have to be sent again after a connection had ended
   */
  public record Totals(
      long lostRecords,
      long lostBytes,
      long refusedRecords,
      long refusedBytes,
      long sentRecords,
      long sentBytes,
      long sentChanges,
      long resumedBytes) {
    static final Totals NONE = new Totals(0, 0, 0, 0, 0, 0, 0, 0);

    private static final int NUMBERS = 8;

    private Totals plus(Totals more) {
      return new Totals(
          lostRecords + more.lostRecords,
          lostBytes + more.lostBytes,
          refusedRecords + more.refusedRecords,
          refusedBytes + more.refusedBytes,
          sentRecords + more.sentRecords,
          sentBytes + more.sentBytes,
          sentChanges + more.sentChanges,
          resumedBytes + more.resumedBytes);
    }
  }

  /**
   * An error.
   *
   * @param code status, or the negative number of an error on this side
   * @param wallMicros when it happened
   */
  public record LastError(int code, String message, long wallMicros) {}

  Diagnostics(Clock clock) {
    this.clock = clock;
  }

  private Frame frame() {
    long minute = TimeUnit.NANOSECONDS.toMinutes(clock.monotonicNanos());
    int at = Math.floorMod(minute, FRAMES);
    Frame frame = frames[at];
    if (frame == null || frame.minute != minute) {
      frame = new Frame(minute);
      frames[at] = frame;
    }
    return frame;
  }

  synchronized void ok(long count) {
    frame().ok += count;
  }

  synchronized void error(int code, String message, long count) {
    failed += count;
    lastError = Optional.of(new LastError(code, message, clock.wallMicros()));
    frame()
        .errors
        .merge(
            code,
            new Errors(count, message),
            (before, more) -> new Errors(before.count() + more.count(), more.lastMessage()));
  }

  synchronized void lost(long records, long bytes) {
    totals = totals.plus(new Totals(records, bytes, 0, 0, 0, 0, 0, 0));
  }

  synchronized void refused(long records, long bytes) {
    totals = totals.plus(new Totals(0, 0, records, bytes, 0, 0, 0, 0));
  }

  /** A record is there. */
  synchronized void sent(long bytes) {
    ok(1);
    totals = totals.plus(new Totals(0, 0, 0, 0, 1, bytes, 0, 0));
  }

  /** A change of labels is there. */
  synchronized void sentChange() {
    ok(1);
    totals = totals.plus(new Totals(0, 0, 0, 0, 0, 0, 1, 0));
  }

  synchronized void resumed(long bytes) {
    totals = totals.plus(new Totals(0, 0, 0, 0, 0, 0, 0, bytes));
  }

  synchronized Totals totals() {
    return totals;
  }

  /** The loss that was not told yet, which is told by this; empty when there is none. */
  synchronized Optional<ReplicationWarning.Lost> untold(String task) {
    if (totals.lostRecords() == toldRecords) {
      return Optional.empty();
    }
    var warning =
        new ReplicationWarning.Lost(
            task,
            totals.lostRecords() - toldRecords,
            totals.lostBytes() - toldBytes,
            totals.lostRecords(),
            totals.lostBytes());
    toldRecords = totals.lostRecords();
    toldBytes = totals.lostBytes();
    return Optional.of(warning);
  }

  synchronized void write(DataOutput out) throws IOException {
    for (long number :
        new long[] {
          totals.lostRecords(),
          totals.lostBytes(),
          totals.refusedRecords(),
          totals.refusedBytes(),
          totals.sentRecords(),
          totals.sentBytes(),
          totals.sentChanges(),
          totals.resumedBytes(),
          toldRecords,
          toldBytes
        }) {
      out.writeLong(number);
    }
  }

  /** Adds what was written to what has happened since the start. */
  synchronized void read(DataInput in) throws IOException {
    var n = new long[Totals.NUMBERS];
    for (int i = 0; i < n.length; i++) {
      n[i] = in.readLong();
    }
    totals = totals.plus(new Totals(n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7]));
    toldRecords += in.readLong();
    toldBytes += in.readLong();
  }

  /** Begins the hour anew; what concerns the whole time stays. */
  synchronized void resetHour() {
    Arrays.fill(frames, null);
    lastError = Optional.empty();
  }

  synchronized Report report() {
    long now = TimeUnit.NANOSECONDS.toMinutes(clock.monotonicNanos());
    long ok = 0;
    long errored = 0;
    Map<Integer, Errors> errors = new TreeMap<>();
    for (Frame frame : frames) {
      if (frame != null && now - frame.minute < FRAMES) {
        ok += frame.ok;
        for (var error : frame.errors.entrySet()) {
          errored += error.getValue().count();
          errors.merge(
              error.getKey(),
              error.getValue(),
              (a, b) -> new Errors(a.count() + b.count(), b.lastMessage()));
        }
      }
    }
    return new Report(ok, errored, errors, totals, failed, lastError);
  }
}
