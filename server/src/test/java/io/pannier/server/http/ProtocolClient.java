package io.pannier.server.http;

import java.io.IOException;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import javax.net.ssl.SSLContext;

/** One request after the other over one connection, whatever is spoken on it. */
interface ProtocolClient extends AutoCloseable {
  /** What may be spoken. */
  enum Kind {
    HTTP1,
    HTTP1_TLS_1_2,
    HTTP1_TLS_1_3,
    HTTP2,
    HTTP2_TLS_1_2,
    HTTP2_TLS_1_3;

    boolean isEncrypted() {
      return name().contains("TLS");
    }

    boolean isHttp2() {
      return name().startsWith("HTTP2");
    }

    /**
     * Connects.
     *
     * @param receiveBuffer of the socket; 0 for the system's choice
     */
    ProtocolClient connect(SSLContext trusting, int port, int receiveBuffer) throws IOException {
      Socket socket =
          isEncrypted()
              ? TestTls.connect(
                  trusting,
                  port,
                  receiveBuffer,
                  name().endsWith("1_2") ? "TLSv1.2" : "TLSv1.3",
                  isHttp2() ? "h2" : "http/1.1")
              : RawH2Client.plain(port, receiveBuffer);
      return isHttp2() ? new Http2(new RawH2Client(socket)) : new Http1(new RawClient(socket));
    }
  }

  /** Begins a request; a body without length in the fields is as long as it turns out. */
  void begin(String method, String path, List<String> fields, boolean end) throws IOException;

  /** Sends a piece of the body, waiting for room. */
  void data(byte[] bytes, boolean end) throws IOException;

  /** The head of the response to the last request. */
  RawClient.Answer head() throws IOException;

  /** The response to the last request. */
  RawClient.Answer receive() throws IOException;

  /** Waits for {@code 100 Continue}. */
  void awaitContinue() throws IOException;

  /** Reads so many bytes of a body whose head was read. */
  void skip(int bytes) throws IOException;

  boolean isClosedByServer() throws IOException;

  /** Ends the connection with a reset. */
  void reset() throws IOException;

  @Override
  void close() throws IOException;

  /** A whole request and its response. */
  default RawClient.Answer send(String method, String path, byte[] body, String... fields)
      throws IOException {
    var all = new ArrayList<>(List.of(fields));
    if (body.length > 0) {
      all.add("content-length: " + body.length);
    }
    begin(method, path, all, body.length == 0);
    if (body.length > 0) {
      data(body, true);
    }
    return method.equals("HEAD") ? head() : receive();
  }

  default RawClient.Answer get(String path, String... fields) throws IOException {
    return send("GET", path, new byte[0], fields);
  }

  /** HTTP/1.1. */
  final class Http1 implements ProtocolClient {
    private final RawClient raw;
    private boolean chunked;

    Http1(RawClient raw) {
      this.raw = raw;
    }

    @Override
    public void begin(String method, String path, List<String> fields, boolean end)
        throws IOException {
      chunked =
          !end
              && fields.stream()
                  .noneMatch(f -> f.toLowerCase(Locale.ROOT).startsWith("content-length"));
      var head = new StringBuilder(method + " " + path + " HTTP/1.1\r\nhost: localhost\r\n");
      fields.forEach(field -> head.append(field).append("\r\n"));
      raw.send(head + (chunked ? "transfer-encoding: chunked\r\n\r\n" : "\r\n"));
    }

    @Override
    public void data(byte[] bytes, boolean end) throws IOException {
      for (int at = 0; at < bytes.length; at += 65_536) {
        int length = Math.min(65_536, bytes.length - at);
        if (chunked) {
          raw.send(Integer.toHexString(length) + "\r\n");
        }
        raw.send(Arrays.copyOfRange(bytes, at, at + length));
        if (chunked) {
          raw.send("\r\n");
        }
      }
      if (chunked && end) {
        raw.send("0\r\n\r\n");
      }
    }

    @Override
    public RawClient.Answer head() throws IOException {
      return raw.head();
    }

    @Override
    public RawClient.Answer receive() throws IOException {
      return raw.receive();
    }

    @Override
    public void awaitContinue() throws IOException {
      if (raw.head().status() != 100) {
        throw new IOException("not 100");
      }
    }

    @Override
    public void skip(int bytes) throws IOException {
      raw.exactly(bytes);
    }

    @Override
    public boolean isClosedByServer() throws IOException {
      return raw.isClosedByServer();
    }

    @Override
    public void reset() throws IOException {
      raw.reset();
    }

    @Override
    public void close() throws IOException {
      raw.close();
    }
  }

  /** HTTP/2. */
  final class Http2 implements ProtocolClient {
    final RawH2Client raw;
    int stream;

    Http2(RawH2Client raw) {
      this.raw = raw;
    }

    @Override
    public void begin(String method, String path, List<String> fields, boolean end)
        throws IOException {
      stream =
          raw.request(
              method,
              path,
              fields.stream()
                  .map(f ->
                      f.substring(0, f.indexOf(':')).toLowerCase(Locale.ROOT)
                          + f.substring(f.indexOf(':')))
                  .toList(),
              end);
    }

    @Override
    public void data(byte[] bytes, boolean end) throws IOException {
      raw.data(stream, bytes, end);
    }

    @Override
    public RawClient.Answer head() throws IOException {
      return raw.head(stream);
    }

    @Override
    public RawClient.Answer receive() throws IOException {
      return raw.receive(stream);
    }

    @Override
    public void awaitContinue() throws IOException {
      if (!raw.informational(stream).getFirst().equals(":status: 100")) {
        throw new IOException("not 100");
      }
    }

    @Override
    public void skip(int bytes) throws IOException {
      while (raw.received(stream) < bytes) {
        raw.read();
      }
    }

    @Override
    public boolean isClosedByServer() throws IOException {
      return raw.isClosedByServer();
    }

    @Override
    public void reset() throws IOException {
      raw.socket.setSoLinger(true, 0);
      raw.socket.close();
    }

    @Override
    public void close() throws IOException {
      raw.close();
    }
  }
}
