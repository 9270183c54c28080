package io.pannier.server.http;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.pannier.model.PannierException;
import java.net.InetSocketAddress;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Listens, and runs exchanges on event loops and a bounded pool of workers. */
public final class HttpServer implements AutoCloseable {
  final HttpServerConfig config;
  final HttpHandler handler;
  final ResponseHead head;
  final ByteBudget budget;
  final ExecutorService workers;
  final long operationMillis;
  final Logger log = LoggerFactory.getLogger(HttpServer.class);
  private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
  private final AtomicInteger open = new AtomicInteger();
  private final MultiThreadIoEventLoopGroup loops;
  private final Channel listening;
  private volatile boolean stopping;

  private HttpServer(HttpServerConfig config, HttpHandler handler) throws InterruptedException {
    this.config = config;
    this.handler = handler;
    this.head = new ResponseHead(config);
    this.budget = new ByteBudget(config.requestMemoryBytes());
    this.operationMillis = config.operationTimeout().toMillis();
    var number = new AtomicInteger();
    var pool =
        new ThreadPoolExecutor(
            config.workers(),
            config.workers(),
            30,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(config.workerQueue()),
            task -> {
              var thread = new Thread(task, "pannier-io-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    pool.allowCoreThreadTimeOut(true);
    workers = pool;
    boolean epoll =
        switch (config.transport()) {
          case AUTO -> Epoll.isAvailable();
          case EPOLL -> true;
          case NIO -> false;
        };
    IoHandlerFactory io = epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
    Class<? extends ServerChannel> type =
        epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
    loops =
        new MultiThreadIoEventLoopGroup(
            config.loops(), new DefaultThreadFactory("pannier-loop", true), io);
    // Few arenas of small chunks: what a server at rest keeps is arenas x chunk size.
    var allocator = new PooledByteBufAllocator(true, 0, config.loops(), 8192, 7, 64, 32, true);
    var bootstrap =
        new ServerBootstrap()
            .group(loops)
            .channel(type)
            .option(ChannelOption.SO_BACKLOG, 1024)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.ALLOCATOR, allocator)
            .childOption(
                ChannelOption.WRITE_BUFFER_WATER_MARK,
                new WriteBufferWaterMark(256 * 1024, 1024 * 1024))
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    accept(channel);
                  }
                });
    try {
      listening = bootstrap.bind(config.host(), config.port()).sync().channel();
    } catch (InterruptedException | RuntimeException failed) {
      loops.shutdownGracefully(0, 0, TimeUnit.SECONDS);
      workers.shutdown();
      throw failed;
    }
    loops.scheduleWithFixedDelay(this::watch, 1, 1, TimeUnit.SECONDS);
  }

  /** Binds and begins to serve. */
  public static HttpServer start(HttpServerConfig config, HttpHandler handler) {
    try {
      return new HttpServer(config, handler);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while binding", e);
    }
  }

  private void accept(SocketChannel channel) {
    if (open.incrementAndGet() > config.maxConnections() || stopping) {
      open.decrementAndGet();
      channel.config().setAutoRead(false);
      var out = channel.alloc().ioBuffer(256);
      head.write(out, Response.of(503).header("retry-after", "1"), 0, false, true);
      channel.writeAndFlush(out).addListener(ChannelFutureListener.CLOSE);
      return;
    }
    var connection = new Connection(this);
    connections.add(connection);
    channel.pipeline().addLast(new Connection.Decoder(config), connection);
  }

  void gone(Connection connection) {
    if (connections.remove(connection)) {
      open.decrementAndGet();
    }
  }

  private void watch() {
    long now = config.clock().monotonicNanos();
    for (Connection connection : connections) {
      connection.context().channel().eventLoop().execute(() -> connection.watch(now));
    }
  }

  /** The answer to a failure. */
  Response answer(Throwable failure) {
    if (!(failure instanceof PannierException)) {
      log.error("request failed", failure);
    }
    try {
      return config.errors().answer(failure);
    } catch (RuntimeException worse) {
      log.error("failure could not be answered", worse);
      return Response.error(500, "Internal server error");
    }
  }

  /** The port it listens on. */
  public int port() {
    return ((InetSocketAddress) listening.localAddress()).getPort();
  }

  boolean isStopping() {
    return stopping;
  }

  /**
   * Stops accepting, lets running exchanges finish for at most {@link HttpServerConfig#closeGrace},
   * then closes every connection.
   */
  @Override
  public void close() {
    stopping = true;
    listening.close().awaitUninterruptibly(1, TimeUnit.SECONDS);
    long deadline = config.clock().monotonicNanos() + config.closeGrace().toNanos();
    while (config.clock().monotonicNanos() < deadline
        && connections.stream().anyMatch(Connection::isBusy)) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
    for (Connection connection : connections) {
      connection.context().close();
    }
    workers.shutdown();
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2, TimeUnit.SECONDS);
  }
}
