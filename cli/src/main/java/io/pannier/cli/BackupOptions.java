package io.pannier.cli;

import io.pannier.model.PannierException;
import io.pannier.store.TimeRange;
import java.io.PrintWriter;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What backup and restore have in common: records of which times, how fast, and what is told. */
final class BackupOptions {
  @Option(
      names = "--from",
      paramLabel = "TIME",
      converter = Amounts.Time.class,
      description = "Records from this time on: microseconds, or 2026-11-21T08:00:00Z.")
  private @Nullable Long from;

  @Option(
      names = "--to",
      paramLabel = "TIME",
      converter = Amounts.Time.class,
      description = "Records before this time.")
  private @Nullable Long to;

  @Option(
      names = "--rate",
      paramLabel = "SIZE",
      converter = Amounts.Size.class,
      description =
          "Most bytes a second, at least 100kB, such as 5MB (default: as fast as it goes).")
  private long rate;

  @Option(names = "--json", description = "Report as JSON, one object a line.")
  private boolean json;

  @Option(
      names = {"-q", "--quiet"},
      description = "No progress.")
  private boolean quiet;

  /** What is wrong with them; null: nothing. */
  @Nullable String mistake() {
    return rate != 0 && rate < ProgressLine.RATE_MIN
        ? "expected at least 100kB a second behind --rate: a slower reader is hung up on"
        : null;
  }

  /**
   * The times of the records.
   *
   * @throws PannierException.Invalid when there are none between them
   */
  TimeRange range() {
    long first = from == null ? 0 : from;
    TimeRange range = to == null ? TimeRange.from(first) : TimeRange.of(first, to);
    if (range.isEmpty()) {
      throw new PannierException.Invalid("--to must be behind --from");
    }
    return range;
  }

  boolean json() {
    return json;
  }

  boolean quiet() {
    return quiet;
  }

  /** Tells how far it has come, and keeps to the rate. */
  ProgressLine progress(PrintWriter err, String what) {
    return new ProgressLine(err, what, quiet, rate);
  }
}
