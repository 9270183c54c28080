package io.pannier.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at the first bytes of a connection, puts what they ask for in its own place, and is gone:
 * HTTP/1, HTTP/2 whose preface comes unannounced, or TLS, in which the protocol is agreed upon.
 */
final class FrontDoor extends ChannelInboundHandlerAdapter implements Peer {
  private static final Logger LOG = LoggerFactory.getLogger(FrontDoor.class);

  /** What every HTTP/2 connection begins with. */
  private static final byte[] PREFACE =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

  /** The first byte of a TLS connection: a record of the handshake. */
  private static final int TLS_HANDSHAKE = 22;

  private final HttpServer server;
  private final LoopState loop;
  private final SocketChannel channel;
  private final boolean refused;
  private final long since;

  /** The beginning of a preface. */
  private ByteBuf begun = Unpooled.EMPTY_BUFFER;

  private @Nullable SslHandler tls;

  FrontDoor(HttpServer server, LoopState loop, SocketChannel channel, boolean refused) {
    this.server = server;
    this.loop = loop;
    this.channel = channel;
    this.refused = refused;
    this.since = server.config.clock().monotonicNanos();
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    loop.add(this);
    if (refused && server.tls == null) {
      http1();
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    var bytes = (ByteBuf) message;
    if (server.tls != null && tls == null) {
      if (bytes.getUnsignedByte(bytes.readerIndex()) == TLS_HANDSHAKE) {
        encrypted(context, server.tls.current(), bytes);
      } else {
        bytes.release();
        http1().refuse(Response.error(400, "Plain HTTP was sent to a port that speaks HTTPS"));
      }
      return;
    }
    ByteBuf all = begun.isReadable() ? Unpooled.wrappedBuffer(begun, bytes) : bytes;
    begun = Unpooled.EMPTY_BUFFER;
    int known = Math.min(all.readableBytes(), PREFACE.length);
    if (!beginsPreface(all, known)) {
      http1();
      pass(all);
    } else if (known == PREFACE.length) {
      http2();
      pass(all);
    } else {
      begun = all;
    }
  }

  private static boolean beginsPreface(ByteBuf bytes, int length) {
    for (int i = 0; i < length; i++) {
      if (bytes.getByte(bytes.readerIndex() + i) != PREFACE[i]) {
        return false;
      }
    }
    return true;
  }

  private void encrypted(ChannelHandlerContext context, SslContext tlsContext, ByteBuf bytes) {
    SslHandler handler = tlsContext.newHandler(channel.alloc());
    handler.setHandshakeTimeoutMillis(server.config.headTimeout().toMillis());
    tls = handler;
    ChannelPipeline pipeline = context.pipeline();
    pipeline.addFirst(handler);
    pipeline.fireChannelRead(bytes);
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (!(event instanceof SslHandshakeCompletionEvent handshake) || tls == null) {
      return;
    }
    if (!handshake.isSuccess()) {
      // The handler has told the client and closes.
      LOG.debug("no TLS with {}", channel.remoteAddress(), handshake.cause());
    } else if (ApplicationProtocolNames.HTTP_2.equals(tls.applicationProtocol())) {
      http2();
    } else {
      http1();
    }
  }

  private void pass(ByteBuf bytes) {
    channel.pipeline().fireChannelRead(bytes);
  }

  private Connection http1() {
    var connection = new Connection(server, loop, channel, refused);
    channel.pipeline().addLast(connection.decoder(), connection);
    leave();
    connection.begin();
    return connection;
  }

  private void http2() {
    H2Connection connection = H2Connection.of(server, loop, channel, refused);
    channel.pipeline().addLast(connection);
    leave();
    connection.begin();
  }

  private void leave() {
    loop.remove(this);
    channel.pipeline().remove(this);
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext context) {
    begun.release();
    begun = Unpooled.EMPTY_BUFFER;
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    loop.remove(this);
    server.leave(refused);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    LOG.debug("connection lost before its first request", cause);
    Channels.cut(channel);
  }

  @Override
  public void tick(long now) {
    if (now - since > Math.min(server.headNanos, server.keepAliveNanos)) {
      Channels.cut(channel);
    }
  }

  @Override
  public void stop() {
    Channels.cut(channel);
  }

  @Override
  public void cut() {
    Channels.cut(channel);
  }
}
