package io.pannier.server.events;

/** Takes lines of the server's own log, from whatever library writes it. */
@FunctionalInterface
public interface LogSink {
  /**
   * Takes a line; never waits, never throws, and does nothing with what is below its level or comes
   * from its own writing.
   */
  void line(LogLine line);
}
