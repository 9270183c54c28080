package io.pannier.server.http;

import io.pannier.model.Clock;
import io.pannier.model.PannierException;
import io.pannier.model.Refusal;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * A line of the log for each request that failed. Constant texts; what differs goes into fields:
 *
 * <ul>
 *   <li>{@code ERROR}, with the cause and its trace: faults of ours, damage, failed input or output
 *   <li>{@code WARN}, one a second at most, with the number of those that were left out: refused
 *       because something is full, where every further request would bring a line too
 *   <li>{@code DEBUG}: the client's own mistakes
 * </ul>
 */
final class RequestLog {
  private static final Logger LOG = LoggerFactory.getLogger("io.pannier.server.requests");
  private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Clock clock;
  private final AtomicLong saidAt;
  private final AtomicLong unsaid = new AtomicLong();

  RequestLog(Clock clock) {
    this.clock = clock;
    saidAt = new AtomicLong(clock.monotonicNanos() - QUIET_NANOS);
  }

  /** Tells of an answer that is an error. */
  void answered(HttpExchange exchange, Response response) {
    int status = response.status();
    Throwable cause = response.cause();
    if (status < 500) {
      if (LOG.isDebugEnabled()) {
        line(Level.DEBUG, exchange, status, response.header("x-reduct-error"))
            .log("request refused");
      }
    } else if (isFault(status, cause)) {
      failed(exchange, status, cause);
    } else if (isExpected(response)) {
      if (LOG.isDebugEnabled()) {
        line(Level.DEBUG, exchange, status, response.header("x-reduct-error"))
            .log("request refused");
      }
    } else {
      full(exchange, response);
    }
  }

  /** Tells of a failure behind the head of an answer: the client was cut off. */
  void cutOff(HttpExchange exchange, Throwable cause) {
    line(Level.ERROR, exchange, 0, cause.toString())
        .setCause(cause)
        .log("request failed while it was answered");
  }

  private static boolean isFault(int status, @Nullable Throwable cause) {
    return status == 500 && !(cause instanceof PannierException.OverCap);
  }

  /** Whether everybody knows: the server begins or ends. */
  private static boolean isExpected(Response response) {
    Refusal reason = response.refusal();
    return reason == Refusal.STARTING || reason == Refusal.STOPPING;
  }

  private static void failed(HttpExchange exchange, int status, @Nullable Throwable cause) {
    LoggingEventBuilder line =
        line(Level.ERROR, exchange, status, cause == null ? null : cause.toString());
    if (cause != null) {
      line = line.setCause(cause);
    }
    line.log("request failed");
  }

  private void full(HttpExchange exchange, Response response) {
    long now = clock.monotonicNanos();
    long before = saidAt.get();
    if (now - before < QUIET_NANOS || !saidAt.compareAndSet(before, now)) {
      unsaid.incrementAndGet();
      return;
    }
    LoggingEventBuilder line =
        line(Level.WARN, exchange, response.status(), response.header("x-reduct-error"));
    long more = unsaid.getAndSet(0);
    if (more > 0) {
      line = line.addKeyValue("unsaid", more);
    }
    line.log("request refused");
  }

  private static LoggingEventBuilder line(
      Level level, HttpExchange exchange, int status, @Nullable String error) {
    LoggingEventBuilder line =
        LOG.atLevel(level)
            .addKeyValue("request_id", exchange.requestId())
            .addKeyValue("method", exchange.method())
            .addKeyValue("path", exchange.path());
    if (status > 0) {
      line = line.addKeyValue("status", status);
    }
    return error == null ? line : line.addKeyValue("error", error);
  }
}
