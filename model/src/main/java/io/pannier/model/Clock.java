package io.pannier.model;

/** The only door to time. Tests turn it by hand. */
public interface Clock {
  /** Microseconds since the Unix epoch by the wall clock, which may jump. */
  long wallMicros();

  /** Nanoseconds of a clock that never jumps, from an arbitrary origin: for durations. */
  long monotonicNanos();
}
