package io.pannier.robotics.image;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Writes baseline JPEG files (ITU-T T.81) with a JFIF header: grey, or colour with chroma of half
 * the width and height, and the tables of the standard's annex K, scaled by quality as is usual.
 */
public final class JpegEncoder {
  /** Longest side that the format knows. */
  private static final int SIDE_MAX = 65_535;

  private static final byte[] ZIGZAG = {
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63
  };

  private static final int[] LUMA = {
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
    92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99
  };

  private static final int[] CHROMA = {
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99
  };

  private static final Huffman LUMA_DC =
      new Huffman(0x00, "00010501010101010100000000000000", "000102030405060708090a0b");
  private static final Huffman CHROMA_DC =
      new Huffman(0x01, "00030101010101010101010000000000", "000102030405060708090a0b");
  private static final Huffman LUMA_AC =
      new Huffman(
          0x10,
          "0002010303020403050504040000017d",
          "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25"
              + "262728292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778797a"
              + "838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9ca"
              + "d2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa");
  private static final Huffman CHROMA_AC =
      new Huffman(
          0x11,
          "00020102040403040705040400010277",
          "0001020311040521310612415107617113223281081442"
              + "91a1b1c109233352f0156272d10a162434e125f11718191a262728292a35363738393a43444546474849"
              + "4a535455565758595a636465666768696a737475767778797a82838485868788898a9293949596979899"
              + "9aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6"
              + "e7e8e9eaf2f3f4f5f6f7f8f9fa");

  private final Picture picture;
  private final int[] lumaSteps;
  private final int[] chromaSteps;
  private final float[] block = new float[64];
  private final int[] coefficients = new int[64];
  private byte[] out;
  private int length;
  private long bits;
  private int bitCount;

  private JpegEncoder(Picture picture, int quality) {
    this.picture = picture;
    lumaSteps = scaled(LUMA, quality);
    chromaSteps = scaled(CHROMA, quality);
    out = new byte[picture.samples().length / 6 + 2_048];
  }

  /**
   * The bytes of the file. Opacity is left out.
   *
   * @param quality 1 to 100
   * @throws ImageException unsupported for samples of 16 bits, malformed for sides beyond 65 535
   */
  public static byte[] encode(Picture picture, int quality) throws ImageException {
    if (picture.sampleBytes() != 1) {
      throw ImageException.unsupported(picture.pixels());
    }
    if (picture.width() > SIDE_MAX || picture.height() > SIDE_MAX) {
      throw ImageException.malformed(
          picture.width() + " × " + picture.height() + " pixels are more than a JPEG file holds");
    }
    return new JpegEncoder(picture, quality).encoded();
  }

  private static int[] scaled(int[] table, int quality) {
    int bounded = Math.clamp(quality, 1, 100);
    int percent = bounded < 50 ? 5_000 / bounded : 200 - 2 * bounded;
    return Arrays.stream(table)
        .map(each -> Math.clamp((each * percent + 50) / 100, 1, 255))
        .toArray();
  }

  private byte[] encoded() {
    boolean grey = picture.channels() == 1;
    head(grey);
    if (grey) {
      greyBlocks(divisors(lumaSteps));
    } else {
      colourBlocks(divisors(lumaSteps), divisors(chromaSteps));
    }
    if (bitCount > 0) {
      put(0x7f, 8 - bitCount);
    }
    marker(0xd9);
    return Arrays.copyOf(out, length);
  }

  // --- Markers

  private void head(boolean grey) {
    marker(0xd8);
    segment(0xe0, HexFormat.of().parseHex("4a46494600010100000100010000"));
    segment(0xdb, quantization(0, lumaSteps));
    if (!grey) {
      segment(0xdb, quantization(1, chromaSteps));
    }
    ByteBuffer frame =
        ByteBuffer.allocate(grey ? 9 : 15)
            .put((byte) 8)
            .putShort((short) picture.height())
            .putShort((short) picture.width());
    frame.put(HexFormat.of().parseHex(grey ? "01011100" : "03012200021101031101"));
    segment(0xc0, frame.array());
    segment(0xc4, LUMA_DC.segment);
    segment(0xc4, LUMA_AC.segment);
    if (!grey) {
      segment(0xc4, CHROMA_DC.segment);
      segment(0xc4, CHROMA_AC.segment);
    }
    segment(0xda, HexFormat.of().parseHex(grey ? "010100003f00" : "03010002110311003f00"));
  }

  private static byte[] quantization(int id, int[] steps) {
    byte[] table = new byte[65];
    table[0] = (byte) id;
    for (int i = 0; i < 64; i++) {
      table[1 + i] = (byte) steps[ZIGZAG[i]];
    }
    return table;
  }

  private void marker(int kind) {
    room(2);
    out[length++] = (byte) 0xff;
    out[length++] = (byte) kind;
  }

  private void segment(int kind, byte[] content) {
    marker(kind);
    room(2 + content.length);
    out[length++] = (byte) ((content.length + 2) >> 8);
    out[length++] = (byte) (content.length + 2);
    System.arraycopy(content, 0, out, length, content.length);
    length += content.length;
  }

  private void room(int bytes) {
    if (out.length - length < bytes) {
      out = Arrays.copyOf(out, Math.max(2 * out.length, length + bytes));
    }
  }

  // --- Blocks

  private void greyBlocks(float[] divisors) {
    int dc = 0;
    byte[] samples = picture.samples();
    for (int top = 0; top < picture.height(); top += 8) {
      for (int left = 0; left < picture.width(); left += 8) {
        for (int y = 0; y < 8; y++) {
          int row = Math.min(top + y, picture.height() - 1) * picture.width();
          for (int x = 0; x < 8; x++) {
            int column = Math.min(left + x, picture.width() - 1);
            block[8 * y + x] = (samples[row + column] & 0xff) - 128;
          }
        }
        dc = code(divisors, dc, LUMA_DC, LUMA_AC);
      }
    }
  }

  /** Squares of 16 pixels: four blocks of luma, one of each chroma. */
  private void colourBlocks(float[] lumaDivisors, float[] chromaDivisors) {
    float[] luma = new float[256];
    float[] blue = new float[64];
    float[] red = new float[64];
    int lumaDc = 0;
    int blueDc = 0;
    int redDc = 0;
    for (int top = 0; top < picture.height(); top += 16) {
      for (int left = 0; left < picture.width(); left += 16) {
        square(top, left, luma, blue, red);
        for (int quarter = 0; quarter < 4; quarter++) {
          int from = (quarter >> 1) * 128 + (quarter & 1) * 8;
          for (int y = 0; y < 8; y++) {
            System.arraycopy(luma, from + 16 * y, block, 8 * y, 8);
          }
          lumaDc = code(lumaDivisors, lumaDc, LUMA_DC, LUMA_AC);
        }
        System.arraycopy(blue, 0, block, 0, 64);
        blueDc = code(chromaDivisors, blueDc, CHROMA_DC, CHROMA_AC);
        System.arraycopy(red, 0, block, 0, 64);
        redDc = code(chromaDivisors, redDc, CHROMA_DC, CHROMA_AC);
      }
    }
  }

  private void square(int top, int left, float[] luma, float[] blue, float[] red) {
    byte[] samples = picture.samples();
    int channels = picture.channels();
    Arrays.fill(blue, 0);
    Arrays.fill(red, 0);
    for (int y = 0; y < 16; y++) {
      int row = Math.min(top + y, picture.height() - 1) * picture.width();
      for (int x = 0; x < 16; x++) {
        int at = (row + Math.min(left + x, picture.width() - 1)) * channels;
        int r = samples[at] & 0xff;
        int g = samples[at + 1] & 0xff;
        int b = samples[at + 2] & 0xff;
        luma[16 * y + x] = 0.299f * r + 0.587f * g + 0.114f * b - 128;
        int chroma = (y >> 1) * 8 + (x >> 1);
        // Of four pixels each, hence a quarter of the standard's factors.
        blue[chroma] += -0.042184f * r - 0.082816f * g + 0.125f * b;
        red[chroma] += 0.125f * r - 0.104672f * g - 0.020328f * b;
      }
    }
  }

  /** The steps together with what the transform below leaves to them. */
  private static float[] divisors(int[] steps) {
    double[] scale = {
      1.0, 1.387039845, 1.306562965, 1.175875602, 1.0, 0.785694958, 0.541196100, 0.275899379
    };
    float[] divisors = new float[64];
    for (int i = 0; i < 64; i++) {
      divisors[i] = (float) (1 / (steps[i] * scale[i >> 3] * scale[i & 7] * 8));
    }
    return divisors;
  }

  /** Codes the block; answers its mean, which the next one is told against. */
  private int code(float[] divisors, int lastDc, Huffman dcCodes, Huffman acCodes) {
    for (int i = 0; i < 64; i += 8) {
      transform(i, 1);
    }
    for (int i = 0; i < 8; i++) {
      transform(i, 8);
    }
    for (int i = 0; i < 64; i++) {
      int at = ZIGZAG[i];
      // Rounded; the shift keeps the cast away from zero.
      coefficients[i] = (int) (block[at] * divisors[at] + 16_384.5f) - 16_384;
    }
    room(512);
    int dc = coefficients[0];
    value(dcCodes, 0, dc - lastDc);
    int zeros = 0;
    for (int i = 1; i < 64; i++) {
      int coefficient = coefficients[i];
      if (coefficient == 0) {
        zeros++;
      } else {
        while (zeros > 15) {
          put(acCodes.codes[0xf0], acCodes.lengths[0xf0]);
          zeros -= 16;
        }
        value(acCodes, zeros << 4, coefficient);
        zeros = 0;
      }
    }
    if (zeros > 0) {
      put(acCodes.codes[0], acCodes.lengths[0]);
    }
    return dc;
  }

  /** One dimension of the cosine transform after Arai, Agui and Nakajima, not yet scaled. */
  private void transform(int at, int step) {
    float[] d = block;
    int i1 = at + step;
    int i2 = i1 + step;
    int i3 = i2 + step;
    int i4 = i3 + step;
    int i5 = i4 + step;
    int i6 = i5 + step;
    int i7 = i6 + step;
    float s07 = d[at] + d[i7];
    float d07 = d[at] - d[i7];
    float s16 = d[i1] + d[i6];
    float d16 = d[i1] - d[i6];
    float s25 = d[i2] + d[i5];
    float d25 = d[i2] - d[i5];
    float s34 = d[i3] + d[i4];
    float d34 = d[i3] - d[i4];

    float even0 = s07 + s34;
    float even3 = s07 - s34;
    float even1 = s16 + s25;
    float even2 = s16 - s25;
    d[at] = even0 + even1;
    d[i4] = even0 - even1;
    float z1 = (even2 + even3) * 0.70710677f;
    d[i2] = even3 + z1;
    d[i6] = even3 - z1;

    float odd0 = d34 + d25;
    float odd1 = d25 + d16;
    float odd2 = d16 + d07;
    float z5 = (odd0 - odd2) * 0.38268343f;
    float z2 = 0.5411961f * odd0 + z5;
    float z4 = 1.306563f * odd2 + z5;
    float z3 = odd1 * 0.70710677f;
    float z11 = d07 + z3;
    float z13 = d07 - z3;
    d[i5] = z13 + z2;
    d[i3] = z13 - z2;
    d[i1] = z11 + z4;
    d[i7] = z11 - z4;
  }

  // --- Bits

  /** A code for the zeros in front and the number of bits, then the bits. */
  private void value(Huffman huffman, int zeros, int value) {
    int size = 32 - Integer.numberOfLeadingZeros(Math.abs(value));
    int symbol = zeros | size;
    put(huffman.codes[symbol], huffman.lengths[symbol]);
    if (size > 0) {
      put((value < 0 ? value - 1 : value) & ((1 << size) - 1), size);
    }
  }

  private void put(int code, int count) {
    bits = bits << count | (code & ((1 << count) - 1));
    bitCount += count;
    while (bitCount >= 8) {
      bitCount -= 8;
      byte next = (byte) (bits >> bitCount);
      room(2);
      out[length++] = next;
      if (next == (byte) 0xff) {
        // Not to be taken for a marker.
        out[length++] = 0;
      }
    }
  }

  /** A table of codes: how many there are of each length, and what they stand for. */
  private static final class Huffman {
    final byte[] segment;
    final int[] codes = new int[256];
    final int[] lengths = new int[256];

    Huffman(int id, String counts, String symbols) {
      byte[] lengthCounts = HexFormat.of().parseHex(counts);
      byte[] values = HexFormat.of().parseHex(symbols);
      segment =
          ByteBuffer.allocate(1 + lengthCounts.length + values.length)
              .put((byte) id)
              .put(lengthCounts)
              .put(values)
              .array();
      int code = 0;
      int next = 0;
      for (int size = 1; size <= 16; size++) {
        for (int i = 0; i < (lengthCounts[size - 1] & 0xff); i++) {
          int symbol = values[next++] & 0xff;
          codes[symbol] = code++;
          lengths[symbol] = size;
        }
        code <<= 1;
      }
    }
  }
}
