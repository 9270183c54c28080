package io.pannier.store;

import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The body of a block's footer, layout 1 or, with the column of stored lengths, 2. Little-endian:
 *
 * <pre>
 * rows 4 | layout 4
 * holes 4 | each: from 8, to 8
 * timestamps, frame offsets, raw lengths, (stored lengths,) meta lengths, sequence numbers, flags
 *                                                              columns
 * content types: dictionary, column of codes                  0 = application/octet-stream
 * reordered 1 | if 1: column of rows by (timestamp, sequence number)
 * labels 4 | each, ascending by name:
 *   name length 4, UTF-8 | records without it 4 | statistics 48 | dictionary | column of codes
 * </pre>
 *
 * {@link PackedColumn}, {@link LabelColumnDictionary} and {@link LabelColumnStatistics} show their
 * parts. The frame around it carries the checksum; reading checks the structure all the same, since
 * a count must never be trusted with memory or time.
 */
final class IndexCodec {
  /** More than a block takes; bounds the work of reading columns that cost no bytes. */
  static final int ROWS_MAX = 1 << 20;

  private static final int LAYOUT = 1;

  /** As 1, with a column of stored lengths. */
  private static final int LAYOUT_COMPRESSED = 2;

  /** What a label takes at least: name, counts, statistics, an empty dictionary, a column. */
  private static final int LABEL_BYTES_MIN =
      4 + 4 + LabelColumnStatistics.BYTES + 4 + PackedColumn.HEADER_BYTES;

  /** Bytes of a block that recovery found unreadable between complete frames. */
  record Hole(long from, long to) {}

  /** What a footer says. */
  record Decoded(SealedIndex index, List<Hole> holes) {
    Decoded {
      holes = List.copyOf(holes);
    }
  }

  private IndexCodec() {}

  /** The encoded index, from position 0 to the limit. */
  static ByteBuffer encode(BlockIndex index, List<Hole> holes) {
    int rows = index.rows();
    if (rows > ROWS_MAX) {
      throw new IllegalArgumentException("too many rows for one index");
    }
    var out = new Writer(256 + rows * 16);
    out.putInt(rows);
    boolean isCompressed = isCompressed(index);
    out.putInt(isCompressed ? LAYOUT_COMPRESSED : LAYOUT);
    out.putInt(holes.size());
    for (Hole hole : holes) {
      out.putLong(hole.from());
      out.putLong(hole.to());
    }
    var values = new long[rows];
    putColumn(values, index::timestamp, out);
    putColumn(values, index::offset, out);
    putColumn(values, index::length, out);
    if (isCompressed) {
      putColumn(values, index::storedLength, out);
    }
    putColumn(values, index::metaLength, out);
    putColumn(values, index::sequence, out);
    putColumn(values, index::flags, out);
    index.contentTypes().encode(out);
    putColumn(values, index::contentTypeCode, out);
    out.putByte(index.isReordered() ? 1 : 0);
    if (index.isReordered()) {
      putColumn(values, index::rowAt, out);
    }
    List<LabelColumn> labels = index.labelColumns();
    out.putInt(labels.size());
    for (LabelColumn label : labels) {
      out.putText(label.name());
      out.putInt(label.missingCount());
      label.statistics().encode(out);
      label.dictionary().encode(out);
      putColumn(values, label::code, out);
    }
    return ByteBuffer.wrap(out.bytes(), 0, out.size()).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Reads an encoded index; the buffer's position stays. Takes time and memory in proportion to the
   * bytes, whatever they say.
   *
   * @throws PannierException.Damaged if they are not an index
   */
  static Decoded decode(ByteBuffer payload) {
    var bytes = new byte[payload.remaining()];
    payload.get(payload.position(), bytes);
    var in = new Reader(bytes);
    int rows = in.countUpTo(ROWS_MAX);
    int layout = in.takeInt();
    check(layout == LAYOUT || layout == LAYOUT_COMPRESSED, "unknown layout");
    var holes = new Hole[in.count(16)];
    for (int i = 0; i < holes.length; i++) {
      holes[i] = new Hole(in.takeLong(), in.takeLong());
      check(Long.compareUnsigned(holes[i].from(), holes[i].to()) <= 0, "hole is reversed");
    }
    PackedColumn timestamps = in.column(rows);
    PackedColumn offsets = in.column(rows);
    PackedColumn lengths = in.column(rows);
    PackedColumn stored = layout == LAYOUT ? lengths : in.column(rows);
    for (int row = 0; layout != LAYOUT && row < rows; row++) {
      check(
          Long.compareUnsigned(stored.get(row), lengths.get(row)) <= 0,
          "stored length above the raw one");
    }
    var columns =
        new SealedIndex.Columns(
            timestamps,
            offsets,
            lengths,
            stored,
            in.column(rows),
            in.column(rows),
            in.column(rows));
    check(columns.metaLengths().zerosIfAtMost(Integer.MAX_VALUE) >= 0, "meta length too large");
    check(columns.flags().zerosIfAtMost(0xff) >= 0, "flags too large");
    for (int row = 1; row < rows; row++) {
      long before = columns.sequences().get(row - 1);
      long here = columns.sequences().get(row);
      check(Long.compareUnsigned(before, here) < 0, "sequence numbers do not ascend");
    }
    LabelColumnDictionary.Packed contentTypes = in.dictionary();
    PackedColumn contentTypeCodes = in.column(rows);
    check(contentTypeCodes.zerosIfAtMost(contentTypes.count()) >= 0, "content type code too large");
    int reordered = in.takeByte();
    check(reordered <= 1, "order is neither there nor absent");
    PackedColumn order = reordered == 1 ? in.column(rows) : null;
    checkOrder(rows, columns.timestamps(), order);
    List<LabelColumnSealed> labels = labels(in, rows);
    check(in.remaining() == 0, "bytes behind the end");
    var index =
        new SealedIndex(rows, columns, contentTypes, contentTypeCodes, order, labels, bytes.length);
    return new Decoded(index, Arrays.asList(holes));
  }

  private static boolean isCompressed(BlockIndex index) {
    for (int row = 0; row < index.rows(); row++) {
      if (index.storedLength(row) != index.length(row)) {
        return true;
      }
    }
    return false;
  }

  private static void putColumn(long[] values, IntToLongFunction column, Writer out) {
    for (int row = 0; row < values.length; row++) {
      values[row] = column.applyAsLong(row);
    }
    PackedColumn.encode(values, values.length, out);
  }

  /** Rows that ascend strictly by time, then row, and are in range are each there once. */
  private static void checkOrder(int rows, PackedColumn timestamps, @Nullable PackedColumn order) {
    check(order == null || order.zerosIfAtMost(rows - 1L) >= 0, "row in order too large");
    int before = 0;
    for (int position = 0; position < rows; position++) {
      int row = order == null ? position : (int) order.get(position);
      if (position > 0) {
        int difference = Timestamp.compare(timestamps.get(before), timestamps.get(row));
        check(difference < 0 || (difference == 0 && before < row), "rows not in order of time");
      }
      before = row;
    }
  }

  private static List<LabelColumnSealed> labels(Reader in, int rows) {
    int count = in.count(LABEL_BYTES_MIN);
    var labels = new ArrayList<LabelColumnSealed>(count);
    String before = "";
    for (int i = 0; i < count; i++) {
      String name = in.text();
      check(before.compareTo(name) < 0, "label names do not ascend");
      before = name;
      int missing = in.countUpTo(rows);
      LabelColumnStatistics statistics = LabelColumnStatistics.decode(in, rows - missing);
      LabelColumnDictionary.Packed values = in.dictionary();
      statistics.findNaN(values);
      PackedColumn codes = in.column(rows);
      check(codes.zerosIfAtMost(values.count()) == missing, "label codes do not add up");
      labels.add(new LabelColumnSealed(name, missing, statistics, values, codes));
    }
    return labels;
  }

  private static void check(boolean valid, String otherwise) {
    if (!valid) {
      throw new PannierException.Damaged("block index: " + otherwise);
    }
  }

  /** A growing array of bytes. */
  static final class Writer {
    private byte[] bytes;
    private int size;

    Writer(int capacity) {
      bytes = new byte[capacity];
    }

    /** The array; another one after the next call that makes room. */
    byte[] bytes() {
      return bytes;
    }

    int size() {
      return size;
    }

    /** Makes room for bytes that the caller puts into the array himself; returns where. */
    int reserve(int count) {
      int at = size;
      int end = Math.addExact(at, count);
      if (bytes.length < end) {
        bytes = Arrays.copyOf(bytes, (int) Math.max(end, Math.min(2L * at, 1 << 30)));
      }
      size = end;
      return at;
    }

    void putByte(int value) {
      int at = reserve(1);
      bytes[at] = (byte) value;
    }

    void putInt(int value) {
      int at = reserve(4);
      PackedColumn.INTS.set(bytes, at, value);
    }

    void putLong(long value) {
      int at = reserve(8);
      PackedColumn.LONGS.set(bytes, at, value);
    }

    void putBytes(byte[] source, int from, int to) {
      int at = reserve(to - from);
      System.arraycopy(source, from, bytes, at, to - from);
    }

    void putText(String text) {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      putInt(utf8.length);
      putBytes(utf8, 0, utf8.length);
    }
  }

  /** Takes an encoded index apart; every step checks that its bytes are there. */
  static final class Reader {
    private final byte[] bytes;
    private int at;

    Reader(byte[] bytes) {
      this.bytes = bytes;
    }

    int remaining() {
      return bytes.length - at;
    }

    int takeByte() {
      return bytes[skip(1)] & 0xff;
    }

    /** Four bytes, which as an unsigned number may be above 2³¹−1. */
    int takeInt() {
      return (int) PackedColumn.INTS.get(bytes, skip(4));
    }

    long takeLong() {
      return (long) PackedColumn.LONGS.get(bytes, skip(8));
    }

    /** A number of things that cost no bytes of their own. */
    int countUpTo(int max) {
      int count = takeInt();
      check(count >= 0 && count <= max, "count too large");
      return count;
    }

    /** A number of things of at least so many bytes each, which are there. */
    int count(int bytesEach) {
      int count = takeInt();
      check(count >= 0 && count <= remaining() / bytesEach, "count too large");
      return count;
    }

    String text() {
      int length = count(1);
      int start = skip(length);
      checkUtf8(start, at);
      return new String(bytes, start, length, StandardCharsets.UTF_8);
    }

    PackedColumn column(int rows) {
      int width = takeByte();
      check(PackedColumn.isWidth(width), "unknown width");
      long base = takeLong();
      long stride = takeLong();
      return new PackedColumn(bytes, skip((long) rows * width), rows, width, base, stride);
    }

    LabelColumnDictionary.Packed dictionary() {
      var starts = new int[count(4)];
      for (int i = 0; i < starts.length; i++) {
        int length = count(1);
        starts[i] = skip(length);
        checkUtf8(starts[i], at);
      }
      return new LabelColumnDictionary.Packed(bytes, starts, at);
    }

    private int skip(long count) {
      check(count <= remaining(), "ends too early");
      int from = at;
      at += (int) count;
      return from;
    }

    private void checkUtf8(int from, int to) {
      for (int i = from; i < to; i++) {
        if (bytes[i] < 0) {
          try {
            var _ = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, i, to - i));
          } catch (CharacterCodingException malformed) {
            throw new PannierException.Damaged("block index: text is not UTF-8");
          }
          return;
        }
      }
    }
  }
}
