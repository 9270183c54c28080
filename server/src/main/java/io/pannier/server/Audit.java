package io.pannier.server;

import io.pannier.server.events.AuditLog;
import io.pannier.server.http.AnswerListener;
import io.pannier.server.http.Exchange;
import io.pannier.server.http.Response;
import java.net.InetAddress;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Brings calls into the log of calls. A known caller costs nothing on the heap. */
final class Audit {
  /** Names that are remembered: tokens come and go. */
  private static final int CALLERS_MAX = 4096;

  private final AuditLog log;
  private final Context context;
  private final Map<String, AnswerListener> callers = new ConcurrentHashMap<>();

  Audit(AuditLog log, Context context) {
    this.log = log;
    this.context = context;
  }

  /** Notes this call when it is answered; on the event loop. */
  void note(Exchange exchange, String caller) {
    AnswerListener known = callers.get(caller);
    if (known == null) {
      known = (answered, head, nanos) -> add(caller, answered, head, nanos);
      if (callers.size() >= CALLERS_MAX) {
        callers.clear();
      }
      callers.put(caller, known);
    }
    exchange.onAnswer(known);
  }

  private void add(String caller, Exchange exchange, Response head, long nanos) {
    int status = head.status();
    String said = status == 200 ? null : head.header("x-reduct-error");
    log.add(
        caller,
        exchange.method(),
        exchange.path(),
        status,
        said == null ? "" : said,
        context.client(exchange).orElseGet(InetAddress::getLoopbackAddress),
        nanos);
  }
}
