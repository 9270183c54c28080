package io.pannier.bench;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http2.DefaultHttp2Connection;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.HttpToHttp2ConnectionHandler;
import io.netty.handler.codec.http2.HttpToHttp2ConnectionHandlerBuilder;
import io.netty.handler.codec.http2.InboundHttp2ToHttpAdapterBuilder;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Loads a server over one connection of HTTP/1.1 or HTTP/2, with or without TLS, by the same client
 * (Netty's): what differs between its figures is what the wire costs. Its own work per operation is
 * several times that of {@link LoadDriver}, so only its figures of the server compare with those of
 * that one.
 */
public final class WireDriver {
  private static final String HELP =
      """
      Load over one connection, closed loop. Options are those of LoadDriver, as far as they concern
      write, write-batch and read of one entry, and:

        --wire  h1 (default), tls, h2c (prior knowledge), h2 (HTTP/2 over TLS)
        --ca    PEM file with the authority of the server's certificate; for tls and h2
      """;

  /** Largest answer. */
  static final int ANSWER_BYTES_MAX = 64 * 1024 * 1024;

  /** Of a stream and of the connection: so that a large answer does not wait for its reader. */
  private static final int WINDOW = 1024 * 1024;

  private static final int CONNECTION_WINDOW_AT_FIRST = 65_535;

  private WireDriver() {}

  /** Runs the driver and ends the process. */
  public static void main(String[] arguments) {
    System.exit(run(System.out, System.err, arguments));
  }

  /** What carries requests. */
  enum Wire {
    H1,
    TLS,
    H2C,
    H2;

    boolean isHttp2() {
      return this == H2C || this == H2;
    }

    boolean isTls() {
      return this == TLS || this == H2;
    }
  }

  /** Runs the driver and returns the exit code. */
  static int run(PrintStream out, PrintStream err, String... arguments) {
    try {
      var rest = new ArrayList<>(List.of(arguments));
      if (rest.contains("--help")) {
        out.print(HELP);
        return 0;
      }
      Wire wire = wire(take(rest, "--wire").orElse("h1"));
      Optional<String> authority = take(rest, "--ca");
      DriverOptions options = DriverOptions.parse(rest.toArray(new String[0]));
      if (options.connections != 1 || options.entries != 1 || options.v2 || options.s3) {
        throw new DriverOptions.UsageException("one connection, one entry, protocol v1");
      }
      if (wire.isTls() != authority.isPresent()) {
        throw new DriverOptions.UsageException("--ca belongs to --wire tls and h2");
      }
      LoadDriver.Outcome outcome = measure(options, wire, authority);
      LoadDriver.show(out, err, options, outcome);
      return outcome.clean() ? 0 : 1;
    } catch (DriverOptions.UsageException wrong) {
      err.println("WireDriver: " + wrong.getMessage() + "; see --help");
      return 2;
    } catch (IOException failed) {
      err.println("WireDriver: " + failed);
      return 1;
    }
  }

  private static Wire wire(String name) throws DriverOptions.UsageException {
    return switch (name) {
      case "h1" -> Wire.H1;
      case "tls" -> Wire.TLS;
      case "h2c" -> Wire.H2C;
      case "h2" -> Wire.H2;
      default -> throw new DriverOptions.UsageException("--wire must be h1, tls, h2c or h2");
    };
  }

  /** Takes an option and its value out of the list. */
  private static Optional<String> take(List<String> arguments, String option)
      throws DriverOptions.UsageException {
    int at = arguments.indexOf(option);
    if (at < 0) {
      return Optional.empty();
    }
    if (at + 1 == arguments.size()) {
      throw new DriverOptions.UsageException(option + " needs a value");
    }
    arguments.remove(at);
    return Optional.of(arguments.remove(at));
  }

  private static LoadDriver.Outcome measure(
      DriverOptions options, Wire wire, Optional<String> authority) throws IOException {
    Optional<ProcessProbe> server =
        options.pid.isPresent()
            ? Optional.of(ProcessProbe.of(options.pid.getAsLong()))
            : Optional.empty();
    var sequence = new Workload.Sequence();
    var meter = new Meter(ProcessProbe.ofSelf(), server);
    var loop = new WireLoop(options, wire, sequence, meter);
    Optional<String> abortion = Optional.empty();
    var group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    try {
      Optional<SslContext> tls =
          authority.isPresent() ? Optional.of(context(wire, authority.get())) : Optional.empty();
      Channel channel =
          new Bootstrap()
              .group(group)
              .channel(NioSocketChannel.class)
              .option(ChannelOption.TCP_NODELAY, true)
              .handler(
                  new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel opened) {
                      prepare(opened, options, wire, tls, loop);
                    }
                  })
              .connect(options.host, options.port)
              .sync()
              .channel();
      try {
        loop.done().get();
      } finally {
        channel.close().sync();
      }
    } catch (ExecutionException failed) {
      abortion = Optional.of(String.valueOf(failed.getCause()));
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      abortion = Optional.of("interrupted");
    } finally {
      shutDown(group);
    }
    return LoadDriver.outcome(options, meter, sequence, server, abortion);
  }

  private static void shutDown(MultiThreadIoEventLoopGroup group) throws IOException {
    try {
      group.shutdownGracefully(0, 1, TimeUnit.SECONDS).get(10, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException failed) {
      throw new IOException("the driver does not end", failed);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static SslContext context(Wire wire, String authority) throws IOException {
    return SslContextBuilder.forClient()
        .sslProvider(SslProvider.JDK)
        .trustManager(new File(authority))
        .applicationProtocolConfig(
            new ApplicationProtocolConfig(
                Protocol.ALPN,
                SelectorFailureBehavior.NO_ADVERTISE,
                SelectedListenerFailureBehavior.ACCEPT,
                wire.isHttp2()
                    ? ApplicationProtocolNames.HTTP_2
                    : ApplicationProtocolNames.HTTP_1_1))
        .build();
  }

  private static void prepare(
      SocketChannel channel,
      DriverOptions options,
      Wire wire,
      Optional<SslContext> tls,
      WireLoop loop) {
    ChannelPipeline pipeline = channel.pipeline();
    tls.ifPresent(context ->
        pipeline.addLast(context.newHandler(channel.alloc(), options.host, options.port)));
    if (wire.isHttp2()) {
      pipeline.addLast(http2());
    } else {
      pipeline.addLast(new HttpClientCodec());
      pipeline.addLast(new HttpObjectAggregator(ANSWER_BYTES_MAX));
    }
    pipeline.addLast(loop);
  }

  private static HttpToHttp2ConnectionHandler http2() {
    Http2Connection connection = new DefaultHttp2Connection(false);
    HttpToHttp2ConnectionHandler handler =
        new HttpToHttp2ConnectionHandlerBuilder()
            .connection(connection)
            .frameListener(
                new InboundHttp2ToHttpAdapterBuilder(connection)
                    .maxContentLength(ANSWER_BYTES_MAX)
                    .propagateSettings(true)
                    .build())
            .initialSettings(Http2Settings.defaultSettings().initialWindowSize(WINDOW))
            .build();
    return handler;
  }

  /** Gives the connection the window of a stream; the protocol begins with 64 KB. */
  static void widen(Http2Connection connection) throws Http2Exception {
    connection
        .local()
        .flowController()
        .incrementWindowSize(connection.connectionStream(), WINDOW - CONNECTION_WINDOW_AT_FIRST);
  }

  /** So many bytes that do not compress. */
  static ByteBuf payload(int bytes) {
    return Unpooled.wrappedBuffer(Workload.payload(bytes));
  }
}
