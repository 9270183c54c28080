package io.pannier.server.settings;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.slf4j.event.Level;

/**
 * Which log lines are written.
 *
 * @param root the lowest level that is
 * @param targets the lowest level of loggers whose names begin with this
 */
public record LogLevels(Level root, Map<String, Level> targets) {
  /** Copies the map and keeps its order. */
  public LogLevels {
    targets = Collections.unmodifiableMap(new LinkedHashMap<>(targets));
  }
}
