package io.pannier.bench;

import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Counts what happens after the warm-up. */
final class Meter {
  private static final long STALL_NANOS = 1_000_000_000L;

  final LatencyHistogram latency = new LatencyHistogram();
  final LatencyHistogram firstRecord = new LatencyHistogram();

  /** Failed operations by status; 0 stands for a broken connection. */
  final Map<Integer, Long> errors = new TreeMap<>();

  /** The first error's text; empty if there was none. */
  String firstError = "";

  long operations;
  long requests;
  long records;
  long bytes;
  long recordErrors;
  long failures;

  /** Times that no connection got an answer for longer than a second. */
  long stalls;

  long longestGapNanos;
  long elapsedNanos;
  long driverThreadNanos;
  long driverProcessNanos;
  long serverNanos;

  private final ProcessProbe self;
  private final Optional<ProcessProbe> server;
  private long begun;
  private long lastEnd;

  Meter(ProcessProbe self, Optional<ProcessProbe> server) {
    this.self = self;
    this.server = server;
  }

  /**
   * Starts to count, from nothing; what failed during the warm-up stays counted. Returns the time.
   */
  long begin() throws IOException {
    latency.clear();
    firstRecord.clear();
    operations = 0;
    requests = 0;
    records = 0;
    bytes = 0;
    stalls = 0;
    longestGapNanos = 0;
    serverNanos = server.isPresent() ? server.get().cpuNanos() : 0;
    driverProcessNanos = self.cpuNanos();
    driverThreadNanos = ProcessProbe.threadCpuNanos();
    begun = System.nanoTime();
    lastEnd = begun;
    return begun;
  }

  /** Ends the counting; durations and CPU times are those since {@link #begin}. */
  void end() throws IOException {
    driverThreadNanos = ProcessProbe.threadCpuNanos() - driverThreadNanos;
    driverProcessNanos = self.cpuNanos() - driverProcessNanos;
    serverNanos = server.isPresent() ? server.get().cpuNanos() - serverNanos : 0;
    elapsedNanos = lastEnd - begun;
  }

  /** An answer came, or the wait for it was over. */
  void tick(long now) {
    long gap = now - lastEnd;
    if (gap > longestGapNanos) {
      longestGapNanos = gap;
    }
    if (gap > STALL_NANOS) {
      stalls++;
    }
    lastEnd = now;
  }

  /** An operation failed. */
  void failure(int status, String text) {
    failures++;
    errors.merge(status, 1L, Long::sum);
    if (firstError.isEmpty()) {
      firstError = status + " " + text;
    }
  }

  /** Records of a batch were refused. */
  void recordFailure(int count, String text) {
    recordErrors += count;
    if (firstError.isEmpty()) {
      firstError = "in a batch: " + text;
    }
  }
}
