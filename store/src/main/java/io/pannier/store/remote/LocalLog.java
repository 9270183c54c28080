package io.pannier.store.remote;

import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * The file {@code remote.log}: whose cache a folder is, and what it cannot tell by itself, that
 * files which the object store has were deleted or cut since the last root ({@code docs/s3.md},
 * "Order of writing"). Guarded by the lock of the disk.
 *
 * <pre>
 *   frame   4 length of what follows, 4 crc of it, then 4 kind, 8 generation, and by kind
 *           0 identity: 16 store, 16 writer     1 gone: path
 *           2 cut: path, 8 length               3 clean: nothing; the folder has nothing unsent
 * </pre>
 */
final class LocalLog {
  static final String FILE = "remote.log";
  static final String NEW = "remote.log.new";

  /** Beyond this it is written anew when nothing in it counts any more. */
  private static final long BYTES_MAX = 64 << 10;

  /** What a frame says. */
  sealed interface Frame {
    long generation();

    /** Whose folder it is. */
    record Identity(long generation, UUID store, UUID writer) implements Frame {}

    /** A file was deleted or replaced. */
    record Gone(long generation, String path) implements Frame {}

    /** A file was cut. */
    record Cut(long generation, String path, long length) implements Frame {}

    /** All of the folder is in the root of this generation. */
    record Clean(long generation) implements Frame {}
  }

  private final Disk local;
  private DiskFile file;
  private boolean unsynced;

  private LocalLog(Disk local, DiskFile file) {
    this.local = local;
    this.file = file;
  }

  /** What stands in the log of a folder; empty when it has none, or none that begins well. */
  static Optional<List<Frame>> read(Disk local) throws IOException {
    if (!local.exists(FILE)) {
      return Optional.empty();
    }
    var frames = new ArrayList<Frame>();
    try (DiskFile file = local.open(FILE)) {
      ByteBuffer all =
          ByteBuffer.allocate(Math.toIntExact(file.size())).order(ByteOrder.LITTLE_ENDIAN);
      file.read(all, 0);
      all.flip();
      while (all.remaining() >= 8) {
        int length = all.getInt();
        int crc = all.getInt();
        if (length < 12 || length > all.remaining()) {
          break; // torn by a loss of power: it was not synced, so nothing hangs on it
        }
        ByteBuffer content = all.slice(all.position(), length);
        if (Codec.crc(content) != crc) {
          break;
        }
        frames.add(decode(new Codec.In(content)));
        all.position(all.position() + length);
      }
    } catch (BufferUnderflowException | IllegalStateException odd) {
      throw new IOException(FILE + " contradicts itself", odd);
    }
    if (frames.isEmpty() || !(frames.getFirst() instanceof Frame.Identity)) {
      return Optional.empty();
    }
    return Optional.of(frames);
  }

  private static Frame decode(Codec.In in) {
    int kind = in.get4();
    long generation = in.get8();
    return switch (kind) {
      case 0 -> new Frame.Identity(generation, in.id(), in.id());
      case 1 -> new Frame.Gone(generation, in.text());
      case 2 -> new Frame.Cut(generation, in.text(), in.get8());
      case 3 -> new Frame.Clean(generation);
      default -> throw new IllegalStateException("frame of kind " + kind);
    };
  }

  private static ByteBuffer encode(Frame frame) {
    var out = new Codec.Out();
    switch (frame) {
      case Frame.Identity identity ->
          out.put4(0).put8(identity.generation()).put(identity.store()).put(identity.writer());
      case Frame.Gone gone -> out.put4(1).put8(gone.generation()).put(gone.path());
      case Frame.Cut cut -> out.put4(2).put8(cut.generation()).put(cut.path()).put8(cut.length());
      case Frame.Clean clean -> out.put4(3).put8(clean.generation());
    }
    ByteBuffer content = out.done();
    ByteBuffer framed = ByteBuffer.allocate(8 + content.remaining()).order(ByteOrder.LITTLE_ENDIAN);
    return framed.putInt(content.remaining()).putInt(Codec.crc(content)).put(content).flip();
  }

  /** Writes the log anew with these frames, durably, and goes on behind them. */
  static LocalLog begin(Disk local, List<Frame> frames) throws IOException {
    return new LocalLog(local, write(local, frames));
  }

  private static DiskFile write(Disk local, List<Frame> frames) throws IOException {
    local.delete(NEW);
    DiskFile fresh = local.create(NEW);
    boolean done = false;
    try {
      for (Frame frame : frames) {
        fresh.append(encode(frame));
      }
      fresh.sync();
      local.rename(NEW, FILE);
      local.syncFolder("");
      done = true;
      return fresh;
    } finally {
      if (!done) {
        fresh.close();
      }
    }
  }

  void append(Frame frame) throws IOException {
    unsynced = true;
    file.append(encode(frame));
  }

  /** Makes what was appended durable. */
  void sync() throws IOException {
    if (unsynced) {
      file.sync();
      unsynced = false;
    }
  }

  /** A root has overtaken all frames: the log is begun again if it is long. */
  void overtaken(Frame.Identity identity) throws IOException {
    if (file.size() > BYTES_MAX) {
      DiskFile before = file;
      file = write(local, List.of(identity));
      unsynced = false;
      before.close();
    }
  }

  void close() throws IOException {
    file.close();
  }
}
