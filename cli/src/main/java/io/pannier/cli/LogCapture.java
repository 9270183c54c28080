package io.pannier.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.pannier.server.events.LogLine;
import io.pannier.server.events.LogSink;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.LoggerFactory;
import org.slf4j.event.KeyValuePair;

/** Shows lines of the log to the server too, which keeps them where clients can read them. */
final class LogCapture extends AppenderBase<ILoggingEvent> implements AutoCloseable {
  private final LogSink sink;
  private final org.slf4j.event.Level from;

  private LogCapture(LogSink sink, org.slf4j.event.Level from) {
    this.sink = sink;
    this.from = from;
  }

  /**
   * Begins to show what is logged.
   *
   * @param from the lowest level: below it a line costs no more than this comparison
   */
  static LogCapture start(LogSink sink, org.slf4j.event.Level from) {
    var capture = new LogCapture(sink, from);
    if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
      capture.setContext(context);
      capture.start();
      context.getLogger(Logger.ROOT_LOGGER_NAME).addAppender(capture);
    }
    return capture;
  }

  @Override
  protected void append(ILoggingEvent event) {
    Level level = event.getLevel();
    if (!level.isGreaterOrEqual(Level.convertAnSLF4JLevel(from))) {
      return;
    }
    StackTraceElement[] caller = event.getCallerData();
    boolean isKnown = caller.length > 0 && caller[0].getFileName() != null;
    sink.line(
        new LogLine(
            event.getTimeStamp() * 1_000,
            org.slf4j.event.Level.valueOf(level.toString()),
            event.getLoggerName(),
            isKnown ? caller[0].getFileName() : "",
            isKnown ? Math.max(0, caller[0].getLineNumber()) : 0,
            event.getFormattedMessage(),
            fields(event)));
  }

  private static Map<String, String> fields(ILoggingEvent event) {
    List<KeyValuePair> pairs = event.getKeyValuePairs();
    if (pairs == null) {
      return Map.of();
    }
    var fields = new LinkedHashMap<String, String>();
    pairs.forEach(pair -> fields.put(pair.key, String.valueOf(pair.value)));
    return fields;
  }

  /** Shows nothing any more. */
  @Override
  public void close() {
    if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
      context.getLogger(Logger.ROOT_LOGGER_NAME).detachAppender(this);
    }
    stop();
  }
}
