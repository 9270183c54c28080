package io.pannier.cli.demo;

import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * What a robot sees and feels while it drives along a row of posts. The same in every run: number
 * of the robot and number of the picture or second say it all.
 */
final class Sensors {
  static final int WIDTH = 320;
  static final int HEIGHT = 240;

  /** IMU samples in a second. */
  static final int SAMPLES = 1000;

  private static final int QUALITY = 60;
  private static final int HORIZON = 90;
  private static final int POST_DISTANCE = 110;
  private static final int POST_WIDTH = 14;

  private final int robot;

  Sensors(int robot) {
    this.robot = robot;
  }

  /** A JPEG picture: sky, floor, and posts that pass by. */
  byte[] picture(int number) {
    byte[] grey = new byte[WIDTH * HEIGHT];
    for (int y = 0; y < HEIGHT; y++) {
      for (int x = 0; x < WIDTH; x++) {
        int light = y < HORIZON ? 200 - y / 2 : 70 + (y - HORIZON) / 2;
        if ((x + number * 9 + robot * 37) % POST_DISTANCE < POST_WIDTH && y > 40 && y < 190) {
          light = 35 + (x * 3 + y) % 20;
        }
        int grain = (int) (scatter(number, y * WIDTH + x) & 15) - 8;
        grey[y * WIDTH + x] = (byte) Math.clamp(light + grain, 0, 255);
      }
    }
    return Jpeg.encode(grey, WIDTH, HEIGHT, QUALITY);
  }

  /**
   * The samples of one second as a CSV file.
   *
   * @param from time of the first sample in microseconds
   */
  byte[] imu(long from, int second) {
    var text = new StringBuilder(SAMPLES * 40);
    text.append("ts,linear_acceleration_x,linear_acceleration_y,linear_acceleration_z\n");
    for (int i = 0; i < SAMPLES; i++) {
      text.append(from + i * (1_000_000L / SAMPLES));
      for (int axis = 0; axis < 3; axis++) {
        double noise = (scatter(second, i * 3 + axis) & 0xffff) / 65_536.0;
        double value = axis == 2 ? 8 + 2 * noise : 4 * noise - 2;
        text.append(',').append(String.format(Locale.ROOT, "%.3f", value));
      }
      text.append('\n');
    }
    return text.toString().getBytes(StandardCharsets.US_ASCII);
  }

  /** Looks random (splitmix64) and is not. */
  private long scatter(long number, long place) {
    long z = (robot * 31L + number) * 0x9e3779b97f4a7c15L + place * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
