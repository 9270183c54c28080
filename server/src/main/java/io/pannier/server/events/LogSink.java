package io.pannier.server.events;

import org.slf4j.event.Level;

/** Takes lines of the server's own log, from whatever library writes it. */
@FunctionalInterface
public interface LogSink {
  /**
   * Takes a line; never waits, never throws, and does nothing with what is below its level or comes
   * from its own writing.
   *
   * @param timestamp when it was logged, µs
   * @param target name of the logger
   * @param file source file, empty when unknown
   * @param line in that file, 0 when unknown
   */
  void line(long timestamp, Level level, String target, String file, int line, String message);
}
