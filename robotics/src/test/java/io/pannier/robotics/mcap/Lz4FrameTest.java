package io.pannier.robotics.mcap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class Lz4FrameTest {
  /** A block as it is, then one that refers to it and repeats itself. */
  private static byte[] linked() {
    ByteBuffer frame = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
    frame.putInt(0x184D2204).put((byte) 0x40).put((byte) 0x40).put((byte) 0);
    frame.putInt(8 | 0x80000000).put("abcdefgh".getBytes(StandardCharsets.US_ASCII));
    byte[] block = {
      0x04, 8, 0, // no literal, 8 bytes from 8 in front
      0x15, 'x', 1, 0, // one literal, 9 bytes from 1 in front
      0x10, 'z'
    };
    frame.putInt(block.length).put(block).putInt(0);
    return Arrays.copyOf(frame.array(), frame.position());
  }

  private static String decompressed(byte[] frame, int length) throws IOException {
    byte[] target = new byte[length];
    Lz4Frame.decompress(ByteBuffer.wrap(frame), target);
    return new String(target, StandardCharsets.US_ASCII);
  }

  @Test
  void blocksMayReferToThoseInFront() throws IOException {
    assertThat(decompressed(linked(), 27)).isEqualTo("abcdefghabcdefghxxxxxxxxxxz");
  }

  @Test
  void anotherLengthIsAnError() {
    for (int length : new int[] {0, 8, 26, 28, 1_000}) {
      assertThatThrownBy(() -> decompressed(linked(), length)).isInstanceOf(IOException.class);
    }
  }

  @Test
  void damageIsAnErrorAtMost() {
    var random = new Random(5);
    int failed = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] frame = linked();
      for (int n = random.nextInt(3); n >= 0; n--) {
        frame[random.nextInt(frame.length)] = (byte) random.nextInt();
      }
      frame = Arrays.copyOf(frame, random.nextInt(10) == 0 ? random.nextInt(30) : frame.length);
      try {
        decompressed(frame, 27);
      } catch (IOException e) {
        failed++;
      }
    }
    assertThat(failed).isGreaterThan(10_000);
  }
}
