package io.pannier.client;

import io.pannier.model.Clock;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;

/**
 * One connection, for one request after the other (HTTP/1.1). One thread at a time; {@link
 * #closeIfStalled} and {@link #close} from any.
 */
final class HttpLink implements AutoCloseable {
  private static final int BUFFER = 64 * 1024;
  private static final int LINE_MAX = 1 << 20;
  private static final int HEADERS_MAX = 4096;

  /** No answer that we ask for is longer. */
  private static final int BODY_MAX = 16 << 20;

  private final Clock clock;
  private final Throttle throttle;
  private final Socket socket;
  private final InputStream in;
  private final OutputStream out;
  private final String host;

  /** When the last byte moved; 0 while no request is under way. */
  private volatile long movedNanos;

  private boolean reusable = true;
  private boolean answerBegan;
  private int served;

  private HttpLink(ClientOptions options, Socket socket, String host) throws IOException {
    clock = options.clock();
    throttle = options.throttle();
    this.socket = socket;
    this.host = host;
    in = new BufferedInputStream(socket.getInputStream(), BUFFER);
    out = new BufferedOutputStream(new Watched(socket.getOutputStream()), BUFFER);
  }

  /** Connects. */
  static HttpLink open(ClientOptions options) {
    URI base = options.base();
    boolean secure = "https".equalsIgnoreCase(base.getScheme());
    int port = base.getPort() >= 0 ? base.getPort() : secure ? 443 : 80;
    Socket socket = new Socket();
    boolean opened = false;
    try {
      socket.connect(
          new InetSocketAddress(unbracketed(base.getHost()), port), options.connectMillis());
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(options.stallMillis());
      if (secure) {
        socket = secured(options, socket, port);
      }
      var link = new HttpLink(options, socket, base.getRawAuthority());
      opened = true;
      return link;
    } catch (IOException failed) {
      throw new ClientException.Unreachable(
          "Cannot connect to " + base.getHost() + ":" + port + ": " + why(failed), failed);
    } finally {
      if (!opened) {
        closeQuietly(socket);
      }
    }
  }

  /** In words for who has to mend it. */
  private static String why(IOException failed) {
    String text = failed.getMessage();
    return switch (failed) {
      case UnknownHostException _ -> "host name is not known";
      case SSLHandshakeException _ -> "certificate was not accepted: " + text;
      case SSLException _ -> "TLS failed, perhaps it is no HTTPS port: " + text;
      case IOException _ -> text == null ? failed.getClass().getSimpleName() : text;
    };
  }

  private static String unbracketed(String host) {
    return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
  }

  private static Socket secured(ClientOptions options, Socket plain, int port) throws IOException {
    SSLSocket socket =
        (SSLSocket)
            options.tls().sockets().createSocket(plain, options.base().getHost(), port, true);
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setApplicationProtocols(new String[] {"http/1.1"});
    if (options.tls().verifies()) {
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
    }
    socket.setSSLParameters(parameters);
    socket.startHandshake();
    return socket;
  }

  /** Whether another request may follow. */
  boolean isReusable() {
    return reusable && !socket.isClosed();
  }

  /** Whether it has answered a request before. */
  boolean isUsed() {
    return served > 0;
  }

  /** Whether anything of the answer to the last request came. */
  boolean answerBegan() {
    return answerBegan;
  }

  /**
   * Sends a request and reads its answer.
   *
   * @throws ClientException when there is none; the link is closed then
   */
  HttpAnswer send(HttpRequest request) {
    reusable = false;
    answerBegan = false;
    moved();
    boolean done = false;
    try {
      IOException broken = null;
      try {
        write(request);
      } catch (SocketTimeoutException stalled) {
        throw stalled;
      } catch (IOException failed) {
        // Who refuses a request may answer before it has read the body, and hang up.
        broken = failed;
      }
      HttpAnswer answer = read(request.method.equals("HEAD"));
      served++;
      if (broken != null) {
        reusable = false;
      }
      done = reusable;
      return answer;
    } catch (IOException failed) {
      throw failure(failed);
    } finally {
      movedNanos = 0;
      if (!done) {
        close();
      }
    }
  }

  /**
   * Sends a request and reads the head of its answer. Until the body of the reply is at its end the
   * link is taken.
   *
   * @throws ClientException when there is none; the link is closed then
   */
  HttpReply begin(HttpRequest request) {
    reusable = false;
    answerBegan = false;
    moved();
    boolean done = false;
    try {
      boolean sent = false;
      IOException broken = null;
      try {
        write(request);
        sent = true;
      } catch (SocketTimeoutException stalled) {
        throw stalled;
      } catch (IOException failed) {
        broken = failed;
      }
      HttpReply reply;
      try {
        reply = head(request.method.equals("HEAD"), sent);
      } catch (IOException none) {
        throw broken == null ? none : broken;
      }
      served++;
      done = true;
      return reply;
    } catch (IOException failed) {
      throw failure(failed);
    } finally {
      movedNanos = 0;
      if (!done) {
        close();
      }
    }
  }

  private HttpReply head(boolean isHead, boolean sent) throws IOException {
    for (; ; ) {
      String line = line();
      answerBegan = true;
      int status = status(line);
      Map<String, List<String>> headers = headers();
      if (status >= 200) {
        boolean without = isHead || status == 204 || status == 304;
        boolean keeps = sent && keepsAlive(line, headers) && reusable(without, headers);
        return new HttpReply(
            status, headers, ReplyBody.of(in, headers, without, () -> ended(keeps)));
      }
    }
  }

  /** The body of an answer is at its end. */
  private void ended(boolean keeps) {
    reusable = keeps;
    if (!keeps) {
      close();
    }
  }

  /** What a failure of the connection means. */
  ClientException failure(IOException failed) {
    if (failed instanceof SocketTimeoutException) {
      return new ClientException.TimedOut("No answer from " + host + " in time");
    }
    String why = failed.getMessage();
    return new ClientException.Broken(
        "Connection to " + host + " ended: " + (why == null ? "it was closed" : why), failed);
  }

  /**
   * Whether the other side has hung up meanwhile, which an idle connection does not tell itself.
   */
  boolean wasClosed() {
    try {
      int usual = socket.getSoTimeout();
      socket.setSoTimeout(1);
      try {
        // Between two answers nothing may come but the end.
        in.read();
        return true;
      } catch (SocketTimeoutException silent) {
        socket.setSoTimeout(usual);
        return false;
      }
    } catch (IOException failed) {
      return true;
    }
  }

  private void write(HttpRequest request) throws IOException {
    var head = new StringBuilder(512);
    head.append(request.method).append(' ').append(request.target).append(" HTTP/1.1\r\n");
    head.append("host: ").append(host).append("\r\n");
    for (String header : request.headers) {
      head.append(header).append("\r\n");
    }
    if (request.isCoded()) {
      head.append("content-encoding: ").append(request.codingName()).append("\r\n");
      head.append("x-reduct-content-length: ").append(request.body.length()).append("\r\n");
      head.append("transfer-encoding: chunked\r\n");
    } else if (request.body.length() > 0
        || !(request.method.equals("GET") || request.method.equals("HEAD"))) {
      head.append("content-length: ").append(request.body.length()).append("\r\n");
    }
    head.append("\r\n");
    out.write(head.toString().getBytes(StandardCharsets.UTF_8));
    if (request.isCoded()) {
      var chunks = new Chunks(out);
      try (OutputStream coded = request.coding.over(chunks)) {
        request.body.writeTo(coded);
      }
      chunks.end();
    } else if (request.body.length() > 0) {
      request.body.writeTo(out);
    }
    out.flush();
  }

  private HttpAnswer read(boolean isHead) throws IOException {
    for (; ; ) {
      String line = line();
      answerBegan = true;
      int status = status(line);
      Map<String, List<String>> headers = headers();
      if (status >= 100 && status < 200) {
        continue;
      }
      boolean without = isHead || status == 204 || status == 304;
      if (!without) {
        passBody(headers);
      }
      reusable = keepsAlive(line, headers) && reusable(without, headers);
      return new HttpAnswer(status, headers);
    }
  }

  private static int status(String line) throws IOException {
    if (!line.startsWith("HTTP/1.") || line.length() < 12) {
      throw new IOException("not an HTTP answer");
    }
    try {
      return Integer.parseInt(line.substring(9, 12));
    } catch (NumberFormatException malformed) {
      throw new IOException("not an HTTP answer", malformed);
    }
  }

  private static boolean keepsAlive(String statusLine, Map<String, List<String>> headers) {
    String connection = String.join(",", headers.getOrDefault("connection", List.of()));
    return statusLine.startsWith("HTTP/1.1")
        && !connection.toLowerCase(Locale.ROOT).contains("close");
  }

  /** Without a length the answer ends with the connection. */
  private static boolean reusable(boolean without, Map<String, List<String>> headers) {
    return without
        || headers.containsKey("content-length")
        || headers.containsKey("transfer-encoding");
  }

  private Map<String, List<String>> headers() throws IOException {
    Map<String, List<String>> headers = new HashMap<>();
    int count = 0;
    for (String line = line(); !line.isEmpty(); line = line()) {
      int colon = line.indexOf(':');
      if (colon < 1 || ++count > HEADERS_MAX) {
        throw new IOException("malformed header in the answer");
      }
      headers
          .computeIfAbsent(
              line.substring(0, colon).toLowerCase(Locale.ROOT), name -> new ArrayList<>(1))
          .add(line.substring(colon + 1).strip());
    }
    return headers;
  }

  private void passBody(Map<String, List<String>> headers) throws IOException {
    String coding = String.join(",", headers.getOrDefault("transfer-encoding", List.of()));
    List<String> lengths = headers.get("content-length");
    try {
      if (coding.toLowerCase(Locale.ROOT).endsWith("chunked")) {
        for (long size = chunkSize(); size > 0; size = chunkSize()) {
          pass(size);
          line();
        }
        headers();
      } else if (lengths != null) {
        pass(Long.parseLong(lengths.getFirst()));
      } else {
        in.readNBytes(BODY_MAX);
      }
    } catch (NumberFormatException malformed) {
      throw new IOException("malformed length in the answer", malformed);
    }
  }

  private long chunkSize() throws IOException {
    String line = line();
    int end = line.indexOf(';');
    return Long.parseLong((end < 0 ? line : line.substring(0, end)).strip(), 16);
  }

  private void pass(long length) throws IOException {
    if (length < 0 || length > BODY_MAX) {
      throw new IOException("answer of " + length + " bytes");
    }
    in.skipNBytes(length);
    moved();
  }

  private String line() throws IOException {
    var bytes = new ByteArrayOutputStream(80);
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        throw new EOFException("connection was closed");
      }
      if (bytes.size() >= LINE_MAX) {
        throw new IOException("line of the answer is too long");
      }
      bytes.write(b);
    }
    moved();
    String line = bytes.toString(StandardCharsets.UTF_8);
    return line.endsWith("\r") ? line.substring(0, line.length() - 1) : line;
  }

  private void moved() {
    movedNanos = clock.monotonicNanos() | 1;
  }

  /**
   * Closes the link if nothing has moved for so long while a request is under way: a blocked write
   * ends in no other way.
   */
  void closeIfStalled(int stallMillis) {
    long moved = movedNanos;
    if (moved != 0 && clock.monotonicNanos() - moved > TimeUnit.MILLISECONDS.toNanos(stallMillis)) {
      close();
    }
  }

  @Override
  public void close() {
    reusable = false;
    closeQuietly(socket);
  }

  private static void closeQuietly(Socket socket) {
    try {
      socket.close();
    } catch (IOException ignored) {
      // It is of no use any more either way.
    }
  }

  /** Notes that bytes move. */
  private final class Watched extends FilterOutputStream {
    Watched(OutputStream out) {
      super(out);
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
      // In pieces, so that a slow link is told from a dead one.
      for (int at = 0; at < length; ) {
        int some = Math.min(throttle.piece(BUFFER), length - at);
        throttle.take(some);
        out.write(bytes, from + at, some);
        at += some;
        moved();
      }
    }
  }

  /** Chunked transfer coding; closing it ends the chunk, not the connection. */
  private static final class Chunks extends OutputStream {
    private static final byte[] LINE_END = {'\r', '\n'};
    private final OutputStream out;
    private final byte[] chunk = new byte[BUFFER];
    private int filled;

    Chunks(OutputStream out) {
      this.out = out;
    }

    @Override
    public void write(int b) throws IOException {
      if (filled == chunk.length) {
        send();
      }
      chunk[filled++] = (byte) b;
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
      int at = from;
      for (int left = length; left > 0; ) {
        if (filled == chunk.length) {
          send();
        }
        int some = Math.min(left, chunk.length - filled);
        System.arraycopy(bytes, at, chunk, filled, some);
        filled += some;
        at += some;
        left -= some;
      }
    }

    private void send() throws IOException {
      if (filled > 0) {
        out.write(Integer.toHexString(filled).getBytes(StandardCharsets.US_ASCII));
        out.write(LINE_END);
        out.write(chunk, 0, filled);
        out.write(LINE_END);
        filled = 0;
      }
    }

    void end() throws IOException {
      send();
      out.write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    }
  }
}
