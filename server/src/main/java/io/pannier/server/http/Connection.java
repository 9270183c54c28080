package io.pannier.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayDeque;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One connection: takes what the decoder makes of the bytes, runs one exchange at a time, and keeps
 * what a pipelining client sends meanwhile in order. Lives on its event loop.
 */
final class Connection extends ChannelInboundHandlerAdapter {
  /** Parsed pieces that may wait before the socket is no longer read. */
  private static final int WAITING_MAX = 32;

  /**
   * Body bytes that are read and thrown away so that a client sees the answer to a request it has
   * not finished.
   */
  private static final long DRAIN_MAX = 64L << 20;

  final HttpServer server;
  private final ArrayDeque<HttpObject> waiting = new ArrayDeque<>();
  private @Nullable ChannelHandlerContext context;
  private @Nullable HttpExchange exchange;
  private boolean working;
  private boolean closing;
  private long drained;

  /** Monotonic time of the last progress, for the watch over idle and slow peers. */
  long progressNanos;

  /** Whether a request has begun and is not complete. */
  boolean receiving;

  Connection(HttpServer server) {
    this.server = server;
    progressNanos = server.config.clock().monotonicNanos();
  }

  /**
   * The decoder, which tells of the one thing that Netty repairs silently: a request with both
   * kinds of length.
   */
  static final class Decoder extends HttpRequestDecoder {
    Decoder(HttpServerConfig config) {
      super(
          new io.netty.handler.codec.http.HttpDecoderConfig()
              .setMaxInitialLineLength(config.maxRequestLineBytes())
              .setMaxHeaderSize(config.maxHeaderBytes())
              .setMaxChunkSize(512 * 1024)
              .setInitialBufferSize(1024)
              .setValidateHeaders(true));
    }

    @Override
    protected void handleTransferEncodingChunkedWithContentLength(HttpMessage message) {
      throw new IllegalArgumentException("both transfer-encoding and content-length");
    }
  }

  ChannelHandlerContext context() {
    return java.util.Objects.requireNonNull(context);
  }

  @Override
  public void handlerAdded(ChannelHandlerContext added) {
    context = added;
  }

  @Override
  public void channelRead(ChannelHandlerContext from, Object message) {
    progressNanos = server.config.clock().monotonicNanos();
    if (!(message instanceof HttpObject object)) {
      ReferenceCountUtil.release(message);
      return;
    }
    if (working || !waiting.isEmpty()) {
      waiting.add(object);
      if (waiting.size() >= WAITING_MAX) {
        from.channel().config().setAutoRead(false);
      }
      return;
    }
    take(object);
    work();
  }

  /** Goes on with what waited while an exchange was at work. */
  private void work() {
    if (working) {
      return;
    }
    working = true;
    try {
      while (!waiting.isEmpty() && canTake()) {
        take(java.util.Objects.requireNonNull(waiting.poll()));
      }
    } finally {
      working = false;
    }
    if (waiting.size() < WAITING_MAX / 2
        && !context().channel().config().isAutoRead()
        && wantsBytes()) {
      context().channel().config().setAutoRead(true);
    }
  }

  /**
   * Whether the next piece can be used now: a piece of a body always, a new request only when the
   * last one is answered.
   */
  private boolean canTake() {
    HttpExchange now = exchange;
    return now == null || !now.requestComplete();
  }

  private boolean wantsBytes() {
    HttpExchange now = exchange;
    return now == null || now.wantsBytes();
  }

  private void take(HttpObject object) {
    if (closing) {
      ReferenceCountUtil.release(object);
      return;
    }
    if (object.decoderResult().isFailure()) {
      ReferenceCountUtil.release(object);
      malformed(object.decoderResult().cause());
      return;
    }
    if (object instanceof HttpRequest request) {
      if (exchange != null) {
        waiting.addFirst(request);
        return;
      }
      begin(request);
    }
    if (object instanceof HttpContent content) {
      HttpExchange now = exchange;
      if (now == null) {
        // The rest of a request that is answered already.
        drained += content.content().readableBytes();
        boolean last = content instanceof LastHttpContent;
        content.release();
        if (last) {
          receiving = false;
        } else if (drained > DRAIN_MAX) {
          close();
        }
      } else {
        if (content instanceof LastHttpContent) {
          receiving = false;
        }
        now.received(content);
      }
    }
  }

  private void begin(HttpRequest request) {
    receiving = true;
    drained = 0;
    var begun = new HttpExchange(this, request);
    exchange = begun;
    HttpHeaders headers = request.headers();
    if (headers.size() > server.config.maxHeaderFields()) {
      begun.refuse(Response.of(431).close());
      return;
    }
    String coding = headers.get("content-encoding");
    if (coding != null && !coding.equalsIgnoreCase("identity")) {
      begun.respond(Response.of(415).header("accept-encoding", "identity"));
      return;
    }
    try {
      server.handler.handle(begun);
    } catch (Exception failed) {
      begun.fail(failed);
    }
  }

  private void malformed(@Nullable Throwable cause) {
    int status =
        cause instanceof TooLongHttpHeaderException || cause instanceof TooLongFrameException
            ? 431
            : 400;
    HttpExchange now = exchange;
    if (now != null) {
      // A broken chunk in the middle of a body: whoever reads it is told, and the answer to it is
      // the last one.
      now.broken();
      return;
    }
    closing = true;
    ByteBuf out = context().alloc().ioBuffer(256);
    server.head.write(out, Response.of(status).close(), 0, false, true);
    context().writeAndFlush(out).addListener(ChannelFutureListener.CLOSE);
  }

  /** The exchange is answered, and its response is on the way. */
  void answered(HttpExchange done, boolean close) {
    if (exchange != done) {
      return;
    }
    exchange = null;
    progressNanos = server.config.clock().monotonicNanos();
    if (close) {
      closing = true;
      return;
    }
    if (!context().channel().config().isAutoRead()) {
      context().channel().config().setAutoRead(true);
    }
    if (!waiting.isEmpty()) {
      if (context().channel().eventLoop().inEventLoop() && !working) {
        work();
      } else {
        context().channel().eventLoop().execute(this::work);
      }
    }
  }

  void close() {
    closing = true;
    context().close();
  }

  boolean isClosing() {
    return closing;
  }

  boolean isBusy() {
    return exchange != null;
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext from) {
    from.flush();
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext from) {
    HttpExchange now = exchange;
    if (now != null) {
      now.writabilityChanged();
    }
    from.fireChannelWritabilityChanged();
  }

  @Override
  public void channelInactive(ChannelHandlerContext from) {
    closing = true;
    HttpExchange now = exchange;
    if (now != null) {
      now.clientGone();
    }
    for (HttpObject object : waiting) {
      ReferenceCountUtil.release(object);
    }
    waiting.clear();
    server.gone(this);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext from, Throwable cause) {
    // A reset by the peer, nearly always: there is nobody to be told.
    server.log.debug("connection failed", cause);
    from.close();
  }

  /**
   * Closes the connection if its peer has been silent for too long. Called once in a while on the
   * loop.
   */
  void watch(long now) {
    HttpExchange current = exchange;
    long silentMillis = (now - progressNanos) / 1_000_000;
    if (current == null
        && silentMillis
            > (receiving ? server.operationMillis : server.config.keepAliveTimeout().toMillis())) {
      context().close();
    } else if (current != null && current.isGathering() && silentMillis > server.operationMillis) {
      current.fail(
          new io.pannier.model.PannierException.BadRequest("Timeout while receiving data"));
    }
  }

  static boolean isHttp11(HttpRequest request) {
    return request.protocolVersion().compareTo(HttpVersion.HTTP_1_1) >= 0;
  }

  static Iterable<Map.Entry<CharSequence, CharSequence>> entries(HttpHeaders headers) {
    return headers::iteratorCharSequence;
  }
}
