package io.pannier.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpHeadersFactory;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpVersion;
import org.jspecify.annotations.Nullable;

/**
 * Netty's decoder with our own header table, and with an eye on heads that are not complete yet.
 * Netty refuses by itself what smuggles: bare line feeds, both kinds of length, different lengths,
 * transfer codings other than chunked, blanks around chunk sizes.
 */
final class RequestDecoder extends HttpRequestDecoder {
  private final int maxFields;
  private final Connection connection;
  private @Nullable RequestHead unfinished;

  RequestDecoder(HttpServerConfig config, Connection connection) {
    super(
        new HttpDecoderConfig()
            .setMaxInitialLineLength(config.maxRequestLineBytes())
            .setMaxHeaderSize(config.maxHeaderBytes())
            .setMaxChunkSize(1 << 20)
            .setStrictLineParsing(true)
            .setUseRfc9112TransferEncoding(true)
            .setAllowDuplicateContentLengths(false)
            .setTrailersFactory(new TrailersFactory(config.maxHeaderFields())));
    this.maxFields = config.maxHeaderFields();
    this.connection = connection;
  }

  /** Trailers are read, checked and forgotten. */
  private record TrailersFactory(int maxFields) implements HttpHeadersFactory {
    @Override
    public RequestHead newHeaders() {
      return new RequestHead(maxFields);
    }

    @Override
    public RequestHead newEmptyHeaders() {
      return new RequestHead(maxFields);
    }
  }

  @Override
  protected DefaultHttpRequest createMessage(String[] line) {
    var head = new RequestHead(maxFields);
    unfinished = head;
    return new DefaultHttpRequest(version(line[2]), HttpMethod.valueOf(line[0]), line[1], head);
  }

  private static HttpVersion version(String text) {
    return switch (text) {
      case "HTTP/1.1" -> HttpVersion.HTTP_1_1;
      case "HTTP/1.0" -> HttpVersion.HTTP_1_0;
      default -> new HttpVersion(text, true);
    };
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
    if (message instanceof ByteBuf bytes) {
      connection.bytesArrived();
      super.channelRead(context, bytes);
      connection.decoded();
    } else {
      super.channelRead(context, message);
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) throws Exception {
    if (connection.isReadingPaused()) {
      // Netty's decoder would ask for more bytes to complete what it has.
      context.fireChannelReadComplete();
    } else {
      super.channelReadComplete(context);
    }
  }

  /** A head was handed on. */
  void headDone() {
    unfinished = null;
  }

  /** Bytes of the fields of a head that is not complete; 0 if there is none. */
  int unfinishedHeadBytes() {
    return unfinished == null ? 0 : unfinished.bytes() + actualReadableBytes();
  }

  /** Whether something of a request has arrived that was not handed on. */
  boolean hasUnfinished() {
    return unfinished != null || actualReadableBytes() > 0;
  }
}
