package io.pannier.replicate;

/**
 * How fast a task gets work and does it, as averages over the last minute or so. Any thread may
 * call.
 */
final class Meter {
  /** Time constant of the averages. */
  private static final double SECONDS = 60;

  /** What has been counted since the process began. */
  record Counts(
      long chosenRecords, long chosenBytes, long sentRecords, long sentBytes, long ringBytes) {}

  /**
   * Averages.
   *
   * @param recordsIn records a second that are chosen to be sent
   * @param bytesIn bytes of their bodies
   * @param recordsOut records a second that arrive
   * @param bytesOut bytes of their bodies
   * @param ringBytes bytes a second that records of the source bucket take in files
   */
  record Rates(
      double recordsIn, double bytesIn, double recordsOut, double bytesOut, double ringBytes) {}

  private final double[] sums = new double[5];
  private double weight;
  private long lastNanos;
  private long[] last = {};

  /** Takes the counts of a moment. */
  synchronized void sample(long nanos, Counts counts) {
    long[] now = {
      counts.chosenRecords(),
      counts.chosenBytes(),
      counts.sentRecords(),
      counts.sentBytes(),
      counts.ringBytes()
    };
    double seconds = (nanos - lastNanos) / 1e9;
    if (last.length > 0 && seconds > 0) {
      double kept = Math.exp(-seconds / SECONDS);
      for (int i = 0; i < sums.length; i++) {
        // The ring is another one when the source is: its counter begins anew.
        sums[i] = sums[i] * kept + Math.max(0, now[i] - last[i]) / seconds * (1 - kept);
      }
      weight = weight * kept + (1 - kept);
    }
    last = now;
    lastNanos = nanos;
  }

  synchronized Rates rates() {
    double whole = weight == 0 ? 1 : weight;
    return new Rates(
        sums[0] / whole, sums[1] / whole, sums[2] / whole, sums[3] / whole, sums[4] / whole);
  }
}
