package io.pannier.replicate;

import io.pannier.model.Clock;
import java.util.Map;
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
  private long lost;
  private long refused;
  private long sent;
  private long sentBytes;
  private long failed;

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
   * @param lostRecords gone from here before they had arrived, since the task exists
   * @param refusedRecords given up because the destination will never take them, since it exists
   */
  public record Report(
      long ok, long errored, Map<Integer, Errors> errors, long lostRecords, long refusedRecords) {}

  /**
   * What happened since the process was started.
   *
   * @param sent records and changes that arrived
   * @param sentBytes of bodies of records that arrived
   * @param failed records and changes that did not, once for each attempt
   */
  public record Totals(long sent, long sentBytes, long failed) {}

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
    sent += count;
  }

  /** Bytes of the body of a record that arrived. */
  synchronized void sentBytes(long bytes) {
    sentBytes += bytes;
  }

  synchronized void error(int code, String message, long count) {
    failed += count;
    frame()
        .errors
        .merge(
            code,
            new Errors(count, message),
            (before, more) -> new Errors(before.count() + more.count(), more.lastMessage()));
  }

  synchronized void lost(long count) {
    lost += count;
  }

  synchronized void refused(long count) {
    refused += count;
  }

  synchronized long lost() {
    return lost;
  }

  synchronized long refused() {
    return refused;
  }

  /** Begins the hour anew; what concerns the whole time stays. */
  synchronized void resetHour() {
    java.util.Arrays.fill(frames, null);
  }

  synchronized Totals totals() {
    return new Totals(sent, sentBytes, failed);
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
    return new Report(ok, errored, errors, lost, refused);
  }
}
