package io.pannier.server;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A connection to the server under test that sends and shows bytes as they are: no library corrects
 * anything.
 */
final class Wire implements AutoCloseable {
  final Socket socket;
  private final InputStream in;
  private final OutputStream out;

  Wire(int port) throws IOException {
    this(new Socket("127.0.0.1", port));
  }

  /** Over a connection that exists. */
  Wire(Socket socket) throws IOException {
    this.socket = socket;
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(20_000);
    in = new java.io.BufferedInputStream(socket.getInputStream());
    out = socket.getOutputStream();
  }

  /** A response: status, header lines as sent in their order, body. */
  static final class Answer {
    /** Headers that every response has, left out where only the others matter. */
    private static final List<String> USUAL =
        List.of(
            "server: ",
            "x-reduct-api: ",
            "vary: ",
            "access-control-expose-headers: ",
            "x-request-id: ",
            "date: ",
            "content-length: ");

    private final int status;
    private final List<String> headers;
    private final byte[] body;

    Answer(int status, List<String> headers, byte[] body) {
      this.status = status;
      this.headers = List.copyOf(headers);
      this.body = body;
    }

    int status() {
      return status;
    }

    List<String> headers() {
      return headers;
    }

    byte[] body() {
      return body;
    }

    Optional<String> header(String name) {
      return headers.stream()
          .filter(h -> h.startsWith(name + ": "))
          .map(h -> h.substring(name.length() + 2))
          .findFirst();
    }

    String error() {
      return header("x-reduct-error").orElse("(no error)");
    }

    String text() {
      return new String(body, StandardCharsets.UTF_8);
    }

    /** Headers that are not on every response. */
    List<String> own() {
      return headers.stream().filter(h -> USUAL.stream().noneMatch(h::startsWith)).toList();
    }

    /** Those of {@link #own} whose names begin so. */
    List<String> own(String prefix) {
      return own().stream().filter(h -> h.startsWith(prefix)).toList();
    }

    /** Status and error text, for one-line comparisons. */
    String summary() {
      return status + " " + error();
    }
  }

  /** A request to be sent. */
  static final class Request {
    private final String line;
    private final List<String> headers = new ArrayList<>();
    private byte[] body = {};
    private boolean withLength = true;
    private boolean withToken = true;

    private Request(String method, String path) {
      line = method + " " + path + " HTTP/1.1\r\n";
    }

    Request header(String name, String value) {
      headers.add(name + ": " + value);
      return this;
    }

    Request body(byte[] bytes) {
      body = bytes;
      return this;
    }

    Request body(String text) {
      return body(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Sends the body in chunks of this size. */
    Request chunked(int size) {
      withLength = false;
      headers.add("transfer-encoding: chunked");
      var framed = new ByteArrayOutputStream();
      for (int at = 0; at < body.length; at += size) {
        int length = Math.min(size, body.length - at);
        framed.writeBytes(
            (Integer.toHexString(length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
        framed.write(body, at, length);
        framed.writeBytes("\r\n".getBytes(StandardCharsets.US_ASCII));
      }
      framed.writeBytes("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      body = framed.toByteArray();
      return this;
    }

    /** Announces another length than it sends. */
    Request announcing(long length) {
      withLength = false;
      return header("content-length", Long.toString(length));
    }

    /** Sends this bearer instead of the usual one. */
    Request as(String token) {
      return header("authorization", "Bearer " + token);
    }

    /** Leaves out the header that says who calls. */
    Request withoutToken() {
      withToken = false;
      return this;
    }

    Request withoutLength() {
      withLength = false;
      return this;
    }

    byte[] head() {
      var head = new StringBuilder(line).append("host: test\r\n");
      if (withToken && headers.stream().noneMatch(h -> h.startsWith("authorization:"))) {
        head.append("authorization: Bearer ").append(ApiFixture.TOKEN).append("\r\n");
      }
      headers.forEach(h -> head.append(h).append("\r\n"));
      boolean mayHaveBody =
          !line.startsWith("GET") && !line.startsWith("HEAD") && !line.startsWith("OPTIONS");
      if (withLength && (body.length > 0 || (mayHaveBody && !line.startsWith("DELETE")))) {
        head.append("content-length: ").append(body.length).append("\r\n");
      }
      return head.append("\r\n").toString().getBytes(StandardCharsets.UTF_8);
    }

    byte[] bytes() {
      var all = new ByteArrayOutputStream();
      all.writeBytes(head());
      all.writeBytes(body);
      return all.toByteArray();
    }

    boolean isHead() {
      return line.startsWith("HEAD");
    }
  }

  static Request request(String method, String path) {
    return new Request(method, path.startsWith("/") ? path : "/api/v1/" + path);
  }

  Answer send(Request request) throws IOException {
    write(request.bytes());
    return read(request.isHead());
  }

  void write(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
  }

  private byte[] chunks() throws IOException {
    var body = new ByteArrayOutputStream();
    for (int length = -1; length != 0; ) {
      length = Integer.parseInt(line(), 16);
      body.writeBytes(in.readNBytes(length));
      line();
    }
    return body.toByteArray();
  }

  /** Reads one response; 100 is a response of its own. */
  Answer read(boolean isHead) throws IOException {
    String statusLine = line();
    int status = Integer.parseInt(statusLine.substring(9, 12));
    var headers = new ArrayList<String>();
    for (String line = line(); !line.isEmpty(); line = line()) {
      headers.add(line);
    }
    long length =
        headers.stream()
            .filter(h -> h.startsWith("content-length: "))
            .map(h -> Long.parseLong(h.substring(16)))
            .findFirst()
            .orElse(0L);
    if (!isHead && headers.contains("transfer-encoding: chunked")) {
      return new Answer(status, headers, chunks());
    }
    byte[] body =
        isHead || status == 100 || status == 204 ? new byte[0] : in.readNBytes((int) length);
    if (!isHead && status != 204 && status != 100 && body.length < length) {
      throw new EOFException("body ends after " + body.length + " of " + length + " bytes");
    }
    return new Answer(status, headers, body);
  }

  private String line() throws IOException {
    var bytes = new ByteArrayOutputStream();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        throw new EOFException("connection ended after: " + bytes.toString(StandardCharsets.UTF_8));
      }
      bytes.write(b);
    }
    String text = bytes.toString(StandardCharsets.UTF_8);
    return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
  }

  /** Whether the server ended the connection. */
  boolean isEnded() throws IOException {
    return in.read() < 0;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
