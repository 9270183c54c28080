package io.pannier.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.LastHttpContent;
import io.pannier.model.PannierException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * An exchange over Netty. What the loop and a worker share is guarded by the monitor of {@link
 * #pieces}.
 */
final class HttpExchange implements Exchange {
  /** Body bytes that may wait for a worker before the socket is no longer read. */
  private static final int PIECES_BYTES_MAX = 256 * 1024;

  /** Small pieces of a streamed body are handed to the socket together. */
  private static final int FLUSH_FROM = 64 * 1024;

  /** Bodies up to this length are sent in one buffer with the head. */
  private static final int TOGETHER_MAX = 8 * 1024;

  private final Connection connection;
  private final HttpServer server;
  private final Channel channel;
  private final HttpRequest request;
  private final String path;
  private final String query;
  private final long contentLength;
  private final boolean chunked;
  private final AtomicBoolean answered = new AtomicBoolean();
  private String @Nullable [] headers;

  /** What to do when the whole body is there; null unless it is being gathered. */
  private @Nullable BodyConsumer whenComplete;

  private int gatherMax;
  private long budgeted;
  private @Nullable ByteBuf gathered;
  private boolean complete;
  private boolean continueWanted;

  private final ArrayDeque<ByteBuf> pieces = new ArrayDeque<>();
  private int piecesBytes;
  private boolean ended;
  private boolean gone;
  private boolean brokenBody;
  private boolean answering;
  private boolean over;
  private final List<Runnable> endings = new ArrayList<>(1);
  private final Reader reader = new Reader();
  private int blocking;

  HttpExchange(Connection connection, HttpRequest request) {
    this.connection = connection;
    this.server = connection.server;
    this.channel = connection.context().channel();
    this.request = request;
    String uri = request.uri();
    int mark = uri.indexOf('?');
    path = mark < 0 ? uri : uri.substring(0, mark);
    query = mark < 0 ? "" : uri.substring(mark + 1);
    HttpHeaders fields = request.headers();
    chunked = fields.containsValue("transfer-encoding", "chunked", true);
    String length = fields.get("content-length");
    contentLength = chunked ? -1 : length == null ? 0 : parseLength(length);
    continueWanted =
        Connection.isHttp11(request) && fields.containsValue("expect", "100-continue", true);
  }

  private static long parseLength(String text) {
    try {
      long value = Long.parseLong(text.trim());
      return value < 0 ? -1 : value;
    } catch (NumberFormatException unusable) {
      return -1;
    }
  }

  // ---------------------------------------------------------------- the request

  @Override
  public String method() {
    return request.method().name();
  }

  @Override
  public String path() {
    return path;
  }

  @Override
  public String query() {
    return query;
  }

  @Override
  public @Nullable String header(String lowerCaseName) {
    String value = request.headers().get(lowerCaseName);
    return value == null ? null : HeaderValues.text(value);
  }

  @Override
  public int headerCount() {
    return fields().length / 2;
  }

  @Override
  public String headerName(int i) {
    return fields()[2 * i];
  }

  @Override
  public String headerValue(int i) {
    return HeaderValues.text(fields()[2 * i + 1]);
  }

  @Override
  public String rawHeaderValue(int i) {
    return fields()[2 * i + 1];
  }

  private String[] fields() {
    String[] known = headers;
    if (known == null) {
      known = new String[2 * request.headers().size()];
      int at = 0;
      for (var field : Connection.entries(request.headers())) {
        known[at++] = lowerCase(field.getKey().toString());
        known[at++] = field.getValue().toString();
      }
      headers = known;
    }
    return known;
  }

  private static String lowerCase(String name) {
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c >= 'A' && c <= 'Z') {
        return name.toLowerCase(java.util.Locale.ROOT);
      }
    }
    return name;
  }

  @Override
  public long contentLength() {
    return contentLength;
  }

  @Override
  public boolean isChunked() {
    return chunked;
  }

  @Override
  public InetSocketAddress clientAddress() {
    return channel.remoteAddress() instanceof InetSocketAddress address
        ? address
        : InetSocketAddress.createUnresolved("unknown", 0);
  }

  @Override
  public boolean isClientGone() {
    return !channel.isActive();
  }

  @Override
  public void onEnd(Runnable action) {
    synchronized (pieces) {
      if (!over) {
        endings.add(action);
        return;
      }
    }
    action.run();
  }

  // ---------------------------------------------------------------- its body

  @Override
  public void receiveWhole(int maxBytes, BodyConsumer callback) {
    if (contentLength > maxBytes) {
      respond(Response.error(413, "Body is longer than " + maxBytes + " bytes"));
      return;
    }
    long budget = Math.max(contentLength, 0);
    if (!server.budget.take(budget)) {
      respond(server.answer(new PannierException.Unavailable("Server is busy", 1)));
      return;
    }
    budgeted = budget;
    gatherMax = maxBytes;
    whenComplete = callback;
    sendContinue();
  }

  private void sendContinue() {
    if (continueWanted) {
      continueWanted = false;
      channel.writeAndFlush(
          Unpooled.copiedBuffer("HTTP/1.1 100 Continue\r\n\r\n", StandardCharsets.US_ASCII));
    }
  }

  /** On the loop: a piece of the body, which now belongs to this exchange. */
  void received(HttpContent content) {
    boolean last = content instanceof LastHttpContent;
    if (last) {
      complete = true;
    }
    BodyConsumer callback = whenComplete;
    if (callback == null || answered.get()) {
      toReader(content, last);
      return;
    }
    ByteBuf piece = content.content();
    ByteBuf sofar = gathered;
    if (sofar == null) {
      if (last || piece.readableBytes() == contentLength) {
        gathered = piece;
      } else {
        ByteBuf room =
            channel
                .alloc()
                .directBuffer(Math.max(256, (int) Math.max(contentLength, piece.readableBytes())));
        room.writeBytes(piece);
        piece.release();
        gathered = room;
      }
    } else if (sofar.readableBytes() + (long) piece.readableBytes() > gatherMax) {
      piece.release();
      fail(new PannierException.BadRequest("Body is longer than " + gatherMax + " bytes"));
      return;
    } else if (piece.isReadable()) {
      sofar.writeBytes(piece);
      piece.release();
    } else {
      piece.release();
    }
    if (last) {
      whenComplete = null;
      ByteBuf whole = java.util.Objects.requireNonNull(gathered);
      try {
        callback.accept(whole.nioBuffer());
      } catch (Exception failed) {
        fail(failed);
      }
    }
  }

  private void toReader(HttpContent content, boolean last) {
    synchronized (pieces) {
      if (answered.get() || gone) {
        content.release();
      } else {
        if (content.content().isReadable()) {
          pieces.add(content.content());
          piecesBytes += content.content().readableBytes();
          if (piecesBytes > PIECES_BYTES_MAX) {
            channel.config().setAutoRead(false);
          }
        } else {
          content.release();
        }
        ended |= last;
        pieces.notifyAll();
      }
    }
  }

  boolean requestComplete() {
    return complete;
  }

  boolean isGathering() {
    return whenComplete != null;
  }

  boolean wantsBytes() {
    synchronized (pieces) {
      return piecesBytes <= PIECES_BYTES_MAX;
    }
  }

  @Override
  public BodyReader body() {
    return reader;
  }

  private final class Reader implements BodyReader {
    private @Nullable ByteBuf current;
    private long received;

    @Override
    public int read(ByteBuffer target) {
      if (!target.hasRemaining()) {
        return 0;
      }
      ByteBuffer piece = next(target.remaining());
      if (piece == null) {
        return -1;
      }
      int bytes = piece.remaining();
      target.put(piece);
      return bytes;
    }

    @Override
    public @Nullable ByteBuffer next() {
      return next(Integer.MAX_VALUE);
    }

    @Override
    public byte[] readAll(int maxBytes) {
      var all = new java.io.ByteArrayOutputStream();
      for (ByteBuffer piece = next(); piece != null; piece = next()) {
        if (all.size() + (long) piece.remaining() > maxBytes) {
          throw new PannierException.BadRequest("Body is longer than " + maxBytes + " bytes");
        }
        var bytes = new byte[piece.remaining()];
        piece.get(bytes);
        all.write(bytes, 0, bytes.length);
      }
      return all.toByteArray();
    }

    @Override
    public void drain() {
      while (next() != null) {
        // Thrown away: the next request stands behind it.
      }
    }

    private @Nullable ByteBuffer next(long maxBytes) {
      ByteBuf now = current;
      if (now != null && !now.isReadable()) {
        now.release();
        now = null;
        current = null;
      }
      if (now == null) {
        now = take();
        current = now;
      }
      if (now == null) {
        return null;
      }
      int bytes = (int) Math.min(maxBytes, now.readableBytes());
      ByteBuffer piece = now.nioBuffer(now.readerIndex(), bytes);
      now.skipBytes(bytes);
      received += bytes;
      return piece;
    }

    private @Nullable ByteBuf take() {
      if (continueWanted) {
        channel.eventLoop().execute(HttpExchange.this::sendContinue);
      }
      boolean more;
      ByteBuf piece;
      synchronized (pieces) {
        long deadline =
            server.config.clock().monotonicNanos()
                + TimeUnit.MILLISECONDS.toNanos(server.operationMillis);
        while (pieces.isEmpty()) {
          if (brokenBody) {
            throw new PannierException.BadRequest("Body is not well formed");
          }
          if (ended) {
            return null;
          }
          if (gone) {
            throw new ClientGone("connection ended");
          }
          long left = deadline - server.config.clock().monotonicNanos();
          if (left <= 0) {
            throw new PannierException.BadRequest("Timeout while receiving data");
          }
          try {
            pieces.wait(TimeUnit.NANOSECONDS.toMillis(left) + 1);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ClientGone("connection ended");
          }
        }
        piece = java.util.Objects.requireNonNull(pieces.poll());
        boolean full = piecesBytes > PIECES_BYTES_MAX;
        piecesBytes -= piece.readableBytes();
        more = full && piecesBytes <= PIECES_BYTES_MAX;
      }
      if (more) {
        channel.eventLoop().execute(() -> channel.config().setAutoRead(true));
      }
      return piece;
    }

    void free() {
      ByteBuf now = current;
      current = null;
      if (now != null) {
        now.release();
      }
    }

    @Override
    public long receivedBytes() {
      return received;
    }
  }

  // ---------------------------------------------------------------- work

  @Override
  public void block(BlockingHandler handler) {
    synchronized (pieces) {
      blocking++;
    }
    try {
      server.workers.execute(() -> run(handler));
    } catch (RejectedExecutionException full) {
      blocked();
      respond(server.answer(new PannierException.Unavailable("Server is busy", 1)));
    }
  }

  private void run(BlockingHandler handler) {
    try {
      handler.handle(this);
    } catch (ClientGone clientLeft) {
      end(true);
    } catch (Exception failed) {
      fail(failed);
    } finally {
      blocked();
    }
  }

  /** A blocking handler has returned: what the request holds may go once it is answered too. */
  private void blocked() {
    boolean free;
    synchronized (pieces) {
      blocking--;
      free = blocking == 0 && over;
    }
    if (free) {
      free();
    }
  }

  /** Answers with the error, or cuts the connection where an answer has begun. */
  void fail(Throwable failure) {
    boolean begun;
    synchronized (pieces) {
      begun = answering;
    }
    if (begun || answered.get()) {
      server.log.warn("response was cut off", failure);
      channel.close();
      end(true);
      return;
    }
    respond(server.answer(failure));
  }

  /** On the loop: the chunk framing of the body is broken. */
  void broken() {
    complete = true;
    synchronized (pieces) {
      brokenBody = true;
      pieces.notifyAll();
    }
    if (whenComplete != null) {
      whenComplete = null;
      refuse(Response.of(400).close());
    }
  }

  void clientGone() {
    synchronized (pieces) {
      gone = true;
      pieces.notifyAll();
    }
    if (whenComplete != null) {
      whenComplete = null;
      end(true);
    }
  }

  void writabilityChanged() {
    synchronized (pieces) {
      pieces.notifyAll();
    }
  }

  // ---------------------------------------------------------------- the response

  /** Answers on the loop and closes. */
  void refuse(Response response) {
    respond(response.close());
  }

  @Override
  public void respond(Response response) {
    if (!answered.compareAndSet(false, true)) {
      response.released();
      return;
    }
    boolean close = closesBehind(response);
    boolean head = method().equals("HEAD") || response.status() == 204;
    long length = response.bodyBytes();
    boolean together = !head && length <= TOGETHER_MAX;
    ByteBuf out = channel.alloc().ioBuffer(512 + (together ? (int) length : 0));
    server.head.write(
        out,
        response,
        response.contentLength() >= 0 ? response.contentLength() : length,
        tellsKeepAlive(),
        close);
    if (!head && length > 0) {
      if (together) {
        out.writeBytes(response.body());
        response.released();
      } else {
        ByteBuf view = Unpooled.wrappedBuffer(response.body());
        send(out, view, close, response);
        return;
      }
    } else {
      response.released();
    }
    send(out, null, close, response);
  }

  private boolean closesBehind(Response response) {
    return response.isClosing()
        || continueWanted
        || connection.isClosing()
        || brokenBody
        || server.isStopping()
        || !keepsAlive();
  }

  private boolean keepsAlive() {
    HttpHeaders fields = request.headers();
    return Connection.isHttp11(request)
        ? !fields.containsValue("connection", "close", true)
        : fields.containsValue("connection", "keep-alive", true);
  }

  private boolean tellsKeepAlive() {
    return !Connection.isHttp11(request);
  }

  private void send(ByteBuf head, @Nullable ByteBuf body, boolean close, Response response) {
    if (channel.eventLoop().inEventLoop()) {
      sendOnLoop(head, body, close, response);
    } else {
      channel.eventLoop().execute(() -> sendOnLoop(head, body, close, response));
    }
  }

  private void sendOnLoop(ByteBuf head, @Nullable ByteBuf body, boolean close, Response response) {
    if (body == null && !close) {
      channel.writeAndFlush(head, channel.voidPromise());
    } else if (body == null) {
      channel.writeAndFlush(head).addListener(ChannelFutureListener.CLOSE);
    } else {
      channel.write(head, channel.voidPromise());
      var sent = channel.writeAndFlush(body);
      sent.addListener(done -> response.released());
      if (close) {
        sent.addListener(ChannelFutureListener.CLOSE);
      }
    }
    end(close);
  }

  /** Gives back what the request holds; the connection may go on. */
  private void end(boolean close) {
    answered.set(true);
    if (channel.eventLoop().inEventLoop()) {
      endOnLoop(close);
    } else {
      channel.eventLoop().execute(() -> endOnLoop(close));
    }
  }

  private void endOnLoop(boolean close) {
    boolean free;
    List<Runnable> actions;
    synchronized (pieces) {
      if (over) {
        return;
      }
      over = true;
      free = blocking == 0;
      actions = endings;
    }
    if (free) {
      free();
    }
    for (Runnable action : actions) {
      action.run();
    }
    connection.answered(this, close);
  }

  /** Gives back what the request held. */
  private void free() {
    ByteBuf whole;
    long bytes;
    synchronized (pieces) {
      whole = gathered;
      gathered = null;
      bytes = budgeted;
      budgeted = 0;
      for (ByteBuf piece : pieces) {
        piece.release();
      }
      pieces.clear();
      piecesBytes = 0;
    }
    server.budget.give(bytes);
    if (whole != null) {
      whole.release();
    }
    reader.free();
  }

  @Override
  public ResponseStream startResponse(Response head) {
    long length = head.contentLength();
    synchronized (pieces) {
      answering = true;
    }
    boolean close = closesBehind(head);
    ByteBuf out = channel.alloc().ioBuffer(512);
    server.head.write(out, head, length, tellsKeepAlive(), close);
    channel.write(out, channel.voidPromise());
    return new Stream(length, close);
  }

  private final class Stream implements ResponseStream {
    private long left;
    private final boolean close;
    private boolean done;

    /** Bytes written and not yet handed to the socket. */
    private long gathered;

    Stream(long length, boolean close) {
      this.left = length;
      this.close = close;
    }

    @Override
    public void write(ByteBuffer source) {
      ByteBuf copy = channel.alloc().directBuffer(source.remaining());
      copy.writeBytes(source);
      write(copy);
    }

    @Override
    public void write(ByteBuffer source, Runnable release) {
      int bytes = source.remaining();
      try {
        awaitWritable();
      } catch (ClientGone clientLeft) {
        release.run();
        throw clientLeft;
      }
      left -= bytes;
      channel.writeAndFlush(Unpooled.wrappedBuffer(source)).addListener(done -> release.run());
    }

    private void write(ByteBuf piece) {
      try {
        awaitWritable();
      } catch (ClientGone clientLeft) {
        piece.release();
        throw clientLeft;
      }
      left -= piece.readableBytes();
      gathered += piece.readableBytes();
      channel.write(piece, channel.voidPromise());
      if (gathered >= FLUSH_FROM) {
        flush();
      }
    }

    @Override
    public void flush() {
      gathered = 0;
      channel.flush();
    }

    private void awaitWritable() {
      synchronized (pieces) {
        long deadline =
            server.config.clock().monotonicNanos()
                + TimeUnit.MILLISECONDS.toNanos(server.operationMillis);
        while (!channel.isWritable()) {
          long wait = deadline - server.config.clock().monotonicNanos();
          if (gone || !channel.isActive() || wait <= 0) {
            channel.close();
            throw new ClientGone("connection ended");
          }
          try {
            pieces.wait(Math.min(1_000, TimeUnit.NANOSECONDS.toMillis(wait) + 1));
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ClientGone("connection ended");
          }
        }
        if (gone || !channel.isActive()) {
          throw new ClientGone("connection ended");
        }
      }
    }

    @Override
    public void abort() {
      if (!done) {
        done = true;
        channel.close();
        end(true);
      }
    }

    @Override
    public void close() {
      if (done) {
        return;
      }
      if (left != 0) {
        abort();
        return;
      }
      done = true;
      if (close) {
        channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
      } else {
        channel.flush();
      }
      end(close);
    }
  }
}
