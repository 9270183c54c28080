package io.pannier.server.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.DecoderException;
import java.io.IOException;
import javax.net.ssl.SSLException;

/** What can be done to a socket whatever is spoken on it. */
final class Channels {
  private Channels() {}

  /**
   * Ends a connection without a farewell. A TLS or HTTP/2 handler would say that all was sent, and
   * wait for the client to hear it: what the client has got must not look whole. From any thread.
   */
  static void cut(Channel channel) {
    ChannelHandlerContext first = channel.pipeline().firstContext();
    if (first == null) {
      channel.close();
    } else {
      // Goes on from there to the socket, past every handler.
      first.close();
    }
  }

  /** Whether it is the network or the client that failed, not we. */
  static boolean isLoss(Throwable cause) {
    return cause instanceof IOException
        || (cause instanceof DecoderException && cause.getCause() instanceof SSLException);
  }
}
