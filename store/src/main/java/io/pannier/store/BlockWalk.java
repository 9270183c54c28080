package io.pannier.store;

import io.pannier.model.PannierException;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Walks the frames of a block file without its index: at recovery, when a footer is damaged, and
 * offline. The rules that tell damage from a torn tail are those of {@code docs/format.md}, "Walk".
 */
final class BlockWalk {
  private static final int WINDOW = 256 * 1024;

  /** What the walk finds, in file order. */
  interface Visitor {
    /** A whole record. */
    void record(long offset, Frames.Header header, long sequence, Meta meta);

    /** A damaged frame whose record is known. {@code sequence} is 0 when only the time is. */
    void damaged(long offset, long length, long timestamp, long sequence);

    /** Bytes between frames that name no record. */
    void hole(long from, long to);
  }

  /**
   * Where a walk ended.
   *
   * @param end offset behind the last record frame
   * @param footer offset of a footer frame with a valid tail behind it, or -1
   */
  record End(long end, long footer) {}

  private final DiskFile file;
  private final long size;
  private final long salt;
  private final Checksum crc = new Checksum();
  private ByteBuffer window = Frames.direct(WINDOW);
  private long windowAt;

  BlockWalk(DiskFile file, long salt) {
    this.file = file;
    this.size = file.size();
    this.salt = salt;
    window.limit(0);
  }

  /**
   * Walks from {@code from} to the end of the file.
   *
   * @param accounted offset up to which the journal vouches for the bytes; behind it every chunk is
   *     checked too, and what is not whole in every part is a hole if a whole frame follows, else a
   *     torn tail
   */
  End walk(long from, long accounted, Visitor visitor) throws IOException {
    long at = from;
    while (at < accounted) {
      Frames.Header header = headerAt(at);
      if (header != null && header.kind() == Frames.KIND_FOOTER) {
        return new End(at, footerChecks(at, header) ? at : -1);
      }
      if (header != null && at + header.frameLength() <= accounted) {
        visit(at, header, visitor);
        at += header.frameLength();
        continue;
      }
      long next = nextHeader(at + 8, accounted);
      Frames.Trailer trailer = next - at >= Frames.TRAILER ? trailerEndingAt(next) : null;
      if (trailer != null) {
        visitor.damaged(at, next - at, trailer.timestamp(), trailer.sequence());
      } else {
        visitor.hole(at, next);
      }
      at = next;
    }
    long holeFrom = -1;
    long end = at;
    while (at < size) {
      Frames.Header header = headerAt(at);
      if (header == null || at + header.frameLength() > size || !whole(at, header)) {
        holeFrom = holeFrom < 0 ? at : holeFrom;
        at = nextHeader(at + 8, size);
        continue;
      }
      if (header.kind() == Frames.KIND_FOOTER) {
        if (holeFrom < 0 && footerChecks(at, header)) {
          return new End(at, at);
        }
        break;
      }
      if (holeFrom >= 0) {
        visitor.hole(holeFrom, at);
        holeFrom = -1;
      }
      visit(at, header, visitor);
      at += header.frameLength();
      end = at;
    }
    return new End(end, -1);
  }

  private void visit(long at, Frames.Header header, Visitor visitor) throws IOException {
    int tailLength = header.tailLength();
    long tailAt = at + header.frameLength() - tailLength;
    // The head is copied: fetching a distant tail may move the window.
    ByteBuffer head = copy(at, Frames.HEADER + header.metaLength());
    int tail = fetch(tailAt, tailLength);
    Frames.Trailer trailer =
        Frames.trailer(
            window, tail + tailLength - Frames.TRAILER, at + header.frameLength(), salt, crc);
    if (trailer == null || !Frames.frameChecks(head, 0, window, tail, header, crc)) {
      visitor.damaged(
          at, header.frameLength(), header.timestamp(), trailer == null ? 0 : trailer.sequence());
      return;
    }
    visitor.record(
        at, header, trailer.sequence(), Meta.decode(head, Frames.HEADER, header.metaLength()));
  }

  private boolean whole(long at, Frames.Header header) throws IOException {
    int tailLength = header.tailLength();
    long tailAt = at + header.frameLength() - tailLength;
    ByteBuffer head = copy(at, Frames.HEADER + header.metaLength());
    ByteBuffer tail = copy(tailAt, tailLength);
    if (Frames.trailer(tail, tailLength - Frames.TRAILER, at + header.frameLength(), salt, crc)
            == null
        || !Frames.frameChecks(head, 0, tail, 0, header, crc)) {
      return false;
    }
    ChunkTable table = ChunkTable.read(tail, header.tableAt(), header.length(), header.stored());
    if (table == null) {
      return false;
    }
    long body = at + Frames.HEADER + header.metaLength();
    for (int i = 0; i < table.count(); i++) {
      int bytes = table.storedBytes(i);
      int chunk = fetch(body + table.offset(i), bytes);
      crc.reset();
      crc.add(window, chunk, bytes);
      if (crc.value() != table.crc(i)) {
        return false;
      }
    }
    return true;
  }

  private boolean footerChecks(long at, Frames.Header header) throws IOException {
    long end = at + header.frameLength();
    if (end + Footer.TAIL != size) {
      return false;
    }
    int tail = fetch(end, Footer.TAIL);
    return Footer.tailChecks(window, tail, at, salt, size, crc);
  }

  private Frames.@Nullable Header headerAt(long at) throws IOException {
    if (at + Frames.HEADER > size) {
      return null;
    }
    int position = fetch(at, Frames.HEADER);
    Frames.Header header = Frames.header(window, position, at, salt, crc);
    return header == null || at + Frames.HEADER + header.metaLength() > size ? null : header;
  }

  private Frames.@Nullable Trailer trailerEndingAt(long end) throws IOException {
    int position = fetch(end - Frames.TRAILER, Frames.TRAILER);
    return Frames.trailer(window, position, end, salt, crc);
  }

  /**
   * The next offset from {@code at} on, below {@code limit}, at which a header checks; else {@code
   * limit}.
   */
  private long nextHeader(long at, long limit) throws IOException {
    for (; at + Frames.HEADER <= Math.min(limit, size); at += 8) {
      int position = fetch(at, Frames.HEADER);
      if (Frames.looksLikeHeader(window, position)
          && Frames.header(window, position, at, salt, crc) != null) {
        return at;
      }
    }
    return limit;
  }

  private ByteBuffer copy(long at, int bytes) throws IOException {
    int position = fetch(at, bytes);
    var copy = ByteBuffer.allocate(bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    copy.put(0, window, position, bytes);
    return copy;
  }

  /** Makes sure that the window holds the bytes; returns where they begin in it. */
  private int fetch(long at, int bytes) throws IOException {
    if (at < windowAt || at + bytes > windowAt + window.limit()) {
      if (bytes > window.capacity()) {
        window = Frames.direct(bytes);
      }
      window.clear();
      DiskReads.fill(file, window, at);
      window.flip();
      windowAt = at;
      if (window.limit() < bytes) {
        throw new IOException(
            "file ends at " + (at + window.limit()) + ", expected " + (at + bytes));
      }
    }
    return (int) (at - windowAt);
  }

  /**
   * The salt of a block whose file header is damaged: that of the first frame that agrees with
   * itself.
   */
  static long saltOf(DiskFile file, int header) throws IOException {
    var buffer = Frames.direct(WINDOW);
    var crc = new Checksum();
    long size = file.size();
    for (long base = header; base + Frames.HEADER <= size; base += WINDOW - Frames.HEADER) {
      buffer.clear();
      DiskReads.fill(file, buffer, base);
      buffer.flip();
      for (int at = 0; at + Frames.HEADER <= buffer.limit(); at += 8) {
        if (Frames.looksLikeHeader(buffer, at)
            && Frames.header(buffer, at, base + at, Frames.salt(buffer, at), crc) != null) {
          return Frames.salt(buffer, at);
        }
      }
    }
    throw new PannierException.Damaged("block has no readable header and no readable frame");
  }
}
