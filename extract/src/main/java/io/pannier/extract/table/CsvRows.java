package io.pannier.extract.table;

import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Rows of a CSV text (RFC 4180: commas, double quotes, line ends of either kind), one after the
 * other, as places in a buffer: no object per row or cell. Blank lines are passed over, as is a
 * byte order mark. For one thread.
 *
 * <p>What it holds of a text is one row, and at least {@link #CHUNK} bytes.
 */
public final class CsvRows {
  /** Bytes that are read at once. */
  public static final int CHUNK = 1 << 16;

  private static final int INCOMPLETE = -1;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long EACH = 0x0101010101010101L;
  private static final long COMMAS = EACH * ',';
  private static final long LINE_ENDS = EACH * '\n';
  private static final long QUOTES = EACH * '"';

  private final InputStream source;
  private final int rowBytesMax;
  private int cellsMax;
  private int cellsFirst = Integer.MAX_VALUE;
  private final Utf8Check utf8 = new Utf8Check();
  private byte[] bytes;

  /** Where in the text the buffer begins. */
  private long base;

  private int limit;
  private int position;
  private boolean ended;
  private boolean begun;
  private long row;

  private int[] starts = new int[16];
  private int[] ends = new int[16];
  private int cells;
  private int rowStart;
  private int rowEnd;

  /**
   * Rows of a text.
   *
   * @param source its bytes, UTF-8; stays the caller's
   * @param rowBytesMax longest row in bytes
   * @param cellsMax how many cells of a row are told apart; those behind count as part of the row
   *     only
   */
  public CsvRows(InputStream source, int rowBytesMax, int cellsMax) {
    this.source = source;
    this.rowBytesMax = rowBytesMax;
    this.cellsMax = cellsMax;
    bytes = new byte[CHUNK];
  }

  /** Rows of a part of a text that was read before: it is not checked again. */
  public CsvRows(byte[] text, int from, int to) {
    source = InputStream.nullInputStream();
    rowBytesMax = Integer.MAX_VALUE;
    cellsMax = Integer.MAX_VALUE;
    bytes = text;
    position = from;
    limit = to;
    ended = true;
    begun = true;
  }

  /**
   * Goes to the next row.
   *
   * @return false at the end
   * @throws ContentException when the text is not UTF-8, a quote stays open or a row is too long
   */
  public boolean next() throws IOException, ContentException {
    if (!begun) {
      begun = true;
      passByteOrderMark();
    }
    while (true) {
      int behind = parse(position, Math.min(cellsFirst, cellsMax));
      if (behind == INCOMPLETE) {
        fill();
        continue;
      }
      if (behind == rowStart) {
        return false;
      }
      position = behind;
      row++;
      if (rowEnd != rowStart) {
        return true;
      }
    }
  }

  /** Number of the current line, from 1; line ends within quotes do not count. */
  public long line() {
    return row;
  }

  /** Cells of the current row that are told apart. */
  public int cells() {
    return cells;
  }

  /** What {@link #start} and {@link #end} are places in, until the next row is read. */
  public byte[] bytes() {
    return bytes;
  }

  /** Where a cell begins, its quotes included. */
  public int start(int cell) {
    return starts[cell];
  }

  /** Where a cell ends. */
  public int end(int cell) {
    return ends[cell];
  }

  /** From the next row on, only so many cells are told apart. */
  public void limitCells(int count) {
    cellsMax = Math.min(cellsMax, count);
  }

  /**
   * From the next row on, only so many cells are told apart at first, and the others by {@link
   * #tellAllCells}: for whoever passes over most rows.
   */
  public void tellCellsFirst(int count) {
    cellsFirst = count;
  }

  /** Tells apart all cells of the current row that are to be. */
  public void tellAllCells() {
    if (cells == cellsFirst && cells < cellsMax) {
      try {
        parse(rowStart, cellsMax);
      } catch (ContentException e) {
        throw new IllegalStateException("a row that was read cannot be read again", e);
      }
    }
  }

  /** Where the row begins. */
  public int rowStart() {
    return rowStart;
  }

  /** Where the row begins in the whole text. */
  public long rowOffset() {
    return base + rowStart;
  }

  /** Where the row ends, without its line end. */
  public int rowEnd() {
    return rowEnd;
  }

  /** A cell without the quotes around it. */
  public String text(int cell) {
    return text(bytes, starts[cell], ends[cell]);
  }

  static String text(byte[] bytes, int from, int to) {
    if (from == to || bytes[from] != '"') {
      return new String(bytes, from, to - from, StandardCharsets.UTF_8);
    }
    byte[] plain = new byte[to - from];
    int length = 0;
    boolean quoted = true;
    for (int at = from + 1; at < to; at++) {
      if (quoted && bytes[at] == '"') {
        if (at + 1 < to && bytes[at + 1] == '"') {
          at++;
        } else {
          // What follows a closing quote is not in the standard, and kept.
          quoted = false;
          continue;
        }
      }
      plain[length++] = bytes[at];
    }
    return new String(plain, 0, length, StandardCharsets.UTF_8);
  }

  /**
   * Position behind the row that begins at {@code from}, which is that itself at the end of the
   * text.
   *
   * @param most how many of its cells are told apart
   */
  private int parse(int from, int most) throws ContentException {
    byte[] text = bytes;
    int edge = limit;
    int at = from;
    int count = 0;
    rowStart = at;
    while (count < most) {
      int start = at;
      if (at < edge && text[at] == '"') {
        at = behindQuoted(text, at, edge);
        if (at == INCOMPLETE) {
          return INCOMPLETE;
        }
      }
      at = find(text, at, edge, COMMAS, LINE_ENDS);
      if (at == edge && !ended) {
        return INCOMPLETE;
      }
      if (count == starts.length) {
        starts = Arrays.copyOf(starts, count * 2);
        ends = Arrays.copyOf(ends, count * 2);
      }
      starts[count] = start;
      ends[count] = at;
      count++;
      if (at == edge || text[at] != ',') {
        cells = count;
        rowEnd = endOfRow(text, at, edge);
        ends[count - 1] = rowEnd;
        return at < edge ? at + 1 : at;
      }
      at++;
    }
    cells = count;
    return pass(text, at, edge);
  }

  /** Goes on to the end of the row from the beginning of a cell. */
  private int pass(byte[] text, int from, int edge) throws ContentException {
    int at = from;
    while (true) {
      at = find(text, at, edge, QUOTES, LINE_ENDS);
      if (at == edge && !ended) {
        return INCOMPLETE;
      }
      if (at == edge || text[at] == '\n') {
        rowEnd = endOfRow(text, at, edge);
        return at < edge ? at + 1 : at;
      }
      if (text[at - 1] == ',') {
        // Line ends within this cell are part of it.
        at = behindQuoted(text, at, edge);
        if (at == INCOMPLETE) {
          return INCOMPLETE;
        }
      } else {
        at++;
      }
    }
  }

  /** Where a row ends whose line end, or the end of the text, is at {@code at}. */
  private int endOfRow(byte[] text, int at, int edge) {
    return at < edge && at != rowStart && text[at - 1] == '\r' ? at - 1 : at;
  }

  /** First position of one of two bytes, each given eight times, or {@code edge}. */
  private static int find(byte[] text, int from, int edge, long one, long other) {
    int at = from;
    for (; at + Long.BYTES <= edge; at += Long.BYTES) {
      long word = (long) LONGS.get(text, at);
      long a = word ^ one;
      long b = word ^ other;
      // The lowest bit that is set marks the first byte that is zero; those above may be wrong.
      long zeros = (((a - EACH) & ~a) | ((b - EACH) & ~b)) & (EACH << 7);
      if (zeros != 0) {
        return at + (Long.numberOfTrailingZeros(zeros) >>> 3);
      }
    }
    byte first = (byte) one;
    byte second = (byte) other;
    while (at < edge && text[at] != first && text[at] != second) {
      at++;
    }
    return at;
  }

  /** Position behind the closing quote of the cell that begins at a quote. */
  private int behindQuoted(byte[] text, int from, int edge) throws ContentException {
    int at = from + 1;
    while (true) {
      while (at < edge && text[at] != '"') {
        at++;
      }
      if (at == edge) {
        if (ended) {
          throw new ContentException("line " + (row + 1) + ": a quote is not closed");
        }
        return INCOMPLETE;
      }
      at++;
      if (at == edge) {
        // Whether this quote closes the cell is told by what follows.
        return ended ? at : INCOMPLETE;
      }
      if (text[at] != '"') {
        return at;
      }
      at++;
    }
  }

  private void passByteOrderMark() throws IOException, ContentException {
    while (limit < 3 && !ended) {
      fill();
    }
    if (limit >= 3
        && bytes[0] == (byte) 0xEF
        && bytes[1] == (byte) 0xBB
        && bytes[2] == (byte) 0xBF) {
      position = 3;
    }
  }

  /** Reads on, with the row that is not complete moved to the front. */
  private void fill() throws IOException, ContentException {
    int kept = limit - position;
    if (kept > rowBytesMax) {
      throw new ContentException("line " + (row + 1) + " is longer than " + rowBytesMax + " bytes");
    }
    if (limit == bytes.length) {
      // A buffer is filled once: rows that were given away lie in it.
      byte[] next = new byte[Math.max(CHUNK, kept * 2)];
      System.arraycopy(bytes, position, next, 0, kept);
      bytes = next;
      base += position;
      position = 0;
      limit = kept;
    }
    int read = source.readNBytes(bytes, limit, bytes.length - limit);
    if (read == 0) {
      ended = true;
      if (!utf8.complete()) {
        throw new ContentException("the text is not UTF-8");
      }
      return;
    }
    if (!utf8.accepts(bytes, limit, limit + read)) {
      throw new ContentException("the text is not UTF-8");
    }
    limit += read;
  }
}
