package io.pannier.client;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Connections of one client: kept for the next call, made anew when they died, and the request sent
 * again where that is safe. Any number of threads; each call has a connection of its own.
 */
final class Transport implements AutoCloseable {
  /** Idle connections that are kept. */
  private static final int IDLE_MAX = 16;

  /** An idle connection older than this is asked whether the store has hung up. */
  private static final long SURE_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** What is left of a body that nobody wants: up to here read away, beyond it hung up. */
  private static final long DRAIN_MAX = 256 * 1024;

  /** Answers that are read whole are no longer than this. */
  private static final int WHOLE_MAX = 256 << 20;

  private final ClientOptions options;
  private final int repeats;
  private final int pauseMillis;
  private final Deque<Idle> idle = new ArrayDeque<>();
  private final Set<HttpLink> busy = ConcurrentHashMap.newKeySet();
  private volatile int apiMinor = -1;
  private boolean watched;
  private volatile boolean closed;

  private record Idle(HttpLink link, long sinceNanos) {}

  /**
   * @param repeats how often a request is sent again at most
   * @param pauseMillis wait before the first repetition; doubled for each further one
   */
  Transport(ClientOptions options, int repeats, int pauseMillis) {
    this.options = options;
    this.repeats = repeats;
    this.pauseMillis = pauseMillis;
  }

  ClientOptions options() {
    return options;
  }

  /** Minor version of the API that the last answer told; -1 before the first. */
  int apiMinor() {
    return apiMinor;
  }

  /** An answer whose body is read by the caller, who closes it. */
  record Open(HttpReply reply, InputStream body) implements AutoCloseable {
    HttpAnswer head() {
      return reply.head();
    }

    @Override
    public void close() {
      try {
        body.close();
      } catch (IOException ignored) {
        // Whatever is wrong with the connection, it is not used again.
      }
    }
  }

  /**
   * An answer that was read to its end.
   *
   * @param isUncertain whether an earlier attempt may have been carried out
   */
  record Whole(HttpAnswer head, String text, boolean isUncertain) {}

  /**
   * Asks, and reads the answer to its end.
   *
   * @throws ClientException.Refused for every answer that is no success
   */
  Whole ask(HttpRequest request, Repeat repeat) {
    Whole whole = askAny(request, repeat);
    if (!whole.head().isSuccess()) {
      throw whole.head().refusal();
    }
    return whole;
  }

  /** Asks, and reads the answer to its end, be it an error. */
  Whole askAny(HttpRequest request, Repeat repeat) {
    boolean uncertain = false;
    for (int attempt = 0; ; attempt++) {
      ClientException failed;
      try (Open open = begin(request)) {
        String text =
            new String(open.body().readNBytes(WHOLE_MAX), java.nio.charset.StandardCharsets.UTF_8);
        HttpAnswer head = open.head();
        if (attempt >= repeats
            || !isForNow(head.status(), repeat)
            || !request.body.isRepeatable()) {
          return new Whole(head, text, uncertain);
        }
        failed = head.refusal();
      } catch (ClientException nothing) {
        failed = nothing;
        if (attempt >= repeats || !mayRepeat(failed, request, repeat)) {
          throw failed;
        }
        uncertain |= !(failed instanceof ClientException.Unreachable);
      } catch (IOException cut) {
        failed = new ClientException.Broken("Connection ended in the middle of an answer", cut);
        if (attempt >= repeats || !mayRepeat(failed, request, repeat)) {
          throw failed;
        }
        uncertain = true;
      }
      pause(failed, attempt);
    }
  }

  /**
   * Asks, and leaves the body of a success to be read.
   *
   * @throws ClientException.Refused for every answer that is no success
   */
  Open open(HttpRequest request, Repeat repeat) {
    for (int attempt = 0; ; attempt++) {
      ClientException failed;
      try {
        Open open = begin(request);
        HttpAnswer head = open.head();
        if (head.isSuccess()) {
          return open;
        }
        open.close();
        failed = head.refusal();
        if (attempt >= repeats || !isForNow(head.status(), repeat)) {
          throw failed;
        }
      } catch (ClientException.Refused refused) {
        throw refused;
      } catch (ClientException nothing) {
        failed = nothing;
        if (attempt >= repeats || !mayRepeat(failed, request, repeat)) {
          throw failed;
        }
      }
      pause(failed, attempt);
    }
  }

  /** Whether an answer says that the same request may succeed a moment later. */
  private static boolean isForNow(int status, Repeat repeat) {
    return status == 429
        || status == 503
        || (repeat == Repeat.ALWAYS && (status == 502 || status == 504));
  }

  private static boolean mayRepeat(ClientException failed, HttpRequest request, Repeat repeat) {
    return request.body.isRepeatable()
        && (failed instanceof ClientException.Unreachable || repeat != Repeat.NEVER);
  }

  private void pause(ClientException failed, int attempt) {
    long millis = (long) pauseMillis << Math.min(attempt, 6);
    if (failed instanceof ClientException.Refused refused && refused.retryAfterSeconds() > 0) {
      millis = Math.max(millis, Math.min(refused.retryAfterSeconds(), 60) * 1000L);
    }
    try {
      Thread.sleep(millis);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw failed;
    }
  }

  private Open begin(HttpRequest request) {
    if (closed) {
      throw new IllegalStateException("the client is closed");
    }
    HttpLink link = take();
    busy.add(link);
    watch();
    boolean begun = false;
    try {
      HttpReply reply = link.begin(request);
      learn(reply.head().header("x-reduct-api"));
      begun = true;
      return new Open(reply, new Content(link, reply.body()));
    } finally {
      if (!begun) {
        busy.remove(link);
        link.close();
      }
    }
  }

  private void learn(@Nullable String api) {
    if (api != null && api.startsWith("1.")) {
      try {
        apiMinor = Integer.parseInt(api.substring(2));
      } catch (NumberFormatException odd) {
        // The next answer may say it better.
      }
    }
  }

  private HttpLink take() {
    long now = options.clock().monotonicNanos();
    for (; ; ) {
      Idle kept;
      synchronized (idle) {
        kept = idle.pollLast();
      }
      if (kept == null) {
        return HttpLink.open(options);
      }
      if (kept.link().isReusable()
          && (now - kept.sinceNanos() < SURE_NANOS || !kept.link().wasClosed())) {
        return kept.link();
      }
      kept.link().close();
    }
  }

  private void release(HttpLink link) {
    busy.remove(link);
    if (link.isReusable()) {
      synchronized (idle) {
        if (!closed && idle.size() < IDLE_MAX) {
          idle.addLast(new Idle(link, options.clock().monotonicNanos()));
          return;
        }
      }
    }
    link.close();
  }

  /** A blocked write ends in no other way than by closing its connection from another thread. */
  private void watch() {
    synchronized (idle) {
      if (watched || closed) {
        return;
      }
      watched = true;
    }
    Thread.ofVirtual().name("pannier-client-watch").start(this::watchBusy);
  }

  private void watchBusy() {
    try {
      while (!closed) {
        Thread.sleep(Math.max(100, options.stallMillis() / 4));
        busy.forEach(link -> link.closeIfStalled(options.stallMillis()));
        synchronized (idle) {
          if (busy.isEmpty()) {
            watched = false;
            return;
          }
        }
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closed = true;
    synchronized (idle) {
      idle.forEach(kept -> kept.link().close());
      idle.clear();
    }
    busy.forEach(HttpLink::close);
  }

  /** A body that gives its connection back when it is at its end or closed. */
  private final class Content extends InputStream {
    private final HttpLink link;
    private final ReplyBody body;
    private boolean released;

    Content(HttpLink link, ReplyBody body) {
      this.link = link;
      this.body = body;
    }

    @Override
    public int read() throws IOException {
      var one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int from, int length) throws IOException {
      try {
        return body.read(bytes, from, length);
      } catch (IOException failed) {
        link.close();
        throw failed;
      }
    }

    @Override
    public void close() throws IOException {
      if (released) {
        return;
      }
      released = true;
      try {
        long passed = 0;
        var buffer = new byte[16 * 1024];
        while (!body.isAtEnd() && passed < DRAIN_MAX) {
          int got = body.read(buffer, 0, buffer.length);
          passed += Math.max(0, got);
        }
      } catch (IOException dead) {
        link.close();
      } finally {
        if (!body.isAtEnd()) {
          link.close();
        }
        release(link);
      }
    }
  }
}
