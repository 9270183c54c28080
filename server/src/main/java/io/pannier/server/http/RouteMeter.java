package io.pannier.server.http;

import io.pannier.model.DurationHistogram;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Counts the requests of one method to one route. The one who answers holds the meter of the route,
 * so counting looks nothing up and makes nothing: a few additions that threads do not fight over.
 */
public final class RouteMeter {
  /** From a small write in the page cache to a query that waits for records. */
  private static final long[] BOUNDS_MICROS = {
    100,
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    30_000_000,
    60_000_000
  };

  private static final int FIRST_STATUS = 200;

  /** Statuses that are told apart; the place of each is that in the array of counters. */
  private static final int[] STATUSES = {
    200, 202, 204, 206, 302, 304, 400, 401, 403, 404, 405, 408, 409, 411, 413, 414, 415, 416, 417,
    422, 425, 429, 431, 500, 503, 505, 507
  };

  /** The client was gone before there was an answer. */
  private static final int NO_ANSWER = STATUSES.length;

  private static final int OTHER = STATUSES.length + 1;
  private static final byte[] PLACES = new byte[400];

  static {
    java.util.Arrays.fill(PLACES, (byte) OTHER);
    for (int i = 0; i < STATUSES.length; i++) {
      PLACES[STATUSES[i] - FIRST_STATUS] = (byte) i;
    }
  }

  private final String method;
  private final String route;

  /** Made with the first request: most routes of a robot are never used. */
  private volatile @Nullable Counts counts;

  private static final class Counts {
    final DurationHistogram durations = new DurationHistogram(BOUNDS_MICROS);
    final AtomicReferenceArray<LongAdder> statuses = new AtomicReferenceArray<>(OTHER + 1);
    final LongAdder received = new LongAdder();
    final LongAdder sent = new LongAdder();
    final LongAdder cut = new LongAdder();
  }

  /**
   * What was counted up to a moment.
   *
   * @param durations from the head of a request to the end of its answer, also of those that were
   *     never answered
   * @param statuses requests by status; {@code gone} where the client did not wait for one
   * @param receivedBytes of bodies of requests, as they came
   * @param sentBytes of bodies of answers
   * @param cut answers that began and did not end
   */
  public record Snapshot(
      String method,
      String route,
      DurationHistogram.Snapshot durations,
      Map<String, Long> statuses,
      long receivedBytes,
      long sentBytes,
      long cut) {}

  /**
   * A meter.
   *
   * @param method as sent; {@code HEAD} may share that of {@code GET}
   * @param route the pattern of paths
   */
  public RouteMeter(String method, String route) {
    this.method = method;
    this.route = route;
  }

  /**
   * Counts a request that is over.
   *
   * @param status 0: there was no answer
   * @param wasCut whether the answer began and did not end
   */
  void count(int status, long nanos, long receivedBytes, long sentBytes, boolean wasCut) {
    Counts to = counts;
    if (to == null) {
      to = begin();
    }
    int place = status == 0 ? NO_ANSWER : PLACES[status - FIRST_STATUS];
    LongAdder answers = to.statuses.get(place);
    if (answers == null) {
      answers = begin(to, place);
    }
    answers.increment();
    to.durations.record(nanos);
    if (receivedBytes > 0) {
      to.received.add(receivedBytes);
    }
    if (sentBytes > 0) {
      to.sent.add(sentBytes);
    }
    if (wasCut) {
      to.cut.increment();
    }
  }

  private synchronized Counts begin() {
    Counts made = counts;
    if (made == null) {
      made = new Counts();
      counts = made;
    }
    return made;
  }

  private static LongAdder begin(Counts to, int place) {
    var made = new LongAdder();
    return to.statuses.compareAndSet(place, null, made) ? made : to.statuses.get(place);
  }

  /** Whether there was a request at all. */
  public boolean isUsed() {
    return counts != null;
  }

  /** What was counted so far. */
  public Snapshot snapshot() {
    Counts now = counts == null ? begin() : counts;
    var statuses = new TreeMap<String, Long>();
    for (int i = 0; i <= OTHER; i++) {
      LongAdder answers = now.statuses.get(i);
      if (answers != null) {
        String name =
            i == NO_ANSWER ? "gone" : i == OTHER ? "other" : Integer.toString(STATUSES[i]);
        statuses.put(name, answers.sum());
      }
    }
    return new Snapshot(
        method,
        route,
        now.durations.snapshot(),
        statuses,
        now.received.sum(),
        now.sent.sum(),
        now.cut.sum());
  }
}
