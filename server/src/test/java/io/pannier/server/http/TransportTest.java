package io.pannier.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.epoll.Epoll;
import io.pannier.model.PannierException;
import io.pannier.model.SystemClock;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The transport over raw sockets, on both of the system's ways to wait for them. */
class TransportTest {
  private HttpServer server;
  private final CountDownLatch aborted = new CountDownLatch(1);

  private void start(HttpServerConfig.Transport transport) {
    Assumptions.assumeTrue(
        transport != HttpServerConfig.Transport.EPOLL || Epoll.isAvailable(), "no epoll here");
    HttpServerConfig config =
        HttpServerConfig.defaults(
                failure ->
                    Response.error(
                        failure instanceof PannierException ? 400 : 500, "" + failure.getMessage()),
                new SystemClock())
            .withAddress("127.0.0.1", 0)
            .withTransport(transport)
            .withTimeouts(
                Duration.ofSeconds(5),
                Duration.ofSeconds(5),
                Duration.ofSeconds(30),
                Duration.ofSeconds(1));
    server = HttpServer.start(config, this::handle);
  }

  @AfterEach
  void stop() {
    if (server != null) {
      server.close();
    }
  }

  /** Echoes in every way the transport knows. */
  private void handle(Exchange exchange) {
    switch (exchange.path()) {
      case "/echo" ->
          exchange.receiveWhole(
              65_536,
              body -> {
                var bytes = new byte[body.remaining()];
                body.get(bytes);
                exchange.respond(Response.of(200).header("x-query", exchange.query()).body(bytes));
              });
      case "/block" ->
          exchange.block(same -> {
            byte[] bytes = same.body().readAll(100_000_000);
            same.respond(Response.of(200).body(bytes));
          });
      case "/stream" ->
          exchange.block(same -> {
            long length = Long.parseLong(same.query());
            try (ResponseStream out = same.startResponse(Response.of(200).contentLength(length))) {
              var piece = ByteBuffer.allocateDirect(65_536);
              for (long at = 0; at < length; at += piece.limit()) {
                piece.clear().limit((int) Math.min(65_536, length - at));
                for (int i = 0; i < piece.limit(); i++) {
                  piece.put(i, (byte) (at + i));
                }
                out.write(piece);
              }
            }
          });
      case "/short" ->
          exchange.block(same -> {
            try (ResponseStream out = same.startResponse(Response.of(200).contentLength(100))) {
              out.write(ByteBuffer.wrap(new byte[10]));
            }
          });
      case "/abort" ->
          exchange.block(same -> {
            try {
              same.body().drain();
            } catch (ClientGone gone) {
              aborted.countDown();
              throw gone;
            }
            same.respond(Response.of(200));
          });
      case "/refuse" -> exchange.respond(Response.error(404, "not here"));
      case "/fail" -> throw new IllegalStateException("a fault of ours");
      case "/empty" -> exchange.respond(Response.error(204, "No content"));
      case "/header" ->
          exchange.respond(
              Response.of(200)
                  .header("x-value", "a\r\nb\u0001ü")
                  .body((exchange.header("x-in") + "").getBytes(StandardCharsets.UTF_8)));
      default ->
          exchange.respond(
              Response.of(200).body(exchange.method().getBytes(StandardCharsets.UTF_8)));
    }
  }

  /** A raw connection. */
  private final class Wire implements AutoCloseable {
    final Socket socket;
    final InputStream in;

    Wire() throws IOException {
      socket = new Socket("127.0.0.1", server.port());
      socket.setSoTimeout(20_000);
      in = socket.getInputStream();
    }

    Wire send(String text) throws IOException {
      return send(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    Wire send(byte[] bytes) throws IOException {
      socket.getOutputStream().write(bytes);
      socket.getOutputStream().flush();
      return this;
    }

    String head() throws IOException {
      var out = new ByteArrayOutputStream();
      for (int b = in.read(); b >= 0; b = in.read()) {
        out.write(b);
        if (out.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
          break;
        }
      }
      return out.toString(StandardCharsets.ISO_8859_1);
    }

    Answer answer() throws IOException {
      String head = head();
      int length = 0;
      int at = head.indexOf("\r\ncontent-length: ");
      if (at >= 0) {
        length = Integer.parseInt(head.substring(at + 18, head.indexOf('\r', at + 2)));
      }
      return new Answer(head, new String(in.readNBytes(length), StandardCharsets.ISO_8859_1));
    }

    boolean isClosed() throws IOException {
      return in.read() < 0;
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  private record Answer(String head, String body) {
    int status() {
      return Integer.parseInt(head.substring(9, 12));
    }
  }

  private static String post(String path, String body) {
    return "POST "
        + path
        + " HTTP/1.1\r\nhost: x\r\ncontent-length: "
        + body.length()
        + "\r\n\r\n"
        + body;
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void keepsTheConnectionAndTheHeaders(HttpServerConfig.Transport transport) throws IOException {
    start(transport);
    try (var wire = new Wire()) {
      Answer first = wire.send(post("/echo?a=1", "hello")).answer();
      assertThat(first.status()).isEqualTo(200);
      assertThat(first.body()).isEqualTo("hello");
      assertThat(first.head())
          .startsWith(
              "HTTP/1.1 200 OK\r\nx-query: a=1\r\nserver: ReductStore 1.21.5\r\nx-reduct-api: 1.21\r\n")
          .contains(
              "\r\nvary: origin\r\n", "\r\naccess-control-expose-headers: *\r\n", "\r\ndate: ");
      assertThat(wire.send(post("/echo", "again")).answer().body()).isEqualTo("again");
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void answersPipelinedRequestsInOrder(HttpServerConfig.Transport transport) throws IOException {
    start(transport);
    try (var wire = new Wire()) {
      var all = new StringBuilder();
      for (int i = 0; i < 50; i++) {
        all.append(post(i % 3 == 0 ? "/block" : "/echo", "body " + i));
      }
      wire.send(all.toString());
      for (int i = 0; i < 50; i++) {
        assertThat(wire.answer().body()).isEqualTo("body " + i);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void takesRequestsByteByByte(HttpServerConfig.Transport transport) throws IOException {
    start(transport);
    try (var wire = new Wire()) {
      wire.socket.setTcpNoDelay(true);
      for (byte b :
          (post("/echo", "slow") + post("/block", "slower"))
              .getBytes(StandardCharsets.ISO_8859_1)) {
        wire.send(new byte[] {b});
      }
      assertThat(wire.answer().body()).isEqualTo("slow");
      assertThat(wire.answer().body()).isEqualTo("slower");
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void takesChunkedBodies(HttpServerConfig.Transport transport) throws IOException {
    start(transport);
    String chunked =
        " HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nx-trailer: 1\r\n\r\n";
    try (var wire = new Wire()) {
      assertThat(wire.send("POST /echo" + chunked).answer().body()).isEqualTo("hello world");
      assertThat(wire.send("POST /block" + chunked).answer().body()).isEqualTo("hello world");
      wire.send(
          "POST /block HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n");
      assertThat(wire.answer().status()).isEqualTo(400);
      assertThat(wire.isClosed()).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void asksForABodyOnlyWhenItIsWanted(HttpServerConfig.Transport transport) throws IOException {
    start(transport);
    for (String path : List.of("/echo", "/block")) {
      try (var wire = new Wire()) {
        wire.send(
            "POST "
                + path
                + " HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n");
        assertThat(wire.head()).isEqualTo("HTTP/1.1 100 Continue\r\n\r\n");
        assertThat(wire.send("hello").answer().body()).isEqualTo("hello");
      }
    }
    try (var wire = new Wire()) {
      wire.send(
          "POST /refuse HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n");
      Answer refused = wire.answer();
      assertThat(refused.status()).isEqualTo(404);
      assertThat(refused.head()).contains("\r\nconnection: close\r\n");
      assertThat(wire.isClosed()).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void answersAnErrorWithoutTheBodyAndGoesOn(HttpServerConfig.Transport transport)
      throws IOException {
    start(transport);
    try (var wire = new Wire()) {
      wire.send(post("/refuse", "x".repeat(3_000_000)));
      assertThat(wire.answer().body()).isEqualTo("{\"detail\": \"not here\"}");
      assertThat(wire.send(post("/echo", "next")).answer().body()).isEqualTo("next");
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void limitsHeaders(HttpServerConfig.Transport transport) throws IOException {
    start(transport);
    try (var wire = new Wire()) {
      var fits = new StringBuilder("GET /x HTTP/1.1\r\n");
      for (int i = 0; i < 100; i++) {
        fits.append("x-").append(i).append(": 1\r\n");
      }
      assertThat(wire.send(fits + "\r\n").answer().status()).isEqualTo(200);
      assertThat(wire.send(fits + "x-more: 1\r\n\r\n").answer().status()).isEqualTo(431);
      assertThat(wire.isClosed()).isTrue();
    }
    try (var wire = new Wire()) {
      wire.send("GET /x HTTP/1.1\r\nx-long: " + "y".repeat(500_000) + "\r\n\r\n");
      assertThat(wire.answer().status()).isEqualTo(200);
    }
    try (var wire = new Wire()) {
      wire.send("GET /x HTTP/1.1\r\nx-long: " + "y".repeat(513_000));
      assertThat(wire.answer().status()).isEqualTo(431);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void refusesWhatIsNotHttp(HttpServerConfig.Transport transport) throws IOException {
    start(transport);
    for (String bad :
        List.of(
            "nonsense\r\n\r\n",
            "GET /x HTTP/1.1\r\nbad header\r\n\r\n",
            "POST /echo HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
            "POST /echo HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")) {
      try (var wire = new Wire()) {
        assertThat(wire.send(bad).answer().status()).as(bad).isEqualTo(400);
        assertThat(wire.isClosed()).isTrue();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void streamsWithoutLossToASlowReader(HttpServerConfig.Transport transport) throws IOException {
    start(transport);
    try (var wire = new Wire()) {
      wire.send("GET /stream?20000003 HTTP/1.1\r\nhost: x\r\n\r\n");
      assertThat(wire.head()).contains("content-length: 20000003");
      var buffer = new byte[10_000];
      long at = 0;
      while (at < 20_000_003) {
        int got = wire.in.read(buffer, 0, (int) Math.min(buffer.length, 20_000_003 - at));
        for (int i = 0; i < got; i++) {
          assertThat(buffer[i]).isEqualTo((byte) (at + i));
        }
        at += got;
      }
      assertThat(wire.send(post("/echo", "after")).answer().body()).isEqualTo("after");
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void cutsAnAnswerThatIsTooShort(HttpServerConfig.Transport transport) throws IOException {
    start(transport);
    try (var wire = new Wire()) {
      wire.send("GET /short HTTP/1.1\r\nhost: x\r\n\r\n");
      wire.head();
      assertThat(wire.in.readAllBytes().length).isLessThan(100);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void tellsTheHandlerThatTheClientIsGone(HttpServerConfig.Transport transport)
      throws IOException, InterruptedException {
    start(transport);
    try (var wire = new Wire()) {
      wire.send("POST /abort HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\nsome");
    }
    assertThat(aborted.await(20, TimeUnit.SECONDS)).isTrue();
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void answersHeadFailureAndNoContentByTheBook(HttpServerConfig.Transport transport)
      throws IOException {
    start(transport);
    try (var wire = new Wire()) {
      wire.send("HEAD /x HTTP/1.1\r\nhost: x\r\n\r\n");
      assertThat(wire.head()).contains("content-length: 4");
      wire.send("GET /empty HTTP/1.1\r\nhost: x\r\n\r\n");
      assertThat(wire.head())
          .startsWith("HTTP/1.1 204 ")
          .contains("x-reduct-error: No content")
          .doesNotContain("length");
      wire.send("GET /fail HTTP/1.1\r\nhost: x\r\n\r\n");
      assertThat(wire.answer().status()).isEqualTo(500);
      wire.send("GET /header HTTP/1.1\r\nhost: x\r\nX-In: gr\u00c3\u00bcn\r\n\r\n");
      Answer header = wire.answer();
      assertThat(header.head()).contains("x-value: a  b \u00c3\u00bc\r\n");
      assertThat(header.body()).isEqualTo("gr\u00c3\u00bcn");
      wire.send("GET /x HTTP/1.0\r\n\r\n");
      assertThat(wire.answer().status()).isEqualTo(200);
      assertThat(wire.isClosed()).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPOLL", "NIO"})
  void servesManyConnectionsOfWhichHalfAreIdle(HttpServerConfig.Transport transport)
      throws IOException {
    start(transport);
    var wires = new ArrayList<Wire>();
    try {
      for (int i = 0; i < 400; i++) {
        wires.add(new Wire());
      }
      for (int i = 0; i < 400; i += 2) {
        wires.get(i).send(post(i % 4 == 0 ? "/echo" : "/block", "number " + i));
      }
      for (int i = 0; i < 400; i += 2) {
        assertThat(wires.get(i).answer().body()).isEqualTo("number " + i);
      }
    } finally {
      for (Wire wire : wires) {
        wire.close();
      }
    }
  }
}
