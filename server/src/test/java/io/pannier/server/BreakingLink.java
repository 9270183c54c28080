package io.pannier.server;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Passes connections on to a server, and ends each after so many bytes. */
final class BreakingLink implements AutoCloseable {
  private final ServerSocket listener;
  private final int port;
  private final long bytes;
  private final AtomicLong passed = new AtomicLong();
  private final AtomicInteger broken = new AtomicInteger();
  private final List<Socket> sockets = new ArrayList<>();
  private volatile boolean holds;

  BreakingLink(int port, long bytes) throws IOException {
    this.port = port;
    this.bytes = bytes;
    listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofPlatform().daemon().start(this::accept);
  }

  int port() {
    return listener.getLocalPort();
  }

  /** From now on nothing breaks. */
  void hold() {
    holds = true;
  }

  /** Connections that were broken. */
  int broken() {
    return broken.get();
  }

  /** Bytes from clients to the server. */
  long passed() {
    return passed.get();
  }

  private void accept() {
    try {
      while (!listener.isClosed()) {
        Socket client = listener.accept();
        var there = new Socket(InetAddress.getLoopbackAddress(), port);
        synchronized (sockets) {
          sockets.add(client);
          sockets.add(there);
        }
        Thread.ofPlatform().daemon().start(() -> pass(client, there, true));
        Thread.ofPlatform().daemon().start(() -> pass(there, client, false));
      }
    } catch (IOException closed) {
      // The test is over.
    }
  }

  private void pass(Socket from, Socket to, boolean breaks) {
    var piece = new byte[16 * 1024];
    long left = bytes;
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int some = in.read(piece); some >= 0; some = in.read(piece)) {
        out.write(piece, 0, some);
        if (breaks) {
          passed.addAndGet(some);
          left -= some;
          if (left < 0 && !holds) {
            broken.incrementAndGet();
            return;
          }
        }
      }
    } catch (IOException ended) {
      // One of both has hung up.
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    synchronized (sockets) {
      for (Socket socket : sockets) {
        socket.close();
      }
    }
  }
}
