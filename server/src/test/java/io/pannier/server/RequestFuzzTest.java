package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.util.internal.PlatformDependent;
import io.pannier.query.ReadLimits;
import io.pannier.server.http.Leaks;
import io.pannier.store.Mutations;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Bytes that are not, or not quite, what a client sends: each connection is answered or closed
 * within the server's own time limits, no answer is a 500 or shows what goes on inside, nothing
 * stays behind, and the next request is answered as ever.
 *
 * <p>Inputs are {@code fuzz/http1/*} and {@code fuzz/http2/*}, real requests and everything that
 * was a finding once, with random changes ({@link Mutations}). {@code -Dpannier.fuzz.seed} and
 * {@code -Dpannier.fuzz.seconds} choose what the slow test does; a failing input is written to
 * {@code target/fuzz/}.
 */
class RequestFuzzTest extends ApiFixture {
  private static final Path SEEDS = Path.of("src/test/resources/fuzz");
  private static final int AT_ONCE = 48;

  /** What a server may hold of its own besides what it held before: arenas, and their caches. */
  private static final long DIRECT_MAX = 64L << 20;

  private static final List<byte[]> WORDS =
      Mutations.words(
          "\r\n",
          "\r\n\r\n",
          "0\r\n\r\n",
          "ffffffffffffffff\r\n",
          "transfer-encoding: chunked\r\n",
          "content-length: 5\r\n",
          "content-length: 18446744073709551616\r\n",
          "expect: 100-continue\r\n",
          "content-encoding: zstd\r\n",
          "content-encoding: gzip\r\n",
          "connection: close\r\n",
          "x-reduct-time-1: 5,text/plain,a=b\r\n",
          "x-reduct-0-1: 5,,0=\"\r\n",
          "x-reduct-labels: a,%zz,\r\n",
          "x-reduct-entries: a,,b\r\n",
          "range: bytes=-1\r\n",
          "HTTP/1.0",
          "HTTP/2.0",
          "GET /api/v1/alive HTTP/1.1\r\n\r\n",
          "%2F",
          "%00",
          "%",
          "$meta",
          "/",
          "?ts=",
          "&",
          "=",
          "\"",
          "\\u0000",
          "{",
          "[",
          "[[[[[[[[",
          "}",
          "null",
          "1e999",
          "-0.0",
          "\"$each_n\":0,",
          "{\"$limit\":",
          "\u00ff\u00fe",
          "\u0000");

  @Override
  ServerConfig configure(ServerConfig usual) {
    return usual
        .withIo(
            new IoLimits(8_000_000, 85, 512_000, new ReadLimits(200_000_000, 100_000_000), 300, 0))
        .withPatience(
            new ServerConfig.Patience(
                Duration.ofMillis(300), Duration.ofMillis(200), 0, Duration.ofSeconds(5)));
  }

  private long directBefore;
  private String queryV1;
  private String queryV2;

  @BeforeEach
  void prepare() throws IOException {
    Leaks.watchAll(true);
    directBefore = PlatformDependent.usedDirectMemory();
    bucket = "fuzz";
    fresh("POST", "b/fuzz", "");
    for (int time = 1; time < 10; time++) {
      fresh("POST", "b/fuzz/e?ts=" + time, "body " + time);
    }
    queryV1 = fresh("POST", "b/fuzz/e/q", "{\"query_type\":\"QUERY\"}").replaceAll("[^0-9]", "");
    queryV2 = fresh("POST", "io/fuzz/q", "{\"query_type\":\"QUERY\"}").replaceAll("[^0-9]", "");
  }

  @AfterEach
  void stopWatching() {
    Leaks.watchAll(false);
  }

  /** A request on a connection of its own: this server does not keep any for long. */
  private String fresh(String method, String path, String body) throws IOException {
    try (var own = new Wire(server.port())) {
      Wire.Answer answer = own.send(request(method, path).body(body));
      assertThat(answer.status()).as(method + " " + path).isEqualTo(200);
      return answer.text();
    }
  }

  // ---------------------------------------------------------------- inputs

  private Map<String, byte[]> seeds(String kind) throws IOException {
    var seeds = new TreeMap<String, byte[]>();
    try (var files = Files.list(SEEDS.resolve(kind))) {
      for (Path file : files.toList()) {
        String text =
            new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1)
                .replace("QUERYV1", queryV1)
                .replace("QUERYV2", queryV2);
        seeds.put(kind + "/" + file.getFileName(), text.getBytes(StandardCharsets.ISO_8859_1));
      }
    }
    return seeds;
  }

  private static byte[] changed(byte[] input, boolean isHttp2, Mutations mutations) {
    return isHttp2 && mutations.next(3) > 0
        ? changedFrames(input, mutations)
        : mutations.mutate(input);
  }

  /** Frames with other contents, and lengths that fit: left out, doubled, in another order. */
  private static byte[] changedFrames(byte[] input, Mutations mutations) {
    int preface = 24;
    var frames = new ArrayList<byte[]>();
    ByteBuffer in = ByteBuffer.wrap(input);
    for (int at = Math.min(preface, input.length); at + 9 <= input.length; ) {
      int end = Math.min(input.length, at + 9 + (in.getInt(at) >>> 8));
      frames.add(Arrays.copyOfRange(input, at, end));
      at = end;
    }
    for (int left = 1 + mutations.next(4); left > 0 && !frames.isEmpty(); left--) {
      int at = mutations.next(frames.size());
      byte[] frame = frames.get(at);
      switch (mutations.next(5)) {
        case 0 -> frames.remove(at);
        case 1 -> frames.add(mutations.next(frames.size()), frame);
        case 2 -> {
          for (int i = 0; i < 1 << mutations.next(10); i++) {
            frames.add(at, frame);
          }
        }
        default -> {
          byte[] payload = mutations.mutate(Arrays.copyOfRange(frame, 9, frame.length));
          byte[] head = Arrays.copyOf(frame, 9);
          if (mutations.next(4) == 0) {
            head[3 + mutations.next(6)] = (byte) mutations.next(256);
          }
          var whole = new ByteArrayOutputStream();
          whole.writeBytes(head);
          whole.writeBytes(payload);
          byte[] made = whole.toByteArray();
          made[0] = (byte) (payload.length >> 16);
          made[1] = (byte) (payload.length >> 8);
          made[2] = (byte) payload.length;
          frames.set(at, made);
        }
      }
    }
    var out = new ByteArrayOutputStream();
    out.write(input, 0, Math.min(preface, input.length));
    frames.forEach(out::writeBytes);
    return out.toByteArray();
  }

  // ---------------------------------------------------------------- what must hold

  /** Sends the input and waits for the end of the connection, which must be the server's doing. */
  private void check(byte[] input, boolean isHttp2) throws IOException {
    var answers = new ByteArrayOutputStream();
    try (var socket = new Socket("127.0.0.1", server.port())) {
      socket.setSoTimeout(15_000);
      InputStream in = socket.getInputStream();
      try {
        socket.getOutputStream().write(input);
        in.transferTo(answers);
      } catch (SocketTimeoutException hangs) {
        throw new AssertionError("neither answered nor closed, after " + answers, hangs);
      } catch (SocketException reset) {
        // Closed before everything was read.
      }
    }
    String text = answers.toString(StandardCharsets.ISO_8859_1);
    assertThat(text)
        .doesNotContain("Internal server error", "Exception", "java.", "\tat ", "io.pannier")
        .doesNotContain("HTTP/1.1 500", "HTTP/1.0 500");
    if (!isHttp2 && !text.isEmpty() && text.startsWith("HTTP/1")) {
      assertThat(text).matches("(?s)HTTP/1\\.1 [1-5][0-9][0-9] .*");
    }
  }

  private void checkAll(List<byte[]> inputs, List<String> names) throws Exception {
    try (var threads = Executors.newFixedThreadPool(AT_ONCE)) {
      var running = new ArrayList<Future<?>>();
      for (int i = 0; i < inputs.size(); i++) {
        byte[] input = inputs.get(i);
        boolean isHttp2 = names.get(i).startsWith("http2");
        running.add(
            threads.submit(() -> {
              check(input, isHttp2);
              return null;
            }));
      }
      for (int i = 0; i < inputs.size(); i++) {
        try {
          running.get(i).get();
        } catch (ExecutionException failed) {
          threads.shutdownNow();
          Path folder = Files.createDirectories(Path.of("target/fuzz"));
          Path file = folder.resolve(names.get(i).replaceAll("[^0-9a-z]+", "-"));
          Files.write(file, inputs.get(i));
          throw new AssertionError(
              "input " + names.get(i) + ", written to " + file, failed.getCause());
        }
      }
    }
  }

  private void checkAfterwards() throws Exception {
    fresh("GET", "alive", "");
    try (var own = new Wire(server.port())) {
      assertThat(own.send(request("POST", "b/after").body("{}")).status()).isIn(200, 409);
    }
    // Leaks are found when a buffer that was collected is missed by the next one.
    for (int i = 0; i < 5; i++) {
      System.gc();
      Unpooled.directBuffer(8).release();
      fresh("GET", "alive", "");
    }
    assertThat(Leaks.found()).isEmpty();
    assertThat(PlatformDependent.usedDirectMemory() - directBefore).isLessThan(DIRECT_MAX);
  }

  private void run(long seed, long inputsMax, long untilNanos) throws Exception {
    var names = new ArrayList<String>();
    var seeds = new ArrayList<byte[]>();
    for (String kind : List.of("http1", "http2")) {
      seeds(kind)
          .forEach((name, bytes) -> {
            names.add(name);
            seeds.add(bytes);
          });
    }
    for (long number = 0; number < inputsMax && System.nanoTime() < untilNanos; ) {
      var inputs = new ArrayList<byte[]>();
      var told = new ArrayList<String>();
      for (int i = 0; i < 500 && number < inputsMax; i++, number++) {
        var mutations = new Mutations(seed * 1_000_003 + number, WORDS);
        int which = mutations.next(seeds.size());
        inputs.add(changed(seeds.get(which), names.get(which).startsWith("http2"), mutations));
        told.add(names.get(which) + " seed " + seed + " " + number);
      }
      checkAll(inputs, told);
    }
    checkAfterwards();
  }

  @Test
  void everySeedAndFindingIsAnswered() throws Exception {
    for (String kind : List.of("http1", "http2")) {
      Map<String, byte[]> seeds = seeds(kind);
      checkAll(List.copyOf(seeds.values()), List.copyOf(seeds.keySet()));
    }
    checkAfterwards();
  }

  @Test
  void changedRequestsAreAnsweredOrRefused() throws Exception {
    run(1, 300, Long.MAX_VALUE);
  }

  @Test
  @Tag("slow")
  @Timeout(900)
  void moreChangedRequestsAreAnsweredOrRefused() throws Exception {
    long seed = Long.getLong("pannier.fuzz.seed", System.nanoTime() & 0xfff_ffff);
    long seconds = Long.getLong("pannier.fuzz.seconds", 150);
    System.out.println("-Dpannier.fuzz.seed=" + seed);
    run(seed, Long.MAX_VALUE, System.nanoTime() + seconds * 1_000_000_000);
  }
}
