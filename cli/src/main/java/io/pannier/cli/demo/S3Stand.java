package io.pannier.cli.demo;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A stand-in for an S3 server where no other one is at hand: objects are files of a folder, and
 * what Pannier asks of S3 is answered, conditional puts included. It listens on this machine only
 * and believes every signature: for demonstrations and trials, not for data.
 */
final class S3Stand implements AutoCloseable {
  private final HttpServer server;
  private final ExecutorService workers;
  private final Path folder;
  private final AtomicLong requests = new AtomicLong();

  private S3Stand(HttpServer server, ExecutorService workers, Path folder) {
    this.server = server;
    this.workers = workers;
    this.folder = folder;
  }

  /**
   * Listens.
   *
   * @param folder of the objects; made when it is missing
   * @param port on this machine; 0 for any free one
   */
  static S3Stand start(Path folder, int port) throws IOException {
    Files.createDirectories(folder);
    var server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 64);
    ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor();
    var stand = new S3Stand(server, workers, folder);
    server.setExecutor(workers);
    server.createContext("/", stand::handle);
    server.start();
    return stand;
  }

  /** Where it is. */
  URI endpoint() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  /** Requests so far. */
  long requests() {
    return requests.get();
  }

  /** A refusal in the form of S3. */
  private static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;
    final int status;
    final String code;

    Refused(int status, String code, String message) {
      super(message, null, false, false);
      this.status = status;
      this.code = code;
    }
  }

  private void handle(HttpExchange exchange) throws IOException {
    requests.incrementAndGet();
    try (exchange) {
      try {
        serve(exchange);
      } catch (Refused refused) {
        byte[] text =
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>%s</Code><Message>%s</Message></Error>"
                .formatted(refused.code, refused.getMessage())
                .getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("content-type", "application/xml");
        boolean withBody = !exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(refused.status, withBody ? text.length : -1);
        if (withBody) {
          exchange.getResponseBody().write(text);
        }
      }
    }
  }

  private void serve(HttpExchange exchange) throws IOException, Refused {
    String path = exchange.getRequestURI().getPath().substring(1);
    int slash = path.indexOf('/');
    String bucket = slash < 0 ? path : path.substring(0, slash);
    String key = slash < 0 ? "" : path.substring(slash + 1);
    String method = exchange.getRequestMethod();
    byte[] body = body(exchange);
    if (bucket.isEmpty() || bucket.startsWith(".")) {
      throw new Refused(400, "InvalidBucketName", "no bucket is named");
    }
    Path objects = folder.resolve(bucket);
    if (key.isEmpty() && method.equals("PUT")) {
      Files.createDirectories(objects);
      answer(exchange, 200, new byte[0]);
      return;
    }
    if (!Files.isDirectory(objects)) {
      throw new Refused(404, "NoSuchBucket", "there is no bucket " + bucket);
    }
    if (key.isEmpty()) {
      answer(exchange, 200, list(objects, bucket, query(exchange)));
      return;
    }
    Path object = objects.resolve(URLEncoder.encode(key, StandardCharsets.UTF_8));
    switch (method) {
      case "PUT" -> put(exchange, object, body);
      case "GET", "HEAD" -> get(exchange, object);
      case "DELETE" -> {
        Files.deleteIfExists(object);
        answer(exchange, 204, new byte[0]);
      }
      default -> throw new Refused(405, "MethodNotAllowed", method + " is not served");
    }
  }

  /** The body, freed of the frames that Amazon's clients put around the pieces of a stream. */
  private static byte[] body(HttpExchange exchange) throws IOException, Refused {
    byte[] raw;
    try (InputStream in = exchange.getRequestBody()) {
      raw = in.readAllBytes();
    }
    String hash = exchange.getRequestHeaders().getFirst("x-amz-content-sha256");
    if (hash == null || !hash.startsWith("STREAMING-")) {
      return raw;
    }
    var whole = new java.io.ByteArrayOutputStream(raw.length);
    for (int at = 0; ; ) {
      int end = at;
      while (end < raw.length && raw[end] != '\n') {
        end++;
      }
      String line = new String(raw, at, end - at, StandardCharsets.US_ASCII).strip();
      int semicolon = line.indexOf(';');
      int length;
      try {
        length = Integer.parseInt(semicolon < 0 ? line : line.substring(0, semicolon), 16);
      } catch (NumberFormatException odd) {
        throw new Refused(400, "IncompleteBody", "the frames of the body make no sense");
      }
      if (length == 0) {
        return whole.toByteArray();
      }
      if (end + 1 + length > raw.length) {
        throw new Refused(400, "IncompleteBody", "the body ends too early");
      }
      whole.write(raw, end + 1, length);
      at = end + 1 + length + 2;
    }
  }

  private static Map<String, String> query(HttpExchange exchange) {
    var found = new HashMap<String, String>();
    String raw = exchange.getRequestURI().getRawQuery();
    if (raw != null) {
      for (String part : raw.split("&", -1)) {
        int equals = part.indexOf('=');
        found.put(
            equals < 0 ? part : part.substring(0, equals),
            equals < 0
                ? ""
                : URLDecoder.decode(part.substring(equals + 1), StandardCharsets.UTF_8));
      }
    }
    return found;
  }

  private static @Nullable String tag(Path object) throws IOException {
    try {
      return '"' + Api.sha256(Files.readAllBytes(object)).substring(0, 32) + '"';
    } catch (NoSuchFileException missing) {
      return null;
    }
  }

  private synchronized void put(HttpExchange exchange, Path object, byte[] body)
      throws IOException, Refused {
    Headers headers = exchange.getRequestHeaders();
    String match = headers.getFirst("if-match");
    if (match != null || headers.getFirst("if-none-match") != null) {
      String there = tag(object);
      if (match != null && there == null) {
        throw new Refused(404, "NoSuchKey", "there is no such object");
      }
      if (match != null ? !match.equals(there) : there != null) {
        throw new Refused(412, "PreconditionFailed", "the object is another one");
      }
    }
    Path fresh = object.resolveSibling(".new");
    Files.write(fresh, body);
    Files.move(fresh, object, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    exchange.getResponseHeaders().set("etag", String.valueOf(tag(object)));
    answer(exchange, 200, new byte[0]);
  }

  private static void get(HttpExchange exchange, Path object) throws IOException, Refused {
    byte[] content;
    try {
      content = Files.readAllBytes(object);
    } catch (NoSuchFileException missing) {
      throw new Refused(404, "NoSuchKey", "there is no such object");
    }
    Headers answer = exchange.getResponseHeaders();
    answer.set("etag", '"' + Api.sha256(content).substring(0, 32) + '"');
    String range = exchange.getRequestHeaders().getFirst("range");
    if (range == null) {
      answer(exchange, 200, content);
      return;
    }
    String[] ends = range.replace("bytes=", "").split("-", -1);
    int from = Integer.parseInt(ends[0]);
    int to = ends[1].isEmpty() ? content.length - 1 : Integer.parseInt(ends[1]);
    to = Math.min(to, content.length - 1);
    if (from > to) {
      throw new Refused(416, "InvalidRange", "the object ends before");
    }
    answer.set("content-range", "bytes " + from + "-" + to + "/" + content.length);
    answer(exchange, 206, java.util.Arrays.copyOfRange(content, from, to + 1));
  }

  private static byte[] list(Path objects, String bucket, Map<String, String> query)
      throws IOException {
    String prefix = query.getOrDefault("prefix", "");
    String after = query.getOrDefault("start-after", "");
    int most = Integer.parseInt(query.getOrDefault("max-keys", "1000"));
    List<String> keys = new ArrayList<>();
    try (Stream<Path> files = Files.list(objects)) {
      files
          .map(file -> file.getFileName().toString())
          .filter(name -> !name.startsWith("."))
          .map(name -> URLDecoder.decode(name, StandardCharsets.UTF_8))
          .filter(key -> key.startsWith(prefix) && key.compareTo(after) > 0)
          .sorted()
          .forEach(keys::add);
    }
    boolean isTruncated = keys.size() > most;
    var text = new StringBuilder("<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult>");
    text.append("<Name>").append(bucket).append("</Name>");
    text.append("<IsTruncated>").append(isTruncated).append("</IsTruncated>");
    for (String key : keys.subList(0, Math.min(most, keys.size()))) {
      text.append("<Contents><Key>").append(key).append("</Key></Contents>");
    }
    return text.append("</ListBucketResult>").toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void answer(HttpExchange exchange, int status, byte[] body) throws IOException {
    boolean isHead = exchange.getRequestMethod().equals("HEAD");
    exchange.sendResponseHeaders(status, isHead || body.length == 0 ? -1 : body.length);
    if (!isHead && body.length > 0) {
      exchange.getResponseBody().write(body);
    }
  }

  @Override
  public void close() {
    server.stop(0);
    workers.close();
  }
}
