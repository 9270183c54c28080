package io.pannier.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.util.concurrent.Future;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A response body between the worker that writes it and the event loop that sends it. */
final class HttpResponseStream implements ResponseStream {
  /** Writes up to this size are gathered into buffers of {@link #GATHERED_BYTES}. */
  private static final int SMALL_BYTES = 16 << 10;

  private static final int GATHERED_BYTES = 64 << 10;

  /** Bytes given away and not yet sent, beyond which a writer waits. */
  private static final long UNDER_WAY_BYTES = 1 << 20;

  private final HttpExchange exchange;
  private final Link link;
  private final Response head;
  private final boolean bodyless;
  private final boolean chunked;
  private final boolean untilClose;
  private final long announced;

  // The worker's.
  private @Nullable ByteBuf gathered;
  private long written;
  private boolean closed;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition moved = lock.newCondition();

  // Under the lock.
  private long underWay;
  private boolean failed;

  // The loop's.
  private boolean begun;
  private boolean closeBehind;

  HttpResponseStream(HttpExchange exchange, Response head, boolean bodyless, Protocol protocol) {
    this.exchange = exchange;
    this.link = exchange.link;
    this.head = head;
    this.bodyless = bodyless;
    this.announced = head.contentLength();
    boolean unknown = announced < 0 && !bodyless;
    this.chunked = unknown && protocol == Protocol.HTTP_1_1;
    this.untilClose = unknown && protocol == Protocol.HTTP_1_0;
  }

  // ------------------------------------------------------------------------------------ on the
  // worker

  @Override
  public void write(ByteBuffer source) {
    int length = source.remaining();
    account(length);
    if (bodyless || length == 0) {
      source.position(source.limit());
    } else if (length <= SMALL_BYTES) {
      gather(length).writeBytes(source);
    } else {
      flush();
      submit(Unpooled.wrappedBuffer(source.slice()), length, HttpResponseStream::nothing, false);
      source.position(source.limit());
      // Also when the connection dies: only then is the buffer the caller's again.
      awaitAtMost(0);
    }
  }

  @Override
  public void write(ByteBuffer source, Runnable release) {
    int length = source.remaining();
    boolean given = false;
    try {
      account(length);
      if (!bodyless && length > SMALL_BYTES) {
        flush();
        given = true;
        submit(Unpooled.wrappedBuffer(source.slice()), length, release, false);
      } else if (!bodyless && length > 0) {
        gather(length).writeBytes(source);
      }
    } finally {
      if (!given) {
        release.run();
      }
    }
    awaitAtMost(UNDER_WAY_BYTES);
  }

  private static void nothing() {}

  private void account(int length) {
    if (closed) {
      throw new IllegalStateException("closed");
    }
    if (announced >= 0 && written + length > announced) {
      throw new IllegalStateException("more than the " + announced + " bytes announced");
    }
    checkAlive();
    written += length;
  }

  private void checkAlive() {
    lock.lock();
    try {
      if (failed) {
        throw new ClientGone("the connection died");
      }
    } finally {
      lock.unlock();
    }
  }

  /** The buffer for small writes, with room for more. */
  private ByteBuf gather(int length) {
    ByteBuf buffer = gathered;
    if (buffer != null && buffer.writableBytes() < length) {
      flush();
      awaitAtMost(UNDER_WAY_BYTES);
      buffer = null;
    }
    if (buffer == null) {
      // What has been accounted for includes these bytes.
      long rest = announced < 0 ? GATHERED_BYTES : announced - written + length;
      int size = (int) Math.min(GATHERED_BYTES, Math.max(length, rest));
      buffer = link.alloc().directBuffer(size, size);
      gathered = buffer;
    }
    return buffer;
  }

  @Override
  public void flush() {
    ByteBuf buffer = gathered;
    gathered = null;
    if (buffer != null) {
      submit(buffer, buffer.readableBytes(), HttpResponseStream::nothing, false);
    } else if (written == 0 && !closed) {
      submit(null, 0, HttpResponseStream::nothing, false);
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    if (announced >= 0 && written < announced && !bodyless) {
      abort();
      return;
    }
    closed = true;
    ByteBuf buffer = gathered;
    gathered = null;
    submit(buffer, buffer == null ? 0 : buffer.readableBytes(), HttpResponseStream::nothing, true);
  }

  @Override
  public void abort() {
    if (closed) {
      return;
    }
    closed = true;
    ByteBuf buffer = gathered;
    gathered = null;
    if (buffer != null) {
      buffer.release();
    }
    if (untilClose) {
      link.cutUntilClose();
    } else {
      link.cut();
    }
  }

  @Override
  public void abort(Throwable cause) {
    if (!closed && !exchange.isClientGone()) {
      exchange.cutOff(cause);
    }
    abort();
  }

  /** The handler is gone; if it has left the stream open, the response is not whole. */
  void abandon() {
    abort();
  }

  private void awaitAtMost(long bytes) {
    lock.lock();
    try {
      if (underWay > bytes) {
        exchange.awaitClient(moved, () -> underWay <= bytes);
      }
      if (failed) {
        throw new ClientGone("the connection died");
      }
    } finally {
      lock.unlock();
    }
  }

  private void submit(@Nullable ByteBuf bytes, int length, Runnable release, boolean last) {
    lock.lock();
    try {
      underWay += length;
    } finally {
      lock.unlock();
    }
    var piece = new Piece(bytes, length, release, last);
    if (!link.execute(piece)) {
      piece.drop();
    }
  }

  // ------------------------------------------------------------------------------------ on the
  // loop

  void connectionDied() {
    lock.lock();
    try {
      failed = true;
      moved.signal();
    } finally {
      lock.unlock();
    }
  }

  private void sent(int length, boolean success) {
    lock.lock();
    try {
      underWay -= length;
      failed |= !success;
      moved.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Bytes on their way to the socket. */
  private final class Piece implements Runnable {
    private final @Nullable ByteBuf bytes;
    private final int length;
    private final Runnable release;
    private final boolean last;

    Piece(@Nullable ByteBuf bytes, int length, Runnable release, boolean last) {
      this.bytes = bytes;
      this.length = length;
      this.release = release;
      this.last = last;
    }

    void drop() {
      if (bytes != null) {
        bytes.release();
      }
      try {
        release.run();
      } finally {
        sent(length, false);
      }
    }

    @Override
    public void run() {
      if (link.isDead()) {
        drop();
        return;
      }
      if (!begun) {
        begun = true;
        closeBehind = exchange.streamBegins(head, untilClose);
        long length = head.status() == 204 || head.status() == 304 ? -1 : announced;
        link.writeHead(head, length, chunked, closeBehind);
      }
      if (bytes != null) {
        exchange.streamWrote(length);
        link.writeBody(bytes, chunked).addListener(this::written);
      }
      if (last) {
        ChannelFuture end = link.writeEnd(chunked);
        link.flushUnlessReading();
        exchange.streamEnded(closeBehind, end);
      } else {
        link.flushUnlessReading();
      }
    }

    private void written(Future<? super Void> done) {
      try {
        release.run();
      } finally {
        sent(length, done.isSuccess());
      }
    }
  }
}
