package io.pannier.server.http;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A client that sends exactly the bytes it is told to and reads responses without any leniency. */
public final class RawClient implements AutoCloseable {
  /** A response as it stood on the wire. */
  @SuppressWarnings("ArrayRecordComponent")
  public record Answer(String statusLine, List<String> headers, byte[] body) {
    public int status() {
      return Integer.parseInt(statusLine.substring(9, 12));
    }

    /** The value of a field, or null. */
    public String header(String name) {
      return headers.stream()
          .filter(line -> line.startsWith(name + ": "))
          .map(line -> line.substring(name.length() + 2))
          .findFirst()
          .orElse(null);
    }

    public String text() {
      return new String(body, StandardCharsets.UTF_8);
    }
  }

  final Socket socket;
  private final InputStream in;
  private final OutputStream out;

  RawClient(int port) throws IOException {
    this(port, 0);
  }

  RawClient(int port, int receiveBuffer) throws IOException {
    socket = new Socket();
    if (receiveBuffer > 0) {
      socket.setReceiveBufferSize(receiveBuffer);
    }
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(20_000);
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    in = new java.io.BufferedInputStream(socket.getInputStream(), 16 << 10);
    out = socket.getOutputStream();
  }

  /** Over a connection that exists. */
  RawClient(Socket socket) throws IOException {
    this.socket = socket;
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(20_000);
    in = new java.io.BufferedInputStream(socket.getInputStream(), 16 << 10);
    out = socket.getOutputStream();
  }

  RawClient send(String text) throws IOException {
    return send(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  RawClient send(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
    return this;
  }

  private String line() throws IOException {
    var line = new ByteArrayOutputStream();
    for (int b = in.read(); ; b = in.read()) {
      if (b < 0) {
        throw new IOException(
            "connection ended in a line: " + line.toString(StandardCharsets.ISO_8859_1));
      }
      if (b == '\n') {
        break;
      }
      line.write(b);
    }
    String text = line.toString(StandardCharsets.UTF_8);
    if (!text.endsWith("\r")) {
      throw new IOException("bare line feed");
    }
    return text.substring(0, text.length() - 1);
  }

  /** Status line and header fields. */
  Answer head() throws IOException {
    String status = line();
    var headers = new ArrayList<String>();
    for (String header = line(); !header.isEmpty(); header = line()) {
      headers.add(header);
    }
    return new Answer(status, headers, new byte[0]);
  }

  /** A whole response to anything but HEAD. */
  Answer receive() throws IOException {
    Answer head = head();
    if ("chunked".equals(head.header("transfer-encoding"))) {
      var body = new ByteArrayOutputStream();
      for (int size = Integer.parseInt(line(), 16); size > 0; size = Integer.parseInt(line(), 16)) {
        body.write(exactly(size));
        line();
      }
      line();
      return new Answer(head.statusLine, head.headers, body.toByteArray());
    }
    String length = head.header("content-length");
    return length == null
        ? head
        : new Answer(head.statusLine, head.headers, exactly(Integer.parseInt(length)));
  }

  byte[] exactly(int length) throws IOException {
    byte[] bytes = in.readNBytes(length);
    if (bytes.length < length) {
      throw new IOException("connection ended after " + bytes.length + " of " + length + " bytes");
    }
    return bytes;
  }

  /** Reads up to so many bytes, fewer only at the end. */
  int skip(int length) throws IOException {
    return in.readNBytes(length).length;
  }

  /** Waits for the end of the connection, which must come without further bytes. */
  boolean isClosedByServer() throws IOException {
    try {
      return in.read() < 0;
    } catch (SocketTimeoutException e) {
      return false;
    } catch (SocketException reset) {
      return true;
    }
  }

  /** Whether the server says nothing for so long. */
  boolean isSilentFor(int millis) throws IOException {
    socket.setSoTimeout(millis);
    try {
      in.mark(1);
      in.read();
      in.reset();
      return false;
    } catch (SocketTimeoutException e) {
      return true;
    } finally {
      socket.setSoTimeout(20_000);
    }
  }

  void reset() throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
