package io.pannier.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.pannier.model.PannierException;
import io.pannier.model.Refusal;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** An exchange over a {@link Link}. Fields without a remark belong to the event loop. */
final class HttpExchange implements Exchange {
  static final ByteBuffer CONTINUE =
      ByteBuffer.wrap("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII))
          .asReadOnlyBuffer();

  private static final String TIMEOUT = "Timeout while receiving data";

  /** What becomes of body bytes that arrive. */
  private enum Mode {
    /** They wait for whoever reads {@link #body}. */
    OPEN,
    /** They are put together for {@link #consumer}. */
    GATHER,
    /** Nobody wants them. */
    DISCARD
  }

  final Link link;
  private final HttpServer server;
  private final RequestHead head;
  private final String method;
  private final String path;
  private final String query;
  private final long contentLength;
  private @Nullable ContentCoding contentCoding;
  private @Nullable DecodedBody decoded;
  private final boolean keepAlive;
  private final Protocol protocol;
  private final long number;
  private final @Nullable String given;
  private final long began;
  private RouteMeter meter;
  private int status;
  private long receivedBytes;
  private long sentBytes;

  /** Whether somebody has taken it upon himself to answer; from any thread. */
  private final AtomicBoolean claimed = new AtomicBoolean();

  /**
   * Whether that was the transport itself: a late answer of the handler is then dropped rather than
   * an error.
   */
  private volatile boolean answeredByTransport;

  private volatile boolean gone;

  /** The body as a stream; made when first needed, under this object's monitor. */
  private @Nullable HttpBody body;

  /** Under this object's monitor, as is {@link #isOver}. */
  private @Nullable ArrayList<Runnable> endActions;

  private boolean isOver;

  /** Set by the worker that has it; read on the loop. */
  private volatile @Nullable HttpResponseStream stream;

  private Mode mode = Mode.OPEN;
  private boolean complete;
  private boolean broken;
  private boolean expectsContinue;
  private boolean responseDone;
  private @Nullable Response waiting;
  private @Nullable AnswerListener listener;

  /** Head of a streamed response; set by the worker before the loop hears of the stream. */
  private volatile @Nullable Response streamed;

  private long discarded;
  private long waitingSince;

  /** When the client began to be waited for, or was last found to be fast enough; 0: never. */
  private long pacedSince;

  /** {@link #receivedBytes} at that time. */
  private long pacedFrom;

  private @Nullable BodyConsumer consumer;
  private int gatherMax;
  private @Nullable ByteBuf gathered;
  private @Nullable ArrayDeque<ByteBuf> stash;
  private boolean stashComplete;
  private long charge;
  private @Nullable Object place;
  private @Nullable ByteBuf delivering;

  /**
   * An exchange whose head has arrived.
   *
   * @param contentLength -1 if the body is as long as it turns out to be
   * @param keepAlive whether the connection may serve another request
   * @param number of the request on its connection
   */
  HttpExchange(
      Link link,
      Protocol protocol,
      String method,
      String target,
      RequestHead head,
      long contentLength,
      boolean keepAlive,
      long number) {
    this.link = link;
    this.number = number;
    this.given = RequestIds.given(head);
    this.began = link.now();
    this.server = link.server();
    this.meter = server.meters.unrouted;
    server.meters.inFlight.increment();
    this.protocol = protocol;
    this.method = method;
    this.head = head;
    this.contentLength = contentLength;
    this.keepAlive = keepAlive;
    int mark = target.indexOf('?');
    path = mark < 0 ? target : mark == 0 ? "/" : target.substring(0, mark);
    query = mark < 0 ? "" : target.substring(mark + 1);
  }

  // ------------------------------------------------------------------------------------ the
  // request

  @Override
  public String method() {
    return method;
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
    String value = head.first(lowerCaseName);
    return value == null ? null : HeaderValues.text(value);
  }

  @Override
  public int headerCount() {
    return head.size();
  }

  @Override
  public String headerName(int index) {
    return head.name(index);
  }

  @Override
  public String headerValue(int index) {
    return HeaderValues.text(head.value(index));
  }

  @Override
  public String rawHeaderValue(int index) {
    return head.value(index);
  }

  @Override
  public long contentLength() {
    return contentCoding == null ? contentLength : -1;
  }

  @Override
  public boolean isChunked() {
    return contentLength < 0;
  }

  @Override
  public String requestId() {
    return given == null ? server.ids.text(link.number(), number) : given;
  }

  /** What the client calls the request, or null. */
  @Nullable String given() {
    return given;
  }

  /** Number of the request on its connection. */
  long number() {
    return number;
  }

  @Override
  public void countAs(RouteMeter route) {
    meter = route;
  }

  @Override
  public InetSocketAddress clientAddress() {
    return link.remoteAddress();
  }

  @Override
  public boolean isClientGone() {
    return gone;
  }

  private boolean hasBody() {
    return contentLength != 0;
  }

  /** Whether everything the client sends with this request has arrived, as the decoder sees it. */
  boolean isComplete() {
    return complete;
  }

  // ------------------------------------------------------------------------------------ the body
  // arrives

  void begin() {
    String coding = head.first("content-encoding");
    if (coding != null && !coding.equalsIgnoreCase("identity")) {
      contentCoding = ContentCoding.of(coding).orElse(null);
      if (contentCoding == null) {
        respond(Response.of(415).header("accept-encoding", ContentCoding.ACCEPTED));
        return;
      }
    }
    String expect = protocol == Protocol.HTTP_1_0 ? null : head.first("expect");
    if (expect != null) {
      if (!expect.equalsIgnoreCase("100-continue")) {
        respond(Response.of(417));
        return;
      }
      expectsContinue = hasBody();
    }
    try {
      server.handler.handle(this);
    } catch (Throwable failure) {
      fail(failure);
    }
  }

  /** Takes the next piece of the body, which is this exchange's to release. */
  void received(ByteBuf bytes, boolean last) {
    complete = last;
    receivedBytes += bytes.readableBytes();
    switch (mode) {
      case OPEN -> {
        if (hasBody()) {
          if (bodyState().offer(bytes, last)) {
            link.setBodyPaused(true);
          }
        } else {
          bytes.release();
        }
      }
      case GATHER -> gather(bytes, last);
      case DISCARD -> {
        discard(bytes);
        if (!last && discarded > server.config.drainBytes()) {
          endDrain(true);
        }
      }
    }
    if (last) {
      if (waiting != null) {
        endDrain(false);
      } else {
        endIfDone();
      }
    }
  }

  /** The rest of the body makes no sense. */
  void bodyMalformed() {
    broken = true;
    switch (mode) {
      case OPEN -> bodyState().fail(new PannierException.BadRequest("Malformed request body"));
      case GATHER -> answerByTransport(Response.of(400).close());
      case DISCARD -> endDrain(true);
    }
  }

  private void discard(ByteBuf bytes) {
    int length = bytes.readableBytes();
    bytes.release();
    discarded += length;
    link.bodyUsed(length);
  }

  private void bodyStalled() {
    broken = true;
    var failure = new PannierException.BadRequest(TIMEOUT);
    if (mode == Mode.OPEN) {
      bodyState().fail(failure);
    } else {
      answerByTransport(server.errorResponse(failure));
    }
  }

  /** Tells a client that waits for it to send its body. */
  void wantBody() {
    waitingSince = link.now();
    if (expectsContinue && !link.isDead() && !complete) {
      expectsContinue = false;
      link.writeContinue();
    }
  }

  /** The reader has room again. */
  void bodyHasRoom() {
    if (!isEnded() && mode == Mode.OPEN) {
      link.setBodyPaused(false);
    }
  }

  private boolean isEnded() {
    synchronized (this) {
      return isOver;
    }
  }

  void tick(long now) {
    long quiet = now - Math.max(link.lastRead(), waitingSince);
    long allowed = server.operationNanos;
    switch (mode) {
      case OPEN -> {
        HttpBody reading = body;
        boolean isAwaited = reading != null && !complete && !broken && reading.isWaiting();
        if (isTooSlow(now, isAwaited) || (isAwaited && quiet > allowed)) {
          bodyStalled();
        }
      }
      case GATHER -> {
        boolean isAwaited = consumer != null && place == null && !complete;
        if (isTooSlow(now, isAwaited) || (isAwaited && quiet > allowed)) {
          bodyStalled();
        }
      }
      case DISCARD -> {
        if (!complete) {
          if (waiting != null) {
            if (now - waitingSince > allowed) {
              endDrain(true);
            }
          } else if (responseDone && quiet > allowed) {
            link.cut();
          }
        }
      }
    }
  }

  /** Whether a client that is waited for sends less than it must, over an operation timeout. */
  private boolean isTooSlow(long now, boolean isAwaited) {
    long window = now - pacedSince;
    if (isAwaited && pacedSince != 0) {
      if (window <= server.operationNanos) {
        return false;
      }
      // In doubles: neither factor is bounded, and nothing hangs on the last byte.
      if (receivedBytes - pacedFrom < server.config.minBodyRate() * (window / 1e9)) {
        return true;
      }
    }
    pacedSince = isAwaited ? now : 0;
    pacedFrom = receivedBytes;
    return false;
  }

  // ------------------------------------------------------------------------------------ gathering

  @Override
  public void receiveWhole(int maxBytes, BodyConsumer whenComplete) {
    if (!link.isOnLoop()) {
      throw new IllegalStateException("not on the event loop");
    }
    if (contentCoding != null) {
      // Decoding may take long.
      block(ex -> whenComplete.accept(ByteBuffer.wrap(ex.body().readAll(maxBytes))));
      return;
    }
    if (maxBytes > server.budget.total()) {
      throw new IllegalArgumentException("more than the transport may hold: " + maxBytes);
    }
    if (mode == Mode.GATHER) {
      throw new IllegalStateException("the body is gathered already");
    }
    if (gone || claimed.get()) {
      return;
    }
    consumer = whenComplete;
    gatherMax = maxBytes;
    if (contentLength > maxBytes) {
      tooLarge();
      return;
    }
    mode = Mode.GATHER;
    if (!hasBody()) {
      deliver(Unpooled.EMPTY_BUFFER);
      return;
    }
    wantBody();
    HttpBody early = body;
    if (early != null) {
      ArrayDeque<ByteBuf> pieces = early.takeAll();
      link.setBodyPaused(false);
      if (complete && pieces.isEmpty()) {
        pieces.add(Unpooled.EMPTY_BUFFER);
      }
      while (mode == Mode.GATHER && !pieces.isEmpty()) {
        ByteBuf piece = pieces.remove();
        gather(piece, complete && pieces.isEmpty());
      }
      pieces.forEach(ByteBuf::release);
    }
  }

  private void gather(ByteBuf bytes, boolean last) {
    if (consumer == null) {
      link.bodyUsed(bytes.readableBytes());
      bytes.release();
      return;
    }
    if (stash != null) {
      stash.add(bytes);
      stashComplete |= last;
      return;
    }
    if (gathered == null) {
      if (last) {
        // All of it in one buffer.
        link.bodyUsed(bytes.readableBytes());
        if (bytes.readableBytes() > gatherMax) {
          bytes.release();
          tooLarge();
        } else {
          deliver(bytes);
        }
        return;
      }
      if (charge == 0) {
        charge = contentLength >= 0 ? contentLength : gatherMax;
        place = server.budget.take(charge, () -> link.execute(this::gatherGranted));
        if (place != null) {
          stash = new ArrayDeque<>();
          stash.add(bytes);
          link.setBudgetPaused(true);
          return;
        }
      }
      gathered =
          contentLength >= 0
              ? link.alloc().directBuffer((int) contentLength, (int) contentLength)
              : link.alloc()
                  .directBuffer(
                      Math.min(gatherMax, Math.max(4096, bytes.readableBytes() * 2)), gatherMax);
    }
    link.bodyUsed(bytes.readableBytes());
    if (bytes.readableBytes() > gatherMax - gathered.readableBytes()) {
      bytes.release();
      tooLarge();
      return;
    }
    gathered.writeBytes(bytes);
    bytes.release();
    if (last) {
      ByteBuf whole = gathered;
      gathered = null;
      deliver(whole);
    }
  }

  private void gatherGranted() {
    place = null;
    ArrayDeque<ByteBuf> pieces = stash;
    stash = null;
    if (pieces == null || gone || mode != Mode.GATHER) {
      if (pieces != null) {
        pieces.forEach(ByteBuf::release);
      }
      releaseGathered();
      return;
    }
    link.setBudgetPaused(false);
    while (!pieces.isEmpty()) {
      ByteBuf piece = pieces.remove();
      gather(piece, stashComplete && pieces.isEmpty());
    }
    endIfDone();
  }

  /** Hands the whole body over and releases it. */
  private void deliver(ByteBuf whole) {
    BodyConsumer taker = consumer;
    consumer = null;
    if (taker == null) {
      whole.release();
      return;
    }
    delivering = whole;
    try {
      taker.accept(
          whole.nioBufferCount() == 1
              ? whole.nioBuffer()
              : ByteBuffer.wrap(ByteBufUtil.getBytes(whole)));
    } catch (Throwable failure) {
      fail(failure);
    } finally {
      delivering = null;
      whole.release();
      giveCharge();
    }
  }

  private void tooLarge() {
    consumer = null;
    releaseGathered();
    mode = Mode.OPEN;
    answerByTransport(Response.error(413, "Request body is larger than " + gatherMax + " bytes"));
  }

  private void releaseGathered() {
    ByteBuf part = gathered;
    gathered = null;
    if (part != null) {
      part.release();
    }
    ArrayDeque<ByteBuf> pieces = stash;
    stash = null;
    if (pieces != null) {
      pieces.forEach(ByteBuf::release);
    }
    giveCharge();
  }

  private void giveCharge() {
    long bytes = charge;
    Object waitingPlace = place;
    charge = 0;
    place = null;
    if (bytes > 0 && (waitingPlace == null || !server.budget.cancel(waitingPlace))) {
      server.budget.give(bytes);
    }
  }

  // ------------------------------------------------------------------------------------ blocking
  // code

  @Override
  public void block(BlockingHandler handler) {
    ByteBuf kept = null;
    long keptCharge = 0;
    if (delivering != null && link.isOnLoop()) {
      kept = delivering.retain();
      keptCharge = charge;
      charge = 0;
    }
    var work = new Work(handler, kept, keptCharge);
    try {
      server.workers.execute(work);
    } catch (RejectedExecutionException full) {
      work.release();
      fail(
          new PannierException.Unavailable(
              Refusal.WORKERS, "The server is overloaded: try again later", 1));
    }
  }

  /** Waits for the client, on a worker; see {@link Workers#awaitClient}. */
  void awaitClient(Condition moved, BooleanSupplier over) {
    server.workers.awaitClient(moved, over);
  }

  /** One stay on a worker thread. */
  private final class Work implements Runnable {
    private final BlockingHandler handler;
    private final @Nullable ByteBuf kept;
    private final long keptCharge;

    Work(BlockingHandler handler, @Nullable ByteBuf kept, long keptCharge) {
      this.handler = handler;
      this.kept = kept;
      this.keptCharge = keptCharge;
    }

    @Override
    public void run() {
      try {
        handler.handle(HttpExchange.this);
      } catch (ClientGone nobody) {
        link.cut();
      } catch (Throwable failure) {
        fail(failure);
      } finally {
        release();
        workEnded();
      }
    }

    void release() {
      if (kept != null) {
        kept.release();
      }
      if (keptCharge > 0) {
        server.budget.give(keptCharge);
      }
    }
  }

  private void workEnded() {
    HttpBody reader;
    synchronized (this) {
      reader = body;
    }
    if (reader != null) {
      reader.releaseLent();
    }
    HttpResponseStream open = stream;
    if (open != null) {
      open.abandon();
    }
  }

  @Override
  public BodyReader body() {
    HttpBody raw = bodyState();
    ContentCoding coding = contentCoding;
    if (coding == null) {
      return raw;
    }
    synchronized (this) {
      DecodedBody reader = decoded;
      if (reader == null) {
        reader = new DecodedBody(raw, coding);
        decoded = reader;
      }
      return reader;
    }
  }

  private HttpBody bodyState() {
    synchronized (this) {
      HttpBody state = body;
      if (state == null) {
        state = new HttpBody(this, !hasBody());
        body = state;
        if (isOver) {
          state.fail(new ClientGone("the exchange is over"));
        }
      }
      return state;
    }
  }

  // ------------------------------------------------------------------------------------ the
  // response

  @Override
  public void respond(Response response) {
    if (!claimed.compareAndSet(false, true)) {
      response.released();
      if (gone || answeredByTransport) {
        return;
      }
      throw new IllegalStateException("answered already");
    }
    answerAnywhere(response);
  }

  private void answerByTransport(Response response) {
    if (claimed.compareAndSet(false, true)) {
      answeredByTransport = true;
      answer(response);
    } else {
      response.released();
    }
  }

  private void answerAnywhere(Response response) {
    if (link.isOnLoop()) {
      answer(response);
    } else if (!link.execute(() -> answer(response))) {
      response.released();
    }
  }

  private void answer(Response response) {
    status = response.status();
    if (status >= 400) {
      wasRefused(response);
    }
    tell(response);
    if (gone || link.isDead()) {
      response.released();
      return;
    }
    if (complete || !hasBody()) {
      finish(response, false);
    } else if (dropBody()) {
      waiting = response;
      waitingSince = link.now();
    } else {
      finish(response, true);
    }
  }

  /**
   * Gives up on the rest of the body. Returns whether it is short enough to be read and thrown
   * away.
   */
  private boolean dropBody() {
    consumer = null;
    releaseGathered();
    HttpBody state = body;
    if (state != null) {
      state.takeAll().forEach(this::discard);
    }
    mode = Mode.DISCARD;
    link.setBodyPaused(false);
    return !broken
        && !expectsContinue
        && !link.answersEarly()
        && contentLength - discarded <= server.config.drainBytes();
  }

  /** The body that nobody wants has been read, or is too long for that. */
  private void endDrain(boolean cut) {
    Response response = waiting;
    waiting = null;
    if (response != null) {
      finish(response, cut);
    } else if (cut && responseDone) {
      link.cut();
    } else if (!cut) {
      endIfDone();
    }
  }

  private void finish(Response response, boolean cut) {
    boolean close = cut || response.isClosing() || !keepAlive || server.isStopping();
    responseDone = true;
    if (!method.equals("HEAD")) {
      sentBytes = response.bodyBytes();
    }
    link.write(response, method.equals("HEAD"), close, cut || (!complete && hasBody()));
    if (cut) {
      link.ended(this);
    } else {
      endIfDone();
    }
  }

  private void endIfDone() {
    if (responseDone && complete) {
      link.ended(this);
    }
  }

  @Override
  public ResponseStream startResponse(Response response) {
    if (!claimed.compareAndSet(false, true)) {
      if (gone || answeredByTransport) {
        throw new ClientGone("the exchange is over");
      }
      throw new IllegalStateException("answered already");
    }
    boolean bodyless =
        method.equals("HEAD") || response.status() == 204 || response.status() == 304;
    var made = new HttpResponseStream(this, response, bodyless, protocol);
    streamed = response;
    stream = made;
    return made;
  }

  /** A streamed response begins. Returns whether the connection must end behind it. */
  boolean streamBegins(Response response, boolean untilClose) {
    boolean cut = !complete && hasBody() && !dropBody();
    if (cut) {
      broken = true;
    }
    return cut || untilClose || response.isClosing() || !keepAlive || server.isStopping();
  }

  /** So many bytes of a streamed body are on their way. */
  void streamWrote(int bytes) {
    sentBytes += bytes;
  }

  /** A streamed response is written. */
  void streamEnded(boolean close, ChannelFuture done) {
    responseDone = true;
    if (close) {
      link.closeAfter(done, !complete && hasBody());
    }
    if (broken || close) {
      link.ended(this);
    } else {
      endIfDone();
    }
  }

  /** Answers a failure, or cuts the connection when a response has begun. From any thread. */
  void fail(Throwable failure) {
    if (failure instanceof ClientGone) {
      link.cut();
      return;
    }
    if (claimed.compareAndSet(false, true)) {
      answeredByTransport = true;
      answerAnywhere(server.errorResponse(failure));
    } else {
      server.log.cutOff(this, failure);
      HttpResponseStream open = stream;
      if (open != null) {
        open.abandon();
      }
    }
  }

  /** Tells that an answer ends in the middle. */
  void cutOff(Throwable cause) {
    server.log.cutOff(this, cause);
  }

  // ------------------------------------------------------------------------------------ the end

  @Override
  public void onAnswer(AnswerListener whenAnswered) {
    listener = whenAnswered;
  }

  private void wasRefused(Response response) {
    Refusal reason = response.refusal();
    if (reason != null) {
      server.meters.refused(reason);
    }
    server.log.answered(this, response);
  }

  private void tell(Response response) {
    AnswerListener told = listener;
    if (told != null) {
      listener = null;
      told.answered(this, response, link.now() - began);
    }
  }

  @Override
  public void onEnd(Runnable action) {
    synchronized (this) {
      if (!isOver) {
        if (endActions == null) {
          endActions = new ArrayList<>(1);
        }
        endActions.add(action);
        return;
      }
    }
    action.run();
  }

  /** The connection died. */
  void clientGone() {
    gone = true;
    consumer = null;
    releaseGathered();
    Response unsent = waiting;
    waiting = null;
    if (unsent != null) {
      unsent.released();
    }
    HttpResponseStream open = stream;
    if (open != null) {
      open.connectionDied();
    }
    over();
  }

  /** Nothing more will happen here. */
  void over() {
    Response head = streamed;
    if (head != null) {
      status = head.status();
      tell(head);
    }
    server.meters.inFlight.decrement();
    meter.count(
        status, link.now() - began, receivedBytes, sentBytes, head != null && !responseDone);
    ArrayList<Runnable> actions;
    HttpBody reader;
    synchronized (this) {
      isOver = true;
      actions = endActions;
      endActions = null;
      reader = body;
    }
    if (reader != null) {
      reader.fail(new ClientGone(gone ? "the connection died" : "the exchange is over"));
    }
    if (actions != null) {
      for (Runnable action : actions) {
        try {
          action.run();
        } catch (RuntimeException failure) {
          server.log.cutOff(this, failure);
        }
      }
    }
  }

  @Override
  public String toString() {
    return method + " " + path;
  }
}
