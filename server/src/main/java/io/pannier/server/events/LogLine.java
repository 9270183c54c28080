package io.pannier.server.events;

import java.util.Map;
import org.slf4j.event.Level;

/**
 * A line of the server's own log.
 *
 * @param timestamp when it was logged, µs
 * @param target name of the logger
 * @param file source file, empty when unknown
 * @param line in that file, 0 when unknown
 * @param fields what belongs to the line and is not text of it, such as the name of a request
 */
public record LogLine(
    long timestamp,
    Level level,
    String target,
    String file,
    int line,
    String message,
    Map<String, String> fields) {
  public LogLine {
    fields = Map.copyOf(fields);
  }
}
