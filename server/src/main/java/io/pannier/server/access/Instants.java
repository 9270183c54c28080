package io.pannier.server.access;

import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** Moments of the wall clock. */
final class Instants {
  private Instants() {}

  static Instant ofMicros(long micros) {
    return Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
  }

  static long micros(Instant instant) {
    return ChronoUnit.MICROS.between(Instant.EPOCH, instant);
  }
}
