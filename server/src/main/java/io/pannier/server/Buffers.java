package io.pannier.server;

import io.pannier.model.PannierException;
import io.pannier.model.Refusal;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Direct memory for records on their way between files and connections: one bounded amount for the
 * whole server, kept and used again. Whoever finds none waits (on a worker) or goes to where
 * waiting is allowed (from an event loop).
 */
final class Buffers {
  private static final int SMALLEST = 12; // 4 KiB
  private static final int LARGEST = 21; // 2 MiB
  private static final long WAIT_SECONDS = 30;

  private final long bytesMax;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition given = lock.newCondition();

  /** Buffers that nobody uses, by power of two. */
  private final List<ArrayDeque<ByteBuffer>> free;

  /** Bytes of all buffers that exist. */
  private long bytes;

  private int inUse;

  Buffers(long bytesMax) {
    this.bytesMax = bytesMax;
    free =
        Stream.generate(() -> new ArrayDeque<ByteBuffer>()).limit(LARGEST - SMALLEST + 1).toList();
  }

  /** A buffer in use. */
  final class Lease {
    private final ByteBuffer whole;
    private final int kind;
    private boolean released;

    private Lease(ByteBuffer whole, int kind) {
      this.whole = whole;
      this.kind = kind;
    }

    /**
     * The memory, little-endian, position 0, at least as long as asked for. The same object each
     * time.
     */
    ByteBuffer buffer() {
      return whole;
    }

    /** Gives it back; further calls do nothing. */
    void release() {
      lock.lock();
      try {
        if (!released) {
          released = true;
          inUse--;
          free.get(kind).push(whole);
          given.signalAll();
        }
      } finally {
        lock.unlock();
      }
    }
  }

  /** A buffer if there is one at this moment. */
  @Nullable Lease tryTake(int size) {
    int kind = kind(size);
    lock.lock();
    try {
      return takeLocked(kind);
    } finally {
      lock.unlock();
    }
  }

  /** A buffer; waits until others give theirs back. */
  Lease take(int size) {
    int kind = kind(size);
    long left = TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
    lock.lock();
    try {
      for (; ; ) {
        Lease lease = takeLocked(kind);
        if (lease != null) {
          return lease;
        }
        if (left <= 0) {
          throw new PannierException.Unavailable(
              Refusal.MEMORY, "Server is overloaded: no memory for transfers", 1);
        }
        left = given.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PannierException.Unavailable(Refusal.STOPPING, "Server is stopping", 1);
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Lease takeLocked(int kind) {
    ByteBuffer buffer = free.get(kind).poll();
    if (buffer == null) {
      int size = 1 << (kind + SMALLEST);
      // Room for one of another size is given up; the memory itself follows with the next
      // collection.
      for (int i = free.size() - 1; i >= 0 && bytes + size > bytesMax; i--) {
        while (bytes + size > bytesMax && free.get(i).poll() != null) {
          bytes -= 1L << (i + SMALLEST);
        }
      }
      if (bytes + size > bytesMax && bytes > 0) {
        return null;
      }
      buffer = ByteBuffer.allocateDirect(size);
      bytes += size;
    }
    inUse++;
    buffer.clear().order(ByteOrder.LITTLE_ENDIAN);
    return new Lease(buffer, kind);
  }

  /** How many are in use at this moment. */
  int inUse() {
    lock.lock();
    try {
      return inUse;
    } finally {
      lock.unlock();
    }
  }

  /**
   * What it takes.
   *
   * @param bytes of all buffers that exist
   * @param bytesMax that they may take
   * @param inUse buffers that somebody has
   */
  record Stats(long bytes, long bytesMax, int inUse) {}

  Stats stats() {
    lock.lock();
    try {
      return new Stats(bytes, bytesMax, inUse);
    } finally {
      lock.unlock();
    }
  }

  private static int kind(int size) {
    int kind = 32 - Integer.numberOfLeadingZeros(Math.max(size, 1) - 1);
    if (kind > LARGEST) {
      throw new IllegalArgumentException("no buffer of " + size + " bytes");
    }
    return Math.max(kind, SMALLEST) - SMALLEST;
  }
}
