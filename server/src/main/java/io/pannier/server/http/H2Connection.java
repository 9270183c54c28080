package io.pannier.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http2.AbstractHttp2ConnectionHandlerBuilder;
import io.netty.handler.codec.http2.DefaultHttp2LocalFlowController;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2ConnectionAdapter;
import io.netty.handler.codec.http2.Http2ConnectionDecoder;
import io.netty.handler.codec.http2.Http2ConnectionEncoder;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Flags;
import io.netty.handler.codec.http2.Http2FrameAdapter;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2Stream;
import java.util.ArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection that speaks HTTP/2: hands what Netty's codec makes of the frames to its streams,
 * and keeps the times and the bounds of the connection as a whole. Everything happens on its event
 * loop.
 *
 * <p>Bytes of a body that nobody has taken yet are bounded by windows. Each stream has the small
 * one that the protocol begins with, until a worker reads it; the connection has room for all of
 * them and for one that is read, so that streams which wait for a worker never keep those that have
 * one from going on.
 */
final class H2Connection extends Http2ConnectionHandler implements Peer {
  private static final Logger LOG = LoggerFactory.getLogger(H2Connection.class);

  /** Streams that a client may have at once. */
  static final int STREAMS_MAX = 100;

  /** The window of a stream whose body nobody reads yet: what the protocol begins with. */
  static final int WAITING_WINDOW = Http2CodecUtil.DEFAULT_WINDOW_SIZE;

  /** The window of a stream whose body a worker reads. */
  static final int READ_WINDOW = 512 << 10;

  private static final int CONNECTION_WINDOW = STREAMS_MAX * WAITING_WINDOW + READ_WINDOW;

  /** What the protocol counts for a field besides its name and value. */
  private static final int FIELD_BYTES = 32;

  /** The fields that begin with a colon. */
  private static final int PSEUDO_FIELDS = 5;

  /**
   * Frames within {@link #CONTROL_NANOS} that carry nothing, beyond which the client is shut out.
   */
  private static final int CONTROL_MAX = 1000;

  private static final long CONTROL_NANOS = 30_000_000_000L;

  final HttpServer server;
  final LoopState loop;
  final SocketChannel channel;
  private final boolean refused;
  private final OutboundStall stall;

  /** Number of the connection. */
  final long number;

  private final FrameWatch watch = new FrameWatch();
  private final HeadMemory headMemory;
  private final Http2Connection.PropertyKey key;
  private @Nullable ChannelHandlerContext context;

  private boolean reading;
  private boolean budgetPaused;
  private boolean served;
  private boolean dead;
  private boolean leaving;
  private boolean inHead;
  private long headSince;
  private long idleSince;
  private long controlSince;
  private int controls;

  private H2Connection(
      HttpServer server,
      LoopState loop,
      SocketChannel channel,
      boolean refused,
      Http2ConnectionDecoder decoder,
      Http2ConnectionEncoder encoder,
      Http2Settings settings) {
    super(decoder, encoder, settings);
    this.server = server;
    this.loop = loop;
    this.channel = channel;
    this.refused = refused;
    this.idleSince = now();
    this.controlSince = idleSince;
    this.stall = new OutboundStall(channel, idleSince);
    this.number = server.ids.nextConnection();
    this.headMemory = new HeadMemory(server.budget);
    this.key = encoder.connection().newKey();
    decoder.frameListener(new Frames());
    encoder.connection().addListener(new Streams());
  }

  static H2Connection of(
      HttpServer server, LoopState loop, SocketChannel channel, boolean refused) {
    return new Builder(server, loop, channel, refused).build();
  }

  private static final class Builder
      extends AbstractHttp2ConnectionHandlerBuilder<H2Connection, Builder> {
    private final HttpServer server;
    private final LoopState loop;
    private final SocketChannel channel;
    private final boolean refused;

    Builder(HttpServer server, LoopState loop, SocketChannel channel, boolean refused) {
      this.server = server;
      this.loop = loop;
      this.channel = channel;
      this.refused = refused;
      HttpServerConfig config = server.config;
      server(true);
      validateRequiredPseudoHeaders(true);
      initialSettings(
          Http2Settings.defaultSettings()
              .maxConcurrentStreams(STREAMS_MAX)
              .initialWindowSize(WAITING_WINDOW)
              .maxHeaderListSize(
                  (long) config.maxHeaderBytes()
                      + (long) FIELD_BYTES * (config.maxHeaderFields() + PSEUDO_FIELDS)));
      gracefulShutdownTimeoutMillis(
          Math.max(config.operationTimeout().toMillis(), config.closeGrace().toMillis()));
    }

    @Override
    protected H2Connection build() {
      return super.build();
    }

    @Override
    protected H2Connection build(
        Http2ConnectionDecoder decoder, Http2ConnectionEncoder encoder, Http2Settings settings) {
      return new H2Connection(server, loop, channel, refused, decoder, encoder, settings);
    }
  }

  @Override
  public void handlerAdded(ChannelHandlerContext added) throws Exception {
    context = added;
    super.handlerAdded(added);
    Http2Stream all = connection().connectionStream();
    var window = (DefaultHttp2LocalFlowController) decoder().flowController();
    // Netty gives back what was used when it is half of the window, and streams that wait may hold
    // more than that.
    window.windowUpdateRatio(all, 1 - READ_WINDOW / 2f / CONNECTION_WINDOW);
    window.incrementWindowSize(all, CONNECTION_WINDOW - Http2CodecUtil.DEFAULT_WINDOW_SIZE);
  }

  /** Begins to serve, in its place in the pipeline of a channel that is active. */
  void begin() {
    loop.add(this);
    if (refused) {
      channel.close();
    }
  }

  ChannelHandlerContext context() {
    if (context == null) {
      throw new IllegalStateException();
    }
    return context;
  }

  long now() {
    return server.config.clock().monotonicNanos();
  }

  boolean isDead() {
    return dead;
  }

  // ------------------------------------------------------------------------------------ bytes

  @Override
  public void channelRead(ChannelHandlerContext from, Object message) throws Exception {
    var bytes = (ByteBuf) message;
    reading = true;
    watch.look(bytes);
    super.channelRead(from, bytes);
    headSeen();
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext from) throws Exception {
    reading = false;
    if (budgetPaused) {
      // Netty's codec would ask for more bytes, as if only windows ever held them back.
      from.fireChannelReadComplete();
      flush(from);
    } else {
      super.channelReadComplete(from);
    }
  }

  void flushUnlessReading() {
    if (!reading) {
      flush(context());
    }
  }

  /** Keeps the time and the memory of a header block that arrives in pieces. */
  private void headSeen() {
    if (!watch.isInBlock()) {
      inHead = false;
      headMemory.release();
      return;
    }
    if (!inHead) {
      inHead = true;
      headSince = now();
    }
    if (!headMemory.isTaken()
        && watch.blockBytes() > HeadMemory.FREE_BYTES
        && !headMemory.take(
            server.config.maxHeaderBytes(), () -> loop.execute(this::headGranted))) {
      budgetPaused = true;
      channel.config().setAutoRead(false);
    }
  }

  private void headGranted() {
    headMemory.granted();
    if (dead) {
      headMemory.release();
    } else {
      headSince = now();
      budgetPaused = false;
      channel.config().setAutoRead(true);
    }
  }

  // ------------------------------------------------------------------------------------ frames

  private @Nullable H2Stream stream(int id) {
    Http2Stream stream = connection().stream(id);
    return stream == null ? null : stream.getProperty(key);
  }

  /** What Netty's codec has checked and makes of the frames. */
  private final class Frames extends Http2FrameAdapter {
    @Override
    public void onHeadersRead(
        ChannelHandlerContext from,
        int id,
        Http2Headers headers,
        int dependency,
        short weight,
        boolean exclusive,
        int padding,
        boolean end) {
      onHeadersRead(from, id, headers, padding, end);
    }

    @Override
    public void onHeadersRead(
        ChannelHandlerContext from, int id, Http2Headers headers, int padding, boolean end) {
      Http2Stream stream = connection().stream(id);
      H2Stream known = stream.getProperty(key);
      if (known != null) {
        // Trailers are read, checked and forgotten.
        known.bodyEnded();
      } else if (server.streamBegins()) {
        served = true;
        var made = new H2Stream(H2Connection.this, stream);
        stream.setProperty(key, made);
        made.begin(headers, end);
      } else {
        encoder().writeRstStream(from, id, Http2Error.REFUSED_STREAM.code(), from.newPromise());
      }
    }

    @Override
    public int onDataRead(
        ChannelHandlerContext from, int id, ByteBuf bytes, int padding, boolean end) {
      H2Stream stream = stream(id);
      return stream == null
          ? bytes.readableBytes() + padding
          : padding + stream.received(bytes, end);
    }

    @Override
    public void onWindowUpdateRead(ChannelHandlerContext from, int id, int increment) {
      H2Stream stream = stream(id);
      if (stream != null) {
        stream.granted(increment);
      }
    }

    @Override
    public void onPingRead(ChannelHandlerContext from, long data) {
      control();
    }

    @Override
    public void onPingAckRead(ChannelHandlerContext from, long data) {
      control();
    }

    @Override
    public void onSettingsRead(ChannelHandlerContext from, Http2Settings settings) {
      control();
    }

    @Override
    public void onPriorityRead(
        ChannelHandlerContext from, int id, int dependency, short weight, boolean exclusive) {
      control();
    }

    @Override
    public void onUnknownFrame(
        ChannelHandlerContext from, byte type, int id, Http2Flags flags, ByteBuf payload) {
      control();
    }
  }

  /** A frame came that carries nothing. */
  private void control() {
    long now = now();
    if (now - controlSince > CONTROL_NANOS) {
      controlSince = now;
      controls = 0;
    }
    controls++;
    if (controls == CONTROL_MAX + 1) {
      shutOut("more control frames than anybody needs");
    }
  }

  private void shutOut(String reason) {
    onError(context(), false, Http2Exception.connectionError(Http2Error.ENHANCE_YOUR_CALM, reason));
  }

  /** The lives of the streams. */
  private final class Streams extends Http2ConnectionAdapter {
    @Override
    public void onStreamClosed(Http2Stream stream) {
      H2Stream closed = stream.getProperty(key);
      if (closed != null) {
        stream.removeProperty(key);
        server.streamEnds();
        closed.closed();
      }
      idleSince = now();
      if (leaving && connection().numActiveStreams() == 0) {
        Lingering.begin(channel, server.config.drainBytes());
      }
    }
  }

  @Override
  protected void handleServerHeaderDecodeSizeError(ChannelHandlerContext from, Http2Stream stream) {
    server.meters.malformed(431);
    Http2Headers head = loop.h2Heads.of(Response.of(431), null, number, stream.id(), 0);
    encoder().writeHeaders(from, stream.id(), head, 0, true, from.newPromise());
  }

  // ------------------------------------------------------------------------------------ events

  @Override
  public void channelInactive(ChannelHandlerContext from) throws Exception {
    dead = true;
    headMemory.release();
    loop.remove(this);
    super.channelInactive(from);
    server.leave(refused);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext from, Throwable cause) throws Exception {
    if (Http2CodecUtil.getEmbeddedHttp2Exception(cause) != null) {
      super.exceptionCaught(from, cause);
      return;
    }
    if (Channels.isLoss(cause)) {
      LOG.debug("connection lost", cause);
    } else {
      LOG.error("connection failed", cause);
    }
    cut();
  }

  @Override
  public void stop() {
    if (connection().numActiveStreams() == 0) {
      channel.close();
      return;
    }
    leave();
    // Those that only throw away what nobody wants would keep it open.
    forEachStream(H2Stream::stop);
  }

  /** Says that no stream more is taken; the last one that ends is the end of the connection. */
  private void leave() {
    leaving = true;
    ChannelHandlerContext to = context();
    goAway(
        to,
        connection().remote().lastStreamCreated(),
        Http2Error.NO_ERROR.code(),
        Unpooled.EMPTY_BUFFER,
        to.newPromise());
    flush(to);
  }

  @Override
  public void cut() {
    Channels.cut(channel);
  }

  @Override
  public void tick(long now) {
    if (dead) {
      return;
    }
    if (stall.isStalled(now, server.operationNanos)) {
      cut();
      return;
    }
    if (inHead && !budgetPaused && now - headSince > server.headNanos) {
      shutOut("a head that trickles in");
      return;
    }
    if (connection().numActiveStreams() > 0) {
      forEachStream(stream -> stream.tick(now));
    } else if (!inHead) {
      long allowed =
          served ? server.keepAliveNanos : Math.min(server.keepAliveNanos, server.headNanos);
      if (now - idleSince > allowed && !leaving) {
        leave();
        // A request may be on its way; its client must get to read that it was not taken.
        Lingering.begin(channel, server.config.drainBytes());
      }
    }
  }

  private void forEachStream(Consumer<H2Stream> action) {
    var all = new ArrayList<H2Stream>(connection().numActiveStreams());
    try {
      connection()
          .forEachActiveStream(stream -> {
            H2Stream each = stream.getProperty(key);
            if (each != null) {
              all.add(each);
            }
            return true;
          });
    } catch (Http2Exception impossible) {
      throw new IllegalStateException(impossible);
    }
    all.forEach(action);
  }
}
