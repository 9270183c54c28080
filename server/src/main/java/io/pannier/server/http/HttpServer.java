package io.pannier.server.http;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
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
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.internal.PlatformDependent;
import io.pannier.model.PannierException;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A server of HTTP/1.1 and HTTP/2, with TLS or without: a few event loops that parse and answer,
 * and a pool of threads for code that blocks.
 */
public final class HttpServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(HttpServer.class);

  /** Connections beyond the limit that are told so; more are closed without a word. */
  private static final int REFUSED_AT_ONCE = 256;

  /** How often the files of certificates are looked at. */
  private static final long TLS_CHECK_SECONDS = 5;

  final HttpServerConfig config;
  final HttpHandler handler;
  final ByteBudget budget;
  final RequestIds ids;
  final RequestLog log;
  final HttpMeters meters = new HttpMeters();
  final Workers workers;
  final long operationNanos;
  final long keepAliveNanos;
  final long headNanos;

  /** What HTTPS is spoken with; null: plain HTTP. */
  final @Nullable TlsContext tls;

  private final EventLoopGroup group;
  private final Map<EventLoop, LoopState> loops = new HashMap<>();
  private final AtomicInteger connections = new AtomicInteger();
  private final AtomicInteger refusals = new AtomicInteger();
  private final AtomicInteger streams = new AtomicInteger();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition noneLeft = lock.newCondition();
  private final Channel listener;
  private volatile boolean stopping;

  private HttpServer(HttpServerConfig config, HttpHandler handler) {
    this.config = config;
    this.handler = handler;
    // Before there are threads to stop again.
    this.tls = config.tls().map(files -> TlsContext.load(files, config.clock())).orElse(null);
    this.budget = new ByteBudget(config.requestMemoryBytes());
    this.ids = new RequestIds(config.processNumber());
    this.log = new RequestLog(config.clock());
    this.operationNanos = config.operationTimeout().toNanos();
    this.keepAliveNanos = config.keepAliveTimeout().toNanos();
    this.headNanos = config.headTimeout().toNanos();
    boolean epoll =
        switch (config.transport()) {
          case AUTO -> Epoll.isAvailable();
          case EPOLL -> {
            Epoll.ensureAvailability();
            yield true;
          }
          case NIO -> false;
        };
    workers = new Workers(config.workers(), config.workerQueue());
    IoHandlerFactory io = epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
    group =
        new MultiThreadIoEventLoopGroup(
            config.loops(), new DefaultThreadFactory("pannier-loop"), io);
    long shortest = Math.min(headNanos, Math.min(operationNanos, keepAliveNanos));
    long tickNanos =
        Math.clamp(shortest / 8, TimeUnit.MILLISECONDS.toNanos(10), TimeUnit.SECONDS.toNanos(1));
    for (EventExecutor executor : group) {
      var loop = (EventLoop) executor;
      loops.put(loop, new LoopState(loop, this, tickNanos));
    }
    Class<? extends ServerChannel> type =
        epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
    ChannelFuture bound =
        new ServerBootstrap()
            .group(group)
            .channel(type)
            .option(ChannelOption.SO_BACKLOG, 1024)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            // A client that ends its side is taken for gone, so that nobody works for it. (Besides,
            // Netty 4.2.18 cannot write much to a half-closed
            // connection with epoll: it drops the registration and fails to bring it back.)
            .childOption(ChannelOption.ALLOW_HALF_CLOSURE, false)
            .childOption(ChannelOption.ALLOCATOR, allocator(config))
            .childOption(
                ChannelOption.RECVBUF_ALLOCATOR,
                new AdaptiveRecvByteBufAllocator(512, 2048, 128 << 10))
            .childOption(
                ChannelOption.WRITE_BUFFER_WATER_MARK,
                new WriteBufferWaterMark(64 << 10, 256 << 10))
            .childHandler(new Pipeline())
            .bind(config.host(), config.port())
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      workers.shutdown();
      group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
      throw new PannierException.Internal(
          "cannot listen on " + config.host() + ":" + config.port(), bound.cause());
    }
    listener = bound.channel();
    TlsContext watched = tls;
    if (watched != null) {
      group.scheduleWithFixedDelay(
          () -> check(watched), TLS_CHECK_SECONDS, TLS_CHECK_SECONDS, TimeUnit.SECONDS);
    }
  }

  /** Files are read on a worker. */
  private void check(TlsContext watched) {
    try {
      workers.execute(watched::check);
    } catch (RejectedExecutionException busy) {
      LOG.debug("TLS files are looked at the next time", busy);
    }
  }

  /** Few arenas of small chunks: what an idle server keeps is a chunk for each loop. */
  private static ByteBufAllocator allocator(HttpServerConfig config) {
    int pageBytes = 8192;
    int chunkOrder = 7;
    return new PooledByteBufAllocator(
        true, 0, config.loops(), pageBytes, chunkOrder, 64, 32, false);
  }

  /**
   * Binds and begins to serve.
   *
   * @throws PannierException.Internal when the address cannot be bound
   * @throws PannierException.Invalid when a certificate or key is of no use; names file and reason
   */
  public static HttpServer start(HttpServerConfig config, HttpHandler handler) {
    return new HttpServer(config, handler);
  }

  /** The port it listens on. */
  public int port() {
    return ((InetSocketAddress) listener.localAddress()).getPort();
  }

  /** Connections open now. */
  public int connections() {
    return connections.get();
  }

  /** How it is doing. */
  public HttpStats stats() {
    return new HttpStats(
        connections.get(),
        config.maxConnections(),
        meters.connectionsOpened.sum(),
        meters.connectionsRefused.sum(),
        streams.get(),
        meters.inFlight.sum(),
        meters.malformed(),
        meters.refused(),
        workers.size(),
        workers.busy(),
        workers.queued(),
        workers.queueMax(),
        budget.total() - budget.available(),
        budget.total(),
        budget.waiting(),
        Math.max(0, PlatformDependent.usedDirectMemory()),
        PlatformDependent.maxDirectMemory(),
        meters.unrouted);
  }

  /** What every connection begins with. */
  private final class Pipeline extends ChannelInitializer<SocketChannel> {
    @Override
    protected void initChannel(SocketChannel channel) {
      boolean refused = connections.incrementAndGet() > config.maxConnections();
      if (refused) {
        connections.decrementAndGet();
        refusals.incrementAndGet();
        meters.connectionsRefused.increment();
      } else {
        meters.connectionsOpened.increment();
      }
      if ((refused && refusals.get() > REFUSED_AT_ONCE) || stopping) {
        channel.closeFuture().addListener(_ -> leave(refused));
        channel.close();
        return;
      }
      LoopState loop = Objects.requireNonNull(loops.get(channel.eventLoop()));
      channel.pipeline().addLast(new FrontDoor(HttpServer.this, loop, channel, refused));
    }
  }

  /** A connection has ended. */
  void leave(boolean refused) {
    if (refused) {
      refusals.decrementAndGet();
    } else if (connections.decrementAndGet() == 0 && stopping) {
      lock.lock();
      try {
        noneLeft.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  /**
   * A stream of a connection that has many begins. They are as many as connections may be, all
   * together: each may hold as much. Returns false if it must not.
   */
  boolean streamBegins() {
    if (streams.incrementAndGet() <= config.maxConnections()) {
      return true;
    }
    streams.decrementAndGet();
    return false;
  }

  void streamEnds() {
    streams.decrementAndGet();
  }

  boolean isStopping() {
    return stopping;
  }

  Response errorResponse(Throwable failure) {
    try {
      return config.errors().answer(failure).because(failure);
    } catch (RuntimeException again) {
      LOG.error("the error responder failed", again);
      return Response.error(500, "Internal server error").because(failure);
    }
  }

  /**
   * Stops accepting, lets running exchanges finish for at most {@link HttpServerConfig#closeGrace},
   * then closes every connection.
   */
  @Override
  public void close() {
    lock.lock();
    try {
      if (stopping) {
        return;
      }
      stopping = true;
    } finally {
      lock.unlock();
    }
    listener.close().awaitUninterruptibly();
    onEveryConnection(Peer::stop);
    awaitNone(config.closeGrace().toNanos());
    onEveryConnection(Peer::cut);
    awaitNone(TimeUnit.SECONDS.toNanos(5));
    workers.shutdown();
    group.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly();
  }

  private void onEveryConnection(Consumer<Peer> action) {
    for (LoopState loop : loops.values()) {
      loop.loop.execute(() -> loop.connections().forEach(action));
    }
  }

  private void awaitNone(long nanos) {
    boolean interrupted = false;
    lock.lock();
    try {
      long deadline = config.clock().monotonicNanos() + nanos;
      while (connections.get() > 0) {
        long left = deadline - config.clock().monotonicNanos();
        if (left <= 0) {
          break;
        }
        try {
          noneLeft.awaitNanos(left);
        } catch (InterruptedException e) {
          interrupted = true;
          break;
        }
      }
    } finally {
      lock.unlock();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
