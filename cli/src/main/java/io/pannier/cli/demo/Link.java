package io.pannier.cli.demo;

import io.pannier.model.Clock;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;

/**
 * A bad link: a proxy for TCP that can be slow, be cut, and break connections after some bytes. It
 * knows nothing of what passes through. Threads of its own, two per connection.
 */
final class Link implements AutoCloseable {
  private static final int PIECE = 4096;

  private final InetSocketAddress target;
  private final long bytesPerSecond;
  private final Clock clock;
  private final RandomGenerator random;
  private final ServerSocket listening;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicLong passed = new AtomicLong();
  private final AtomicLong broken = new AtomicLong();
  private boolean isUp = true;
  private int toBreak;
  private long freeNanos;

  /**
   * Listens on a free port of this machine.
   *
   * @param port of this machine, where connections go to
   * @param bytesPerSecond towards there, of all connections together
   */
  static Link start(int port, long bytesPerSecond, Clock clock, RandomGenerator random)
      throws IOException {
    var link = new Link(port, bytesPerSecond, clock, random);
    Thread.ofVirtual().name("link").start(link::accept);
    return link;
  }

  private Link(int port, long bytesPerSecond, Clock clock, RandomGenerator random)
      throws IOException {
    this.target = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    this.bytesPerSecond = bytesPerSecond;
    this.clock = clock;
    this.random = random;
    listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    freeNanos = clock.monotonicNanos();
  }

  int port() {
    return listening.getLocalPort();
  }

  /** Bytes that have passed towards the target. */
  long passed() {
    return passed.get();
  }

  /** Connections that ended in the middle. */
  long broken() {
    return broken.get();
  }

  synchronized boolean isUp() {
    return isUp;
  }

  /** Breaks all connections; new ones are hung up on. */
  void cut() {
    synchronized (this) {
      isUp = false;
    }
    for (Socket socket : open) {
      hangUp(socket);
    }
  }

  /** Connections pass again, of which the next ones break after some bytes. */
  synchronized void restore(int connectionsToBreak) {
    isUp = true;
    toBreak = connectionsToBreak;
  }

  private void accept() {
    while (!listening.isClosed()) {
      try {
        Socket near = listening.accept();
        open.add(near);
        long limit = limitOfNext();
        if (limit == 0) {
          hangUp(near);
          continue;
        }
        var far = new Socket();
        open.add(far);
        try {
          far.connect(target);
        } catch (IOException refused) {
          hangUp(near);
          hangUp(far);
          continue;
        }
        Thread.ofVirtual().start(() -> pump(near, far, limit, true));
        Thread.ofVirtual().start(() -> pump(far, near, Long.MAX_VALUE, false));
      } catch (IOException closed) {
        // Of the listening socket, or the other side has gone already.
      }
    }
  }

  /** Bytes after which the next connection breaks; 0 while the link is cut. */
  private synchronized long limitOfNext() {
    if (!isUp) {
      return 0;
    }
    if (toBreak > 0) {
      toBreak--;
      return 10_000L + random.nextInt(100_000);
    }
    return Long.MAX_VALUE;
  }

  private void pump(Socket from, Socket to, long limit, boolean isForward) {
    byte[] piece = new byte[PIECE];
    long left = limit;
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int count = in.read(piece); count >= 0; count = in.read(piece)) {
        int passing = (int) Math.min(count, left);
        if (isForward) {
          pace(passing);
          passed.addAndGet(passing);
        }
        out.write(piece, 0, passing);
        left -= passing;
        if (left == 0) {
          broken.incrementAndGet();
          break;
        }
      }
    } catch (IOException ended) {
      // Whoever ended it, the other side has to learn it too.
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    } finally {
      hangUp(from);
      hangUp(to);
    }
  }

  /** Waits until the link is free for so many bytes. */
  private void pace(int bytes) throws InterruptedException {
    long wait;
    synchronized (this) {
      long now = clock.monotonicNanos();
      freeNanos = Math.max(freeNanos, now) + bytes * 1_000_000_000L / bytesPerSecond;
      wait = freeNanos - now;
    }
    Thread.sleep(wait / 1_000_000, (int) (wait % 1_000_000));
  }

  /** Closes at once, without a farewell: what is under way is lost. */
  private void hangUp(Socket socket) {
    open.remove(socket);
    try {
      socket.setSoLinger(true, 0);
    } catch (IOException closed) {
      // It needs no more.
    }
    try {
      socket.close();
    } catch (IOException closed) {
      // It is what was wanted.
    }
  }

  @Override
  public void close() throws IOException {
    listening.close();
    cut();
  }
}
