package io.pannier.robotics.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Locale;

/** An image as encoders take it: rows without gaps, samples of one pixel side by side. */
public final class Picture {
  private final int width;
  private final int height;
  private final int channels;
  private final int sampleBytes;
  private final String pixels;
  private final byte[] samples;

  private Picture(
      int width, int height, int channels, int sampleBytes, String pixels, byte[] samples) {
    this.width = width;
    this.height = height;
    this.channels = channels;
    this.sampleBytes = sampleBytes;
    this.pixels = pixels;
    this.samples = samples;
  }

  /** Pixels in a row. */
  public int width() {
    return width;
  }

  /** Rows. */
  public int height() {
    return height;
  }

  /** 1 grey, 3 red, green and blue, 4 with opacity. */
  public int channels() {
    return channels;
  }

  /** 1, or 2 with the higher byte first. */
  public int sampleBytes() {
    return sampleBytes;
  }

  /** What the pixels were called in the message. */
  String pixels() {
    return pixels;
  }

  /** All of them, not to be changed. */
  byte[] samples() {
    return samples;
  }

  /** How pixels of a message lie in memory. */
  private enum Layout {
    GREY(1),
    GREY16(2),
    RGB(3),
    BGR(3),
    RGBA(4),
    BGRA(4),
    BAYER_RGGB(1),
    BAYER_BGGR(1),
    BAYER_GBRG(1),
    BAYER_GRBG(1),
    UYVY(2),
    YUYV(2);

    final int pixelBytes;

    Layout(int pixelBytes) {
      this.pixelBytes = pixelBytes;
    }
  }

  /**
   * Takes the fields of a {@code sensor_msgs/Image}. Known pixels are {@code rgb8 bgr8 rgba8 bgra8
   * mono8 mono16}, the Bayer patterns of 8 bits, {@code yuv422 yuv422_yuy2 uyvy yuyv}, and of the
   * numbered ones {@code 8UC1 8UC3 8UC4 16UC1}, colours in the order of OpenCV.
   *
   * @param step bytes from one row to the next
   * @param data from its position on, which is not moved
   * @throws ImageException unsupported for other pixels; malformed when the rows do not fit
   */
  public static Picture of(
      long width, long height, String encoding, boolean bigEndian, long step, ByteBuffer data)
      throws ImageException {
    Layout layout = layout(encoding);
    if (width <= 0 || height <= 0 || width > 1 << 20 || height > 1 << 20) {
      throw ImageException.malformed("an image of " + width + " × " + height + " pixels");
    }
    if (step < width * layout.pixelBytes) {
      throw ImageException.malformed(
          "rows of " + step + " bytes do not hold " + width + " pixels of " + encoding);
    }
    if (step * height > data.remaining()) {
      throw ImageException.malformed(
          "an image of "
              + height
              + " rows with "
              + step
              + " bytes each has "
              + data.remaining()
              + " bytes");
    }
    ByteBuffer rows = data.slice();
    var source = new Source((int) width, (int) height, (int) step, rows);
    return switch (layout) {
      case GREY -> source.copied(1, 1, encoding, new int[] {0});
      case GREY16 -> source.copied(1, 2, encoding, bigEndian ? new int[] {0, 1} : new int[] {1, 0});
      case RGB -> source.copied(3, 1, encoding, new int[] {0, 1, 2});
      case BGR -> source.copied(3, 1, encoding, new int[] {2, 1, 0});
      case RGBA -> source.copied(4, 1, encoding, new int[] {0, 1, 2, 3});
      case BGRA -> source.copied(4, 1, encoding, new int[] {2, 1, 0, 3});
      case BAYER_RGGB -> source.bayer(encoding, 0, 0);
      case BAYER_GRBG -> source.bayer(encoding, 1, 0);
      case BAYER_GBRG -> source.bayer(encoding, 0, 1);
      case BAYER_BGGR -> source.bayer(encoding, 1, 1);
      case UYVY -> source.yuv(encoding, 1, 0, 2);
      case YUYV -> source.yuv(encoding, 0, 1, 3);
    };
  }

  private static Layout layout(String encoding) throws ImageException {
    return switch (encoding.toLowerCase(Locale.ROOT)) {
      case "mono8", "8uc1" -> Layout.GREY;
      case "mono16", "16uc1" -> Layout.GREY16;
      case "rgb8" -> Layout.RGB;
      case "bgr8", "8uc3" -> Layout.BGR;
      case "rgba8" -> Layout.RGBA;
      case "bgra8", "8uc4" -> Layout.BGRA;
      case "bayer_rggb8" -> Layout.BAYER_RGGB;
      case "bayer_bggr8" -> Layout.BAYER_BGGR;
      case "bayer_gbrg8" -> Layout.BAYER_GBRG;
      case "bayer_grbg8" -> Layout.BAYER_GRBG;
      case "yuv422", "uyvy" -> Layout.UYVY;
      case "yuv422_yuy2", "yuyv" -> Layout.YUYV;
      default -> throw ImageException.unsupported(encoding);
    };
  }

  /** The rows of a message. */
  private record Source(int width, int height, int step, ByteBuffer rows) {
    Source {
      rows.order(ByteOrder.BIG_ENDIAN);
    }

    private byte[] room(int bytesPerPixel) throws ImageException {
      long bytes = (long) width * height * bytesPerPixel;
      if (bytes > Integer.MAX_VALUE - 64) {
        throw ImageException.malformed("an image of " + width + " × " + height + " pixels");
      }
      return new byte[(int) bytes];
    }

    /** Takes the bytes of each pixel in another order. */
    Picture copied(int channels, int sampleBytes, String pixels, int[] order)
        throws ImageException {
      int bytes = order.length;
      byte[] samples = room(bytes);
      boolean straight = true;
      for (int i = 0; i < bytes; i++) {
        straight &= order[i] == i;
      }
      byte[] row = new byte[width * bytes];
      for (int y = 0; y < height; y++) {
        int to = y * width * bytes;
        if (straight) {
          rows.get(y * step, samples, to, row.length);
        } else {
          rows.get(y * step, row);
          for (int from = 0; from < row.length; from += bytes) {
            for (int i = 0; i < bytes; i++) {
              samples[to + from + i] = row[from + order[i]];
            }
          }
        }
      }
      return new Picture(width, height, channels, sampleBytes, pixels, samples);
    }

    private int at(int x, int y) {
      // Beyond an edge, the pixel of the same colour on this side of it.
      int inX = x < 0 ? -x : x >= width ? 2 * width - 2 - x : x;
      int inY = y < 0 ? -y : y >= height ? 2 * height - 2 - y : y;
      return rows.get(Math.max(inY, 0) * step + Math.max(inX, 0)) & 0xff;
    }

    /**
     * Each missing colour is the mean of its nearest neighbours.
     *
     * @param redX column of the red pixels in each square of four
     * @param redY their row
     */
    Picture bayer(String pixels, int redX, int redY) throws ImageException {
      byte[] samples = room(3);
      int to = 0;
      for (int y = 0; y < height; y++) {
        boolean redRow = (y & 1) == redY;
        for (int x = 0; x < width; x++) {
          boolean redColumn = (x & 1) == redX;
          int here = at(x, y);
          int red;
          int green;
          int blue;
          if (redRow == redColumn) {
            int cross = (at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1)) / 4;
            int diagonal =
                (at(x - 1, y - 1) + at(x + 1, y - 1) + at(x - 1, y + 1) + at(x + 1, y + 1)) / 4;
            red = redRow ? here : diagonal;
            green = cross;
            blue = redRow ? diagonal : here;
          } else {
            int beside = (at(x - 1, y) + at(x + 1, y)) / 2;
            int above = (at(x, y - 1) + at(x, y + 1)) / 2;
            red = redRow ? beside : above;
            green = here;
            blue = redRow ? above : beside;
          }
          samples[to] = (byte) red;
          samples[to + 1] = (byte) green;
          samples[to + 2] = (byte) blue;
          to += 3;
        }
      }
      return new Picture(width, height, 3, 1, pixels, samples);
    }

    /** Two pixels in four bytes; ITU-R BT.601 with the narrow range, as cameras give it. */
    Picture yuv(String pixels, int lumaAt, int blueAt, int redAt) throws ImageException {
      byte[] samples = room(3);
      int to = 0;
      for (int y = 0; y < height; y++) {
        int row = y * step;
        for (int x = 0; x < width; x++) {
          int pair = row + (x & ~1) * 2;
          int luma = rows.get(row + 2 * x + lumaAt) & 0xff;
          int u = blueAt + pair < row + step ? (rows.get(pair + blueAt) & 0xff) - 128 : 0;
          int v = redAt + pair < row + step ? (rows.get(pair + redAt) & 0xff) - 128 : 0;
          int scaled = 298 * (luma - 16) + 128;
          samples[to] = clamp(scaled + 409 * v);
          samples[to + 1] = clamp(scaled - 100 * u - 208 * v);
          samples[to + 2] = clamp(scaled + 516 * u);
          to += 3;
        }
      }
      return new Picture(width, height, 3, 1, pixels, samples);
    }

    private static byte clamp(int scaled) {
      return (byte) Math.clamp(scaled >> 8, 0, 255);
    }
  }
}
