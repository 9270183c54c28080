package io.pannier.server.events;

import io.pannier.model.Clock;
import io.pannier.model.Labels;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Calls, put together by token, method, path, status, message and address until nothing was added
 * for 5 s, or for 60 s. A call that is like an earlier one costs a look into a table under a lock
 * that hardly anybody else wants, and nothing on the heap.
 */
public final class AuditLog {
  /** Name under which calls without valid credentials go. */
  public static final String UNAUTHORIZED = "unauthorized";

  private static final long SILENCE_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long LONGEST_NANOS = TimeUnit.SECONDS.toNanos(60);

  /** Tables, each with a lock of its own: a power of two. */
  private static final int STRIPES = 16;

  /** Most lines of a table: beyond it they are written early. At 200 bytes, 3 MB in all. */
  private static final int STRIPE_LINES = 1024;

  private static final int STRIPE_CHAINS = 512;

  private final Clock clock;
  private final Consumer<SystemEvent> out;
  private final Stripe[] stripes = new Stripe[STRIPES];

  /** Calls that are alike. */
  private static final class Line {
    final int hash;
    final String caller;
    final String method;
    final String path;
    final int status;
    final String message;
    final InetAddress client;
    final long timestamp;
    final long firstNanos;
    long lastNanos;
    long calls;
    long nanos;
    @Nullable Line next;

    Line(
        int hash,
        String caller,
        String method,
        String path,
        int status,
        String message,
        InetAddress client,
        long timestamp,
        long firstNanos,
        @Nullable Line next) {
      this.hash = hash;
      this.caller = caller;
      this.method = method;
      this.path = path;
      this.status = status;
      this.message = message;
      this.client = client;
      this.timestamp = timestamp;
      this.firstNanos = firstNanos;
      this.next = next;
    }

    boolean is(
        String caller, String method, String path, int status, String message, InetAddress client) {
      return this.status == status
          && this.path.equals(path)
          && this.method.equals(method)
          && this.caller.equals(caller)
          && this.message.equals(message)
          && this.client.equals(client);
    }

    boolean isDue(long now) {
      return now - lastNanos >= SILENCE_NANOS || now - firstNanos >= LONGEST_NANOS;
    }
  }

  /** A part of the lines; guarded by itself. */
  private static final class Stripe {
    final @Nullable Line[] chains = new @Nullable Line[STRIPE_CHAINS];
    int lines;
  }

  AuditLog(Clock clock, Consumer<SystemEvent> out) {
    this.clock = clock;
    this.out = out;
    for (int i = 0; i < STRIPES; i++) {
      stripes[i] = new Stripe();
    }
  }

  /**
   * Adds a call that has just been answered; on any thread, never waits.
   *
   * @param caller name of the token, or {@link #UNAUTHORIZED}
   * @param message text of the error, empty when there is none
   * @param nanos how long it took
   */
  public void add(
      String caller,
      String method,
      String path,
      int status,
      String message,
      InetAddress client,
      long nanos) {
    int hash = path.hashCode() * 31 + method.hashCode();
    hash = (hash * 31 + status) * 31 + caller.hashCode();
    // Paths that differ in their last character only must not meet in one chain.
    hash *= 0x9e3779b9;
    long now = clock.monotonicNanos();
    List<Line> early = List.of();
    Stripe stripe = stripes[hash >>> 28];
    synchronized (stripe) {
      int chain = (hash >>> 12) & (STRIPE_CHAINS - 1);
      Line line = stripe.chains[chain];
      while (line != null
          && !(line.hash == hash && line.is(caller, method, path, status, message, client))) {
        line = line.next;
      }
      if (line == null) {
        if (stripe.lines >= STRIPE_LINES) {
          early = take(stripe, now, true);
        }
        line =
            new Line(
                hash,
                caller,
                method,
                path,
                status,
                message,
                client,
                clock.wallMicros() - TimeUnit.NANOSECONDS.toMicros(nanos),
                now,
                stripe.chains[chain]);
        stripe.chains[chain] = line;
        stripe.lines++;
      }
      line.lastNanos = now;
      line.calls++;
      line.nanos += nanos;
    }
    for (Line line : early) {
      write(line);
    }
  }

  /** Hands on what has been put together for long enough, or everything. */
  void flush(boolean all) {
    long now = clock.monotonicNanos();
    for (Stripe stripe : stripes) {
      List<Line> due;
      synchronized (stripe) {
        due = take(stripe, now, all);
      }
      for (Line line : due) {
        write(line);
      }
    }
  }

  private static List<Line> take(Stripe stripe, long now, boolean all) {
    if (stripe.lines == 0) {
      return List.of();
    }
    var due = new ArrayList<Line>();
    for (int i = 0; i < STRIPE_CHAINS; i++) {
      Line kept = null;
      for (Line line = stripe.chains[i]; line != null; ) {
        Line next = line.next;
        if (all || line.isDue(now)) {
          due.add(line);
          stripe.lines--;
        } else {
          line.next = kept;
          kept = line;
        }
        line = next;
      }
      stripe.chains[i] = kept;
    }
    return due;
  }

  private void write(Line line) {
    out.accept(
        new SystemEvent(
            "audit",
            line.caller,
            line.timestamp,
            line.status,
            line.message,
            Labels.EMPTY,
            json -> {
              json.writeStringField("token_name", line.caller);
              json.writeStringField("method", line.method);
              json.writeStringField("path", line.path);
              json.writeStringField("client_ip", line.client.getHostAddress());
              json.writeNumberField("call_count", line.calls);
              json.writeNumberField("duration", line.nanos / 1e9);
            }));
  }
}
