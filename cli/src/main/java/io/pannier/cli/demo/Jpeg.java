package io.pannier.cli.demo;

import java.io.ByteArrayOutputStream;
import java.util.HexFormat;

/**
 * Grey pictures as baseline JPEG (ITU-T T.81), with the tables of its annex K. The JDK's own
 * encoder would bring all of {@code java.desktop} into a runtime that needs nothing else of it.
 */
final class Jpeg {
  private static final int SIDE = 8;
  private static final int AREA = SIDE * SIDE;

  /** K.1: luminance. */
  private static final int[] QUANTA = {
    16, 11, 10, 16, 24, 40, 51, 61, //
    12, 12, 14, 19, 26, 58, 60, 55, //
    14, 13, 16, 24, 40, 57, 69, 56, //
    14, 17, 22, 29, 51, 87, 80, 62, //
    18, 22, 37, 56, 68, 109, 103, 77, //
    24, 35, 55, 64, 81, 104, 113, 92, //
    49, 64, 78, 87, 103, 121, 120, 101, //
    72, 92, 95, 98, 112, 100, 103, 99
  };

  /** How many codes there are of each length from 1 to 16, and what they stand for. */
  private static final byte[] DC_COUNTS = hex("00010501010101010100000000000000");

  private static final byte[] DC_VALUES = hex("000102030405060708090a0b");
  private static final byte[] AC_COUNTS = hex("0002010303020403050504040000017d");
  private static final byte[] AC_VALUES =
      hex(
          "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25"
              + "262728292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778"
              + "797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6"
              + "c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa");

  private static final Codes DC = new Codes(DC_COUNTS, DC_VALUES);
  private static final Codes AC = new Codes(AC_COUNTS, AC_VALUES);
  private static final int END_OF_BLOCK = 0x00;
  private static final int SIXTEEN_ZEROS = 0xf0;

  private static final int[] ZIGZAG = zigzag();

  /** Of the n-th wave at the i-th place, scaled. */
  private static final float[] WAVES = waves();

  private final ByteArrayOutputStream out = new ByteArrayOutputStream(16_384);
  private final int[] quanta = new int[AREA];
  private int bits;
  private int bitCount;

  private Jpeg(int quality) {
    int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
    for (int i = 0; i < AREA; i++) {
      quanta[i] = Math.clamp((QUANTA[i] * scale + 50) / 100, 1, 255);
    }
  }

  /**
   * Encodes a picture.
   *
   * @param grey brightness from 0 to 255, row by row
   * @param width a multiple of 8, as the height is
   * @param quality from 1 to 100
   */
  static byte[] encode(byte[] grey, int width, int height, int quality) {
    if (width % SIDE != 0 || height % SIDE != 0 || grey.length != width * height) {
      throw new IllegalArgumentException("pictures are made of blocks of 8 by 8");
    }
    var jpeg = new Jpeg(quality);
    jpeg.head(width, height);
    jpeg.body(grey, width, height);
    jpeg.marker(0xd9);
    return jpeg.out.toByteArray();
  }

  private void marker(int code) {
    out.write(0xff);
    out.write(code);
  }

  private void segment(int code, byte[]... parts) {
    int length = 2;
    for (byte[] part : parts) {
      length += part.length;
    }
    marker(code);
    out.write(length >> 8);
    out.write(length);
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
  }

  private void head(int width, int height) {
    marker(0xd8);
    segment(0xe0, hex("4a46494600010100000100010000"));
    byte[] table = new byte[AREA];
    for (int i = 0; i < AREA; i++) {
      table[i] = (byte) quanta[ZIGZAG[i]];
    }
    segment(0xdb, new byte[] {0}, table);
    byte[] size = {(byte) (height >> 8), (byte) height, (byte) (width >> 8), (byte) width};
    segment(0xc0, new byte[] {8}, size, hex("01011100"));
    segment(0xc4, new byte[] {0x00}, DC_COUNTS, DC_VALUES);
    segment(0xc4, new byte[] {0x10}, AC_COUNTS, AC_VALUES);
    segment(0xda, hex("01010000" + "3f00"));
  }

  private void body(byte[] grey, int width, int height) {
    float[] block = new float[AREA];
    int[] levels = new int[AREA];
    int before = 0;
    for (int top = 0; top + SIDE <= height; top += SIDE) {
      for (int left = 0; left + SIDE <= width; left += SIDE) {
        for (int i = 0; i < AREA; i++) {
          block[i] = (grey[(top + i / SIDE) * width + left + i % SIDE] & 0xff) - 128;
        }
        transform(block);
        for (int i = 0; i < AREA; i++) {
          levels[i] = Math.round(block[ZIGZAG[i]] / quanta[ZIGZAG[i]]);
        }
        level(DC, 0, levels[0] - before);
        before = levels[0];
        details(levels);
      }
    }
    // What is left of the last byte is filled with ones.
    put((1 << 7) - 1, 7);
    bitCount = 0;
  }

  private void details(int[] levels) {
    int zeros = 0;
    for (int i = 1; i < AREA; i++) {
      if (levels[i] == 0) {
        zeros++;
        continue;
      }
      for (; zeros >= 16; zeros -= 16) {
        code(AC, SIXTEEN_ZEROS);
      }
      level(AC, zeros, levels[i]);
      zeros = 0;
    }
    if (zeros > 0) {
      code(AC, END_OF_BLOCK);
    }
  }

  /** So many zeros and then a level, whose bits follow its size. */
  private void level(Codes codes, int zeros, int value) {
    int size = Integer.SIZE - Integer.numberOfLeadingZeros(Math.abs(value));
    code(codes, zeros << 4 | size);
    put((value < 0 ? value - 1 : value) & ((1 << size) - 1), size);
  }

  private void code(Codes codes, int symbol) {
    put(codes.code[symbol], codes.length[symbol]);
  }

  private void put(int value, int count) {
    bits = bits << count | value;
    bitCount += count;
    while (bitCount >= Byte.SIZE) {
      bitCount -= Byte.SIZE;
      int next = bits >> bitCount & 0xff;
      out.write(next);
      if (next == 0xff) {
        out.write(0);
      }
    }
    bits &= (1 << bitCount) - 1;
  }

  /** Cosine transform, of the rows and then of the columns. */
  private static void transform(float[] block) {
    float[] rows = new float[AREA];
    for (int row = 0; row < SIDE; row++) {
      for (int wave = 0; wave < SIDE; wave++) {
        float sum = 0;
        for (int i = 0; i < SIDE; i++) {
          sum += block[row * SIDE + i] * WAVES[wave * SIDE + i];
        }
        rows[row * SIDE + wave] = sum;
      }
    }
    for (int column = 0; column < SIDE; column++) {
      for (int wave = 0; wave < SIDE; wave++) {
        float sum = 0;
        for (int i = 0; i < SIDE; i++) {
          sum += rows[i * SIDE + column] * WAVES[wave * SIDE + i];
        }
        block[wave * SIDE + column] = sum;
      }
    }
  }

  private static float[] waves() {
    float[] waves = new float[AREA];
    for (int wave = 0; wave < SIDE; wave++) {
      double scale = wave == 0 ? Math.sqrt(1.0 / SIDE) : Math.sqrt(2.0 / SIDE);
      for (int i = 0; i < SIDE; i++) {
        waves[wave * SIDE + i] =
            (float) (scale * Math.cos((2 * i + 1) * wave * Math.PI / (2 * SIDE)));
      }
    }
    return waves;
  }

  /** Places in a block from the coarse to the fine: along its diagonals, to and fro. */
  private static int[] zigzag() {
    int[] order = new int[AREA];
    int at = 0;
    for (int diagonal = 0; diagonal < 2 * SIDE - 1; diagonal++) {
      for (int step = 0; step <= diagonal; step++) {
        int row = diagonal % 2 == 0 ? diagonal - step : step;
        int column = diagonal - row;
        if (row < SIDE && column < SIDE) {
          order[at++] = row * SIDE + column;
        }
      }
    }
    return order;
  }

  private static byte[] hex(String text) {
    return HexFormat.of().parseHex(text);
  }

  /** Codes of a table (T.81 annex C). */
  private static final class Codes {
    final int[] code = new int[256];
    final int[] length = new int[256];

    Codes(byte[] counts, byte[] values) {
      int next = 0;
      int at = 0;
      for (int bits = 1; bits <= counts.length; bits++) {
        for (int i = 0; i < counts[bits - 1]; i++) {
          int symbol = values[at++] & 0xff;
          code[symbol] = next++;
          length[symbol] = bits;
        }
        next <<= 1;
      }
    }
  }
}
