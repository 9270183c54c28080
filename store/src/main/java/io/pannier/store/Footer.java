package io.pannier.store;

import io.pannier.model.PannierException;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.OptionalLong;

/**
 * The end of a sealed block: a frame whose body is the index, and the tail that says where the
 * frame begins ({@code docs/format.md}, "Footer").
 */
final class Footer {
  static final int TAIL = 32;
  private static final int TAIL_MAGIC = 0x54524e50; // "PNRT"
  private static final int LAYOUT = 1;
  private static final int LAST_READ = 64 * 1024;

  private Footer() {}

  /**
   * Most bytes that the footer of a block of one record takes: the fixed part, and what its labels
   * and its content type cost beyond their own bytes in the meta section.
   */
  static long bytesForOne(int metaLength) {
    return 512 + 14L * metaLength;
  }

  /**
   * Where the footer begins of a file that ends at {@code size} with a tail; empty when it does
   * not. Looks at the tail alone.
   */
  static OptionalLong positionIn(DiskFile file, long size) throws IOException {
    if (size < FileHeader.BYTES + TAIL) {
      return OptionalLong.empty();
    }
    ByteBuffer tail = Frames.direct(TAIL);
    DiskReads.fill(file, tail, size - TAIL);
    long footer = tail.getLong(0);
    return !tail.hasRemaining()
            && footer >= FileHeader.BYTES
            && footer < size - TAIL
            && tailChecks(tail, 0, footer, tail.getLong(8), size, new Checksum())
        ? OptionalLong.of(footer)
        : OptionalLong.empty();
  }

  /** The bytes that seal a block whose records end at {@code offset}. */
  static ByteBuffer encode(
      BlockIndex index, List<IndexCodec.Hole> holes, long offset, long salt, long lastSequence) {
    ByteBuffer body = IndexCodec.encode(index, holes);
    long length = body.remaining();
    var crc = new Checksum();
    var frameCrc = new Checksum();
    int frameLength = Math.toIntExact(Frames.length(0, length));
    ByteBuffer out = Frames.direct(frameLength + TAIL);
    Frames.putHeader(out, Frames.KIND_FOOTER, 0, 0, length, salt, 0, offset, crc);
    frameCrc.reset();
    frameCrc.add(out, 0, Frames.HEADER);
    int[] chunks = Frames.chunkCrcs(body, crc);
    out.put(body);
    Frames.putTail(out, frameCrc, crc, offset, 0, length, chunks, 0, lastSequence, salt);
    int at = out.position();
    out.putLong(offset).putLong(salt).putInt(LAYOUT).putInt(0);
    out.putInt(tailCrc(out, at, offset + frameLength + TAIL, crc)).putInt(TAIL_MAGIC);
    return out.flip();
  }

  private static int tailCrc(ByteBuffer buffer, int at, long fileLength, Checksum crc) {
    crc.reset();
    crc.add(buffer, at, 24);
    crc.add(fileLength);
    return crc.value();
  }

  static boolean tailChecks(
      ByteBuffer in, int at, long footer, long salt, long fileLength, Checksum crc) {
    return in.getInt(at + 28) == TAIL_MAGIC
        && in.getLong(at) == footer
        && in.getLong(at + 8) == salt
        && in.getInt(at + 24) == tailCrc(in, at, fileLength, crc);
  }

  /**
   * Where the tail says that the footer begins; the end of the block when the tail does not check.
   */
  static long offset(DiskFile file, long salt, long blockEnd) throws IOException {
    long size = file.size();
    if (size < FileHeader.BYTES + TAIL) {
      return blockEnd;
    }
    ByteBuffer tail = Frames.direct(TAIL);
    file.read(tail, size - TAIL);
    long footer = tail.getLong(0);
    return tailChecks(tail, 0, footer, salt, size, new Checksum()) ? footer : blockEnd;
  }

  /** The index of a sealed block with the salt of its file and where its records end. */
  record Loaded(SealedIndex index, List<IndexCodec.Hole> holes, long salt, long recordsEnd) {}

  /**
   * Reads tail and index, with one read in the common case.
   *
   * @throws PannierException.Damaged when any of it does not check
   */
  static Loaded read(DiskFile file) throws IOException {
    long size = file.size();
    var crc = new Checksum();
    int first = (int) Math.min(file.bytesAtEnd(LAST_READ), size);
    ByteBuffer buffer = Frames.direct(first);
    DiskReads.fill(file, buffer, size - first);
    buffer.flip();
    int tail = buffer.limit() - TAIL;
    if (buffer.limit() < first || tail < Frames.HEADER) {
      throw new PannierException.Damaged("block is too short for a footer");
    }
    long footer = buffer.getLong(tail);
    long salt = buffer.getLong(tail + 8);
    if (!tailChecks(buffer, tail, footer, salt, size, crc)
        || footer < FileHeader.BYTES
        || footer > size - TAIL - Frames.HEADER - Frames.TRAILER) {
      throw new PannierException.Damaged("tail of block does not check");
    }
    int length = Math.toIntExact(size - TAIL - footer);
    int at = tail - length;
    if (at < 0) {
      buffer = Frames.direct(length);
      DiskReads.fill(file, buffer, footer);
      buffer.flip();
      at = 0;
    }
    Frames.Header header = Frames.header(buffer, at, footer, salt, crc);
    if (header == null
        || header.kind() != Frames.KIND_FOOTER
        || header.metaLength() != 0
        || header.frameLength() != length
        || !Frames.frameChecks(
            buffer, at, buffer, at + length - Frames.tailLength(0, header.length()), header, crc)) {
      throw new PannierException.Damaged("footer of block does not check");
    }
    ByteBuffer body = buffer.slice(at + Frames.HEADER, Math.toIntExact(header.length()));
    int[] chunks = Frames.chunkCrcs(body, crc);
    int table = at + Frames.HEADER + body.capacity() + Frames.tableAt(0, header.length());
    for (int i = 0; i < chunks.length; i++) {
      if (chunks[i] != buffer.getInt(table + 4 * i)) {
        throw new PannierException.Damaged("index of block does not check");
      }
    }
    IndexCodec.Decoded decoded = IndexCodec.decode(body);
    return new Loaded(decoded.index(), decoded.holes(), salt, footer);
  }
}
