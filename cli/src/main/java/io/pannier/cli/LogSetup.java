package io.pannier.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.pannier.server.settings.LogLevels;
import org.slf4j.LoggerFactory;

/** Sets which log lines are written. */
final class LogSetup {
  private LogSetup() {}

  static void apply(LogLevels levels) {
    set(org.slf4j.Logger.ROOT_LOGGER_NAME, levels.root());
    levels.targets().forEach(LogSetup::set);
  }

  private static void set(String name, org.slf4j.event.Level level) {
    // Another logging library may stand behind the interface, where this program is embedded.
    if (LoggerFactory.getLogger(name) instanceof Logger logger) {
      logger.setLevel(Level.convertAnSLF4JLevel(level));
    }
  }
}
