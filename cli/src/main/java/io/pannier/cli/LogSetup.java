package io.pannier.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.OutputStreamAppender;
import io.pannier.server.settings.LogFormat;
import io.pannier.server.settings.LogLevels;
import org.slf4j.LoggerFactory;

/** Sets which log lines are written, and what they look like. */
final class LogSetup {
  /** Name of the appender in logback.xml. */
  private static final String STANDARD_ERROR = "stderr";

  private LogSetup() {}

  static void apply(LogLevels levels, LogFormat format) {
    set(org.slf4j.Logger.ROOT_LOGGER_NAME, levels.root());
    levels.targets().forEach(LogSetup::set);
    if (format == LogFormat.JSON
        && LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME) instanceof Logger root
        && root.getAppender(STANDARD_ERROR) instanceof OutputStreamAppender<ILoggingEvent> out) {
      var lines = new JsonLines();
      lines.setContext(root.getLoggerContext());
      lines.start();
      out.setEncoder(lines);
    }
  }

  private static void set(String name, org.slf4j.event.Level level) {
    // Another logging library may stand behind the interface, where this program is embedded.
    if (LoggerFactory.getLogger(name) instanceof Logger logger) {
      logger.setLevel(Level.convertAnSLF4JLevel(level));
    }
  }
}
