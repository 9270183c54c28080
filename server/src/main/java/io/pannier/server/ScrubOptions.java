package io.pannier.server;

import java.time.Duration;

/**
 * How what is stored is read again in the background, so that damage is found while there is still
 * a copy elsewhere.
 *
 * @param bytesPerSecond most bytes a second; 0: only when somebody asks for it
 * @param interval from the beginning of one pass to that of the next
 */
public record ScrubOptions(long bytesPerSecond, Duration interval) {
  /** A pass every thirty days. */
  public static final ScrubOptions DEFAULT = new ScrubOptions(8_000_000, Duration.ofDays(30));

  /** Only when somebody asks for it. */
  public static final ScrubOptions OFF = new ScrubOptions(0, Duration.ofDays(30));

  /** Bytes a second of a pass that somebody asked for. */
  long effectiveRate() {
    return bytesPerSecond > 0 ? bytesPerSecond : DEFAULT.bytesPerSecond;
  }

  boolean isOn() {
    return bytesPerSecond > 0;
  }
}
