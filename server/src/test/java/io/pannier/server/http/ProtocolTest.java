package io.pannier.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.PannierException;
import io.pannier.model.SystemClock;
import io.pannier.server.http.ProtocolClient.Kind;
import io.pannier.server.http.RawClient.Answer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What must be the same whatever is spoken: HTTP/1.1 or HTTP/2, with TLS or without. */
class ProtocolTest {
  @TempDir static Path folder;
  private static TlsFiles files;
  private static SSLContext trusting;

  private final ArrayList<AutoCloseable> opened = new ArrayList<>();
  private HttpServer server;

  @BeforeAll
  static void issue() throws Exception {
    var tls = new TestTls();
    files = tls.files(folder);
    trusting = tls.client(Optional.empty());
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable each : opened.reversed()) {
      each.close();
    }
  }

  private void start(Kind kind, HttpHandler handler) {
    start(kind, handler, config -> config);
  }

  private void start(Kind kind, HttpHandler handler, UnaryOperator<HttpServerConfig> change) {
    HttpServerConfig config =
        HttpServerConfig.defaults(ProtocolTest::answer, new SystemClock())
            .withAddress("127.0.0.1", 0)
            .withThreads(2, 4, 100)
            .withTls(kind.isEncrypted() ? Optional.of(files) : Optional.empty());
    server =
        HttpServer.start(timeouts(20_000, 20_000, 20_000).andThen(change).apply(config), handler);
    opened.add(server);
  }

  private static UnaryOperator<HttpServerConfig> timeouts(int head, int operation, int keepAlive) {
    return config ->
        config.withTimeouts(
            Duration.ofMillis(head),
            Duration.ofMillis(operation),
            Duration.ofMillis(keepAlive),
            Duration.ofSeconds(15));
  }

  private static Response answer(Throwable failure) {
    return switch (failure) {
      case PannierException.Unavailable busy ->
          Response.retryLater(503, busy.getMessage(), busy.retryAfterSeconds());
      case PannierException.BadRequest bad -> Response.error(400, bad.getMessage());
      case PannierException.Forbidden no -> Response.error(403, no.getMessage());
      default -> Response.error(500, "Internal server error");
    };
  }

  private ProtocolClient client(Kind kind) throws IOException {
    return client(kind, 0);
  }

  private ProtocolClient client(Kind kind, int receiveBuffer) throws IOException {
    ProtocolClient client = kind.connect(trusting, server.port(), receiveBuffer);
    opened.add(client);
    return client;
  }

  private static byte[] random(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }

  /** Answers with the body on the loop, or {@code /block} on a worker. */
  private static void echo(Exchange exchange) {
    if (exchange.path().startsWith("/block")) {
      exchange.block(
          blocked -> blocked.respond(Response.of(200).body(blocked.body().readAll(64 << 20))));
    } else {
      exchange.receiveWhole(
          4 << 20,
          body -> {
            byte[] bytes = new byte[body.remaining()];
            body.get(bytes);
            exchange.respond(
                Response.of(200)
                    .header("x-path", exchange.path() + "?" + exchange.query())
                    .body(bytes));
          });
    }
  }

  @ParameterizedTest
  @EnumSource
  void headersKeepOrderAndBytesBothWays(Kind kind) throws Exception {
    start(
        kind,
        exchange -> {
          var response = Response.of(200);
          for (int i = 0; i < exchange.headerCount(); i++) {
            if (exchange.headerName(i).startsWith("x-")) {
              response.header(exchange.headerName(i), exchange.headerValue(i));
            }
          }
          exchange.respond(
              response
                  .header("x-host", exchange.header("host"))
                  .header("X-Bad:Name", "a\r\nset-cookie: b\u0000c\td"));
        });
    Answer answer =
        client(kind).get("/", "X-Two: 2", "X-One: caf\u00c3\u00a9", "x-two: 3", "X-Latin: \u00e9");
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.headers().subList(0, 12))
        .containsExactly(
            "x-two: 2",
            "x-one: café",
            "x-two: 3",
            "x-latin: é",
            "x-host: localhost",
            "x-bad_name: a  set-cookie: b c d",
            "server: ReductStore 1.21.5",
            "x-reduct-api: 1.21",
            "vary: origin",
            "access-control-expose-headers: *",
            "x-request-id: 00000000-1-1",
            "content-length: 0");
    assertThat(answer.headers().get(12)).startsWith("date: ");
    assertThat(answer.headers()).hasSize(13);
  }

  @ParameterizedTest
  @EnumSource
  void bodiesOfAllSizesPassBothWays(Kind kind) throws Exception {
    start(kind, ProtocolTest::echo);
    ProtocolClient client = client(kind);
    for (int size : new int[] {0, 1, 1000, 16_384, 16_385, 65_535, 65_536, 200_000, 3 << 20}) {
      byte[] body = random(size);
      for (String path : new String[] {"/x", "/block"}) {
        Answer answer = client.send("POST", path, body);
        assertThat(answer.status()).as(path + " " + size).isEqualTo(200);
        assertThat(Arrays.equals(answer.body(), body)).as(path + " " + size).isTrue();
        client.begin("POST", path, List.of(), false);
        for (int at = 0; at < size; at += 50_000) {
          client.data(Arrays.copyOfRange(body, at, Math.min(size, at + 50_000)), false);
        }
        client.data(new byte[0], true);
        assertThat(Arrays.equals(client.receive().body(), body))
            .as(path + " of unknown length " + size)
            .isTrue();
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void pathAndQueryAreRaw(Kind kind) throws Exception {
    start(kind, ProtocolTest::echo);
    ProtocolClient client = client(kind);
    assertThat(client.get("/b/%24system/a%2Fb?ts=1&q=%20").header("x-path"))
        .isEqualTo("/b/%24system/a%2Fb?ts=1&q=%20");
    assertThat(client.send("OPTIONS", "*", new byte[0]).header("x-path")).isEqualTo("*?");
    assertThat(client.get("/" + "a".repeat(8200)).status()).isEqualTo(200);
    assertThat(client.get("/" + "a".repeat(20_000)).status()).isEqualTo(414);
  }

  @ParameterizedTest
  @EnumSource
  void theHeaderSectionIsLimited(Kind kind) throws Exception {
    start(
        kind,
        exchange ->
            exchange.respond(Response.of(200).header("x-count", "" + exchange.headerCount())));
    String[] fields = new String[100];
    Arrays.fill(fields, "a: 1");
    assertThat(client(kind).get("/", Arrays.copyOf(fields, 99)).header("x-count")).isEqualTo("100");
    assertThat(client(kind).get("/", fields).status()).isEqualTo(431);
    assertThat(client(kind).get("/", "x-long: " + "a".repeat(511_000)).status()).isEqualTo(200);
    assertThat(client(kind).get("/", "x-long: " + "a".repeat(512_000)).status()).isEqualTo(431);
    assertThat(client(kind).get("/", "x-long: " + "a".repeat(520_000)).status()).isEqualTo(431);
  }

  @ParameterizedTest
  @EnumSource
  void headNoContentAndFailuresAreByTheBook(Kind kind) throws Exception {
    start(
        kind,
        exchange -> {
          switch (exchange.path()) {
            case "/length" -> exchange.respond(Response.of(200).contentLength(123));
            case "/empty" -> exchange.respond(Response.error(204, "No content"));
            case "/loop" -> throw new IllegalStateException("secret");
            case "/block" ->
                exchange.block(_ -> {
                  throw new IOException("secret");
                });
            case "/stream" ->
                exchange.block(blocked -> {
                  try (ResponseStream out =
                      blocked.startResponse(Response.of(200).contentLength(50_000))) {
                    out.write(ByteBuffer.allocateDirect(50_000));
                  }
                });
            default -> exchange.respond(Response.of(200).body(new byte[77]));
          }
        });
    ProtocolClient client = client(kind);
    byte[] none = {};
    assertThat(client.send("HEAD", "/", none).header("content-length")).isEqualTo("77");
    assertThat(client.send("HEAD", "/length", none).header("content-length")).isEqualTo("123");
    assertThat(client.send("HEAD", "/stream", none).header("content-length")).isEqualTo("50000");
    Answer empty = client.get("/empty");
    assertThat(empty.status()).isEqualTo(204);
    assertThat(empty.header("content-length")).isNull();
    assertThat(empty.header("x-reduct-error")).isEqualTo("No content");
    assertThat(client.get("/loop").status()).isEqualTo(500);
    assertThat(client.get("/block").text()).isEqualTo("{\"detail\": \"Internal server error\"}");
    assertThat(client.get("/").body()).hasSize(77);
  }

  @ParameterizedTest
  @EnumSource
  void streamedResponsesArriveWhole(Kind kind) throws Exception {
    byte[] all = random(3_000_000);
    start(
        kind,
        exchange ->
            exchange.block(blocked -> {
              Response head = Response.of(206).header("x-first", "1");
              try (ResponseStream out =
                  blocked.startResponse(
                      blocked.path().equals("/known") ? head.contentLength(all.length) : head)) {
                for (int at = 0, size = 1; at < all.length; size = size * 3 % 200_003 + 1) {
                  int length = Math.min(size, all.length - at);
                  out.write(ByteBuffer.allocateDirect(length).put(0, all, at, length));
                  at += length;
                }
              }
            }));
    ProtocolClient client = client(kind);
    for (int i = 0; i < 3; i++) {
      Answer known = client.get("/known");
      assertThat(known.header("content-length")).isEqualTo("3000000");
      assertThat(Arrays.equals(known.body(), all)).isTrue();
      Answer unknown = client.get("/unknown");
      assertThat(unknown.header("content-length")).isNull();
      assertThat(Arrays.equals(unknown.body(), all)).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aBodyThatNobodyWantsDoesNotHideTheError(Kind kind) throws Exception {
    start(
        kind,
        exchange -> {
          if (exchange.path().equals("/block")) {
            exchange.block(blocked -> {
              blocked.body().read(ByteBuffer.allocate(10));
              throw new PannierException.Forbidden("no");
            });
          } else if (exchange.path().equals("/echo")) {
            echo(exchange);
          } else {
            throw new PannierException.Forbidden("no");
          }
        });
    ProtocolClient client = client(kind);
    byte[] body = new byte[8 << 20];
    for (String path : new String[] {"/x", "/block"}) {
      Answer answer = client.send("POST", path, body);
      assertThat(answer.status()).isEqualTo(403);
      assertThat(answer.header("x-reduct-error")).isEqualTo("no");
    }
    assertThat(client.send("POST", "/echo", random(100_000)).body()).hasSize(100_000);
  }

  @ParameterizedTest
  @EnumSource
  void aBodyTooLongToThrowAwayDoesNotHideTheErrorEither(Kind kind) throws Exception {
    start(
        kind,
        exchange -> {
          throw new PannierException.Forbidden("no");
        },
        config -> config.withMemoryLimits(64 << 20, 1 << 20));
    ProtocolClient client = client(kind);
    client.begin("POST", "/", List.of("content-length: 100000000"), false);
    client.data(new byte[512 << 10], false);
    assertThat(client.receive().status()).isEqualTo(403);
  }

  @ParameterizedTest
  @EnumSource
  void continueIsSentWhenTheBodyIsWanted(Kind kind) throws Exception {
    start(kind, ProtocolTest::echo);
    ProtocolClient client = client(kind);
    for (String path : new String[] {"/x", "/block"}) {
      client.begin("POST", path, List.of("content-length: 3", "expect: 100-continue"), false);
      client.awaitContinue();
      client.data(new byte[] {'a', 'b', 'c'}, true);
      assertThat(client.receive().text()).isEqualTo("abc");
    }
  }

  @ParameterizedTest
  @EnumSource
  void aSlowReaderOfABodySlowsItsSender(Kind kind) throws Exception {
    var go = new CountDownLatch(1);
    start(
        kind,
        exchange ->
            exchange.block(blocked -> {
              blocked.body().read(ByteBuffer.allocate(1));
              go.await();
              blocked.body().drain();
              blocked.respond(
                  Response.of(200).header("x-received", "" + blocked.body().receivedBytes()));
            }));
    ProtocolClient client = client(kind);
    int size = 64 << 20;
    client.begin("POST", "/", List.of("content-length: " + size), false);
    var sent = new AtomicLong();
    var sender =
        new Thread(() -> {
          byte[] piece = new byte[64 << 10];
          try {
            for (int at = 0; at < size; at += piece.length) {
              client.data(piece, at + piece.length == size);
              sent.addAndGet(piece.length);
            }
          } catch (IOException e) {
            sent.set(-1);
          }
        });
    sender.start();
    long before = -1;
    for (int quiet = 0; quiet < 5; before = sent.get()) {
      sender.join(100);
      quiet = sent.get() == before ? quiet + 1 : 0;
    }
    assertThat(sent.get()).isLessThan(kind.isHttp2() ? 1 << 20 : 20 << 20);
    go.countDown();
    sender.join();
    assertThat(client.receive().header("x-received")).isEqualTo("" + size);
  }

  @ParameterizedTest
  @EnumSource
  void aSlowClientSlowsTheWriterAndMemoryStaysBounded(Kind kind) throws Exception {
    var written = new AtomicLong();
    ByteBuffer piece = ByteBuffer.allocateDirect(256 << 10);
    int total = 64 << 20;
    start(
        kind,
        exchange ->
            exchange.block(blocked -> {
              try (ResponseStream out =
                  blocked.startResponse(Response.of(200).contentLength(total))) {
                for (long at = 0; at < total; at += piece.capacity()) {
                  out.write(piece.duplicate(), () -> {});
                  written.addAndGet(piece.capacity());
                }
              }
            }));
    ProtocolClient client = client(kind, 16 << 10);
    client.begin("GET", "/", List.of(), true);
    assertThat(client.head().status()).isEqualTo(200);
    long before = -1;
    for (int quiet = 0; quiet < 5; before = written.get()) {
      Thread.currentThread().join(100);
      quiet = written.get() == before ? quiet + 1 : 0;
    }
    assertThat(written.get()).isLessThan(20L << 20);
    client.skip(total);
  }

  @ParameterizedTest
  @EnumSource
  void aClientThatTakesNothingIsCutOff(Kind kind) throws Exception {
    var thrown = new CompletableFuture<Throwable>();
    ByteBuffer piece = ByteBuffer.allocateDirect(256 << 10);
    start(
        kind,
        exchange ->
            exchange.block(blocked -> {
              try (ResponseStream out =
                  blocked.startResponse(Response.of(200).contentLength(1L << 40))) {
                while (true) {
                  out.write(piece.duplicate());
                }
              } catch (Throwable failure) {
                thrown.complete(failure);
                throw failure;
              }
            }),
        timeouts(20_000, 400, 20_000));
    ProtocolClient client = client(kind, 16 << 10);
    client.begin("GET", "/", List.of(), true);
    assertThat(client.head().status()).isEqualTo(200);
    assertThat(thrown.get(15, TimeUnit.SECONDS)).isInstanceOf(ClientGone.class);
  }

  @ParameterizedTest
  @EnumSource
  void aBodyThatStallsIs400(Kind kind) throws Exception {
    start(kind, ProtocolTest::echo, timeouts(20_000, 300, 20_000));
    for (String path : new String[] {"/x", "/block"}) {
      ProtocolClient client = client(kind);
      client.begin("POST", path, List.of("content-length: 10"), false);
      client.data(new byte[] {'h', 'a', 'l', 'f'}, false);
      Answer answer = client.receive();
      assertThat(answer.status()).as(path).isEqualTo(400);
      assertThat(answer.header("x-reduct-error"))
          .as(path)
          .isEqualTo("Timeout while receiving data");
    }
  }

  @ParameterizedTest
  @EnumSource
  void aBodyThatOnlyTricklesIs400(Kind kind) throws Exception {
    start(
        kind,
        ProtocolTest::echo,
        config -> timeouts(20_000, 300, 20_000).apply(config).withMinBodyRate(100_000));
    for (String path : new String[] {"/x", "/block"}) {
      ProtocolClient client = client(kind);
      client.begin("POST", path, List.of("content-length: 900000"), false);
      try (var trickle = Executors.newSingleThreadScheduledExecutor()) {
        trickle.scheduleAtFixedRate(
            () -> {
              try {
                client.data(new byte[] {'x'}, false);
              } catch (IOException ended) {
                trickle.shutdown();
              }
            },
            0,
            20,
            TimeUnit.MILLISECONDS);
        Answer answer = client.receive();
        trickle.shutdownNow();
        assertThat(answer.status()).as(path).isEqualTo(400);
        assertThat(answer.header("x-reduct-error"))
            .as(path)
            .isEqualTo("Timeout while receiving data");
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void anIdleConnectionIsClosed(Kind kind) throws Exception {
    start(kind, ProtocolTest::echo, timeouts(20_000, 20_000, 150));
    ProtocolClient client = client(kind);
    client.get("/");
    assertThat(client.isClosedByServer()).isTrue();
  }

  @ParameterizedTest
  @EnumSource
  void aClientThatDiesMidwayIsNoticedBothWays(Kind kind) throws Exception {
    var thrown = new LinkedBlockingQueue<Throwable>();
    var ended = new LinkedBlockingQueue<String>();
    var begun = new LinkedBlockingQueue<String>();
    ByteBuffer piece = ByteBuffer.allocateDirect(32 << 10);
    start(
        kind,
        exchange -> {
          exchange.onEnd(() -> ended.add("end"));
          exchange.block(blocked -> {
            try {
              if (blocked.path().equals("/in")) {
                blocked.body().read(ByteBuffer.allocate(1));
                begun.add("in");
                blocked.body().drain();
              } else {
                try (ResponseStream out =
                    blocked.startResponse(Response.of(200).contentLength(1L << 40))) {
                  out.write(piece.duplicate());
                  begun.add("out");
                  while (true) {
                    out.write(piece.duplicate());
                  }
                }
              }
            } catch (Throwable failure) {
              thrown.add(failure);
              throw failure;
            }
          });
        });
    for (boolean reset : new boolean[] {true, false}) {
      for (String way : new String[] {"/in", "/out"}) {
        ProtocolClient client = client(kind);
        client.begin("POST", way, List.of("content-length: 1000000"), false);
        client.data(new byte[1000], false);
        assertThat(begun.poll(10, TimeUnit.SECONDS)).isEqualTo(way.substring(1));
        if (reset) {
          client.reset();
        } else {
          client.close();
        }
        assertThat(thrown.poll(10, TimeUnit.SECONDS)).isInstanceOf(ClientGone.class);
        assertThat(ended.poll(10, TimeUnit.SECONDS)).isEqualTo("end");
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void aResponseThatIsNotWholeIsCut(Kind kind) throws Exception {
    start(
        kind,
        exchange ->
            exchange.block(blocked -> {
              boolean unknown = blocked.path().startsWith("/unknown");
              Response head = Response.of(200);
              ResponseStream out = blocked.startResponse(unknown ? head : head.contentLength(1000));
              out.write(ByteBuffer.allocateDirect(100));
              out.flush();
              switch (blocked.path().substring(blocked.path().lastIndexOf('/'))) {
                case "/short" -> out.close();
                case "/abort" -> out.abort();
                case "/open" -> {}
                default -> throw new IllegalStateException("midway");
              }
            }));
    for (String path :
        new String[] {"/x/short", "/x/abort", "/x/open", "/unknown/abort", "/unknown/throw"}) {
      ProtocolClient client = client(kind);
      assertThatThrownBy(() -> client.get(path)).as(path).isInstanceOf(IOException.class);
    }
  }

  @ParameterizedTest
  @EnumSource
  void halfSentBodiesWaitForMemoryAndAllPassInTheEnd(Kind kind) throws Exception {
    start(
        kind,
        exchange ->
            exchange.receiveWhole(
                500_000,
                body ->
                    exchange.respond(Response.of(200).header("x-received", "" + body.remaining()))),
        // Room for two and a bit.
        config -> config.withMemoryLimits(1_100_000, 64 << 20));
    byte[] body = random(500_000);
    var clients = new ArrayList<ProtocolClient>();
    for (int i = 0; i < 8; i++) {
      ProtocolClient client = client(kind);
      client.begin("POST", "/", List.of("content-length: 500000"), false);
      client.data(Arrays.copyOf(body, 1000), false);
      clients.add(client);
    }
    var senders = new ArrayList<Thread>();
    var received = new LinkedBlockingQueue<String>();
    for (ProtocolClient client : clients) {
      var sender =
          new Thread(() -> {
            try {
              client.data(Arrays.copyOfRange(body, 1000, body.length), true);
              received.add(client.receive().header("x-received"));
            } catch (IOException e) {
              received.add(e.toString());
            }
          });
      sender.start();
      senders.add(sender);
    }
    for (Thread sender : senders) {
      sender.join();
    }
    assertThat(received).hasSize(8).containsOnly("500000");
    awaitBudget(server);
  }

  /** Waits until nobody holds memory: an answer may be read a moment before its memory is back. */
  static void awaitBudget(HttpServer server) {
    while (server.budget.available() < server.budget.total()) {
      Thread.onSpinWait();
    }
  }

  @ParameterizedTest
  @EnumSource
  void closingLetsRunningExchangesFinishAndIdleConnectionsGo(Kind kind) throws Exception {
    var go = new CountDownLatch(1);
    var started = new CountDownLatch(2);
    start(
        kind,
        exchange -> {
          if (exchange.path().equals("/idle")) {
            exchange.respond(Response.of(200));
            return;
          }
          exchange.block(blocked -> {
            started.countDown();
            go.await();
            if (blocked.path().equals("/stream")) {
              try (ResponseStream out =
                  blocked.startResponse(Response.of(200).contentLength(100_000))) {
                out.write(ByteBuffer.allocateDirect(100_000));
              }
            } else {
              blocked.respond(Response.of(200).body(new byte[100_000]));
            }
          });
        });
    ProtocolClient idle = client(kind);
    idle.get("/idle");
    ProtocolClient silent = client(kind);
    ProtocolClient busy = client(kind);
    busy.begin("GET", "/busy", List.of(), true);
    ProtocolClient streaming = client(kind);
    streaming.begin("GET", "/stream", List.of(), true);
    assertThat(started.await(10, TimeUnit.SECONDS)).isTrue();
    var closer = new Thread(server::close);
    closer.start();
    assertThat(idle.isClosedByServer()).isTrue();
    assertThat(silent.isClosedByServer()).isTrue();
    go.countDown();
    for (ProtocolClient client : List.of(busy, streaming)) {
      assertThat(client.receive().body()).hasSize(100_000);
      assertThat(client.isClosedByServer()).isTrue();
    }
    closer.join(10_000);
    assertThat(closer.isAlive()).isFalse();
  }

  @ParameterizedTest
  @EnumSource
  void tooManyConnectionsAreTurnedAway(Kind kind) throws Exception {
    start(kind, ProtocolTest::echo, config -> config.withMaxConnections(2));
    ProtocolClient first = client(kind);
    ProtocolClient second = client(kind);
    assertThat(first.get("/").status()).isEqualTo(200);
    assertThat(second.get("/").status()).isEqualTo(200);
    if (kind == Kind.HTTP2) {
      // Told in HTTP/1, before it has said what it speaks.
      assertThatThrownBy(() -> client(kind).get("/")).isInstanceOf(IOException.class);
    } else if (kind.isHttp2()) {
      assertThat(isTurnedAway(kind)).isTrue();
    } else {
      assertThat(client(kind).get("/").status()).isEqualTo(503);
    }
    assertThat(first.get("/").status()).isEqualTo(200);
  }

  /** Whether the server ends a connection, while its client says hello or after it. */
  private boolean isTurnedAway(Kind kind) {
    try {
      return client(kind).isClosedByServer();
    } catch (IOException closedMeanwhile) {
      return true;
    }
  }
}
