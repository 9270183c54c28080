package io.pannier.server.http;

import io.netty.buffer.ByteBuf;
import io.pannier.model.PannierException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The pieces of a body between the event loop, which brings them, and the worker that reads them.
 */
final class HttpBody implements BodyReader {
  /**
   * Bytes waiting for the worker beyond which the socket is no longer read, and below which it is
   * again.
   */
  private static final int HIGH_BYTES = 512 << 10;

  private static final int LOW_BYTES = 128 << 10;

  private final HttpExchange exchange;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition arrived = lock.newCondition();

  // Under the lock.
  private final ArrayDeque<ByteBuf> pieces = new ArrayDeque<>();
  private int waitingBytes;
  private boolean ended;
  private boolean paused;
  private boolean waiting;
  private @Nullable RuntimeException failure;

  // The worker's.
  private @Nullable ByteBuf lent;
  private boolean asked;
  private long received;

  HttpBody(HttpExchange exchange, boolean ended) {
    this.exchange = exchange;
    this.ended = ended;
  }

  // ------------------------------------------------------------------------------------ on the
  // loop

  /**
   * Adds a piece, which is this body's to release. Returns whether the socket should no longer be
   * read.
   */
  boolean offer(ByteBuf piece, boolean last) {
    lock.lock();
    try {
      if (failure != null || ended) {
        piece.release();
        return false;
      }
      if (piece.isReadable()) {
        waitingBytes += piece.readableBytes();
        pieces.add(piece);
      } else {
        piece.release();
      }
      ended = last;
      if (waiting) {
        arrived.signal();
      }
      if (!last && !paused && waitingBytes >= HIGH_BYTES) {
        paused = true;
        return true;
      }
      return false;
    } finally {
      lock.unlock();
    }
  }

  void fail(RuntimeException reason) {
    lock.lock();
    try {
      if (failure == null) {
        failure = reason;
      }
      pieces.forEach(ByteBuf::release);
      pieces.clear();
      waitingBytes = 0;
      arrived.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Takes what nobody has read. */
  ArrayDeque<ByteBuf> takeAll() {
    lock.lock();
    try {
      var all = new ArrayDeque<>(pieces);
      pieces.clear();
      waitingBytes = 0;
      paused = false;
      return all;
    } finally {
      lock.unlock();
    }
  }

  boolean isWaiting() {
    lock.lock();
    try {
      return waiting;
    } finally {
      lock.unlock();
    }
  }

  // ------------------------------------------------------------------------------------ on the
  // worker

  @Override
  public @Nullable ByteBuffer next() {
    return next(Integer.MAX_VALUE);
  }

  private @Nullable ByteBuffer next(int maxBytes) {
    ByteBuf piece = lent;
    if (piece == null || !piece.isReadable()) {
      releaseLent();
      piece = take();
      lent = piece;
      if (piece == null) {
        return null;
      }
    }
    int length = Math.min(maxBytes, piece.readableBytes());
    ByteBuffer view = piece.nioBuffer(piece.readerIndex(), length).asReadOnlyBuffer();
    piece.skipBytes(length);
    received += length;
    return view;
  }

  private @Nullable ByteBuf take() {
    boolean resume = false;
    ByteBuf piece;
    lock.lock();
    try {
      if (!hasMore()) {
        if (!asked) {
          asked = true;
          exchange.link.execute(exchange::wantBody);
        }
        waiting = true;
        exchange.awaitClient(arrived, this::hasMore);
        waiting = false;
      }
      if (failure != null) {
        throw failure;
      }
      piece = pieces.poll();
      if (piece != null) {
        waitingBytes -= piece.readableBytes();
        if (paused && waitingBytes <= LOW_BYTES) {
          paused = false;
          resume = true;
        }
      }
    } finally {
      lock.unlock();
    }
    if (piece != null) {
      exchange.link.bodyTaken(piece.readableBytes());
    }
    if (resume) {
      exchange.link.execute(exchange::bodyHasRoom);
    }
    return piece;
  }

  /** Whether there is something to be said to who reads: a piece, the end, or a failure. */
  private boolean hasMore() {
    return !pieces.isEmpty() || ended || failure != null;
  }

  void releaseLent() {
    ByteBuf piece = lent;
    lent = null;
    if (piece != null) {
      piece.release();
    }
  }

  @Override
  public int read(ByteBuffer target) {
    if (!target.hasRemaining()) {
      return 0;
    }
    ByteBuffer bytes = next(target.remaining());
    if (bytes == null) {
      return -1;
    }
    int length = bytes.remaining();
    target.put(bytes);
    return length;
  }

  @Override
  public byte[] readAll(int maxBytes) {
    long announced = exchange.contentLength();
    if (announced > maxBytes) {
      throw tooLong(maxBytes);
    }
    var all =
        new ByteArrayOutputStream(announced >= 0 ? (int) announced : Math.min(maxBytes, 8192));
    for (ByteBuffer bytes = next(); bytes != null; bytes = next()) {
      if (bytes.remaining() > maxBytes - all.size()) {
        throw tooLong(maxBytes);
      }
      byte[] copy = new byte[bytes.remaining()];
      bytes.get(copy);
      all.writeBytes(copy);
    }
    return all.toByteArray();
  }

  static PannierException tooLong(int maxBytes) {
    return new PannierException.BadRequest("Request body is larger than " + maxBytes + " bytes");
  }

  @Override
  public void drain() {
    ByteBuffer bytes;
    do {
      bytes = next();
    } while (bytes != null);
  }

  @Override
  public long receivedBytes() {
    return received;
  }
}
