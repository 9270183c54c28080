package io.pannier.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Pictures of the demonstration, looked at by the JDK's own decoder. */
class JpegTest {
  private static BufferedImage decode(byte[] jpeg) throws Exception {
    BufferedImage image = ImageIO.read(new ByteArrayInputStream(jpeg));
    assertThat(image).isNotNull();
    return image;
  }

  /** Mean difference in brightness. */
  private static double difference(byte[] grey, BufferedImage image) {
    long sum = 0;
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        int wanted = grey[y * image.getWidth() + x] & 0xff;
        sum += Math.abs(wanted - image.getRaster().getSample(x, y, 0));
      }
    }
    return (double) sum / grey.length;
  }

  @ParameterizedTest
  @CsvSource({"100,1", "95,8", "60,30"})
  void comesBackAsItWas(int quality, double allowed) throws Exception {
    int width = 64;
    int height = 40;
    byte[] grey = new byte[width * height];
    for (int i = 0; i < grey.length; i++) {
      // Edges, slopes, noise and the extremes.
      int x = i % width;
      int y = i / width;
      grey[i] = (byte) (x < 16 ? x * 16 : x < 32 ? (y / 3 % 2) * 255 : (x * 7 + y * 13) * 31);
    }
    BufferedImage image = decode(Jpeg.encode(grey, width, height, quality));
    assertThat(image.getWidth()).isEqualTo(width);
    assertThat(image.getHeight()).isEqualTo(height);
    assertThat(difference(grey, image)).isLessThan(allowed);
  }

  @Test
  void aCameraSeesSomethingElseEachTime() throws Exception {
    var sensors = new Sensors(1);
    byte[] first = sensors.picture(0);
    BufferedImage image = decode(first);
    assertThat(image.getWidth()).isEqualTo(Sensors.WIDTH);
    assertThat(image.getHeight()).isEqualTo(Sensors.HEIGHT);
    assertThat(sensors.picture(1)).isNotEqualTo(first);
    assertThat(new Sensors(2).picture(0)).isNotEqualTo(first);
    assertThat(new Sensors(1).picture(0)).isEqualTo(first);
  }

  @Test
  void sizesThatAreNoBlocksAreRefused() {
    assertThatThrownBy(() -> Jpeg.encode(new byte[81], 9, 9, 50))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
