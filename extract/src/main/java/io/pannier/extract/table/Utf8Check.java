package io.pannier.extract.table;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Whether bytes that come piece by piece are UTF-8. Plain ASCII costs next to nothing. */
final class Utf8Check {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
  private static final long HIGH_BITS = 0x8080808080808080L;

  /** Bytes of the current character that are still to come. */
  private int missing;

  /** Bounds of the next of them: the first after the lead is narrower for some leads. */
  private int low;

  private int high;

  /** Whether the bytes go on as UTF-8; a character may continue in the next piece. */
  boolean accepts(byte[] bytes, int from, int to) {
    int at = from;
    while (at < to) {
      if (missing == 0) {
        while (at + Long.BYTES <= to && ((long) LONGS.get(bytes, at) & HIGH_BITS) == 0) {
          at += Long.BYTES;
        }
        if (at == to) {
          return true;
        }
      }
      if (!accepts(bytes[at++] & 0xFF)) {
        return false;
      }
    }
    return true;
  }

  /** Whether no character is cut. */
  boolean complete() {
    return missing == 0;
  }

  private boolean accepts(int next) {
    if (missing > 0) {
      if (next < low || next > high) {
        return false;
      }
      missing--;
      low = 0x80;
      high = 0xBF;
      return true;
    }
    if (next < 0x80) {
      return true;
    }
    // Table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing above U+10FFFF.
    low = next == 0xE0 ? 0xA0 : next == 0xF0 ? 0x90 : 0x80;
    high = next == 0xED ? 0x9F : next == 0xF4 ? 0x8F : 0xBF;
    if (next >= 0xC2 && next <= 0xDF) {
      missing = 1;
    } else if (next >= 0xE0 && next <= 0xEF) {
      missing = 2;
    } else if (next >= 0xF0 && next <= 0xF4) {
      missing = 3;
    } else {
      return false;
    }
    return true;
  }
}
