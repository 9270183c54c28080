package io.pannier.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.ssl.SslHandler;
import java.util.concurrent.TimeUnit;

/**
 * The end of a connection whose client may still be sending: says that nothing more will come, and
 * throws away what arrives, undecrypted. Closing at once could take the response away from it.
 */
final class Lingering extends ChannelInboundHandlerAdapter {
  private static final long SECONDS = 5;

  private final long bytesMax;
  private long bytes;

  private Lingering(long bytesMax) {
    this.bytesMax = bytesMax;
  }

  /**
   * Begins. Everything was written.
   *
   * @param bytesMax most that is thrown away before the connection is closed after all
   */
  static void begin(SocketChannel channel, long bytesMax) {
    channel.pipeline().addFirst(new Lingering(bytesMax));
    channel.config().setAutoRead(true);
    SslHandler tls = channel.pipeline().get(SslHandler.class);
    if (tls == null) {
      channel.shutdownOutput();
    } else {
      tls.closeOutbound().addListener(_ -> channel.shutdownOutput());
    }
    channel.eventLoop().schedule(() -> Channels.cut(channel), SECONDS, TimeUnit.SECONDS);
  }

  @Override
  public void channelRead(ChannelHandlerContext from, Object message) {
    var piece = (ByteBuf) message;
    bytes += piece.readableBytes();
    piece.release();
    if (bytes > bytesMax) {
      Channels.cut(from.channel());
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext from) {
    // Nobody behind this has read anything.
  }
}
