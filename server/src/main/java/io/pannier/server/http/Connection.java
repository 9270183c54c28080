package io.pannier.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.util.ReferenceCountUtil;
import io.pannier.model.PannierException;
import io.pannier.model.Refusal;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection that speaks HTTP/1: takes what the decoder makes of the bytes, runs one exchange
 * at a time, holds what a pipelining client sends meanwhile, and keeps the times. Everything
 * happens on its event loop.
 */
final class Connection extends ChannelInboundHandlerAdapter implements Peer, Link {
  private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

  /** Bodies up to this size are copied behind the head, so that one buffer and one call suffice. */
  private static final int COPIED_BODY_BYTES = 16 << 10;

  final HttpServer server;
  final LoopState loop;
  final SocketChannel channel;
  final boolean refused;

  private final RequestDecoder decoder;
  private final ArrayDeque<HttpObject> held = new ArrayDeque<>(0);
  private @Nullable ChannelHandlerContext context;
  private @Nullable HttpExchange current;

  private boolean taking;
  private boolean reading;
  private boolean flushNeeded;
  private boolean closing;
  private boolean lingering;
  private boolean dead;
  private boolean bodyPaused;
  private boolean budgetPaused;

  /** Of the head that is arriving. */
  private HeadMemory headMemory;

  /** Of the head of {@link #current}. */
  private @Nullable HeadMemory currentMemory;

  private long idleSince;
  private long headSince;
  private boolean inHead;
  private boolean served;
  private long lastRead;
  private final OutboundStall stall;
  private final long number;

  /** Requests so far; what is no request has a number too. */
  private long requests;

  Connection(HttpServer server, LoopState loop, SocketChannel channel, boolean refused) {
    this.server = server;
    this.loop = loop;
    this.channel = channel;
    this.refused = refused;
    this.decoder = new RequestDecoder(server.config, this);
    this.headMemory = new HeadMemory(server.budget);
    this.idleSince = now();
    this.lastRead = idleSince;
    this.stall = new OutboundStall(channel, idleSince);
    this.number = server.ids.nextConnection();
  }

  RequestDecoder decoder() {
    return decoder;
  }

  @Override
  public HttpServer server() {
    return server;
  }

  @Override
  public ByteBufAllocator alloc() {
    return channel.alloc();
  }

  @Override
  public long number() {
    return number;
  }

  @Override
  public boolean isOnLoop() {
    return loop.loop.inEventLoop();
  }

  @Override
  public long now() {
    return server.config.clock().monotonicNanos();
  }

  @Override
  public long lastRead() {
    return lastRead;
  }

  @Override
  public boolean isDead() {
    return dead;
  }

  boolean isReadingPaused() {
    return budgetPaused;
  }

  @Override
  public InetSocketAddress remoteAddress() {
    return channel.remoteAddress();
  }

  @Override
  public void handlerAdded(ChannelHandlerContext added) {
    context = added;
  }

  /** Begins to serve, in its place in the pipeline of a channel that is active. */
  void begin() {
    loop.add(this);
    if (refused) {
      server.meters.refused(Refusal.CONNECTIONS);
      refuse(
          server.errorResponse(
              new PannierException.Unavailable(
                  Refusal.CONNECTIONS, "too many connections: try again later", 1)));
    }
  }

  /** Answers whatever is asked here with this. */
  void refuse(Response answer) {
    closing = true;
    write(answer, false, true, true);
  }

  private ChannelHandlerContext context() {
    if (context == null) {
      throw new IllegalStateException();
    }
    return context;
  }

  // ------------------------------------------------------------------------------------ bytes in

  /** Called by the decoder before it looks at bytes. */
  void bytesArrived() {
    lastRead = now();
    reading = true;
  }

  /** Called by the decoder when it has handed on what it could. */
  void decoded() {
    boolean unfinished = (current == null || current.isComplete()) && decoder.hasUnfinished();
    if (!unfinished) {
      inHead = false;
      return;
    }
    if (!inHead) {
      inHead = true;
      headSince = lastRead;
    }
    HeadMemory memory = headMemory;
    if (!memory.isTaken()
        && decoder.unfinishedHeadBytes() > HeadMemory.FREE_BYTES
        && !memory.take(server.config.maxHeaderBytes(), () -> execute(() -> granted(memory)))) {
      budgetPaused = true;
      updateReading();
    }
  }

  private void granted(HeadMemory memory) {
    memory.granted();
    if (dead) {
      memory.release();
    } else {
      resumeAfterBudget();
    }
  }

  private void resumeAfterBudget() {
    // The wait was ours, not the client's.
    lastRead = now();
    headSince = lastRead;
    budgetPaused = false;
    updateReading();
  }

  @Override
  public void setBodyPaused(boolean paused) {
    bodyPaused = paused;
    updateReading();
  }

  @Override
  public void setBudgetPaused(boolean paused) {
    if (paused) {
      budgetPaused = true;
      updateReading();
    } else {
      resumeAfterBudget();
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext from, Object message) {
    if (!(message instanceof HttpObject object)
        || dead
        || lingering
        || refused
        || !channel.isActive()) {
      ReferenceCountUtil.release(message);
      return;
    }
    if (!held.isEmpty() || taking || !canTake(object)) {
      held.add(object);
      updateReading();
      return;
    }
    taking = true;
    try {
      take(object);
    } finally {
      taking = false;
    }
    if (!held.isEmpty()) {
      drive();
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext from) {
    reading = false;
    if (flushNeeded) {
      flushNeeded = false;
      from.flush();
    }
  }

  private boolean canTake(HttpObject object) {
    HttpExchange now = current;
    return now != null
        ? !now.isComplete()
        : closing || !(object instanceof HttpRequest) || channel.isWritable();
  }

  /** Goes on with what was held, as far as possible now. */
  private void drive() {
    if (taking || dead) {
      return;
    }
    taking = true;
    try {
      for (HttpObject next = held.peek(); next != null && canTake(next); next = held.peek()) {
        held.remove();
        take(next);
      }
    } finally {
      taking = false;
    }
    updateReading();
    flushUnlessReading();
  }

  private void take(HttpObject object) {
    if (closing && current == null) {
      ReferenceCountUtil.release(object);
      return;
    }
    if (object.decoderResult().isFailure()) {
      ReferenceCountUtil.release(object);
      malformed(object.decoderResult().cause());
      return;
    }
    if (object instanceof HttpRequest request) {
      begin(request);
    } else if (object instanceof HttpContent content) {
      HttpExchange now = current;
      if (now == null) {
        content.release();
      } else {
        now.received(content.content(), content instanceof LastHttpContent);
      }
    }
  }

  private void begin(HttpRequest request) {
    decoder.headDone();
    inHead = false;
    served = true;
    if (headMemory.isTaken()) {
      currentMemory = headMemory;
      headMemory = new HeadMemory(server.budget);
    }
    HttpVersion version = request.protocolVersion();
    boolean http11 = version.equals(HttpVersion.HTTP_1_1);
    if (!http11 && !version.equals(HttpVersion.HTTP_1_0)) {
      refuse(505);
      return;
    }
    String target = request.uri();
    if (!target.startsWith("/")) {
      int scheme = target.indexOf("://");
      if (scheme > 0) {
        int slash = target.indexOf('/', scheme + 3);
        target = slash < 0 ? "/" : target.substring(slash);
      } else if (!target.equals("*")) {
        refuse(400);
        return;
      }
    }
    var head = (RequestHead) request.headers();
    String length = head.first("content-length");
    var exchange =
        new HttpExchange(
            this,
            http11 ? Protocol.HTTP_1_1 : Protocol.HTTP_1_0,
            request.method().name(),
            target,
            head,
            head.first("transfer-encoding") != null
                ? -1
                : length == null ? 0 : Long.parseLong(length),
            http11 && !head.lists("connection", "close"),
            ++requests);
    current = exchange;
    exchange.begin();
  }

  private void malformed(@Nullable Throwable cause) {
    HttpExchange now = current;
    if (now != null) {
      now.bodyMalformed();
    } else {
      refuse(
          cause instanceof TooLongHttpLineException
              ? 414
              : cause instanceof TooLongHttpHeaderException ? 431 : 400);
    }
  }

  /** The answer to what is no request: no error header, and the last one on this connection. */
  private void refuse(int status) {
    server.meters.malformed(status);
    refuse(Response.of(status));
  }

  // ------------------------------------------------------------------------------------ bytes out

  @Override
  public void write(Response response, boolean bodyless, boolean close, boolean linger) {
    if (dead) {
      response.released();
      return;
    }
    int status = response.status();
    boolean empty = bodyless || status == 204 || status == 304;
    int bodyBytes = empty ? 0 : response.bodyBytes();
    long announced =
        status == 204 || status == 304
            ? -1
            : !empty || response.contentLength() < 0
                ? response.bodyBytes()
                : response.contentLength();
    HeadWriter heads = loop.heads;
    head(response, announced, false, close);
    boolean copied = bodyBytes <= COPIED_BODY_BYTES;
    ByteBuf first = channel.alloc().directBuffer(heads.length() + (copied ? bodyBytes : 0));
    heads.copyTo(first);
    ChannelFuture done = null;
    if (copied) {
      if (bodyBytes > 0) {
        byte[] array = response.bodyArray();
        if (array != null) {
          first.writeBytes(array);
        } else {
          first.writeBytes(response.body());
        }
      }
      response.released();
      if (close) {
        done = context().write(first);
      } else {
        context().write(first, channel.voidPromise());
      }
    } else {
      context().write(first, channel.voidPromise());
      done = context().write(Unpooled.wrappedBuffer(response.body()));
      done.addListener(_ -> response.released());
    }
    flushNeeded = true;
    if (close && done != null) {
      closeAfter(done, linger);
    }
    flushUnlessReading();
  }

  private void head(Response response, long contentLength, boolean chunked, boolean close) {
    HttpExchange of = current;
    String given = of == null ? null : of.given();
    long request = of == null ? ++requests : of.number();
    loop.heads.write(response, given, number, request, contentLength, chunked, close);
  }

  @Override
  public void writeHead(Response head, long contentLength, boolean chunked, boolean close) {
    HeadWriter heads = loop.heads;
    head(head, contentLength, chunked, close);
    ByteBuf out = channel.alloc().directBuffer(heads.length());
    heads.copyTo(out);
    context().write(out, channel.voidPromise());
    flushNeeded = true;
  }

  @Override
  public ChannelFuture writeBody(ByteBuf bytes, boolean chunked) {
    flushNeeded = true;
    if (!chunked) {
      return context().write(bytes);
    }
    context()
        .write(text(Integer.toHexString(bytes.readableBytes()) + "\r\n"), channel.voidPromise());
    ChannelFuture done = context().write(bytes);
    context().write(text("\r\n"), channel.voidPromise());
    return done;
  }

  @Override
  public ChannelFuture writeEnd(boolean chunked) {
    flushNeeded = true;
    return context().write(chunked ? text("0\r\n\r\n") : Unpooled.EMPTY_BUFFER);
  }

  private ByteBuf text(String ascii) {
    return ByteBufUtil.writeAscii(channel.alloc(), ascii);
  }

  @Override
  public void bodyTaken(int bytes) {
    // Seen by the marks of the body.
  }

  @Override
  public void bodyUsed(int bytes) {
    // Seen by the marks of the body.
  }

  @Override
  public boolean answersEarly() {
    return false;
  }

  @Override
  public void writeContinue() {
    context()
        .write(Unpooled.wrappedBuffer(HttpExchange.CONTINUE.duplicate()), channel.voidPromise());
    flushNeeded = true;
    flushUnlessReading();
  }

  @Override
  public void flushUnlessReading() {
    if (flushNeeded && !reading) {
      flushNeeded = false;
      context().flush();
    }
  }

  @Override
  public void closeAfter(ChannelFuture done, boolean linger) {
    closing = true;
    done.addListener(_ -> {
      if (linger || !held.isEmpty()) {
        linger();
      } else {
        channel.close();
      }
    });
  }

  /**
   * Says that nothing more will come, and throws away what the client is still sending: closing now
   * could take the response away from it.
   */
  private void linger() {
    if (dead || lingering) {
      return;
    }
    releaseHeld();
    lingering = true;
    Lingering.begin(channel, server.config.drainBytes());
  }

  @Override
  public void cut() {
    Channels.cut(channel);
  }

  @Override
  public void cutUntilClose() {
    channel.config().setOption(ChannelOption.SO_LINGER, 0);
    cut();
  }

  @Override
  public void ended(HttpExchange exchange) {
    if (current != exchange) {
      return;
    }
    current = null;
    bodyPaused = false;
    idleSince = now();
    releaseCurrentMemory();
    exchange.over();
    if (server.isStopping() && !closing) {
      // The response went out before the stop.
      closing = true;
      closeAfter(context().writeAndFlush(Unpooled.EMPTY_BUFFER), false);
    }
    if (!taking) {
      drive();
    }
  }

  private void releaseCurrentMemory() {
    HeadMemory memory = currentMemory;
    currentMemory = null;
    if (memory != null) {
      memory.release();
    }
  }

  private void updateReading() {
    boolean wanted =
        lingering
            || (held.isEmpty()
                && !bodyPaused
                && !budgetPaused
                && (current != null || channel.isWritable()));
    if (channel.config().isAutoRead() != wanted) {
      channel.config().setAutoRead(wanted);
    }
  }

  @Override
  public boolean execute(Runnable task) {
    return loop.execute(task);
  }

  // ------------------------------------------------------------------------------------ events

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext from) {
    if (channel.isWritable() && !taking) {
      drive();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext from) {
    dead = true;
    releaseHeld();
    headMemory.release();
    releaseCurrentMemory();
    HttpExchange now = current;
    current = null;
    if (now != null) {
      now.clientGone();
    }
    loop.remove(this);
    server.leave(refused);
  }

  private void releaseHeld() {
    for (HttpObject object = held.poll(); object != null; object = held.poll()) {
      ReferenceCountUtil.release(object);
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext from, Throwable cause) {
    if (Channels.isLoss(cause)) {
      LOG.debug("connection lost", cause);
    } else {
      LOG.error("connection failed", cause);
    }
    channel.close();
  }

  @Override
  public void stop() {
    updateReading();
    if (current == null && held.isEmpty() && !closing) {
      channel.close();
    }
  }

  @Override
  public void tick(long now) {
    if (dead) {
      return;
    }
    HttpServerConfig config = server.config;
    if (stall.isStalled(now, server.operationNanos)) {
      cut();
    } else if (current != null) {
      current.tick(now);
    } else if (closing) {
      return;
    } else if (inHead && !budgetPaused) {
      if (now - headSince > config.headTimeout().toNanos()) {
        refuse(408);
      }
    } else if (held.isEmpty() && !budgetPaused) {
      long allowed =
          served ? server.keepAliveNanos : Math.min(server.keepAliveNanos, server.headNanos);
      if (now - idleSince > allowed) {
        channel.close();
      }
    }
  }
}
