package io.pannier.store.remote;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A segment before it is put ({@code docs/s3.md}, "Objects"). Ranges are read once for their
 * checksums; a small segment is kept in memory then, a larger one is read again while it is sent.
 */
final class SegmentDraft implements ObjectStore.Content {
  static final int HEADER = 64;
  static final int TAIL = 24;
  private static final int IN_MEMORY_MAX = 8 << 20;
  private static final int PIECE = 1 << 20;
  private static final byte[] MAGIC = "PNRSEGMT".getBytes(StandardCharsets.US_ASCII);
  private static final int TAIL_MAGIC = 0x47524e50; // "PNRG"
  private static final int VERSION = 1;

  /** Where bytes of a range come from. */
  interface Source {
    /** Fills the buffer from a position in the range on. */
    void read(ByteBuffer target, long position) throws IOException;
  }

  /** A range with its place. */
  private record Range(String path, long from, long at, long length, Source source) {}

  private final UUID storeId;
  final long epoch;
  final long number;
  private final List<Range> ranges = new ArrayList<>();
  private final List<Integer> crcs = new ArrayList<>();
  private long end = HEADER;
  private ByteBuffer footer = ByteBuffer.allocate(0);
  private byte @Nullable [] whole;
  private int crc;

  SegmentDraft(UUID storeId, long epoch, long number) {
    this.storeId = storeId;
    this.epoch = epoch;
    this.number = number;
  }

  /** Bytes of all ranges so far. */
  long bytes() {
    return end - HEADER;
  }

  /**
   * Adds a range and reads it for its checksum.
   *
   * @param path the file
   * @param from position in the file
   */
  Extent add(String path, long from, long length, Source source) throws IOException {
    var sum = new CRC32C();
    var piece = ByteBuffer.allocate((int) Math.min(PIECE, length));
    for (long at = 0; at < length; at += piece.limit()) {
      piece.clear().limit((int) Math.min(PIECE, length - at));
      source.read(piece, at);
      sum.update(piece.flip());
    }
    var extent = new Extent(number, end, length, (int) sum.getValue());
    ranges.add(new Range(path, from, end, length, source));
    crcs.add(extent.crc());
    end += length;
    return extent;
  }

  /** Adds bytes that are at hand. */
  Extent add(String path, ByteBuffer content) throws IOException {
    ByteBuffer kept = content.duplicate();
    return add(
        path,
        0,
        kept.remaining(),
        (target, position) ->
            target.put(kept.slice(kept.position() + (int) position, target.remaining())));
  }

  /** Nothing is added any more: writes the footer and sums up all of it. */
  void finish() throws IOException {
    var out = new Codec.Out().put4(ranges.size());
    for (int i = 0; i < ranges.size(); i++) {
      Range range = ranges.get(i);
      out.put(range.path()).put8(range.from()).put8(range.at()).put8(range.length());
      out.put4(crcs.get(i));
    }
    int length = out.length();
    footer = out.put8(end).put8(length).withCrc();
    var tail = ByteBuffer.allocate(footer.remaining() + 4).order(ByteOrder.LITTLE_ENDIAN);
    footer = tail.put(footer).putInt(TAIL_MAGIC).flip();
    var sum = new CRC32C();
    if (length() <= IN_MEMORY_MAX) {
      var bytes = new byte[(int) length()];
      try (InputStream in = new Stream()) {
        int read = in.readNBytes(bytes, 0, bytes.length);
        if (read < bytes.length) {
          throw new IOException("a segment ends before its end");
        }
      }
      whole = bytes;
      sum.update(bytes);
    } else {
      var piece = new byte[PIECE];
      try (InputStream in = new Stream()) {
        for (int count = in.read(piece); count > 0; count = in.read(piece)) {
          sum.update(piece, 0, count);
        }
      }
    }
    crc = (int) sum.getValue();
  }

  private ByteBuffer header() {
    ByteBuffer header = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
    header.put(MAGIC).putInt(VERSION).putInt(0);
    header.putLong(storeId.getMostSignificantBits()).putLong(storeId.getLeastSignificantBits());
    header.putLong(epoch).putLong(number).position(HEADER - 4);
    header.putInt(Codec.crc(header.slice(0, HEADER - 4)));
    return header.flip();
  }

  @Override
  public long length() {
    return end + footer.remaining();
  }

  @Override
  public int crc() {
    return crc;
  }

  @Override
  public InputStream open() {
    byte[] kept = whole;
    return kept != null ? new java.io.ByteArrayInputStream(kept) : new Stream();
  }

  /** Header, ranges and footer, one after the other. */
  private final class Stream extends InputStream {
    private final ByteBuffer piece = ByteBuffer.allocate(PIECE);
    private final ByteBuffer rest = footer.duplicate();
    private int range;
    private long position;

    Stream() {
      piece.put(header()).flip();
    }

    @Override
    public int read() throws IOException {
      return fill() ? piece.get() & 0xff : -1;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      if (length == 0) {
        return 0;
      }
      if (!fill()) {
        return -1;
      }
      int count = Math.min(length, piece.remaining());
      piece.get(target, offset, count);
      return count;
    }

    private boolean fill() throws IOException {
      while (!piece.hasRemaining()) {
        if (range == ranges.size()) {
          if (!rest.hasRemaining()) {
            return false;
          }
          int count = Math.min(rest.remaining(), piece.capacity());
          piece.clear().put(rest.slice(rest.position(), count)).flip();
          rest.position(rest.position() + count);
        } else if (position == ranges.get(range).length()) {
          range++;
          position = 0;
        } else {
          Range from = ranges.get(range);
          piece.clear().limit((int) Math.min(piece.capacity(), from.length() - position));
          from.source().read(piece, position);
          piece.flip();
          position += piece.limit();
        }
      }
      return true;
    }
  }
}
