package io.pannier.bench;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SocketChannel;

/** One connection of the driver: at most one request under way. */
final class Connection {
  /** Counts from 0. */
  final int index;

  final RequestBuffer request;
  final ResponseReader response;

  /** The socket; another one after a failure. */
  SocketChannel channel;

  /** When the operation began, on the clock of {@link System#nanoTime}. */
  volatile long begunNanos;

  /** Whether an operation is under way. */
  volatile boolean busy;

  /** Whether the operation began after the warm-up. */
  boolean measured;

  private final InetSocketAddress address;

  Connection(int index, InetSocketAddress address, RequestBuffer request, ResponseReader response)
      throws IOException {
    this.index = index;
    this.address = address;
    this.request = request;
    this.response = response;
    this.channel = open(address);
  }

  /** Gives up the socket and connects anew; blocking. */
  void reconnect() throws IOException {
    channel.close();
    channel = open(address);
  }

  private static SocketChannel open(InetSocketAddress address) throws IOException {
    var channel = SocketChannel.open();
    try {
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.connect(address);
      return channel;
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }
}
