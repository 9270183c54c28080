package io.pannier.robotics.image;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/** Writes PNG files (ISO/IEC 15948): every picture, without loss. */
public final class PngEncoder {
  private static final byte[] MAGIC = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

  /** Colour types by number of channels. */
  private static final byte[] COLOUR_TYPES = {0, 0, 0, 2, 6};

  /** Each byte is written as the difference from that of the pixel to its left. */
  private static final byte FILTER_SUB = 1;

  private PngEncoder() {}

  /** The bytes of the file. */
  public static byte[] encode(Picture picture) {
    var out = new ByteArrayOutputStream(picture.samples().length / 2 + 1_024);
    out.writeBytes(MAGIC);
    ByteBuffer header =
        ByteBuffer.allocate(13)
            .putInt(picture.width())
            .putInt(picture.height())
            .put((byte) (8 * picture.sampleBytes()))
            .put(COLOUR_TYPES[picture.channels()])
            .put(new byte[3]);
    chunk(out, "IHDR", header.array(), 13);
    pixels(out, picture);
    chunk(out, "IEND", new byte[0], 0);
    return out.toByteArray();
  }

  private static void pixels(ByteArrayOutputStream out, Picture picture) {
    int pixel = picture.channels() * picture.sampleBytes();
    int rowBytes = picture.width() * pixel;
    byte[] samples = picture.samples();
    byte[] row = new byte[1 + rowBytes];
    byte[] compressed = new byte[64 << 10];
    var deflater = new Deflater(4);
    try {
      for (int y = 0; y <= picture.height(); y++) {
        if (y < picture.height()) {
          int from = y * rowBytes;
          row[0] = FILTER_SUB;
          for (int i = 0; i < rowBytes; i++) {
            int left = i < pixel ? 0 : samples[from + i - pixel];
            row[1 + i] = (byte) (samples[from + i] - left);
          }
          deflater.setInput(row);
        } else {
          deflater.finish();
        }
        while (!deflater.needsInput() || (y == picture.height() && !deflater.finished())) {
          int count = deflater.deflate(compressed);
          if (count > 0) {
            chunk(out, "IDAT", compressed, count);
          }
        }
      }
    } finally {
      deflater.end();
    }
  }

  private static void chunk(ByteArrayOutputStream out, String type, byte[] content, int length) {
    byte[] name = type.getBytes(StandardCharsets.US_ASCII);
    var crc = new CRC32();
    crc.update(name);
    crc.update(content, 0, length);
    out.writeBytes(ByteBuffer.allocate(4).putInt(length).array());
    out.writeBytes(name);
    out.write(content, 0, length);
    out.writeBytes(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
  }
}
