package io.pannier.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.handler.codec.http2.Http2Error;
import io.pannier.model.SystemClock;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What only HTTP/2 has: streams side by side, windows, resets, and frames that do harm. */
class H2Test {
  private final ArrayList<AutoCloseable> opened = new ArrayList<>();
  private HttpServer server;

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable each : opened.reversed()) {
      each.close();
    }
  }

  private void start(HttpHandler handler) {
    start(handler, config -> config);
  }

  private void start(HttpHandler handler, UnaryOperator<HttpServerConfig> change) {
    HttpServerConfig config =
        HttpServerConfig.defaults(
                failure -> Response.error(500, "" + failure.getMessage()), new SystemClock())
            .withAddress("127.0.0.1", 0)
            .withThreads(2, 4, 200);
    server = HttpServer.start(change.apply(config), handler);
    opened.add(server);
  }

  private static UnaryOperator<HttpServerConfig> timeouts(int head, int operation) {
    return config ->
        config.withTimeouts(
            Duration.ofMillis(head),
            Duration.ofMillis(operation),
            Duration.ofSeconds(20),
            Duration.ofSeconds(2));
  }

  private RawH2Client client() throws IOException {
    var client = new RawH2Client(server.port());
    opened.add(client);
    return client;
  }

  private static byte[] random(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }

  private static void drainAndCount(Exchange exchange) {
    exchange.block(blocked -> {
      blocked.body().drain();
      blocked.respond(Response.of(200).header("x-received", "" + blocked.body().receivedBytes()));
    });
  }

  @Test
  void aHundredStreamsAtOnce() throws Exception {
    var exchanges = new LinkedBlockingQueue<Exchange>();
    start(exchanges::add);
    RawH2Client client = client();
    assertThat(client.maxStreams()).isEqualTo(100);
    var ids = new ArrayList<Integer>();
    for (int i = 0; i < 100; i++) {
      ids.add(client.request("GET", "/" + i, List.of(), true));
    }
    int refused = client.request("GET", "/more", List.of(), true);
    assertThat(client.awaitReset(refused)).isEqualTo((int) Http2Error.REFUSED_STREAM.code());
    var all = new ArrayList<Exchange>();
    for (int i = 0; i < 100; i++) {
      all.add(exchanges.poll(10, TimeUnit.SECONDS));
    }
    for (Exchange exchange : all.reversed()) {
      exchange.respond(Response.of(200).header("x-path", exchange.path()).body(random(1000)));
    }
    for (int i = 0; i < 100; i++) {
      assertThat(client.receive(ids.get(i)).header("x-path")).isEqualTo("/" + i);
    }
    assertThat(client.receive(again(client, exchanges)).status()).isEqualTo(200);
  }

  @Test
  void everyAnswerNamesItsRequest() throws Exception {
    start(exchange -> exchange.respond(Response.of(200).header("x-told", exchange.requestId())));
    RawH2Client client = client();
    var names = new java.util.HashSet<String>();
    for (int i = 0; i < 3; i++) {
      RawClient.Answer answer = client.receive(client.request("GET", "/", List.of(), true));
      assertThat(answer.header("x-request-id"))
          .matches("[0-9a-f]{8}-[0-9a-f]+-[0-9a-f]+")
          .isEqualTo(answer.header("x-told"));
      names.add(answer.header("x-request-id"));
    }
    assertThat(names).hasSize(3);
    int given = client.request("GET", "/", List.of("x-request-id: mine"), true);
    assertThat(client.receive(given).header("x-request-id")).isEqualTo("mine");
  }

  private static int again(RawH2Client client, LinkedBlockingQueue<Exchange> exchanges)
      throws Exception {
    int id = client.request("GET", "/again", List.of(), true);
    Exchange exchange = exchanges.poll(10, TimeUnit.SECONDS);
    exchange.respond(Response.of(200));
    return id;
  }

  @Test
  void uploadsThatWaitForAWorkerDoNotHoldUpThoseThatHaveOne() throws Exception {
    start(H2Test::drainAndCount);
    RawH2Client client = client();
    var ids = new ArrayList<Integer>();
    for (int i = 0; i < 100; i++) {
      ids.add(client.request("POST", "/", List.of("content-length: 300000"), false));
    }
    byte[] body = random(300_000);
    // Each as far as it goes without the others: four are read, the rest fill their windows.
    int[] sent = new int[100];
    for (int left = 100; left > 0; ) {
      boolean moved = false;
      for (int i = 0; i < 100; i++) {
        int length = Math.min(client.room(ids.get(i)), body.length - sent[i]);
        if (length > 0) {
          client.data(
              ids.get(i),
              Arrays.copyOfRange(body, sent[i], sent[i] + length),
              sent[i] + length == body.length);
          sent[i] += length;
          moved = true;
          left -= sent[i] == body.length ? 1 : 0;
        }
      }
      if (!moved) {
        client.read();
      }
    }
    for (int id : ids) {
      assertThat(client.receive(id).header("x-received")).isEqualTo("300000");
    }
  }

  @Test
  void aStreamWhoseBodyNobodyReadsTakesOneWindow() throws Exception {
    var go = new CountDownLatch(1);
    start(exchange ->
        exchange.block(blocked -> {
          go.await();
          blocked.respond(Response.of(200));
        }));
    RawH2Client client = client();
    client.maxStreams();
    int id = client.request("POST", "/", List.of(), false);
    client.data(id, new byte[65_535], false);
    client.frame(RawH2Client.PING, 0, 0, new byte[8]);
    while (client.read() != RawH2Client.PING) {
      // Window updates would come before the answer.
    }
    assertThat(client.room(id)).isZero();
    go.countDown();
    assertThat(client.receive(id).status()).isEqualTo(200);
  }

  @Test
  void aSlowStreamDoesNotSlowTheOthers() throws Exception {
    byte[] body = random(1_000_000);
    start(exchange ->
        exchange.block(blocked -> {
          try (ResponseStream out =
              blocked.startResponse(Response.of(200).contentLength(body.length))) {
            out.write(ByteBuffer.wrap(body));
          }
        }));
    RawH2Client client = client();
    client.granting = false;
    int slow = client.request("GET", "/", List.of(), true);
    while (client.received(slow) < 65_535) {
      client.read();
    }
    client.grant(0, 10_000_000);
    int fast = client.request("GET", "/", List.of(), true);
    client.grant(fast, 10_000_000);
    assertThat(client.receive(fast).body()).isEqualTo(body);
    assertThat(client.received(slow)).isEqualTo(65_535);
    client.grant(slow, 10_000_000);
    assertThat(client.receive(slow).body()).isEqualTo(body);
  }

  @Test
  void aResetEndsTheExchangeAndNothingElse() throws Exception {
    var ended = new CountDownLatch(1);
    var thrown = new LinkedBlockingQueue<Throwable>();
    start(exchange -> {
      if (exchange.path().equals("/kept")) {
        exchange.respond(Response.of(200));
        return;
      }
      exchange.onEnd(ended::countDown);
      exchange.block(blocked -> {
        try {
          blocked.body().drain();
        } catch (Throwable failure) {
          thrown.add(failure);
          throw failure;
        }
      });
    });
    RawH2Client client = client();
    int id = client.request("POST", "/", List.of("content-length: 1000000"), false);
    client.data(id, new byte[50_000], false);
    client.cancel(id);
    assertThat(thrown.poll(10, TimeUnit.SECONDS)).isInstanceOf(ClientGone.class);
    assertThat(ended.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(client.receive(client.request("GET", "/kept", List.of(), true)).status())
        .isEqualTo(200);
  }

  @Test
  void aBodyOfAnotherLengthThanAnnouncedIsNoBody() throws Exception {
    var ended = new Semaphore(0);
    var answered = new AtomicInteger();
    start(exchange -> {
      exchange.onEnd(ended::release);
      exchange.receiveWhole(
          100_000,
          _ -> {
            answered.incrementAndGet();
            exchange.respond(Response.of(200));
          });
    });
    RawH2Client client = client();
    for (int sent : new int[] {3, 5}) {
      int id = client.request("POST", "/", List.of("content-length: 4"), false);
      client.data(id, new byte[sent], true);
      assertThat(client.awaitReset(id)).isEqualTo((int) Http2Error.PROTOCOL_ERROR.code());
    }
    assertThat(ended.tryAcquire(2, 10, TimeUnit.SECONDS)).isTrue();
    assertThat(answered).hasValue(0);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "connection: close",
        "transfer-encoding: chunked",
        "Upper: case",
        "te: gzip",
        "a: b\u0001c"
      })
  void whatHttp2ForbidsIsReset(String field) throws Exception {
    start(exchange -> exchange.respond(Response.of(200)));
    RawH2Client client = client();
    int id = client.request("GET", "/", List.of(field), true);
    assertThat(client.awaitReset(id)).isEqualTo((int) Http2Error.PROTOCOL_ERROR.code());
  }

  @Test
  void whatIsNoRequestIs400() throws Exception {
    start(exchange -> exchange.respond(Response.of(200)));
    RawH2Client client = client();
    for (String path : new String[] {"relative", "http://x/"}) {
      assertThat(client.receive(client.request("GET", path, List.of(), true)).status())
          .isEqualTo(400);
    }
    assertThat(client.receive(client.request("GET", "/", List.of(), true)).status()).isEqualTo(200);
  }

  @Test
  void trailersEndABody() throws Exception {
    start(H2Test::drainAndCount);
    RawH2Client client = client();
    int id = client.request("POST", "/", List.of(), false);
    client.data(id, new byte[10], false);
    // A literal field without an index: name of one character, value of one.
    client.frame(
        RawH2Client.HEADERS,
        RawH2Client.END_HEADERS | RawH2Client.END_STREAM,
        id,
        new byte[] {0, 1, 'x', 1, 'y'});
    assertThat(client.receive(id).header("x-received")).isEqualTo("10");
  }

  // ------------------------------------------------------------------------------------ harm

  @Test
  void rapidResetsEndTheConnection() throws Exception {
    start(exchange -> exchange.onEnd(() -> {}));
    RawH2Client client = client();
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 100_000; i++) {
                client.cancel(client.request("GET", "/", List.of(), true));
              }
            })
        .isInstanceOf(IOException.class);
  }

  @ParameterizedTest
  @ValueSource(ints = {RawH2Client.PING, RawH2Client.SETTINGS, 0xbb})
  void floodsOfControlFramesEndTheConnection(int type) throws Exception {
    start(exchange -> exchange.respond(Response.of(200)));
    RawH2Client client = client();
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 1_000_000; i++) {
                client.frame(type, 0, 0, new byte[type == RawH2Client.PING ? 8 : 0]);
              }
            })
        .isInstanceOf(IOException.class);
  }

  @Test
  void floodsOfContinuationsEndTheConnection() throws Exception {
    start(exchange -> exchange.respond(Response.of(200)));
    RawH2Client client = client();
    client.frame(RawH2Client.HEADERS, 0, 1, new byte[0]);
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 1_000_000; i++) {
                client.frame(RawH2Client.CONTINUATION, 0, 1, new byte[0]);
              }
            })
        .isInstanceOf(IOException.class);
  }

  @Test
  void aHeadThatTricklesInIsGivenUp() throws Exception {
    start(exchange -> exchange.respond(Response.of(200)), timeouts(300, 20_000));
    RawH2Client client = client();
    client.receive(client.request("GET", "/", List.of(), true));
    client.frame(RawH2Client.HEADERS, 0, 3, new byte[] {(byte) 0x82});
    assertThat(client.isClosedByServer()).isTrue();
    assertThat(client.goAway).isEqualTo((int) Http2Error.ENHANCE_YOUR_CALM.code());
  }

  @Test
  void aConnectionThatSaysNothingAfterThePrefaceIsClosed() throws Exception {
    start(exchange -> exchange.respond(Response.of(200)), timeouts(300, 20_000));
    assertThat(client().isClosedByServer()).isTrue();
    try (var raw = new RawClient(server.port())) {
      raw.send("PRI * HTTP/2.0\r\n");
      assertThat(raw.isClosedByServer()).isTrue();
    }
  }

  @Test
  void whatOnlyBeginsLikeThePrefaceIsHttp1() throws Exception {
    start(exchange -> exchange.respond(Response.of(200).header("x-method", exchange.method())));
    try (var raw = new RawClient(server.port())) {
      for (byte each :
          "PRINT / HTTP/1.1\r\n\r\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII)) {
        raw.send(new byte[] {each});
      }
      assertThat(raw.receive().header("x-method")).isEqualTo("PRINT");
    }
  }

  @Test
  void aWindowThatStaysShutEndsItsStreamOnly() throws Exception {
    var ended = new CountDownLatch(1);
    start(
        exchange -> {
          if (exchange.path().equals("/small")) {
            exchange.respond(Response.of(200));
            return;
          }
          exchange.onEnd(ended::countDown);
          exchange.block(blocked -> {
            try (ResponseStream out =
                blocked.startResponse(Response.of(200).contentLength(1_000_000))) {
              out.write(ByteBuffer.allocateDirect(1_000_000));
            }
          });
        },
        timeouts(20_000, 300));
    RawH2Client client = client();
    client.granting = false;
    int shut = client.request("GET", "/", List.of(), true);
    assertThat(client.awaitReset(shut)).isEqualTo((int) Http2Error.CANCEL.code());
    assertThat(ended.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(client.receive(client.request("GET", "/small", List.of(), true)).status())
        .isEqualTo(200);
  }

  @Test
  void aBodyThatNobodyWantsAndNobodyEndsIsReset() throws Exception {
    start(exchange -> exchange.respond(Response.of(200)), timeouts(20_000, 300));
    RawH2Client client = client();
    int id = client.request("POST", "/", List.of(), false);
    assertThat(client.receive(id).status()).isEqualTo(200);
    assertThat(client.awaitReset(id)).isEqualTo((int) Http2Error.NO_ERROR.code());
  }

  @Test
  void streamsOfAllConnectionsTogetherAreLimited() throws Exception {
    var exchanges = new LinkedBlockingQueue<Exchange>();
    start(exchanges::add, config -> config.withMaxConnections(10));
    RawH2Client first = client();
    for (int i = 0; i < 10; i++) {
      first.request("GET", "/", List.of(), true);
    }
    for (int i = 0; i < 10; i++) {
      exchanges.poll(10, TimeUnit.SECONDS);
    }
    RawH2Client second = client();
    int refused = second.request("GET", "/", List.of(), true);
    assertThat(second.awaitReset(refused)).isEqualTo((int) Http2Error.REFUSED_STREAM.code());
  }

  @Test
  void largeHeadsShareTheMemory() throws Exception {
    var held = new LinkedBlockingQueue<Exchange>();
    start(held::add, config -> config.withMemoryLimits(1_100_000, 64 << 20));
    RawH2Client client = client();
    var ids = new ArrayList<Integer>();
    for (int i = 0; i < 5; i++) {
      ids.add(client.request("GET", "/", List.of("x-long: " + "a".repeat(390_000)), true));
    }
    // Two fit; each answer makes room for another.
    for (int i = 0; i < 5; i++) {
      held.poll(10, TimeUnit.SECONDS).respond(Response.of(200));
    }
    for (int id : ids) {
      assertThat(client.receive(id).status()).isEqualTo(200);
    }
    ProtocolTest.awaitBudget(server);
  }

  @Test
  void aStopLetsStreamsFinishAndTakesNoMore() throws Exception {
    var exchanges = new LinkedBlockingQueue<Exchange>();
    start(exchanges::add);
    RawH2Client client = client();
    int running = client.request("GET", "/", List.of(), true);
    Exchange exchange = exchanges.poll(10, TimeUnit.SECONDS);
    var closer = new Thread(server::close);
    closer.start();
    while (client.read() != RawH2Client.GOAWAY) {
      // Settings come first.
    }
    assertThat(client.goAway).isZero();
    client.request("GET", "/late", List.of(), true);
    exchange.respond(Response.of(200).body(random(500_000)));
    assertThat(client.receive(running).body()).hasSize(500_000);
    assertThat(client.isClosedByServer()).isTrue();
    client.close();
    closer.join(10_000);
    assertThat(closer.isAlive()).isFalse();
    assertThat(exchanges).isEmpty();
  }
}
