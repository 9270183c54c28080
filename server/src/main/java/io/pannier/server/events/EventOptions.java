package io.pannier.server.events;

import java.util.Optional;
import org.slf4j.event.Level;

/**
 * What goes into {@code $system} (configuration.md §9).
 *
 * @param enabled whether anything does
 * @param quotaBytes size of the ring
 * @param logLevel the lowest level of log lines that do; empty: none
 */
public record EventOptions(boolean enabled, long quotaBytes, Optional<Level> logLevel) {
  /** As the reference. */
  public static final EventOptions DEFAULT =
      new EventOptions(true, 10_000_000_000L, Optional.of(Level.WARN));
}
