package io.pannier.bench;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpScheme;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.HttpConversionUtil.ExtensionHeaderNames;
import io.netty.handler.codec.http2.HttpToHttp2ConnectionHandler;
import io.netty.handler.ssl.SslHandler;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;

/**
 * One request after the other on a connection: the bucket, what is to be read later, warm-up, and
 * what is measured. On the thread of its event loop only.
 */
// A write that fails ends its connection, which is seen.
@SuppressWarnings("FutureReturnValueIgnored")
final class WireLoop extends SimpleChannelInboundHandler<Object> {
  private enum Phase {
    BUCKET,
    FILL,
    WARM_UP,
    MEASURED
  }

  private final DriverOptions options;
  private final WireDriver.Wire wire;
  private final Workload.Sequence sequence;
  private final Meter meter;
  private final Workload.Scatter scatter = new Workload.Scatter(7);
  private final ByteBuf payload;
  private final CompletableFuture<Void> done = new CompletableFuture<>();

  private Phase phase = Phase.BUCKET;
  private long phaseEnd;
  private long bytesLeft;
  private long operationsLeft;
  private long filled;
  private long begun;

  WireLoop(DriverOptions options, WireDriver.Wire wire, Workload.Sequence sequence, Meter meter) {
    this.options = options;
    this.wire = wire;
    this.sequence = sequence;
    this.meter = meter;
    payload = WireDriver.payload(options.requestBytes());
  }

  /** Is completed when all is done, or with what went wrong. */
  CompletableFuture<Void> done() {
    return done;
  }

  private boolean reads() {
    return options.workload.equals("read");
  }

  @Override
  public void channelActive(ChannelHandlerContext context) throws Exception {
    if (!wire.isHttp2()) {
      var tls = context.pipeline().get(SslHandler.class);
      if (tls == null) {
        next(context);
      } else {
        tls.handshakeFuture()
            .addListener(shaken -> {
              if (shaken.isSuccess()) {
                next(context);
              } else {
                done.completeExceptionally(shaken.cause());
              }
            });
      }
    }
    context.fireChannelActive();
  }

  @Override
  protected void channelRead0(ChannelHandlerContext context, Object message) throws Exception {
    switch (message) {
      case Http2Settings _ -> {
        WireDriver.widen(context.pipeline().get(HttpToHttp2ConnectionHandler.class).connection());
        next(context);
      }
      case FullHttpResponse response -> answered(context, response);
      default -> throw new IOException("unexpected: " + message.getClass());
    }
  }

  private void answered(ChannelHandlerContext context, FullHttpResponse response)
      throws IOException {
    long now = System.nanoTime();
    int status = response.status().code();
    if (phase == Phase.BUCKET) {
      if (status != 200 && status != 409) {
        throw new IOException("the bucket is answered with " + status + " " + error(response));
      }
      phase = options.fill > 0 ? Phase.FILL : startWarmUp(now);
    } else if (phase == Phase.FILL) {
      if (status != 200) {
        throw new IOException("filling is answered with " + status + " " + error(response));
      }
      filled += options.batch;
      phase = filled < options.fill ? Phase.FILL : startWarmUp(now);
    } else {
      operation(response, status, now);
    }
    next(context);
  }

  private void operation(FullHttpResponse response, int status, long now) throws IOException {
    meter.tick(now);
    boolean isWhole = !reads() || response.content().readableBytes() == options.size;
    if (status != 200 || !isWhole) {
      meter.failure(status, isWhole ? error(response) : "the record has another length");
      if (meter.failures >= options.maxErrors) {
        throw new IOException(meter.failures + " operations failed: " + meter.firstError);
      }
    } else if (phase == Phase.MEASURED) {
      meter.operations++;
      meter.requests++;
      meter.records += options.batch;
      meter.bytes += options.requestBytes();
      meter.latency.record(now - begun);
    }
  }

  private static String error(FullHttpResponse response) {
    String error = response.headers().get("x-reduct-error");
    return error == null ? "" : error;
  }

  private Phase startWarmUp(long now) {
    phaseEnd = now + options.warmupNanos;
    bytesLeft = options.maxBytes == Long.MAX_VALUE ? Long.MAX_VALUE : options.maxBytes / 4;
    operationsLeft = Long.MAX_VALUE;
    return Phase.WARM_UP;
  }

  private void next(ChannelHandlerContext context) throws IOException {
    if (phase == Phase.WARM_UP && (System.nanoTime() - phaseEnd >= 0 || bytesLeft <= 0)) {
      phase = Phase.MEASURED;
      phaseEnd = meter.begin() + options.measuredNanos;
      bytesLeft = options.maxBytes;
      operationsLeft = options.operations;
    }
    if (phase == Phase.MEASURED
        && (System.nanoTime() - phaseEnd >= 0 || bytesLeft <= 0 || operationsLeft <= 0)) {
      meter.end();
      done.complete(null);
      return;
    }
    if (phase == Phase.WARM_UP || phase == Phase.MEASURED) {
      bytesLeft -= options.requestBytes();
      operationsLeft--;
    }
    HttpObject request = request();
    begun = System.nanoTime();
    context.writeAndFlush(request);
  }

  private HttpObject request() {
    String bucket = options.base + "b/" + options.bucket;
    if (phase == Phase.BUCKET) {
      return request(
          HttpMethod.POST, bucket, Unpooled.copiedBuffer(options.settings, StandardCharsets.UTF_8));
    }
    if (phase != Phase.FILL && reads()) {
      long number = scatter.below(options.fill);
      return request(HttpMethod.GET, bucket + "/e0?ts=" + timestamp(number), Unpooled.EMPTY_BUFFER);
    }
    long first = sequence.take(options.batch);
    if (options.batch == 1) {
      return request(
          HttpMethod.POST, bucket + "/e0?ts=" + timestamp(first), payload.retainedDuplicate());
    }
    var batch = request(HttpMethod.POST, bucket + "/e0/batch", payload.retainedDuplicate());
    for (int i = 0; i < options.batch; i++) {
      batch
          .headers()
          .add("x-reduct-time-" + timestamp(first + i), options.size + "," + options.contentType);
    }
    return batch;
  }

  private long timestamp(long number) {
    return options.firstTs + number * options.step;
  }

  private DefaultFullHttpRequest request(HttpMethod method, String path, ByteBuf body) {
    var request = new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, method, path, body);
    request
        .headers()
        .set(HttpHeaderNames.HOST, options.host + ":" + options.port)
        .set(HttpHeaderNames.AUTHORIZATION, "Bearer " + options.token);
    if (method.equals(HttpMethod.POST)) {
      request.headers().set(HttpHeaderNames.CONTENT_LENGTH, body.readableBytes());
    }
    if (wire.isHttp2()) {
      HttpScheme scheme = wire.isTls() ? HttpScheme.HTTPS : HttpScheme.HTTP;
      request.headers().set(ExtensionHeaderNames.SCHEME.text(), scheme.name());
    }
    return request;
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    done.completeExceptionally(new IOException("the server closed the connection"));
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    done.completeExceptionally(cause);
    context.close();
  }
}
