package io.pannier.robotics.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the encoders write is read by the JDK's own decoders. */
class EncodersTest {
  /** A smooth picture; the last row and column of squares are not complete. */
  private static int red(int x) {
    return (int) (127 + 100 * Math.sin(x / 9.0));
  }

  private static int green(int y) {
    return (int) (127 + 100 * Math.cos(y / 7.0));
  }

  private static int blue(int x, int y) {
    return (x * 2 + y) % 200;
  }

  private static Picture colours(int width, int height, String encoding, int padding)
      throws ImageException {
    boolean bgr = encoding.startsWith("bgr");
    int channels = encoding.contains("a") ? 4 : 3;
    int step = width * channels + padding;
    var data = ByteBuffer.allocate(step * height);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int at = y * step + x * channels;
        data.put(at, (byte) (bgr ? blue(x, y) : red(x)));
        data.put(at + 1, (byte) green(y));
        data.put(at + 2, (byte) (bgr ? red(x) : blue(x, y)));
        if (channels == 4) {
          data.put(at + 3, (byte) 200);
        }
      }
    }
    return Picture.of(width, height, encoding, false, step, data);
  }

  private static BufferedImage read(byte[] file) throws IOException {
    BufferedImage image = ImageIO.read(new ByteArrayInputStream(file));
    assertThat(image).isNotNull();
    return image;
  }

  private static double error(BufferedImage image) {
    long sum = 0;
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        int rgb = image.getRGB(x, y);
        sum += Math.abs((rgb >> 16 & 0xff) - red(x));
        sum += Math.abs((rgb >> 8 & 0xff) - green(y));
        sum += Math.abs((rgb & 0xff) - blue(x, y));
      }
    }
    return sum / (3.0 * image.getWidth() * image.getHeight());
  }

  @ParameterizedTest
  @CsvSource({"rgb8,0", "bgr8,5", "rgba8,0", "bgra8,3"})
  void coloursSurvive(String encoding, int padding) throws ImageException, IOException {
    Picture picture = colours(101, 75, encoding, padding);

    BufferedImage jpeg = read(JpegEncoder.encode(picture, 85));
    BufferedImage png = read(PngEncoder.encode(picture));

    assertThat(jpeg.getWidth()).isEqualTo(101);
    assertThat(jpeg.getHeight()).isEqualTo(75);
    assertThat(error(jpeg)).isLessThan(4);
    assertThat(error(png)).isZero();
  }

  @Test
  void greySurvivesAtEverySize() throws ImageException, IOException {
    for (int[] size : new int[][] {{1, 1}, {1, 2}, {8, 8}, {9, 17}, {640, 480}}) {
      var data = ByteBuffer.allocate(size[0] * size[1]);
      for (int i = 0; i < data.capacity(); i++) {
        data.put(i, (byte) red(i % size[0]));
      }
      Picture picture = Picture.of(size[0], size[1], "mono8", false, size[0], data);
      BufferedImage jpeg = read(JpegEncoder.encode(picture, 95));
      BufferedImage png = read(PngEncoder.encode(picture));
      for (int y = 0; y < size[1]; y++) {
        for (int x = 0; x < size[0]; x++) {
          assertThat(jpeg.getRaster().getSample(x, y, 0)).isBetween(red(x) - 6, red(x) + 6);
          assertThat(png.getRaster().getSample(x, y, 0)).isEqualTo(red(x));
        }
      }
    }
  }

  @Test
  void noiseAndExtremesGiveReadableFiles() throws ImageException, IOException {
    var random = new java.util.Random(3);
    byte[] noise = new byte[3 * 64 * 64];
    for (int i = 0; i < noise.length; i++) {
      noise[i] = (byte) (random.nextBoolean() ? 0 : 255);
    }
    Picture picture = Picture.of(64, 64, "rgb8", false, 192, ByteBuffer.wrap(noise));
    for (int quality : new int[] {1, 50, 100}) {
      BufferedImage image = read(JpegEncoder.encode(picture, quality));
      assertThat(image.getWidth()).isEqualTo(64);
    }
    long wrong = 0;
    BufferedImage best = read(JpegEncoder.encode(picture, 100));
    for (int y = 0; y < 64; y++) {
      for (int x = 0; x < 64; x++) {
        int at = 3 * (64 * y + x);
        int luma =
            (299 * (noise[at] & 0xff) + 587 * (noise[at + 1] & 0xff) + 114 * (noise[at + 2] & 0xff))
                / 1000;
        int rgb = best.getRGB(x, y);
        int got = (299 * (rgb >> 16 & 0xff) + 587 * (rgb >> 8 & 0xff) + 114 * (rgb & 0xff)) / 1000;
        wrong += Math.abs(got - luma);
      }
    }
    assertThat(wrong / (64.0 * 64)).isLessThan(40);
  }

  @Test
  void depthOfSixteenBitsIsKeptByPngAndRefusedByJpeg() throws ImageException, IOException {
    var data = ByteBuffer.wrap(new byte[] {0x34, 0x12, (byte) 0xff, 0x00});
    Picture picture = Picture.of(2, 1, "16UC1", false, 4, data);

    BufferedImage png = read(PngEncoder.encode(picture));

    assertThat(png.getRaster().getSample(0, 0, 0)).isEqualTo(0x1234);
    assertThat(png.getRaster().getSample(1, 0, 0)).isEqualTo(0x00ff);
    assertThatThrownBy(() -> JpegEncoder.encode(picture, 85))
        .isInstanceOfSatisfying(ImageException.class, e -> assertThat(e.isUnsupported()).isTrue())
        .hasMessage("16UC1");
  }

  @ParameterizedTest
  @CsvSource({"bayer_rggb8,0,0", "bayer_grbg8,1,0", "bayer_gbrg8,0,1", "bayer_bggr8,1,1"})
  void bayerPatternsBecomeColours(String encoding, int redX, int redY) throws ImageException {
    var data = ByteBuffer.allocate(12 * 10);
    for (int y = 0; y < 10; y++) {
      for (int x = 0; x < 12; x++) {
        boolean red = (x & 1) == redX && (y & 1) == redY;
        boolean blue = (x & 1) != redX && (y & 1) != redY;
        data.put(12 * y + x, (byte) (red ? 200 : blue ? 50 : 100));
      }
    }
    byte[] samples = Picture.of(12, 10, encoding, false, 12, data).samples();
    for (int i = 0; i < samples.length; i += 3) {
      assertThat(new int[] {samples[i] & 0xff, samples[i + 1] & 0xff, samples[i + 2] & 0xff})
          .containsExactly(200, 100, 50);
    }
  }

  @Test
  void yuvBecomesColours() throws ImageException {
    // Red in the narrow range: Y 81, U 90, V 240.
    byte[] uyvy = {90, 81, (byte) 240, 81};
    byte[] yuyv = {81, 90, 81, (byte) 240};
    for (Picture picture :
        new Picture[] {
          Picture.of(2, 1, "yuv422", false, 4, ByteBuffer.wrap(uyvy)),
          Picture.of(2, 1, "yuv422_yuy2", false, 4, ByteBuffer.wrap(yuyv))
        }) {
      assertThat(picture.samples()[0] & 0xff).isBetween(250, 255);
      assertThat(picture.samples()[1] & 0xff).isBetween(0, 4);
      assertThat(picture.samples()[2] & 0xff).isBetween(0, 4);
    }
  }

  @Test
  void whatDoesNotFitIsRefused() {
    ByteBuffer ten = ByteBuffer.allocate(10);
    assertThatThrownBy(() -> Picture.of(4, 3, "mono8", false, 4, ten))
        .hasMessage("an image of 3 rows with 4 bytes each has 10 bytes");
    assertThatThrownBy(() -> Picture.of(4, 1, "rgb8", false, 10, ten))
        .hasMessage("rows of 10 bytes do not hold 4 pixels of rgb8");
    assertThatThrownBy(() -> Picture.of(0, 1, "mono8", false, 10, ten))
        .isInstanceOf(ImageException.class);
    assertThatThrownBy(() -> Picture.of(4294967295L, 4294967295L, "mono8", false, 4294967295L, ten))
        .isInstanceOf(ImageException.class);
    assertThatThrownBy(() -> Picture.of(1, 1, "32FC1", false, 4, ten))
        .isInstanceOfSatisfying(ImageException.class, e -> assertThat(e.isUnsupported()).isTrue());
  }
}
