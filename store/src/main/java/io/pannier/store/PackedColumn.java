package io.pannier.store;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;

/**
 * A column of 64-bit numbers, immutable: value(i) = base + i × stride + residual(i) modulo 2⁶⁴,
 * with residuals of 0, 1, 2, 4 or 8 bytes. The residuals stay where they were read, inside the
 * payload of the index.
 *
 * <pre>
 * width 1 | base 8 | stride 8 | residuals rows × width          little-endian, unsigned
 * </pre>
 *
 * The modulo is what lets every number be a base, and makes a column of equal steps cost its header
 * only, whichever numbers it runs through.
 */
final class PackedColumn {
  /** Bytes of an encoded column without residuals. */
  static final int HEADER_BYTES = 17;

  /** Estimate of the heap of one column object. */
  static final int OBJECT_BYTES = 48;

  static final VarHandle SHORTS =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
  static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private final byte[] bytes;
  private final int start;
  private final int rows;
  private final int width;
  private final long base;
  private final long stride;

  /** A column whose residuals lie in {@code bytes} from {@code start}; the caller checked that. */
  PackedColumn(byte[] bytes, int start, int rows, int width, long base, long stride) {
    this.bytes = bytes;
    this.start = start;
    this.rows = rows;
    this.width = width;
    this.base = base;
    this.stride = stride;
  }

  long get(int row) {
    Objects.checkIndex(row, rows);
    return base + row * stride + residual(bytes, start, row, width);
  }

  /**
   * Number of rows whose value is 0, or −1 if a value is above {@code max} (unsigned). Takes no
   * more time than the column has bytes or {@code max} is large, however many rows it claims.
   */
  int zerosIfAtMost(long max) {
    if (width == 0 && stride == 0) {
      return rows == 0 || base == 0 ? rows : Long.compareUnsigned(base, max) <= 0 ? 0 : -1;
    }
    int zeros = 0;
    for (int row = 0; row < rows; row++) {
      long value = get(row);
      if (value == 0) {
        zeros++;
      } else if (Long.compareUnsigned(value, max) > 0) {
        return -1;
      }
    }
    return zeros;
  }

  /** How the column is stored, for a reader of {@code describe}. */
  String layout() {
    return "base "
        + Long.toUnsignedString(base)
        + " + row * "
        + stride
        + ", "
        + width
        + " bytes a row";
  }

  static boolean isWidth(int width) {
    return width == 0 || width == 1 || width == 2 || width == 4 || width == 8;
  }

  /** Appends the first {@code count} values in the narrowest form that one of three lines gives. */
  static void encode(long[] values, int count, IndexCodec.Writer out) {
    Line line = Line.through(values, count);
    int width = line.width();
    int at = out.reserve(HEADER_BYTES + count * width);
    byte[] bytes = out.bytes();
    bytes[at] = (byte) width;
    LONGS.set(bytes, at + 1, line.base());
    LONGS.set(bytes, at + 9, line.stride());
    if (width == 0) {
      return;
    }
    long expected = line.base();
    for (int i = 0; i < count; i++) {
      put(bytes, at + HEADER_BYTES, i, width, values[i] - expected);
      expected += line.stride();
    }
  }

  /** A line below all values, and the width that the distances to it need. */
  private record Line(long base, long stride, int width) {
    /**
     * Level, through the ends, or along the first step: whichever needs least. The first step finds
     * equal steps also where the last value is an outlier or the ends lie 2⁶³ or more apart.
     */
    static Line through(long[] values, int count) {
      if (count == 0) {
        return new Line(0, 0, 0);
      }
      Line best = of(values, count, 0);
      if (count > 1 && best.width > 0) {
        long average = (values[count - 1] - values[0]) / (count - 1);
        long step = values[1] - values[0];
        if (average != 0) {
          best = narrower(best, of(values, count, average));
        }
        if (step != average && step != 0 && best.width > 0) {
          best = narrower(best, of(values, count, step));
        }
      }
      return best;
    }

    private static Line narrower(Line a, Line b) {
      return b.width < a.width ? b : a;
    }

    private static Line of(long[] values, int count, long stride) {
      long first = values[0];
      long low = 0;
      long high = 0;
      long expected = first;
      for (int i = 0; i < count; i++) {
        long distance = values[i] - expected; // signed: which of the two ways round is shorter
        low = Math.min(low, distance);
        high = Math.max(high, distance);
        expected += stride;
      }
      return new Line(first + low, stride, widthOf(high - low));
    }
  }

  /** Bytes that an unsigned number needs: 0, 1, 2, 4 or 8. */
  private static int widthOf(long unsigned) {
    int bits = Long.SIZE - Long.numberOfLeadingZeros(unsigned);
    if (bits == 0) {
      return 0;
    }
    return bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 4 : 8;
  }

  private static long residual(byte[] bytes, int start, int row, int width) {
    return switch (width) {
      case 0 -> 0;
      case 1 -> bytes[start + row] & 0xffL;
      case 2 -> (short) SHORTS.get(bytes, start + row * 2) & 0xffffL;
      case 4 -> (int) INTS.get(bytes, start + row * 4) & 0xffff_ffffL;
      default -> (long) LONGS.get(bytes, start + row * 8);
    };
  }

  private static void put(byte[] bytes, int start, int row, int width, long residual) {
    switch (width) {
      case 1 -> bytes[start + row] = (byte) residual;
      case 2 -> SHORTS.set(bytes, start + row * 2, (short) residual);
      case 4 -> INTS.set(bytes, start + row * 4, (int) residual);
      default -> LONGS.set(bytes, start + row * 8, residual);
    }
  }

  /**
   * A column that grows, in the same form: it starts without residuals and widens when a value does
   * not fit, at most four times. A block of one record, or of equal records, costs no array.
   */
  static final class Growing {
    private static final byte[] NONE = new byte[0];
    private static final int ROWS_MIN = 16;

    /** Small numbers that jump, such as codes: measured from 0 and not from a line. */
    private final boolean level;

    private byte[] bytes = NONE;
    private int rows;
    private byte width;
    private long base;
    private long stride;

    private Growing(boolean level) {
      this.level = level;
    }

    /** A column for numbers that tend to step evenly: times, offsets, sequence numbers. */
    static Growing ofSteps() {
      return new Growing(false);
    }

    /** A column for small numbers: codes, flags, lengths. */
    static Growing ofSmall() {
      return new Growing(true);
    }

    int rows() {
      return rows;
    }

    long get(int row) {
      Objects.checkIndex(row, rows);
      return base + row * stride + residual(bytes, 0, row, width);
    }

    void add(long value) {
      if (rows == 0) {
        base = value;
      } else if (rows == 1 && width == 0 && !level) {
        stride = value - base;
      } else {
        if (!fits(value - base - rows * stride, width)) {
          widen(value);
        }
        if (width > 0) {
          makeRoom(rows + 1);
          put(bytes, 0, rows, width, value - base - rows * stride);
        }
      }
      rows++;
    }

    /** Appends zeros up to {@code target} rows in all; for columns of small numbers. */
    void addZeros(int target) {
      if (target == rows) {
        return;
      }
      if (rows > 0 && width == 0 && base != 0) {
        widen(0);
      }
      makeRoom(target); // bytes behind the last row are zero and mean 0
      rows = target;
    }

    long memoryBytes() {
      return bytes.length == 0 ? 40 : 56L + bytes.length;
    }

    private static boolean fits(long residual, int width) {
      return width == 8 || residual >>> (8 * width) == 0;
    }

    /** Makes room for {@code target} rows. A width of 0 needs none. */
    private void makeRoom(int target) {
      if (bytes.length < target * width) {
        bytes = Arrays.copyOf(bytes, Math.max(target, rows + rows / 2) * width);
      }
    }

    /**
     * Takes the next width at which all rows and the next value fit, and the line that is known
     * best by now. Room for as much deviation to either side of the line.
     */
    private void widen(long value) {
      long first = get(0);
      int wider = width;
      long line;
      long lowest;
      do {
        wider = wider == 0 ? 1 : wider * 2;
        boolean plain = level || wider == 8;
        line = plain ? 0 : (value - first) / rows;
        lowest = plain ? 0 : first - (1L << (8 * wider - 1));
      } while (!allFit(value, line, lowest, wider));
      var widened = new byte[Math.max(ROWS_MIN, rows + rows / 2) * wider];
      for (int row = 0; row < rows; row++) {
        put(widened, 0, row, wider, get(row) - lowest - row * line);
      }
      bytes = widened;
      width = (byte) wider;
      base = lowest;
      stride = line;
    }

    private boolean allFit(long value, long line, long lowest, int wider) {
      if (!fits(value - lowest - rows * line, wider)) {
        return false;
      }
      for (int row = 0; row < rows; row++) {
        if (!fits(get(row) - lowest - row * line, wider)) {
          return false;
        }
      }
      return true;
    }
  }
}
