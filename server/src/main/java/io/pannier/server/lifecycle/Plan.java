package io.pannier.server.lifecycle;

import io.pannier.model.PannierException;
import io.pannier.query.EntryPatterns;
import io.pannier.query.Json;
import io.pannier.query.when.Condition;
import io.pannier.query.when.Durations;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Settings of a policy, understood.
 *
 * @param olderThan age from which on a record is old, µs
 * @param interval time between two runs, µs
 * @param span record time that one run handles, µs
 * @param when what must hold for a record
 * @param entries which entries it is about
 */
record Plan(
    long olderThan, long interval, long span, Optional<Condition> when, EntryPatterns entries) {
  private static final long OLDER_THAN_MIN = TimeUnit.HOURS.toMicros(1);
  private static final long INTERVAL_MIN = TimeUnit.MINUTES.toMicros(10);
  private static final int SPAN_INTERVALS = 24;

  /**
   * Understands settings.
   *
   * @throws PannierException.Invalid when they make no sense
   */
  static Plan of(LifecycleSettings settings) {
    long olderThan = duration("older_than", settings.olderThan());
    requireAtLeast("older_than", settings.olderThan(), olderThan, OLDER_THAN_MIN, "1h");
    long interval = duration("interval", settings.interval());
    requireAtLeast("interval", settings.interval(), interval, INTERVAL_MIN, "10m");
    long span;
    if (settings.processingInterval().isPresent()) {
      String text = settings.processingInterval().get();
      span = duration("processing_interval", text);
      if (span <= 0) {
        throw new PannierException.Invalid(
            "Lifecycle processing_interval '" + text + "' must be positive");
      }
    } else {
      span =
          interval > Long.MAX_VALUE / SPAN_INTERVALS ? Long.MAX_VALUE : SPAN_INTERVALS * interval;
    }
    if (settings.when().isPresent() && settings.type() == LifecycleSettings.Type.COMPRESS) {
      throw new PannierException.Invalid(
          "Lifecycle type 'compress' does not support 'when' condition");
    }
    return new Plan(
        olderThan,
        interval,
        span,
        settings.when().map(Plan::condition),
        new EntryPatterns(settings.entries()));
  }

  private static long duration(String name, String text) {
    try {
      return Durations.exact(text);
    } catch (PannierException.Invalid e) {
      throw new PannierException.Invalid(
          "Invalid lifecycle " + name + " '" + text + "': " + e.getMessage());
    }
  }

  private static void requireAtLeast(
      String name, String text, long value, long least, String leastText) {
    if (value < least) {
      throw new PannierException.Invalid(
          "Lifecycle "
              + name
              + " '"
              + text
              + "' is shorter than minimum allowed value of "
              + leastText);
    }
  }

  private static Condition condition(String json) {
    Condition condition;
    try {
      condition = Condition.parse(Json.parse(json.getBytes(StandardCharsets.UTF_8)));
    } catch (PannierException.Invalid e) {
      throw new PannierException.Invalid("Invalid lifecycle condition: " + e.getMessage());
    }
    if (condition.ext().isPresent()) {
      throw new PannierException.Invalid("Lifecycle condition cannot use '#ext' directive");
    }
    return condition;
  }
}
