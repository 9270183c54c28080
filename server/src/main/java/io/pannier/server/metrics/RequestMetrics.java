package io.pannier.server.metrics;

import io.pannier.server.http.HttpStats;
import io.pannier.server.http.RouteMeter;
import java.util.Locale;

/** Requests, connections, and what waits for what. */
final class RequestMetrics {
  private RequestMetrics() {}

  static void add(Families to, Sources from) {
    HttpStats http = from.http();
    for (RouteMeter meter : from.routes()) {
      if (meter.isUsed()) {
        add(to, meter.snapshot());
      }
    }
    add(to, http.unrouted().snapshot());
    to.add(Metric.HTTP_IN_FLIGHT, http.inFlight());
    http.refused()
        .forEach((reason, count) ->
            to.add(Metric.HTTP_REFUSED, count, reason.name().toLowerCase(Locale.ROOT)));
    http.malformed()
        .forEach((status, count) -> to.add(Metric.HTTP_MALFORMED, count, Integer.toString(status)));
    to.add(Metric.HTTP_CONNECTIONS, http.connections());
    to.add(Metric.HTTP_CONNECTIONS_MAX, http.connectionsMax());
    to.add(Metric.HTTP_CONNECTIONS_OPENED, http.connectionsOpened());
    to.add(Metric.HTTP_CONNECTIONS_REFUSED, http.connectionsRefused());
    to.add(Metric.HTTP_STREAMS, http.streams());
    queues(to, from);
    to.add(Metric.FAILED_LOGINS, from.tokens().failedLogins());
    to.add(Metric.TOKENS, from.tokens().count());
    to.add(Metric.EVENTS_DROPPED, from.events().dropped());
  }

  private static void add(Families to, RouteMeter.Snapshot of) {
    of.statuses()
        .forEach(
            (code, count) -> to.add(Metric.HTTP_REQUESTS, count, of.method(), of.route(), code));
    to.add(Metric.HTTP_DURATION, of.durations(), of.method(), of.route());
    to.add(Metric.HTTP_RECEIVED, of.receivedBytes(), of.method(), of.route());
    to.add(Metric.HTTP_SENT, of.sentBytes(), of.method(), of.route());
    to.add(Metric.HTTP_CUT, of.cut(), of.method(), of.route());
  }

  private static void queues(Families to, Sources from) {
    HttpStats http = from.http();
    Sources.Limits limits = from.limits();
    to.add(Metric.WORKERS, http.workers());
    to.add(Metric.WORKERS_BUSY, http.workersBusy());
    to.add(Metric.WORKER_QUEUE, http.queue());
    to.add(Metric.WORKER_QUEUE_MAX, http.queueMax());
    to.add(Metric.WRITERS_ACTIVE, limits.writersActive());
    to.add(Metric.WRITERS_WAITING, limits.writersWaiting());
    to.add(Metric.WRITERS_MAX, limits.writersMax());
    to.add(Metric.REQUEST_MEMORY, http.memoryBytes());
    to.add(Metric.REQUEST_MEMORY_MAX, http.memoryMax());
    to.add(Metric.REQUEST_MEMORY_WAITING, http.memoryWaiting());
    to.add(Metric.TRANSFER_MEMORY, limits.transferBytes());
    to.add(Metric.TRANSFER_MEMORY_MAX, limits.transferBytesMax());
    to.add(Metric.TRANSFER_BUFFERS, limits.transferBuffers());
    to.add(Metric.SCHEDULER_WAITING, limits.chores(), "server");
    to.add(Metric.QUERIES, from.queries().count());
    to.add(Metric.QUERIES_MAX, from.queries().countMax());
  }
}
