package io.pannier.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.PannierException;
import io.pannier.model.SystemClock;
import io.pannier.server.http.HttpServerConfig.Transport;
import io.pannier.server.http.RawClient.Answer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The transport as a client sees it, over real sockets; every test with both ways to wait for them.
 */
class HttpServerTest {
  private static final String LOCAL = " HTTP/1.1\r\nhost: x\r\n";

  private final ArrayList<AutoCloseable> opened = new ArrayList<>();
  private HttpServer server;

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable each : opened.reversed()) {
      each.close();
    }
  }

  private void start(Transport transport, HttpHandler handler) {
    start(transport, handler, config -> config);
  }

  private void start(
      Transport transport, HttpHandler handler, UnaryOperator<HttpServerConfig> change) {
    HttpServerConfig config =
        HttpServerConfig.defaults(HttpServerTest::answer, new SystemClock())
            .withAddress("127.0.0.1", 0)
            .withTransport(transport)
            .withThreads(2, 4, 4)
            .withTimeouts(
                Duration.ofSeconds(20),
                Duration.ofSeconds(20),
                Duration.ofSeconds(20),
                Duration.ofSeconds(2));
    server = HttpServer.start(change.apply(config), handler);
    opened.add(server);
  }

  private static UnaryOperator<HttpServerConfig> timeouts(int head, int operation, int keepAlive) {
    return config ->
        config.withTimeouts(
            Duration.ofMillis(head),
            Duration.ofMillis(operation),
            Duration.ofMillis(keepAlive),
            Duration.ofSeconds(2));
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

  private RawClient client() throws IOException {
    return client(0);
  }

  private RawClient client(int receiveBuffer) throws IOException {
    var client = new RawClient(server.port(), receiveBuffer);
    opened.add(client);
    return client;
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }

  private static byte[] random(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }

  /** Answers with the body on the loop, or {@code /block/…} on a worker, piece by piece. */
  private static void echo(Exchange exchange) {
    if (exchange.path().startsWith("/block")) {
      exchange.block(blocked -> {
        byte[] body = blocked.body().readAll(64 << 20);
        blocked.respond(Response.of(200).header("x-path", blocked.path()).body(body));
      });
    } else {
      exchange.receiveWhole(
          1 << 20,
          body ->
              exchange.respond(
                  Response.of(200)
                      .header("x-path", exchange.path() + "?" + exchange.query())
                      .body(bytes(body))));
    }
  }

  // ---------------------------------------------------------------------------------- heads

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void everyResponseHasTheConstantHeadersInLowerCase(Transport transport) throws Exception {
    start(
        transport,
        exchange ->
            exchange.respond(
                Response.of(200).header("x-reduct-label-b", "1").header("x-reduct-label-a", "2")));
    Answer answer = client().send("GET /api/v1/info" + LOCAL + "\r\n").receive();
    assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 200 OK");
    assertThat(answer.headers().subList(0, 8))
        .containsExactly(
            "x-reduct-label-b: 1",
            "x-reduct-label-a: 2",
            "server: ReductStore 1.21.5",
            "x-reduct-api: 1.21",
            "vary: origin",
            "access-control-expose-headers: *",
            "x-request-id: 00000000-1-1",
            "content-length: 0");
    assertThat(answer.header("date"))
        .matches("[A-Z][a-z]{2}, \\d\\d [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d:\\d\\d GMT");
    assertThat(answer.headers()).hasSize(9);
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void headersKeepOrderAndBytesBothWays(Transport transport) throws Exception {
    start(
        transport,
        exchange -> {
          var response = Response.of(200);
          for (int i = 0; i < exchange.headerCount(); i++) {
            if (exchange.headerName(i).startsWith("x-")) {
              response.header(exchange.headerName(i), exchange.headerValue(i));
            }
          }
          exchange.respond(response.header("X-Bad:Name", "a\r\nset-cookie: b\u0000c\td"));
        });
    RawClient client = client();
    client.send(
        "GET /"
            + LOCAL
            + "X-Two: 2\r\nX-One: caf\u00c3\u00a9\r\nx-two:   3  \r\nX-Latin: \u00e9\r\n\r\n");
    Answer answer = client.receive();
    assertThat(answer.headers().subList(0, 5))
        .containsExactly(
            "x-two: 2",
            "x-one: café",
            "x-two: 3",
            "x-latin: é",
            "x-bad_name: a  set-cookie: b c d");
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void aRequestSentByteByByteIsOneRequest(Transport transport) throws Exception {
    start(transport, HttpServerTest::echo);
    RawClient client = client();
    for (String path : new String[] {"/x", "/block"}) {
      byte[] request =
          ("POST " + path + "?q=1" + LOCAL + "Content-Length: 5\r\n\r\nhello")
              .getBytes(StandardCharsets.US_ASCII);
      for (byte each : request) {
        client.send(new byte[] {each});
      }
      assertThat(client.receive().text()).isEqualTo("hello");
      request =
          ("POST "
                  + path
                  + LOCAL
                  + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nx-trailer: 1\r\n\r\n")
              .getBytes(StandardCharsets.US_ASCII);
      for (byte each : request) {
        client.send(new byte[] {each});
      }
      assertThat(client.receive().text()).isEqualTo("hello");
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void pathAndQueryAreRaw(Transport transport) throws Exception {
    start(transport, HttpServerTest::echo);
    RawClient client = client();
    assertThat(
            client
                .send("GET /b/%24system/a%2Fb?ts=1&q=%20" + LOCAL + "\r\n")
                .receive()
                .header("x-path"))
        .isEqualTo("/b/%24system/a%2Fb?ts=1&q=%20");
    assertThat(client.send("GET http://host:1/p?q" + LOCAL + "\r\n").receive().header("x-path"))
        .isEqualTo("/p?q");
    assertThat(client.send("OPTIONS *" + LOCAL + "\r\n").receive().header("x-path"))
        .isEqualTo("*?");
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void theHeaderSectionMayHaveTheLimitAndNoByteMore(Transport transport) throws Exception {
    start(
        transport,
        exchange ->
            exchange.respond(
                Response.of(200).header("x-length", "" + exchange.header("x-long").length())));
    // The limit counts lines without their ends.
    int fill = 512_000 - "host: x".length() - "x-long: ".length();
    Answer fits =
        client().send("GET /" + LOCAL + "x-long: " + "a".repeat(fill) + "\r\n\r\n").receive();
    assertThat(fits.status()).isEqualTo(200);
    assertThat(fits.header("x-length")).isEqualTo("" + fill);
    RawClient over = client();
    over.send("GET /" + LOCAL + "x-long: " + "a".repeat(fill + 1) + "\r\n\r\n");
    Answer refused = over.receive();
    assertThat(refused.status()).isEqualTo(431);
    assertThat(refused.header("x-reduct-error")).isNull();
    assertThat(refused.header("connection")).isEqualTo("close");
    assertThat(over.isClosedByServer()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void aHundredFieldsPassAndOneMoreIs431(Transport transport) throws Exception {
    start(transport, exchange -> exchange.respond(Response.of(200)));
    assertThat(client().send("GET /" + LOCAL + "a: 1\r\n".repeat(99) + "\r\n").receive().status())
        .isEqualTo(200);
    RawClient over = client();
    assertThat(over.send("GET /" + LOCAL + "a: 1\r\n".repeat(100) + "\r\n").receive().status())
        .isEqualTo(431);
    assertThat(over.isClosedByServer()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void aRequestLineMayBeEightKilobytesButNotForEver(Transport transport) throws Exception {
    start(transport, exchange -> exchange.respond(Response.of(200)));
    assertThat(client().send("GET /" + "a".repeat(8200) + LOCAL + "\r\n").receive().status())
        .isEqualTo(200);
    assertThat(client().send("GET /" + "a".repeat(20_000) + LOCAL + "\r\n").receive().status())
        .isEqualTo(414);
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void whatIsNoRequestIs400AndTheEnd(Transport transport) throws Exception {
    start(transport, HttpServerTest::echo);
    for (String wrong :
        new String[] {
          "nonsense\r\n\r\n",
          "GET / HTTP/1.1\r\nno colon\r\n\r\n",
          "GET / HTTP/1.1\r\nname : blank\r\n\r\n",
          "GET / HTTP/1.1\r\n: empty\r\n\r\n",
          "GET / HTTP/1.1\r\na: b\u0000c\r\n\r\n",
          "GET / HTTP/1.1\r\na: b\rc\r\n\r\n",
          "GET / HTTP/1.1\nhost: x\n\n",
          "GET relative HTTP/1.1\r\n\r\n",
          "POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
          "POST / HTTP/1.1\r\ncontent-length: +1\r\n\r\n",
          "POST / HTTP/1.1\r\ncontent-length: 1x\r\n\r\n",
          "POST / HTTP/1.1\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
          "POST / HTTP/1.1\r\ncontent-length: 3, 4\r\n\r\nabcd",
          "POST / HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n",
          "POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
          "POST / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n",
          "POST / HTTP/1.1\r\ntransfer-encoding: chunked, gzip\r\n\r\n",
          "POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        }) {
      RawClient client = client();
      Answer answer = client.send(wrong).receive();
      assertThat(answer.status()).as(wrong).isEqualTo(400);
      assertThat(answer.header("x-reduct-error")).as(wrong).isNull();
      assertThat(answer.header("connection")).as(wrong).isEqualTo("close");
      assertThat(client.isClosedByServer()).as(wrong).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void badChunksAre400AndTheEnd(Transport transport) throws Exception {
    start(transport, HttpServerTest::echo);
    for (String path : new String[] {"/x", "/block"}) {
      for (String wrong :
          new String[] {
            "x\r\nabc",
            "\r\nabc",
            "-1\r\nabc",
            "ffffffffff\r\nabc",
            "3\r\nabcX\r\n",
            "3\nabc\r\n0\r\n\r\n"
          }) {
        RawClient client = client();
        Answer answer =
            client
                .send(
                    "POST "
                        + path
                        + LOCAL
                        + "transfer-encoding: chunked\r\n\r\n2\r\nok\r\n"
                        + wrong)
                .receive();
        assertThat(answer.status()).as(path + wrong).isEqualTo(400);
        assertThat(answer.header("connection")).as(path + wrong).isEqualTo("close");
        assertThat(client.isClosedByServer()).as(path + wrong).isTrue();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void nothingIsServedBehindARefusedRequest(Transport transport) throws Exception {
    var served = new AtomicInteger();
    start(
        transport,
        exchange -> {
          served.incrementAndGet();
          exchange.respond(Response.of(200));
        });
    RawClient client = client();
    client.send(
        "POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled"
            + LOCAL
            + "\r\n");
    assertThat(client.receive().status()).isEqualTo(400);
    assertThat(client.isClosedByServer()).isTrue();
    assertThat(served).hasValue(0);
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void contentCodingsAre415WithoutErrorHeader(Transport transport) throws Exception {
    start(transport, HttpServerTest::echo);
    RawClient client = client();
    Answer answer =
        client
            .send("POST /" + LOCAL + "content-encoding: br\r\ncontent-length: 3\r\n\r\nabc")
            .receive();
    assertThat(answer.status()).isEqualTo(415);
    assertThat(answer.header("accept-encoding")).isNotNull();
    assertThat(answer.header("x-reduct-error")).isNull();
    assertThat(answer.body()).isEmpty();
    assertThat(
            client
                .send(
                    "POST /" + LOCAL + "content-encoding: identity\r\ncontent-length: 3\r\n\r\nabc")
                .receive()
                .text())
        .isEqualTo("abc");
  }

  // ---------------------------------------------------------------------------------- connections

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void pipelinedRequestsAreAnsweredInOrderWhoeverAnswersFirst(Transport transport)
      throws Exception {
    var first = new CompletableFuture<Exchange>();
    start(
        transport,
        exchange -> {
          if (exchange.path().equals("/slow")) {
            first.complete(exchange);
          } else {
            echo(exchange);
          }
        });
    RawClient client = client();
    client.send(
        "GET /slow"
            + LOCAL
            + "\r\nPOST /1"
            + LOCAL
            + "content-length: 3\r\n\r\nabcPOST /block"
            + LOCAL
            + "content-length: 4\r\n\r\ndefgGET /3"
            + LOCAL
            + "\r\n");
    Exchange slow = first.get(10, TimeUnit.SECONDS);
    assertThat(client.isSilentFor(100)).isTrue();
    slow.respond(Response.of(200).body("slow".getBytes(StandardCharsets.US_ASCII)));
    assertThat(client.receive().text()).isEqualTo("slow");
    assertThat(client.receive().text()).isEqualTo("abc");
    assertThat(client.receive().text()).isEqualTo("defg");
    assertThat(client.receive().header("x-path")).isEqualTo("/3?");
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void aThousandPipelinedRequestsPass(Transport transport) throws Exception {
    start(transport, HttpServerTest::echo);
    RawClient client = client();
    var all = new StringBuilder();
    for (int i = 0; i < 1000; i++) {
      all.append("POST /")
          .append(i % 7 == 0 ? "block" : "x")
          .append(LOCAL)
          .append("content-length: 4\r\n\r\n")
          .append(1000 + i);
    }
    client.send(all.toString());
    for (int i = 0; i < 1000; i++) {
      assertThat(client.receive().text()).isEqualTo("" + (1000 + i));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void aPipeliningClientThatDoesNotReadIsNotServedForEver(Transport transport) throws Exception {
    var served = new AtomicInteger();
    byte[] body = new byte[10_000];
    start(
        transport,
        exchange -> {
          served.incrementAndGet();
          exchange.respond(Response.of(200).body(body));
        });
    RawClient client = client(8 << 10);
    byte[] requests = ("GET /" + LOCAL + "\r\n").repeat(1000).getBytes(StandardCharsets.US_ASCII);
    var sent = new AtomicInteger();
    var sender =
        new Thread(() -> {
          try {
            for (int i = 0; i < 20; i++) {
              client.send(requests);
              sent.incrementAndGet();
            }
          } catch (IOException gone) {
            return;
          }
        });
    sender.start();
    // Until nothing moves any more, which is what back-pressure looks like.
    int before = -1;
    for (int quiet = 0; quiet < 5; before = served.get()) {
      sender.join(100);
      quiet = served.get() == before ? quiet + 1 : 0;
    }
    // 20 000 requests would be 200 MB of answers; the sockets hold a few.
    assertThat(served.get()).isLessThan(2_000);
    for (int i = 0; i < 20_000; i++) {
      assertThat(client.receive().body()).hasSize(10_000);
    }
    assertThat(sent).hasValue(20);
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void theConnectionIsKeptOrClosedAsTheClientSays(Transport transport) throws Exception {
    start(transport, HttpServerTest::echo);
    RawClient kept = client();
    for (int i = 0; i < 3; i++) {
      Answer answer = kept.send("GET /" + LOCAL + "\r\n").receive();
      assertThat(answer.header("connection")).isNull();
    }
    for (String last :
        new String[] {
          "GET / HTTP/1.1\r\nConnection: Close\r\n\r\n",
          "GET / HTTP/1.1\r\nConnection: x, close\r\n\r\n",
          "GET / HTTP/1.0\r\n\r\n"
        }) {
      RawClient closed = client();
      assertThat(closed.send(last).receive().header("connection")).isEqualTo("close");
      assertThat(closed.isClosedByServer()).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void aClientThatEndsItsSideIsGone(Transport transport) throws Exception {
    var exchanges = new LinkedBlockingQueue<Exchange>();
    start(transport, exchanges::add);
    RawClient client = client();
    client.send("GET /" + LOCAL + "\r\n");
    Exchange exchange = exchanges.poll(10, TimeUnit.SECONDS);
    var ended = new CountDownLatch(1);
    exchange.onEnd(ended::countDown);
    client.socket.shutdownOutput();
    assertThat(ended.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(exchange.isClientGone()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void anIdleConnectionIsClosed(Transport transport) throws Exception {
    start(transport, HttpServerTest::echo, timeouts(20_000, 20_000, 150));
    RawClient client = client();
    client.send("GET /" + LOCAL + "\r\n").receive();
    assertThat(client.isClosedByServer()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void aHeadThatTricklesInIsGivenUp(Transport transport) throws Exception {
    start(transport, HttpServerTest::echo, timeouts(400, 20_000, 20_000));
    RawClient client = client();
    long begin = System.nanoTime();
    client.send("GET / HTTP/1.1\r\n");
    // A line now and then does not buy time.
    while (client.isSilentFor(50)) {
      client.send("a: b\r\n");
      assertThat(System.nanoTime() - begin).isLessThan(10_000_000_000L);
    }
    assertThat(client.receive().status()).isEqualTo(408);
    assertThat(client.isClosedByServer()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void aBodyThatStallsIs400(Transport transport) throws Exception {
    start(transport, HttpServerTest::echo, timeouts(20_000, 300, 20_000));
    for (String path : new String[] {"/x", "/block"}) {
      RawClient client = client();
      Answer answer =
          client.send("POST " + path + LOCAL + "content-length: 10\r\n\r\nhalf").receive();
      assertThat(answer.status()).as(path).isEqualTo(400);
      assertThat(answer.header("x-reduct-error"))
          .as(path)
          .isEqualTo("Timeout while receiving data");
      assertThat(client.isClosedByServer()).as(path).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void tooManyConnectionsAreTold(Transport transport) throws Exception {
    start(transport, HttpServerTest::echo, config -> config.withMaxConnections(3));
    var clients = new ArrayList<RawClient>();
    for (int i = 0; i < 3; i++) {
      RawClient client = client();
      client.send("GET /" + LOCAL + "\r\n").receive();
      clients.add(client);
    }
    RawClient refused = client();
    Answer answer = refused.send("GET /" + LOCAL + "\r\n").receive();
    assertThat(answer.status()).isEqualTo(503);
    assertThat(answer.header("retry-after")).isEqualTo("1");
    assertThat(refused.isClosedByServer()).isTrue();
    clients.getFirst().close();
    // Its place is free as soon as the server has noticed.
    int status = 503;
    for (int tries = 0; status == 503 && tries < 1000; tries++) {
      try (RawClient next = new RawClient(server.port())) {
        status = next.send("GET /" + LOCAL + "\r\n").receive().status();
      } catch (IOException cut) {
        status = 503;
      }
    }
    assertThat(status).isEqualTo(200);
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void aThousandConnectionsHalfOfThemIdle(Transport transport) throws Exception {
    start(transport, HttpServerTest::echo);
    var clients = new ArrayList<RawClient>();
    for (int i = 0; i < 1000; i++) {
      clients.add(client());
    }
    for (int round = 0; round < 3; round++) {
      for (int i = 0; i < 1000; i += 2) {
        clients.get(i).send("POST /x" + LOCAL + "content-length: 4\r\n\r\n" + (1000 + i));
      }
      for (int i = 0; i < 1000; i += 2) {
        assertThat(clients.get(i).receive().text()).isEqualTo("" + (1000 + i));
      }
    }
    assertThat(clients.get(1).send("GET /" + LOCAL + "\r\n").receive().status()).isEqualTo(200);
  }

  // ---------------------------------------------------------------------------------- bodies in

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void bodiesOfAllSizesArriveWhole(Transport transport) throws Exception {
    start(transport, HttpServerTest::echo);
    RawClient client = client();
    for (int size : new int[] {0, 1, 1000, 16 << 10, (16 << 10) + 1, 65_536, 200_000, 1 << 20}) {
      byte[] body = random(size);
      for (String path : new String[] {"/x", "/block"}) {
        client.send("POST " + path + LOCAL + "content-length: " + size + "\r\n\r\n").send(body);
        assertThat(Arrays.equals(client.receive().body(), body)).as(path + " " + size).isTrue();
        client.send("POST " + path + LOCAL + "transfer-encoding: chunked\r\n\r\n");
        for (int at = 0; at < size; at += 50_000) {
          int length = Math.min(50_000, size - at);
          client
              .send(Integer.toHexString(length) + "\r\n")
              .send(Arrays.copyOfRange(body, at, at + length))
              .send("\r\n");
        }
        client.send("0\r\n\r\n");
        assertThat(Arrays.equals(client.receive().body(), body))
            .as(path + " chunked " + size)
            .isTrue();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void aGatheredBodyStaysForTheBlockingCodeBehindIt(Transport transport) throws Exception {
    start(
        transport,
        exchange ->
            exchange.receiveWhole(
                100_000,
                body ->
                    exchange.block(
                        blocked -> blocked.respond(Response.of(200).body(bytes(body))))));
    RawClient client = client();
    for (int size : new int[] {10, 90_000}) {
      byte[] body = random(size);
      for (int i = 0; i < 50; i++) {
        client.send("POST /" + LOCAL + "content-length: " + size + "\r\n\r\n").send(body);
        assertThat(Arrays.equals(client.receive().body(), body)).isTrue();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void aBodyBeyondTheLimitIs413AndTheConnectionLives(Transport transport) throws Exception {
    start(
        transport,
        exchange -> exchange.receiveWhole(1000, _ -> exchange.respond(Response.of(200))));
    RawClient client = client();
    assertThat(
            client
                .send("POST /" + LOCAL + "content-length: 1001\r\n\r\n")
                .send(random(1001))
                .receive()
                .status())
        .isEqualTo(413);
    assertThat(
            client
                .send("POST /" + LOCAL + "transfer-encoding: chunked\r\n\r\n3e9\r\n")
                .send(random(1001))
                .send("\r\n0\r\n\r\n")
                .receive()
                .status())
        .isEqualTo(413);
    assertThat(
            client
                .send("POST /" + LOCAL + "content-length: 1000\r\n\r\n")
                .send(random(1000))
                .receive()
                .status())
        .isEqualTo(200);
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void aSlowReaderOfABodySlowsItsSender(Transport transport) throws Exception {
    var go = new CountDownLatch(1);
    start(
        transport,
        exchange ->
            exchange.block(blocked -> {
              ByteBuffer first = ByteBuffer.allocate(1);
              blocked.body().read(first);
              go.await();
              blocked.body().drain();
              blocked.respond(
                  Response.of(200).header("x-received", "" + blocked.body().receivedBytes()));
            }));
    RawClient client = client();
    int size = 100 << 20;
    client.send("POST /" + LOCAL + "content-length: " + size + "\r\n\r\n");
    var sent = new AtomicLong();
    var sender =
        new Thread(() -> {
          byte[] piece = new byte[64 << 10];
          try {
            for (int at = 0; at < size; at += piece.length) {
              client.send(piece);
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
    // What the kernel's buffers hold, and a window of ours.
    assertThat(sent.get()).isLessThan(20L << 20);
    go.countDown();
    assertThat(client.receive().header("x-received")).isEqualTo("" + size);
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void manyHalfSentBodiesWaitForMemoryAndAllPassInTheEnd(Transport transport) throws Exception {
    var inside = new AtomicInteger();
    start(
        transport,
        exchange ->
            exchange.receiveWhole(
                500_000,
                body -> {
                  inside.incrementAndGet();
                  exchange.respond(Response.of(200).header("x-received", "" + body.remaining()));
                }),
        // Room for two and a bit.
        config -> config.withMemoryLimits(1_100_000, 64 << 20));
    byte[] body = random(500_000);
    var clients = new ArrayList<RawClient>();
    for (int i = 0; i < 8; i++) {
      RawClient client = client();
      client
          .send("POST /" + LOCAL + "content-length: 500000\r\n\r\n")
          .send(Arrays.copyOf(body, 1000));
      clients.add(client);
    }
    var senders = new ArrayList<Thread>();
    for (RawClient client : clients) {
      var sender =
          new Thread(() -> {
            try {
              client.send(Arrays.copyOfRange(body, 1000, body.length));
            } catch (IOException e) {
              throw new IllegalStateException(e);
            }
          });
      sender.start();
      senders.add(sender);
    }
    for (RawClient client : clients) {
      assertThat(client.receive().header("x-received")).isEqualTo("500000");
    }
    for (Thread sender : senders) {
      sender.join();
    }
    assertThat(inside).hasValue(8);
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void memoryOfDeadAndStalledClientsComesBack(Transport transport) throws Exception {
    start(
        transport,
        exchange -> exchange.receiveWhole(500_000, body -> exchange.respond(Response.of(200))),
        config ->
            timeouts(20_000, 400, 20_000).apply(config).withMemoryLimits(1_100_000, 64 << 20));
    for (int i = 0; i < 6; i++) {
      client().send("POST /" + LOCAL + "content-length: 500000\r\n\r\n").send(random(1000));
    }
    RawClient dying = client();
    dying.send("POST /" + LOCAL + "content-length: 500000\r\n\r\n").send(random(1000));
    dying.reset();
    RawClient last = client();
    last.send("POST /" + LOCAL + "content-length: 500000\r\n\r\n").send(random(500_000));
    assertThat(last.receive().status()).isEqualTo(200);
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void largeHeadsShareTheMemoryToo(Transport transport) throws Exception {
    start(
        transport,
        exchange -> exchange.respond(Response.of(200)),
        config -> config.withMemoryLimits(1_100_000, 64 << 20));
    var clients = new ArrayList<RawClient>();
    String half = "GET /" + LOCAL + "x-long: " + "a".repeat(200_000);
    for (int i = 0; i < 5; i++) {
      RawClient client = client();
      client.send(half);
      clients.add(client);
    }
    for (RawClient client : clients) {
      client.send("a".repeat(200_000) + "\r\n\r\n");
    }
    for (RawClient client : clients) {
      assertThat(client.receive().status()).isEqualTo(200);
    }
  }

  // ---------------------------------------------------------------------------------- expect and
  // drain

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void continueIsSentWhenTheBodyIsWanted(Transport transport) throws Exception {
    var go = new CountDownLatch(1);
    start(
        transport,
        exchange -> {
          if (exchange.path().equals("/block")) {
            exchange.block(blocked -> {
              go.await();
              echo(blocked);
            });
          } else {
            echo(exchange);
          }
        });
    RawClient waiting = client();
    waiting.send("POST /block" + LOCAL + "content-length: 3\r\nexpect: 100-continue\r\n\r\n");
    assertThat(waiting.isSilentFor(100)).isTrue();
    go.countDown();
    assertThat(waiting.head().statusLine()).isEqualTo("HTTP/1.1 100 Continue");
    assertThat(waiting.send("abc").receive().text()).isEqualTo("abc");
    waiting.send("POST /x" + LOCAL + "content-length: 3\r\nExpect: 100-Continue\r\n\r\n");
    assertThat(waiting.head().statusLine()).isEqualTo("HTTP/1.1 100 Continue");
    assertThat(waiting.send("abc").receive().text()).isEqualTo("abc");
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void anErrorBeforeContinueClosesTheConnection(Transport transport) throws Exception {
    start(
        transport,
        exchange -> {
          throw new PannierException.Forbidden("no");
        });
    RawClient client = client();
    Answer answer =
        client
            .send("POST /" + LOCAL + "content-length: 300000000\r\nexpect: 100-continue\r\n\r\n")
            .receive();
    assertThat(answer.status()).isEqualTo(403);
    assertThat(answer.header("connection")).isEqualTo("close");
    assertThat(client.isClosedByServer()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void theRestOfAnUnwantedBodyIsReadSoThatTheErrorIsSeen(Transport transport) throws Exception {
    start(
        transport,
        exchange -> {
          if (exchange.path().equals("/block")) {
            exchange.block(blocked -> {
              blocked.body().read(ByteBuffer.allocate(10));
              throw new PannierException.Forbidden("no");
            });
          } else {
            throw new PannierException.Forbidden("no");
          }
        });
    RawClient client = client();
    byte[] body = new byte[8 << 20];
    for (String path : new String[] {"/x", "/block"}) {
      client
          .send("POST " + path + LOCAL + "content-length: " + body.length + "\r\n\r\n")
          .send(body);
      Answer answer = client.receive();
      assertThat(answer.status()).isEqualTo(403);
      assertThat(answer.header("x-reduct-error")).isEqualTo("no");
      assertThat(answer.header("connection")).isNull();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void aBodyTooLongToThrowAwayEndsTheConnectionButTheErrorIsSeen(Transport transport)
      throws Exception {
    start(
        transport,
        exchange -> {
          throw new PannierException.Forbidden("no");
        },
        config -> config.withMemoryLimits(64 << 20, 1 << 20));
    RawClient client = client();
    client.send("POST /" + LOCAL + "content-length: 100000000\r\n\r\n").send(new byte[512 << 10]);
    Answer answer = client.receive();
    assertThat(answer.status()).isEqualTo(403);
    assertThat(answer.header("connection")).isEqualTo("close");
    assertThat(client.isClosedByServer()).isTrue();
  }

  // ---------------------------------------------------------------------------------- responses

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void headHasTheHeadersAndNoBody(Transport transport) throws Exception {
    start(
        transport,
        exchange -> {
          switch (exchange.path()) {
            case "/length" -> exchange.respond(Response.of(200).contentLength(123));
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
    RawClient client = client();
    assertThat(client.send("HEAD /" + LOCAL + "\r\n").head().header("content-length"))
        .isEqualTo("77");
    assertThat(client.send("HEAD /length" + LOCAL + "\r\n").head().header("content-length"))
        .isEqualTo("123");
    assertThat(client.send("HEAD /stream" + LOCAL + "\r\n").head().header("content-length"))
        .isEqualTo("50000");
    assertThat(client.send("GET /" + LOCAL + "\r\n").receive().body()).hasSize(77);
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void noContentHasNoLength(Transport transport) throws Exception {
    start(transport, exchange -> exchange.respond(Response.error(204, "No content")));
    RawClient client = client();
    for (int i = 0; i < 2; i++) {
      Answer answer = client.send("GET /" + LOCAL + "\r\n").receive();
      assertThat(answer.status()).isEqualTo(204);
      assertThat(answer.header("content-length")).isNull();
      assertThat(answer.header("x-reduct-error")).isEqualTo("No content");
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void whatAHandlerThrowsBecomesAResponse(Transport transport) throws Exception {
    start(
        transport,
        exchange -> {
          switch (exchange.path()) {
            case "/loop" -> throw new IllegalStateException("secret");
            case "/body" ->
                exchange.receiveWhole(
                    10,
                    _ -> {
                      throw new IllegalStateException("secret");
                    });
            default ->
                exchange.block(_ -> {
                  throw new IOException("secret");
                });
          }
        });
    RawClient client = client();
    for (String path : new String[] {"/loop", "/body", "/block"}) {
      Answer answer = client.send("POST " + path + LOCAL + "content-length: 2\r\n\r\nab").receive();
      assertThat(answer.status()).as(path).isEqualTo(500);
      assertThat(answer.header("x-reduct-error")).as(path).isEqualTo("Internal server error");
      assertThat(answer.text()).as(path).isEqualTo("{\"detail\": \"Internal server error\"}");
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void anErrorResponderThatFailsIsAPlain500(Transport transport) throws Exception {
    HttpServerConfig config =
        HttpServerConfig.defaults(
                _ -> {
                  throw new IllegalStateException("again");
                },
                new SystemClock())
            .withAddress("127.0.0.1", 0)
            .withTransport(transport);
    server =
        HttpServer.start(
            config,
            _ -> {
              throw new IllegalStateException();
            });
    opened.add(server);
    assertThat(client().send("GET /" + LOCAL + "\r\n").receive().status()).isEqualTo(500);
  }

  /**
   * Three times as many as there are workers, some that send nothing and some that read nothing.
   */
  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void clientsThatAreWaitedForHoldNobodyUp(Transport transport) throws Exception {
    int length = 32 << 20; // more than all the buffers on the way
    ByteBuffer piece = ByteBuffer.allocateDirect(256 << 10);
    start(
        transport,
        exchange -> {
          if (!exchange.path().equals("/read")) {
            echo(exchange);
            return;
          }
          exchange.block(blocked -> {
            try (ResponseStream out =
                blocked.startResponse(Response.of(200).contentLength(length))) {
              for (int at = 0; at < length; at += piece.capacity()) {
                out.write(piece.duplicate(), () -> {});
              }
            }
          });
        });
    var senders = new ArrayList<RawClient>();
    var readers = new ArrayList<RawClient>();
    for (int i = 0; i < 6; i++) {
      RawClient sender = client();
      sender.send("POST /block" + LOCAL + "content-length: 3\r\nexpect: 100-continue\r\n\r\n");
      assertThat(sender.head().statusLine()).isEqualTo("HTTP/1.1 100 Continue");
      senders.add(sender);
      RawClient reader = client(16 << 10).send("GET /read" + LOCAL + "\r\n");
      assertThat(reader.head().status()).isEqualTo(200);
      readers.add(reader);
    }
    assertThat(client().send("GET /block" + LOCAL + "\r\n").receive().status()).isEqualTo(200);
    for (RawClient sender : senders) {
      assertThat(sender.send("abc").receive().text()).isEqualTo("abc");
    }
    for (RawClient reader : readers) {
      assertThat(reader.skip(length)).isEqualTo(length);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void moreWorkThanWorkersAndQueueIs503(Transport transport) throws Exception {
    var go = new CountDownLatch(1);
    var started = new CountDownLatch(4);
    start(
        transport,
        exchange ->
            exchange.block(blocked -> {
              started.countDown();
              go.await();
              blocked.respond(Response.of(200));
            }));
    var clients = new ArrayList<RawClient>();
    for (int i = 0; i < 4; i++) {
      clients.add(client().send("GET /" + LOCAL + "\r\n"));
    }
    assertThat(started.await(10, TimeUnit.SECONDS)).isTrue();
    // Four wait in the queue; of six more, two are too many.
    var more = new ArrayList<RawClient>();
    for (int i = 0; i < 6; i++) {
      more.add(client().send("GET /" + LOCAL + "\r\n"));
    }
    int refused = 0;
    while (refused < 2) {
      for (RawClient client : new ArrayList<>(more)) {
        if (!client.isSilentFor(20)) {
          Answer answer = client.receive();
          assertThat(answer.status()).isEqualTo(503);
          assertThat(answer.header("retry-after")).isEqualTo("1");
          more.remove(client);
          refused++;
        }
      }
    }
    go.countDown();
    clients.addAll(more);
    for (RawClient client : clients) {
      assertThat(client.receive().status()).isEqualTo(200);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void anExchangeIsAnsweredOnceFromAnyThread(Transport transport) throws Exception {
    var exchanges = new LinkedBlockingQueue<Exchange>();
    start(transport, exchanges::add);
    RawClient client = client();
    var ended = new CountDownLatch(1);
    client.send("GET /" + LOCAL + "\r\n");
    Exchange exchange = exchanges.poll(10, TimeUnit.SECONDS);
    exchange.onEnd(ended::countDown);
    exchange.respond(Response.of(200));
    assertThatThrownBy(() -> exchange.respond(Response.of(500)))
        .isInstanceOf(IllegalStateException.class);
    assertThat(client.receive().status()).isEqualTo(200);
    assertThat(ended.await(10, TimeUnit.SECONDS)).isTrue();
    client.send("GET /" + LOCAL + "\r\n");
    Exchange abandoned = exchanges.poll(10, TimeUnit.SECONDS);
    var gone = new CountDownLatch(1);
    abandoned.onEnd(gone::countDown);
    client.reset();
    assertThat(gone.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(abandoned.isClientGone()).isTrue();
    var released = new CountDownLatch(1);
    abandoned.respond(Response.of(200).body(ByteBuffer.allocateDirect(10), released::countDown));
    assertThat(released.await(10, TimeUnit.SECONDS)).isTrue();
    var late = new CountDownLatch(1);
    abandoned.onEnd(late::countDown);
    assertThat(late.await(10, TimeUnit.SECONDS)).isTrue();
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void streamedResponsesArriveWhole(Transport transport) throws Exception {
    byte[] all = random(3_000_000);
    start(
        transport,
        exchange ->
            exchange.block(blocked -> {
              boolean known = blocked.path().equals("/known");
              Response head = Response.of(206).header("x-first", "1");
              var releases = new AtomicInteger();
              try (ResponseStream out =
                  blocked.startResponse(known ? head.contentLength(all.length) : head)) {
                int writes = 0;
                for (int at = 0, size = 1;
                    at < all.length;
                    size = size * 3 % 200_003 + 1, writes++) {
                  int length = Math.min(size, all.length - at);
                  ByteBuffer piece = ByteBuffer.allocateDirect(length).put(0, all, at, length);
                  at += length;
                  if (writes % 2 == 0) {
                    out.write(piece);
                    // It is ours again.
                    piece.clear();
                    for (int i = 0; i < length; i++) {
                      piece.put((byte) 0);
                    }
                    releases.incrementAndGet();
                  } else {
                    out.write(piece, releases::incrementAndGet);
                  }
                }
              }
            }));
    RawClient client = client();
    for (int i = 0; i < 3; i++) {
      Answer known = client.send("GET /known" + LOCAL + "\r\n").receive();
      assertThat(known.status()).isEqualTo(206);
      assertThat(known.header("content-length")).isEqualTo("3000000");
      assertThat(Arrays.equals(known.body(), all)).isTrue();
      Answer chunked = client.send("GET /chunked" + LOCAL + "\r\n").receive();
      assertThat(chunked.header("content-length")).isNull();
      assertThat(Arrays.equals(chunked.body(), all)).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void aSlowClientSlowsTheWriterAndMemoryStaysBounded(Transport transport) throws Exception {
    var written = new AtomicLong();
    ByteBuffer piece = ByteBuffer.allocateDirect(256 << 10);
    long total = 100L << 20;
    start(
        transport,
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
    RawClient client = client(16 << 10);
    client.send("GET /" + LOCAL + "\r\n");
    assertThat(client.head().status()).isEqualTo(200);
    long before = -1;
    for (int quiet = 0; quiet < 5; before = written.get()) {
      Thread.currentThread().join(100);
      quiet = written.get() == before ? quiet + 1 : 0;
    }
    assertThat(written.get()).isLessThan(20L << 20);
    assertThat(client.skip((int) total)).isEqualTo((int) total);
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void aClientThatTakesNothingIsCutOff(Transport transport) throws Exception {
    var thrown = new CompletableFuture<Throwable>();
    ByteBuffer piece = ByteBuffer.allocateDirect(256 << 10);
    start(
        transport,
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
    RawClient client = client(16 << 10);
    client.send("GET /" + LOCAL + "\r\n");
    assertThat(client.head().status()).isEqualTo(200);
    assertThat(thrown.get(15, TimeUnit.SECONDS)).isInstanceOf(ClientGone.class);
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void aClientThatDiesMidwayIsNoticedBothWays(Transport transport) throws Exception {
    var thrown = new LinkedBlockingQueue<Throwable>();
    var begun = new LinkedBlockingQueue<String>();
    ByteBuffer piece = ByteBuffer.allocateDirect(64 << 10);
    start(
        transport,
        exchange ->
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
            }));
    for (boolean reset : new boolean[] {true, false}) {
      RawClient uploading = client();
      uploading.send("POST /in" + LOCAL + "content-length: 1000000\r\n\r\n").send(new byte[1000]);
      assertThat(begun.poll(10, TimeUnit.SECONDS)).isEqualTo("in");
      if (reset) {
        uploading.reset();
      } else {
        uploading.close();
      }
      assertThat(thrown.poll(10, TimeUnit.SECONDS)).isInstanceOf(ClientGone.class);
      RawClient downloading = client();
      downloading.send("GET /out" + LOCAL + "\r\n");
      assertThat(begun.poll(10, TimeUnit.SECONDS)).isEqualTo("out");
      downloading.head();
      if (reset) {
        downloading.reset();
      } else {
        downloading.close();
      }
      assertThat(thrown.poll(10, TimeUnit.SECONDS)).isInstanceOf(ClientGone.class);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void aResponseThatIsNotWholeIsCut(Transport transport) throws Exception {
    start(
        transport,
        exchange ->
            exchange.block(blocked -> {
              boolean chunked = blocked.path().startsWith("/chunked");
              Response head = Response.of(200);
              ResponseStream out = blocked.startResponse(chunked ? head : head.contentLength(1000));
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
        new String[] {
          "/x/short",
          "/x/abort",
          "/x/open",
          "/x/throw",
          "/chunked/abort",
          "/chunked/open",
          "/chunked/throw"
        }) {
      RawClient client = client();
      client.send("GET " + path + LOCAL + "\r\n");
      assertThatThrownBy(client::receive).as(path).isInstanceOf(IOException.class);
    }
  }

  // ---------------------------------------------------------------------------------- the end

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void closingLetsRunningExchangesFinish(Transport transport) throws Exception {
    var go = new CountDownLatch(1);
    var started = new CountDownLatch(2);
    start(
        transport,
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
        },
        config ->
            config.withTimeouts(
                Duration.ofSeconds(20),
                Duration.ofSeconds(20),
                Duration.ofSeconds(20),
                Duration.ofSeconds(15)));
    RawClient idle = client();
    idle.send("GET /idle" + LOCAL + "\r\n").receive();
    RawClient busy = client().send("GET /busy" + LOCAL + "\r\n");
    RawClient streaming = client().send("GET /stream" + LOCAL + "\r\n");
    assertThat(started.await(10, TimeUnit.SECONDS)).isTrue();
    int port = server.port();
    var closer = new Thread(server::close);
    closer.start();
    assertThat(idle.isClosedByServer()).isTrue();
    // The system may accept a little longer than we do.
    assertThatThrownBy(
            () -> {
              while (true) {
                new RawClient(port).close();
              }
            })
        .isInstanceOf(IOException.class);
    go.countDown();
    for (RawClient client : new RawClient[] {busy, streaming}) {
      Answer answer = client.receive();
      assertThat(answer.body()).hasSize(100_000);
      assertThat(answer.header("connection")).isEqualTo("close");
      assertThat(client.isClosedByServer()).isTrue();
    }
    closer.join(10_000);
    assertThat(closer.isAlive()).isFalse();
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void closingDoesNotWaitForEver(Transport transport) throws Exception {
    var thrown = new CompletableFuture<Throwable>();
    var started = new CountDownLatch(1);
    start(
        transport,
        exchange ->
            exchange.block(blocked -> {
              started.countDown();
              try {
                blocked.body().drain();
              } catch (Throwable failure) {
                thrown.complete(failure);
                throw failure;
              }
            }),
        config ->
            config.withTimeouts(
                Duration.ofSeconds(20),
                Duration.ofSeconds(20),
                Duration.ofSeconds(20),
                Duration.ofMillis(200)));
    RawClient client = client();
    client.send("POST /" + LOCAL + "content-length: 100\r\n\r\nabc");
    assertThat(started.await(10, TimeUnit.SECONDS)).isTrue();
    server.close();
    assertThat(thrown.get(10, TimeUnit.SECONDS)).isInstanceOf(ClientGone.class);
    assertThat(client.isClosedByServer()).isTrue();
  }
}
