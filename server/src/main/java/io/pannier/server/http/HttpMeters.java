package io.pannier.server.http;

import io.pannier.model.Refusal;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/** What a server counts besides the requests of its routes. */
final class HttpMeters {
  private static final int[] MALFORMED = {400, 408, 414, 431, 505};

  final LongAdder inFlight = new LongAdder();
  final LongAdder connectionsOpened = new LongAdder();
  final LongAdder connectionsRefused = new LongAdder();

  /** Of whatever is asked for and is no route. */
  final RouteMeter unrouted = new RouteMeter("any", "none");

  private final Map<Refusal, LongAdder> refused = new EnumMap<>(Refusal.class);
  private final AtomicLongArray malformed = new AtomicLongArray(MALFORMED.length);

  HttpMeters() {
    for (Refusal reason : Refusal.values()) {
      refused.put(reason, new LongAdder());
    }
  }

  void refused(Refusal reason) {
    Objects.requireNonNull(refused.get(reason)).increment();
  }

  /** Something that is no request was answered with this status. */
  void malformed(int status) {
    for (int i = 0; i < MALFORMED.length; i++) {
      if (MALFORMED[i] == status) {
        malformed.incrementAndGet(i);
      }
    }
  }

  Map<Refusal, Long> refused() {
    var counts = new EnumMap<Refusal, Long>(Refusal.class);
    refused.forEach((reason, count) -> counts.put(reason, count.sum()));
    return counts;
  }

  Map<Integer, Long> malformed() {
    var counts = new TreeMap<Integer, Long>();
    for (int i = 0; i < MALFORMED.length; i++) {
      counts.put(MALFORMED[i], malformed.get(i));
    }
    return counts;
  }
}
