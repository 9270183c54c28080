package io.pannier.cli;

import io.pannier.model.Clock;
import io.pannier.model.SystemClock;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;

/**
 * A running server as commands see it. Calls end when nothing has moved for a while: a link that is
 * dead does not keep a command for ever.
 */
final class Remote implements AutoCloseable {
  private static final Duration CONNECT = Duration.ofSeconds(15);
  private static final long STALL_NANOS = TimeUnit.MINUTES.toNanos(5);

  private final URI base;
  private final Optional<String> token;
  private final HttpClient client;
  private final Clock clock = new SystemClock();
  private final ScheduledExecutorService watch =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("watch").daemon().factory());

  Remote(URI base, Optional<String> token, SSLContext tls) {
    this.base = base;
    this.token = token;
    client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT)
            .sslContext(tls)
            .build();
  }

  /** A text as a segment of a path. */
  static String segment(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /** An answer whose body is read as it comes. */
  record Answer(HttpResponse<InputStream> response, InputStream body) implements AutoCloseable {
    String header(String name) {
      return response.headers().firstValue(name).orElse("");
    }

    String text() throws IOException {
      return new String(body.readAllBytes(), StandardCharsets.UTF_8);
    }

    @Override
    public void close() throws IOException {
      body.close();
    }
  }

  /**
   * Sends a request.
   *
   * @param path behind {@code /api/v1/}
   * @throws RemoteFailed when the server refuses
   * @throws IOException when it cannot be reached, or the connection breaks
   */
  Answer send(String method, String path, HttpRequest.BodyPublisher body) throws IOException {
    return send(method, path, body, false, new Activity());
  }

  /** The same with a body of any length, which is read from a stream that tells its reads. */
  Answer upload(String path, InputStream body) throws IOException {
    var activity = new Activity();
    return send(
        "POST",
        path,
        HttpRequest.BodyPublishers.ofInputStream(() -> new Watched(body, activity)),
        true,
        activity);
  }

  private Answer send(
      String method,
      String path,
      HttpRequest.BodyPublisher body,
      boolean expects,
      Activity activity)
      throws IOException {
    String prefix = base.toString();
    URI uri = URI.create(prefix + (prefix.endsWith("/") ? "" : "/") + "api/v1/" + path);
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri).method(method, body).expectContinue(expects);
    token.ifPresent(value -> request.header("authorization", "Bearer " + value));
    HttpResponse<InputStream> response = await(request.build(), activity);
    var stream = new Watched(response.body(), activity);
    var answer = new Answer(response, stream);
    if (response.statusCode() != 200) {
      try (answer) {
        String why = answer.header("x-reduct-error");
        throw new RemoteFailed(
            response.statusCode(),
            base + ": " + (why.isEmpty() ? "HTTP status " + response.statusCode() : why));
      }
    }
    return answer;
  }

  private HttpResponse<InputStream> await(HttpRequest request, Activity activity)
      throws IOException {
    CompletableFuture<HttpResponse<InputStream>> answer =
        client.sendAsync(request, HttpResponse.BodyHandlers.ofInputStream());
    try {
      for (; ; ) {
        try {
          return answer.get(1, TimeUnit.SECONDS);
        } catch (TimeoutException notYet) {
          if (activity.stands()) {
            answer.cancel(true);
            throw new IOException("nothing moves any more", notYet);
          }
        }
      }
    } catch (ExecutionException failed) {
      Throwable cause = failed.getCause();
      if (cause instanceof java.net.ConnectException) {
        throw new IOException("no server answers at " + base, failed);
      }
      throw new IOException(cause == null ? failed.toString() : reason(cause), failed);
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", stop);
    }
  }

  private static String reason(Throwable cause) {
    String text = cause.getMessage();
    return text == null ? cause.toString() : text;
  }

  /** When something was last read. */
  private final class Activity {
    private volatile long last = clock.monotonicNanos();

    void moved() {
      last = clock.monotonicNanos();
    }

    boolean stands() {
      return clock.monotonicNanos() - last > STALL_NANOS;
    }
  }

  /** A stream whose reads do not wait for ever. */
  private final class Watched extends InputStream {
    private final InputStream in;
    private final Activity activity;
    private final java.util.concurrent.Future<?> watcher;
    private volatile boolean waiting;

    Watched(InputStream in, Activity activity) {
      this.in = in;
      this.activity = activity;
      watcher = watch.scheduleWithFixedDelay(this::look, 1, 1, TimeUnit.SECONDS);
    }

    private void look() {
      if (waiting && activity.stands()) {
        try {
          in.close();
        } catch (IOException closed) {
          watcher.cancel(false);
        }
      }
    }

    @Override
    public int read() throws IOException {
      var one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int from, int length) throws IOException {
      activity.moved();
      waiting = true;
      try {
        return in.read(target, from, length);
      } finally {
        waiting = false;
        activity.moved();
      }
    }

    @Override
    public void close() throws IOException {
      watcher.cancel(false);
      in.close();
    }
  }

  @Override
  public void close() {
    watch.shutdownNow();
    client.shutdownNow();
  }

  @Override
  public String toString() {
    return base.toString();
  }
}
