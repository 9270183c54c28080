package io.pannier.store;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The values of a label or of the content type. Up to 256 different values are shared; later ones
 * are appended without looking for an equal one, so a label that differs in every record costs its
 * bytes and not a hash table of strings.
 *
 * <pre>
 * count 4 | each: length 4, UTF-8 bytes
 * </pre>
 */
sealed interface LabelColumnDictionary {
  /** Number of values that are shared. */
  int SHARED = 256;

  /** Number of values. */
  int count();

  /** A value. */
  String value(int index);

  /** Length of a value in UTF-8. */
  int utf8Length(int index);

  /** Estimate of the heap that it takes, in constant time. */
  long memoryBytes();

  /** Appends the encoded form. */
  void encode(IndexCodec.Writer out);

  /** The dictionary of an open index. */
  final class Growing implements LabelColumnDictionary {
    /** From here on a hash table is cheaper than comparing with each value. */
    private static final int TABLE_FROM = 8;

    /** A string with its array, without the characters, and its place in the array. */
    private static final int STRING_BYTES = 52;

    private static final byte[] NO_BYTES = new byte[0];
    private static final int[] NO_ENDS = new int[0];

    private String[] shared = new String[1];
    private int sharedCount;
    private long sharedBytes;

    /** Codes of shared values by hash, with linear probing; twice as long as {@link #shared}. */
    private short @Nullable [] table;

    /** Code of the shared value seen last; the next record mostly has the same. */
    private int last;

    /** Values behind the shared ones: their bytes in one row, and where each ends. */
    private byte[] pool = NO_BYTES;

    private int[] ends = NO_ENDS;
    private int pooled;

    /** Code of a value, which is appended if it has none. */
    int codeOf(String value) {
      if (last != 0 && shared[last - 1].equals(value)) {
        return last;
      }
      int code = find(value);
      if (code == 0) {
        if (sharedCount == SHARED) {
          return appendToPool(value);
        }
        code = share(value);
      }
      last = code;
      return code;
    }

    @Override
    public int count() {
      return sharedCount + pooled;
    }

    @Override
    public String value(int index) {
      if (index < sharedCount) {
        return shared[index];
      }
      int start = start(index - sharedCount);
      int end = ends[index - sharedCount];
      return new String(pool, start, end - start, StandardCharsets.UTF_8);
    }

    @Override
    public int utf8Length(int index) {
      return index < sharedCount
          ? shared[index].getBytes(StandardCharsets.UTF_8).length
          : ends[index - sharedCount] - start(index - sharedCount);
    }

    @Override
    public long memoryBytes() {
      return 72
          + sharedBytes
          + 4L * shared.length
          + (table == null ? 0 : 16 + 2L * table.length)
          + (pooled == 0 ? 0 : 32 + pool.length + 4L * ends.length);
    }

    @Override
    public void encode(IndexCodec.Writer out) {
      out.putInt(count());
      for (int i = 0; i < sharedCount; i++) {
        out.putText(shared[i]);
      }
      for (int i = 0; i < pooled; i++) {
        int start = start(i);
        out.putInt(ends[i] - start);
        out.putBytes(pool, start, ends[i]);
      }
    }

    private int start(int index) {
      return index == 0 ? 0 : ends[index - 1];
    }

    private int find(String value) {
      if (table == null) {
        for (int i = 0; i < sharedCount; i++) {
          if (shared[i].equals(value)) {
            return i + 1;
          }
        }
        return 0;
      }
      for (int slot = slot(value, table); ; slot = (slot + 1) & (table.length - 1)) {
        int code = table[slot];
        if (code == 0 || shared[code - 1].equals(value)) {
          return code;
        }
      }
    }

    private int share(String value) {
      if (sharedCount == shared.length) {
        shared = Arrays.copyOf(shared, 2 * shared.length);
        if (shared.length > TABLE_FROM) {
          table = new short[2 * shared.length];
          for (int i = 0; i < sharedCount; i++) {
            enter(table, shared[i], i + 1);
          }
        }
      }
      shared[sharedCount++] = value;
      sharedBytes += STRING_BYTES + 2L * value.length(); // if it is Latin-1, too much by half
      if (table != null) {
        enter(table, value, sharedCount);
      }
      return sharedCount;
    }

    private static void enter(short[] table, String value, int code) {
      int slot = slot(value, table);
      while (table[slot] != 0) {
        slot = (slot + 1) & (table.length - 1);
      }
      table[slot] = (short) code;
    }

    private static int slot(String value, short[] table) {
      int hash = value.hashCode() * 0x9e3779b9;
      return hash >>> (Integer.numberOfLeadingZeros(table.length) + 1);
    }

    private int appendToPool(String value) {
      if (pooled == ends.length) {
        ends = Arrays.copyOf(ends, Math.max(16, pooled + pooled / 2));
      }
      int start = start(pooled);
      int length = value.length();
      makeRoom(start + length);
      int i = 0;
      while (i < length && value.charAt(i) < 0x80) {
        pool[start + i] = (byte) value.charAt(i);
        i++;
      }
      if (i < length) {
        byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
        length = utf8.length;
        makeRoom(start + length);
        System.arraycopy(utf8, 0, pool, start, length);
      }
      ends[pooled++] = start + length;
      return sharedCount + pooled;
    }

    private void makeRoom(int length) {
      if (pool.length < length) {
        pool = Arrays.copyOf(pool, Math.max(length + 64, pool.length + pool.length / 2));
      }
    }
  }

  /** The dictionary of a sealed index: values stay encoded, where they were read. */
  final class Packed implements LabelColumnDictionary {
    private final byte[] payload;

    /** Where the bytes of each value start; their length stands before them. */
    private final int[] starts;

    private final int end;

    /** Strings of the shared values. Two threads may both make one; either may stay. */
    private final @Nullable String[] strings;

    Packed(byte[] payload, int[] starts, int end) {
      this.payload = payload;
      this.starts = starts;
      this.end = end;
      this.strings = new String[Math.min(starts.length, SHARED)];
    }

    @Override
    public int count() {
      return starts.length;
    }

    @Override
    public String value(int index) {
      if (index >= strings.length) {
        return read(index);
      }
      String known = strings[index];
      if (known == null) {
        known = read(index);
        strings[index] = known;
      }
      return known;
    }

    @Override
    public int utf8Length(int index) {
      return (int) PackedColumn.INTS.get(payload, starts[index] - 4);
    }

    /** As if all strings that can be kept were there. */
    @Override
    public long memoryBytes() {
      int text = strings.length == 0 ? 0 : (end - starts[0]) / starts.length * strings.length;
      return 64 + 4L * starts.length + 52L * strings.length + text;
    }

    @Override
    public void encode(IndexCodec.Writer out) {
      out.putInt(count());
      if (starts.length > 0) {
        out.putBytes(payload, starts[0] - 4, end);
      }
    }

    private String read(int index) {
      return new String(payload, starts[index], utf8Length(index), StandardCharsets.UTF_8);
    }
  }
}
