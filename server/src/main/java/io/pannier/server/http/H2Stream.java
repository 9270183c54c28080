package io.pannier.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2LocalFlowController;
import io.netty.handler.codec.http2.Http2RemoteFlowController;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.handler.codec.http2.ReadOnlyHttp2Headers;
import io.netty.util.AsciiString;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * One stream of an HTTP/2 connection: one exchange, and afterwards what the client still sends.
 * What has arrived goes back to the windows when it was used, so that a slow reader slows its
 * sender and nobody else.
 */
final class H2Stream implements Link {
  private static final Http2Headers CONTINUE =
      ReadOnlyHttp2Headers.serverHeaders(false, HttpResponseStatus.CONTINUE.codeAsText());
  private static final AsciiString HOST = AsciiString.cached("host");

  /** Pieces below this size are copied: each keeps the whole buffer that it was read into. */
  private static final int COPIED_BYTES = 4 << 10;

  /** Bodies up to this size are copied, so that what they stand in is free at once. */
  private static final int COPIED_BODY_BYTES = 16 << 10;

  /** Bytes that a worker takes before they go back to the windows. */
  private static final int RETURNED_BYTES = 32 << 10;

  private final H2Connection connection;
  private final HttpServer server;
  private final Http2Stream stream;
  private final HeadMemory headMemory;
  private final AtomicInteger taken = new AtomicInteger();

  /** Whether a worker has begun to read; that worker's. */
  private boolean isRead;

  private @Nullable HttpExchange current;
  private boolean complete;
  private boolean closed;
  private long lastRead;
  private long thrownAway;
  private long grantedBytes;
  private long stallMark;
  private long stallSince;

  H2Stream(H2Connection connection, Http2Stream stream) {
    this.connection = connection;
    this.server = connection.server;
    this.stream = stream;
    this.headMemory = new HeadMemory(server.budget);
    this.lastRead = now();
    this.stallSince = lastRead;
  }

  // ------------------------------------------------------------------------------------ the head

  /** The head has arrived, and perhaps all there is. */
  void begin(Http2Headers headers, boolean end) {
    complete = end;
    HttpServerConfig config = server.config;
    CharSequence path = headers.path();
    if (headers.method() == null || path == null || !isTarget(path)) {
      refuse(400);
      return;
    }
    if (path.length() > config.maxRequestLineBytes()) {
      refuse(414);
      return;
    }
    var head = new RequestHead(config.maxHeaderFields());
    try {
      fill(head, headers);
    } catch (TooLongHttpHeaderException tooMany) {
      refuse(431);
      return;
    } catch (IllegalArgumentException malformed) {
      refuse(400);
      return;
    }
    // Counted as HTTP/1 would: with a colon and a blank.
    if (head.bytes() + 2 * head.size() > config.maxHeaderBytes()) {
      refuse(431);
      return;
    }
    String length = head.first("content-length");
    var exchange =
        new HttpExchange(
            this,
            Protocol.HTTP_2,
            headers.method().toString(),
            path.toString(),
            head,
            end ? 0 : length == null ? -1 : Long.parseLong(length),
            true,
            stream.id());
    current = exchange;
    if (head.bytes() <= HeadMemory.FREE_BYTES
        || headMemory.take(head.bytes(), () -> execute(this::headGranted))) {
      handle(exchange);
    }
  }

  private static boolean isTarget(CharSequence path) {
    return path.length() > 0 && (path.charAt(0) == '/' || path.toString().equals("*"));
  }

  private static void fill(RequestHead head, Http2Headers headers) {
    CharSequence authority = headers.authority();
    if (authority != null && !headers.contains(HOST)) {
      head.add(HOST, authority.toString());
    }
    for (Map.Entry<CharSequence, CharSequence> field : headers) {
      if (field.getKey().charAt(0) != ':') {
        head.add(field.getKey(), field.getValue().toString());
      }
    }
  }

  private void headGranted() {
    headMemory.granted();
    HttpExchange exchange = current;
    if (closed || exchange == null) {
      headMemory.release();
    } else {
      lastRead = now();
      handle(exchange);
      flushUnlessReading();
    }
  }

  private void handle(HttpExchange exchange) {
    exchange.begin();
    if (complete && current == exchange) {
      exchange.received(Unpooled.EMPTY_BUFFER, true);
    }
  }

  /** The answer to what is no request: no error header. */
  private void refuse(int status) {
    server.meters.malformed(status);
    write(Response.of(status), false, true, true);
  }

  // ------------------------------------------------------------------------------------ the body

  /**
   * Takes a piece of the body. Returns how many of its bytes are used already; others go back to
   * the windows through {@link #bodyTaken} and {@link #bodyUsed}.
   */
  int received(ByteBuf bytes, boolean end) {
    lastRead = now();
    HttpExchange exchange = current;
    int length = bytes.readableBytes();
    if (exchange == null) {
      complete |= end;
      thrownAway += length;
      if (!end && thrownAway > server.config.drainBytes()) {
        reset(Http2Error.NO_ERROR);
      }
      return length;
    }
    complete |= end;
    exchange.received(length == 0 ? Unpooled.EMPTY_BUFFER : kept(bytes, length), end);
    return 0;
  }

  private ByteBuf kept(ByteBuf bytes, int length) {
    return length < COPIED_BYTES
        ? alloc().directBuffer(length).writeBytes(bytes, bytes.readerIndex(), length)
        : bytes.retainedSlice();
  }

  /** Nothing more comes, as trailers say. */
  void bodyEnded() {
    received(Unpooled.EMPTY_BUFFER, true);
  }

  @Override
  public void setBodyPaused(boolean paused) {
    // The window is what holds the client back.
  }

  @Override
  public void setBudgetPaused(boolean paused) {
    if (!paused) {
      // The wait was ours, not the client's.
      lastRead = now();
    }
  }

  @Override
  public void writeContinue() {
    ChannelHandlerContext to = connection.context();
    connection.encoder().writeHeaders(to, stream.id(), CONTINUE, 0, false, to.newPromise());
    flushUnlessReading();
  }

  @Override
  public void bodyTaken(int bytes) {
    int sum = taken.addAndGet(bytes);
    if (!isRead) {
      isRead = true;
      execute(this::widen);
    } else if (sum >= RETURNED_BYTES && sum - bytes < RETURNED_BYTES) {
      execute(this::giveBack);
    }
  }

  private void widen() {
    if (!closed && !complete && current != null) {
      try {
        window()
            .incrementWindowSize(stream, H2Connection.READ_WINDOW - H2Connection.WAITING_WINDOW);
        flushUnlessReading();
      } catch (Http2Exception failure) {
        failed(failure);
      }
    }
    giveBack();
  }

  private void giveBack() {
    int bytes = taken.getAndSet(0);
    if (current != null) {
      bodyUsed(bytes);
    }
  }

  @Override
  public void bodyUsed(int bytes) {
    if (!closed && bytes > 0) {
      try {
        if (window().consumeBytes(stream, bytes)) {
          flushUnlessReading();
        }
      } catch (Http2Exception failure) {
        failed(failure);
      }
    }
  }

  private Http2LocalFlowController window() {
    return connection.decoder().flowController();
  }

  private void failed(Http2Exception failure) {
    connection.onError(connection.context(), true, failure);
  }

  @Override
  public boolean answersEarly() {
    return true;
  }

  // ------------------------------------------------------------------------------------ the
  // response

  @Override
  public void write(Response response, boolean bodyless, boolean close, boolean linger) {
    if (closed) {
      response.released();
      return;
    }
    ChannelHandlerContext to = connection.context();
    boolean statusOnly = response.status() == 204 || response.status() == 304;
    boolean empty = bodyless || statusOnly;
    int bodyBytes = empty ? 0 : response.bodyBytes();
    long announced =
        statusOnly
            ? -1
            : !empty || response.contentLength() < 0
                ? response.bodyBytes()
                : response.contentLength();
    head(response, announced, bodyBytes == 0);
    if (bodyBytes == 0) {
      response.released();
    } else if (bodyBytes <= COPIED_BODY_BYTES) {
      ByteBuf copy = alloc().directBuffer(bodyBytes).writeBytes(response.body());
      response.released();
      connection.encoder().writeData(to, stream.id(), copy, 0, true, to.newPromise());
    } else {
      connection
          .encoder()
          .writeData(
              to, stream.id(), Unpooled.wrappedBuffer(response.body()), 0, true, to.newPromise())
          .addListener(_ -> response.released());
    }
    flushUnlessReading();
  }

  private void head(Response response, long contentLength, boolean end) {
    ChannelHandlerContext to = connection.context();
    HttpExchange of = current;
    Http2Headers headers =
        connection.loop.h2Heads.of(
            response,
            of == null ? null : of.given(),
            connection.number,
            stream.id(),
            contentLength);
    connection.encoder().writeHeaders(to, stream.id(), headers, 0, end, to.newPromise());
  }

  @Override
  public void writeHead(Response head, long contentLength, boolean chunked, boolean close) {
    head(head, contentLength, false);
  }

  @Override
  public ChannelFuture writeBody(ByteBuf bytes, boolean chunked) {
    return data(bytes, false);
  }

  @Override
  public ChannelFuture writeEnd(boolean chunked) {
    return data(Unpooled.EMPTY_BUFFER, true);
  }

  private ChannelFuture data(ByteBuf bytes, boolean end) {
    ChannelHandlerContext to = connection.context();
    return connection.encoder().writeData(to, stream.id(), bytes, 0, end, to.newPromise());
  }

  @Override
  public void flushUnlessReading() {
    connection.flushUnlessReading();
  }

  @Override
  public void closeAfter(ChannelFuture done, boolean linger) {
    // Other streams may be under way; what the client still sends is thrown away.
  }

  @Override
  public void cut() {
    execute(() -> reset(Http2Error.INTERNAL_ERROR));
  }

  @Override
  public void cutUntilClose() {
    cut();
  }

  private void reset(Http2Error error) {
    if (closed) {
      return;
    }
    ChannelHandlerContext to = connection.context();
    connection.encoder().writeRstStream(to, stream.id(), error.code(), to.newPromise());
    flushUnlessReading();
  }

  @Override
  public void ended(HttpExchange exchange) {
    if (current != exchange) {
      return;
    }
    current = null;
    lastRead = now();
    headMemory.release();
    exchange.over();
    if (!closed) {
      // What was not read goes back, so that the client can go on with its other streams.
      bodyUsed(window().unconsumedBytes(stream));
    }
  }

  // ------------------------------------------------------------------------------------ events

  /** Both sides are done, or one has given up. */
  void closed() {
    closed = true;
    headMemory.release();
    HttpExchange exchange = current;
    current = null;
    if (exchange != null) {
      exchange.clientGone();
    }
  }

  /** The client takes so many bytes more. */
  void granted(int bytes) {
    grantedBytes += bytes;
  }

  void tick(long now) {
    if (closed) {
      return;
    }
    HttpExchange exchange = current;
    if (isStalled(now)) {
      reset(Http2Error.CANCEL);
    } else if (exchange != null) {
      exchange.tick(now);
    } else if (!complete && now - lastRead > server.operationNanos) {
      reset(Http2Error.NO_ERROR);
    }
  }

  /** Whether the client has left no room in its window for what waits to be sent. */
  private boolean isStalled(long now) {
    Http2RemoteFlowController flow = connection.encoder().flowController();
    // Bytes sent so far, but for a constant.
    long mark = grantedBytes - flow.windowSize(stream);
    if (!flow.hasFlowControlled(stream) || mark != stallMark) {
      stallMark = mark;
      stallSince = now;
      return false;
    }
    return now - stallSince > server.operationNanos;
  }

  /** The server stops: nobody throws away any more what the client still sends. */
  void stop() {
    if (current == null
        && !complete
        && !connection.encoder().flowController().hasFlowControlled(stream)) {
      reset(Http2Error.NO_ERROR);
    }
  }

  // ------------------------------------------------------------------------------------ any thread

  @Override
  public HttpServer server() {
    return server;
  }

  @Override
  public ByteBufAllocator alloc() {
    return connection.channel.alloc();
  }

  @Override
  public InetSocketAddress remoteAddress() {
    return connection.channel.remoteAddress();
  }

  @Override
  public long number() {
    return connection.number;
  }

  @Override
  public boolean isOnLoop() {
    return connection.loop.loop.inEventLoop();
  }

  @Override
  public boolean execute(Runnable task) {
    return connection.loop.execute(task);
  }

  @Override
  public long now() {
    return connection.now();
  }

  @Override
  public long lastRead() {
    return lastRead;
  }

  @Override
  public boolean isDead() {
    return closed;
  }
}
