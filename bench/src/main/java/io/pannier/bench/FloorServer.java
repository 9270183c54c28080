package io.pannier.bench;

import static io.netty.handler.codec.http.HttpResponseStatus.NOT_FOUND;
import static io.netty.handler.codec.http.HttpResponseStatus.OK;
import static io.netty.handler.codec.http.HttpVersion.HTTP_1_1;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultFileRegion;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.AsciiString;
import io.netty.util.ReferenceCountUtil;
import io.pannier.model.Clock;
import io.pannier.model.SystemClock;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The least that a server on this HTTP stack costs: parses the product's requests, appends every
 * body to one file, answers with the product's headers, and serves reads from that file. No index,
 * no labels, no checks, no tokens; what the product costs beyond this is its own work.
 *
 * <p>{@code POST …/b/BUCKET/ENTRY?ts=}, {@code POST …/b/BUCKET/ENTRY/batch} and {@code POST
 * …/io/BUCKET/write} append; large bodies as they arrive. {@code GET …/b/BUCKET/ENTRY?ts=} answers
 * with as many bytes as the last written body had, from a place in the file that depends on the
 * time. {@code …/alive}, {@code …/ready} and the creation of a bucket answer 200; all else is 404.
 */
public final class FloorServer implements AutoCloseable {
  private static final String HELP =
      """
      FloorServer [--key value ...]

        --port      default 8384; 0 takes any
        --file      where bodies go; emptied at the start; default floor.data
        --loops     threads of the event loop; default 4
        --io        auto (default), epoll or nio
        --receive   largest read from a socket in bytes; default 524288
      """;

  private static final AsciiString API = AsciiString.cached("x-reduct-api");
  private static final AsciiString VERSION = AsciiString.cached("1.21");
  private static final AsciiString SERVER = AsciiString.cached("ReductStore 1.21.5");
  private static final AsciiString EXPOSE = AsciiString.cached("access-control-expose-headers");
  private static final AsciiString ORIGIN = AsciiString.cached("origin");
  private static final AsciiString ALL = AsciiString.cached("*");
  private static final AsciiString BYTES = AsciiString.cached("application/octet-stream");

  /** Up to this many bytes are copied from the file; more go by sendfile. */
  private static final int COPIED = 64 * 1024;

  private final FileChannel file;
  private final AtomicLong tail = new AtomicLong();
  private final Clock clock = new SystemClock();
  private volatile AsciiString date = AsciiString.EMPTY_STRING;
  private volatile int lastBody;

  private final EventLoopGroup loops;
  private final Channel channel;

  /** Serves until it is killed. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    if (List.of(arguments).contains("--help")) {
      System.out.print(HELP);
      return;
    }
    var options =
        new HashMap<>(
            Map.of(
                "--port", "8384",
                "--file", "floor.data",
                "--loops", "4",
                "--io", "auto",
                "--receive", "524288"));
    for (int i = 0; i < arguments.length; i += 2) {
      if (i + 1 == arguments.length || options.put(arguments[i], arguments[i + 1]) == null) {
        System.err.println("FloorServer: unknown or incomplete " + arguments[i]);
        System.exit(2);
      }
    }
    try (var server = new FloorServer(options)) {
      System.out.println("floor on port " + server.port());
      server.channel.closeFuture().sync();
    }
  }

  /** Starts to serve; the keys of the map are those of the command line. */
  FloorServer(Map<String, String> options) throws IOException, InterruptedException {
    var path = Path.of(options.getOrDefault("--file", "floor.data"));
    String io = options.getOrDefault("--io", "auto");
    boolean epoll = io.equals("auto") ? Epoll.isAvailable() : io.equals("epoll");
    IoHandlerFactory handlers = epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
    Class<? extends ServerChannel> channelClass =
        epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
    int receive = Integer.parseInt(options.getOrDefault("--receive", "524288"));
    int threads = Integer.parseInt(options.getOrDefault("--loops", "4"));
    file = FileChannel.open(path, CREATE, READ, WRITE, TRUNCATE_EXISTING);
    loops = new MultiThreadIoEventLoopGroup(threads, handlers);
    updateDate();
    var _ = loops.scheduleAtFixedRate(this::updateDate, 1, 1, TimeUnit.SECONDS);
    channel =
        new ServerBootstrap()
            .group(loops)
            .channel(channelClass)
            .option(ChannelOption.SO_BACKLOG, 1024)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(
                ChannelOption.RECVBUF_ALLOCATOR,
                new AdaptiveRecvByteBufAllocator(2048, Math.min(16_384, receive), receive))
            .childHandler(new Pipeline(this, receive))
            .bind(Integer.parseInt(options.getOrDefault("--port", "8384")))
            .sync()
            .channel();
  }

  /** The port that it listens on. */
  int port() {
    return ((InetSocketAddress) channel.localAddress()).getPort();
  }

  /** Stops, and closes the file. */
  @Override
  public void close() throws IOException {
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
    file.close();
  }

  private void updateDate() {
    var now = Instant.ofEpochSecond(clock.wallMicros() / 1_000_000);
    date =
        AsciiString.of(DateTimeFormatter.RFC_1123_DATE_TIME.format(now.atOffset(ZoneOffset.UTC)));
  }

  /** What every connection gets. */
  private static final class Pipeline extends ChannelInitializer<SocketChannel> {
    private final FloorServer server;
    private final int chunk;

    Pipeline(FloorServer server, int chunk) {
      this.server = server;
      this.chunk = chunk;
    }

    @Override
    protected void initChannel(SocketChannel channel) {
      var config =
          new HttpDecoderConfig()
              .setMaxInitialLineLength(16_384)
              .setMaxHeaderSize(512_000)
              .setMaxChunkSize(chunk)
              .setValidateHeaders(false);
      channel.pipeline().addLast(new HttpServerCodec(config), new Handler(server));
    }
  }

  /** One connection. */
  private static final class Handler extends ChannelInboundHandlerAdapter {
    private final FloorServer server;

    private HttpMethod method = HttpMethod.GET;
    private String uri = "";
    private boolean keepAlive;
    private long position;

    Handler(FloorServer server) {
      this.server = server;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws IOException {
      try {
        if (message instanceof HttpRequest request) {
          begin(request);
        }
        if (message instanceof HttpContent content) {
          append(content.content());
        }
        if (message instanceof LastHttpContent) {
          answer(context);
        }
      } finally {
        ReferenceCountUtil.release(message);
      }
    }

    private void begin(HttpRequest request) {
      method = request.method();
      uri = request.uri();
      keepAlive = HttpUtil.isKeepAlive(request);
      if (method.equals(HttpMethod.POST)) {
        int length = HttpUtil.getContentLength(request, 0);
        position = server.tail.getAndAdd(length);
        if (length > 0) {
          server.lastBody = length;
        }
      }
    }

    private void append(ByteBuf bytes) throws IOException {
      while (bytes.isReadable()) {
        position += bytes.readBytes(server.file, position, bytes.readableBytes());
      }
    }

    private void answer(ChannelHandlerContext context) throws IOException {
      var written = respond(context);
      if (!keepAlive) {
        var _ = written.addListener(ChannelFutureListener.CLOSE);
      }
    }

    private ChannelFuture respond(ChannelHandlerContext context) throws IOException {
      if (method.equals(HttpMethod.POST) || uri.endsWith("/alive") || uri.endsWith("/ready")) {
        return send(context, empty(OK), 0);
      }
      int ts = uri.indexOf("?ts=");
      int length = server.lastBody;
      if (!method.equals(HttpMethod.GET) || ts < 0 || server.tail.get() < length) {
        return send(context, empty(NOT_FOUND), 0);
      }
      long count = length == 0 ? 1 : server.tail.get() / length;
      long number = Long.parseUnsignedLong(uri, ts + 4, uri.length(), 10);
      return serve(context, Long.remainderUnsigned(number, count) * length, length);
    }

    private static HttpResponse empty(HttpResponseStatus status) {
      return new DefaultFullHttpResponse(HTTP_1_1, status, Unpooled.EMPTY_BUFFER);
    }

    private ChannelFuture serve(ChannelHandlerContext context, long from, int length)
        throws IOException {
      if (length <= COPIED) {
        ByteBuf bytes = context.alloc().ioBuffer(length);
        while (bytes.writableBytes() > 0 && bytes.readableBytes() < length) {
          int count =
              bytes.writeBytes(
                  server.file, from + bytes.readableBytes(), length - bytes.readableBytes());
          if (count < 0) {
            throw new IOException("the file is shorter than expected");
          }
        }
        var response = new DefaultFullHttpResponse(HTTP_1_1, OK, bytes);
        response.headers().set(HttpHeaderNames.CONTENT_TYPE, BYTES);
        return send(context, response, length);
      }
      var response = new DefaultHttpResponse(HTTP_1_1, OK);
      response.headers().set(HttpHeaderNames.CONTENT_TYPE, BYTES);
      var _ = send(context, response, length);
      // The region releases a channel that it opened itself, but not this shared one.
      var _ = context.write(new SharedRegion(server.file, from, length));
      return context.write(LastHttpContent.EMPTY_LAST_CONTENT);
    }

    private ChannelFuture send(ChannelHandlerContext context, HttpResponse response, int length) {
      response
          .headers()
          .set(HttpHeaderNames.SERVER, SERVER)
          .set(API, VERSION)
          .set(HttpHeaderNames.VARY, ORIGIN)
          .set(EXPOSE, ALL)
          .setInt(HttpHeaderNames.CONTENT_LENGTH, length)
          .set(HttpHeaderNames.DATE, server.date);
      return context.write(response);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      context.flush();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      System.err.println("floor: " + cause);
      var _ = context.close();
    }
  }

  /** A piece of the file; does not close it. */
  private static final class SharedRegion extends DefaultFileRegion {
    SharedRegion(FileChannel file, long position, long count) {
      super(file, position, count);
    }

    @Override
    protected void deallocate() {
      // The file stays open for the others.
    }
  }
}
