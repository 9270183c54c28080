package io.pannier.client;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** A server that does what a test says, one connection after the other, and keeps what it heard. */
final class ScriptedServer implements AutoCloseable {
  /** What it does with a connection. */
  interface Script {
    void serve(Link link) throws IOException;
  }

  /** A connection, seen from the server. */
  static final class Link {
    private final Socket socket;
    private final List<String> heard;

    Link(Socket socket, List<String> heard) {
      this.socket = socket;
      this.heard = heard;
    }

    /** Reads the head of a request. */
    String head() throws IOException {
      var bytes = new ByteArrayOutputStream();
      InputStream in = socket.getInputStream();
      while (!bytes.toString(StandardCharsets.UTF_8).endsWith("\r\n\r\n")) {
        int b = in.read();
        if (b < 0) {
          throw new IOException("the client hung up");
        }
        bytes.write(b);
      }
      heard.add(bytes.toString(StandardCharsets.UTF_8));
      return heard.getLast();
    }

    String body(int length) throws IOException {
      return new String(socket.getInputStream().readNBytes(length), StandardCharsets.UTF_8);
    }

    /** Reads until the client hangs up. */
    void drain() throws IOException {
      socket.getInputStream().transferTo(java.io.OutputStream.nullOutputStream());
    }

    void send(String text) throws IOException {
      socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
      socket.getOutputStream().flush();
    }

    /** Sends an answer without a body, as a store does; headers that are given come first. */
    void answer(int status, String... headers) throws IOException {
      send(
          "HTTP/1.1 "
              + status
              + " X\r\n"
              + String.join("", List.of(headers).stream().map(h -> h + "\r\n").toList())
              + "x-reduct-api: 1.21\r\ncontent-length: 0\r\n\r\n");
    }
  }

  private final ServerSocket listener;
  private final Thread thread;
  final List<String> heard = Collections.synchronizedList(new ArrayList<>());

  ScriptedServer(ServerSocket listener, Script... scripts) {
    this.listener = listener;
    thread =
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              for (Script script : scripts) {
                try (Socket socket = listener.accept()) {
                  script.serve(new Link(socket, heard));
                } catch (IOException ended) {
                  // As the test wants it, or it shows in what the client says.
                }
              }
            });
  }

  static ScriptedServer of(Script... scripts) throws IOException {
    return new ScriptedServer(
        new ServerSocket(0, 50, java.net.InetAddress.getLoopbackAddress()), scripts);
  }

  int port() {
    return listener.getLocalPort();
  }

  @Override
  public void close() throws IOException {
    listener.close();
    thread.interrupt();
  }
}
