package io.pannier.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.util.ReferenceCountUtil;
import io.pannier.model.PannierException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection: takes what the decoder makes of the bytes, runs one exchange at a time, holds
 * what a pipelining client sends meanwhile, and keeps the times. Everything happens on its event
 * loop.
 */
final class Connection extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

  /** Bodies up to this size are copied behind the head, so that one buffer and one call suffice. */
  private static final int COPIED_BODY_BYTES = 16 << 10;

  /** A head up to this size is not counted: every connection may have one. */
  private static final int FREE_HEAD_BYTES = 16 << 10;

  /**
   * How long bytes are thrown away after the last response, so that a client that is still sending
   * gets to read it.
   */
  private static final long LINGER_NANOS = 5_000_000_000L;

  final HttpServer server;
  final LoopState loop;
  final SocketChannel channel;
  final boolean refused;

  /** Place among the connections of the loop. */
  int loopIndex;

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

  private long headCharge;
  private @Nullable Object headPlace;

  private long idleSince;
  private long headSince;
  private boolean inHead;
  private boolean served;
  private long lastRead;
  private long lingerSince;
  private long lingered;
  private long stallBytes;
  private long stallProgress;
  private long stallSince;

  Connection(HttpServer server, LoopState loop, SocketChannel channel, boolean refused) {
    this.server = server;
    this.loop = loop;
    this.channel = channel;
    this.refused = refused;
    this.decoder = new RequestDecoder(server.config, this);
    this.idleSince = now();
    this.lastRead = idleSince;
  }

  RequestDecoder decoder() {
    return decoder;
  }

  long now() {
    return server.config.clock().monotonicNanos();
  }

  long lastRead() {
    return lastRead;
  }

  boolean isDead() {
    return dead;
  }

  boolean isLingering() {
    return lingering;
  }

  boolean isReadingPaused() {
    return budgetPaused;
  }

  InetSocketAddress remoteAddress() {
    return channel.remoteAddress();
  }

  @Override
  public void handlerAdded(ChannelHandlerContext added) {
    context = added;
  }

  @Override
  public void channelActive(ChannelHandlerContext from) {
    loop.add(this);
    if (refused) {
      closing = true;
      write(
          server.errorResponse(
              new PannierException.Unavailable("too many connections: try again later", 1)),
          false,
          true,
          true);
    }
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
    if (headCharge == 0 && decoder.unfinishedHeadBytes() > FREE_HEAD_BYTES) {
      headCharge = server.config.maxHeaderBytes();
      headPlace = server.budget.take(headCharge, () -> execute(this::headGranted));
      if (headPlace != null) {
        budgetPaused = true;
        updateReading();
      }
    }
  }

  private void headGranted() {
    headPlace = null;
    if (dead) {
      releaseHead();
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

  private void releaseHead() {
    long charge = headCharge;
    Object place = headPlace;
    headCharge = 0;
    headPlace = null;
    if (charge > 0 && (place == null || !server.budget.cancel(place))) {
      server.budget.give(charge);
    }
  }

  void setBodyPaused(boolean paused) {
    bodyPaused = paused;
    updateReading();
  }

  void setBudgetPaused(boolean paused) {
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
        now.received(content);
      }
    }
  }

  private void begin(HttpRequest request) {
    decoder.headDone();
    inHead = false;
    served = true;
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
    var exchange =
        new HttpExchange(
            this, request.method().name(), target, (RequestHead) request.headers(), http11);
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
    write(Response.of(status), false, true, true);
  }

  // ------------------------------------------------------------------------------------ bytes out

  /**
   * Writes a response.
   *
   * @param bodyless whether the body is left out, as for {@code HEAD}
   * @param close whether the connection ends behind it
   * @param linger whether the client may still be sending then
   */
  void write(Response response, boolean bodyless, boolean close, boolean linger) {
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
    heads.write(response, announced, false, close);
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

  /** Writes the head of a streamed response; without a flush. */
  void writeHead(Response head, long contentLength, boolean chunked, boolean close) {
    HeadWriter heads = loop.heads;
    heads.write(head, contentLength, chunked, close);
    ByteBuf out = channel.alloc().directBuffer(heads.length());
    heads.copyTo(out);
    context().write(out, channel.voidPromise());
    flushNeeded = true;
  }

  ChannelFuture write(ByteBuf bytes, ChannelPromise promise) {
    flushNeeded = true;
    return context().write(bytes, promise);
  }

  void writeContinue() {
    context()
        .write(Unpooled.wrappedBuffer(HttpExchange.CONTINUE.duplicate()), channel.voidPromise());
    flushNeeded = true;
    flushUnlessReading();
  }

  void flushUnlessReading() {
    if (flushNeeded && !reading) {
      flushNeeded = false;
      context().flush();
    }
  }

  /** Ends the connection when a write is done. */
  void closeAfter(ChannelFuture done, boolean linger) {
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
    lingerSince = now();
    channel.shutdownOutput();
    updateReading();
  }

  void discard(ByteBuf bytes) {
    lingered += bytes.readableBytes();
    bytes.release();
    if (lingered > server.config.drainBytes()) {
      channel.close();
    }
  }

  /** Ends the connection without more ado. From any thread. */
  void cut() {
    channel.close();
  }

  /** The exchange is over as far as this connection is concerned. */
  void ended(HttpExchange exchange) {
    if (current != exchange) {
      return;
    }
    current = null;
    bodyPaused = false;
    idleSince = now();
    stallSince = idleSince;
    if (headCharge > 0) {
      releaseHead();
    }
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

  /** Runs a task on the loop, or drops it when the loop has ended. */
  boolean execute(Runnable task) {
    try {
      loop.loop.execute(task);
      return true;
    } catch (RejectedExecutionException e) {
      return false;
    }
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
    if (headCharge > 0) {
      releaseHead();
    }
    HttpExchange now = current;
    current = null;
    if (now != null) {
      now.clientGone();
    }
    loop.remove(this);
    server.closed(this);
  }

  private void releaseHeld() {
    for (HttpObject object = held.poll(); object != null; object = held.poll()) {
      ReferenceCountUtil.release(object);
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext from, Throwable cause) {
    if (cause instanceof IOException) {
      LOG.debug("connection lost", cause);
    } else {
      LOG.error("connection failed", cause);
    }
    channel.close();
  }

  /** Stops as soon as nothing is under way. */
  void stop() {
    updateReading();
    if (current == null && held.isEmpty() && !closing) {
      channel.close();
    }
  }

  /** Looks at the times, once in a while. */
  void tick(long now) {
    if (dead) {
      return;
    }
    HttpServerConfig config = server.config;
    if (isOutboundStalled(now, server.operationNanos)) {
      channel.close();
    } else if (lingering) {
      if (now - lingerSince > LINGER_NANOS) {
        channel.close();
      }
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

  private boolean isOutboundStalled(long now, long allowedNanos) {
    ChannelOutboundBuffer out = channel.unsafe().outboundBuffer();
    if (out == null || out.totalPendingWriteBytes() == 0) {
      stallBytes = 0;
      stallSince = now;
      return false;
    }
    long bytes = out.totalPendingWriteBytes();
    long progress = out.currentProgress();
    if (bytes != stallBytes || progress != stallProgress) {
      stallBytes = bytes;
      stallProgress = progress;
      stallSince = now;
      return false;
    }
    return now - stallSince > allowedNanos;
  }
}
