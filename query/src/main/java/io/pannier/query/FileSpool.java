package io.pannier.query;

import io.pannier.model.PannierException;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Spool;
import java.io.IOException;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Bytes in memory, then in a temporary file that has no name any more: whatever ends the process,
 * nothing is left behind. A body that somebody drops without closing it gives its file back when
 * the memory is collected.
 */
final class FileSpool implements Spool {
  /** What stays in memory. */
  static final int MEMORY_MAX = 1 << 20;

  private static final Cleaner CLEANER = Cleaner.create();

  private final QueryWork.ScratchRoom room;
  private byte[] memory = new byte[1024];
  private int inMemory;
  private @Nullable Scratch file;
  private long length;
  private boolean finished;

  FileSpool(QueryWork.ScratchRoom room) {
    this.room = room;
  }

  @Override
  public void write(ByteBuffer bytes) {
    if (finished) {
      throw new IllegalStateException("the body is finished");
    }
    int count = bytes.remaining();
    if (file == null && length + count <= MEMORY_MAX) {
      if (inMemory + count > memory.length) {
        memory = Arrays.copyOf(memory, Math.max(2 * memory.length, inMemory + count));
      }
      bytes.get(memory, inMemory, count);
      inMemory += count;
    } else {
      Scratch to = file;
      if (to == null) {
        to = Scratch.open(room);
        file = to;
        to.append(ByteBuffer.wrap(memory, 0, inMemory));
        memory = new byte[0];
        inMemory = 0;
      }
      to.append(bytes);
    }
    length += count;
  }

  @Override
  public long length() {
    return length;
  }

  @Override
  public Body finish() {
    finished = true;
    Scratch written = file;
    return written == null
        ? Body.of(ByteBuffer.wrap(memory, 0, inMemory))
        : new FileBody(written, length);
  }

  @Override
  public void close() {
    if (!finished && file != null) {
      file.close();
    }
    finished = true;
  }

  /** A temporary file without a name, and the room it takes. */
  private static final class Scratch implements Runnable {
    private final QueryWork.ScratchRoom room;
    private final FileChannel channel;
    private final AtomicBoolean closed = new AtomicBoolean();
    private final AtomicLong taken = new AtomicLong();

    private Scratch(QueryWork.ScratchRoom room, FileChannel channel) {
      this.room = room;
      this.channel = channel;
    }

    static Scratch open(QueryWork.ScratchRoom room) {
      try {
        Path path = Files.createTempFile("pannier-", ".scratch");
        try {
          return new Scratch(
              room, FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE));
        } finally {
          Files.delete(path);
        }
      } catch (IOException e) {
        throw failed(e);
      }
    }

    void append(ByteBuffer bytes) {
      int count = bytes.remaining();
      room.take(count);
      try {
        for (long at = taken.get(); bytes.hasRemaining(); ) {
          at += channel.write(bytes, at);
        }
      } catch (IOException e) {
        room.give(count);
        throw failed(e);
      }
      taken.addAndGet(count);
    }

    int read(long position, ByteBuffer target) {
      int total = 0;
      try {
        while (target.hasRemaining()) {
          int count = channel.read(target, position + total);
          if (count < 0) {
            break;
          }
          total += count;
        }
      } catch (IOException e) {
        throw new PannierException.Internal("Temporary file could not be read", e);
      }
      return total;
    }

    private static PannierException.Internal failed(IOException e) {
      return new PannierException.Internal(
          "Temporary file could not be written in " + System.getProperty("java.io.tmpdir"), e);
    }

    void close() {
      run();
    }

    @Override
    public void run() {
      if (closed.compareAndSet(false, true)) {
        room.give(taken.get());
        try {
          channel.close();
        } catch (IOException e) {
          // It has no name: the system gives its room back with the process at the latest.
        }
      }
    }
  }

  /** What was spooled to a file. */
  private static final class FileBody implements Body {
    private final Scratch file;
    private final long length;
    private final Cleaner.Cleanable cleanable;

    FileBody(Scratch file, long length) {
      this.file = file;
      this.length = length;
      cleanable = CLEANER.register(this, file);
    }

    @Override
    public long length() {
      return length;
    }

    @Override
    public int read(long position, ByteBuffer target) {
      return file.read(position, target);
    }

    @Override
    public void close() {
      cleanable.clean();
    }
  }
}
