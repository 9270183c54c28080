package io.pannier.bench;

import io.pannier.robotics.mcap.Compression;
import io.pannier.robotics.mcap.McapWriter;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * Makes an MCAP file as a robot with one camera records it, without compression: raw images on
 * {@code /camera}, and on {@code /small} one message behind each group of images that is 1 % of the
 * bytes. {@code RecordingMaker FILE BYTES SMALL}: the size of the file, about, and of a message on
 * {@code /small}.
 */
public final class RecordingMaker {
  /** Of a picture of 640 × 480 in three colours. */
  private static final int IMAGE_BYTES = 640 * 480 * 3;

  private static final long FRAME_NANOS = 33_000_000;
  private static final int CHUNK_BYTES = 4 << 20;

  private RecordingMaker() {}

  /** Makes it. */
  public static void main(String[] args) throws IOException {
    long bytes = Long.parseLong(args[1]);
    int small = Integer.parseInt(args[2]);
    try (OutputStream out =
        new BufferedOutputStream(Files.newOutputStream(Path.of(args[0])), 1 << 20)) {
      write(out, bytes, small);
    }
  }

  private static void write(OutputStream out, long bytes, int small) throws IOException {
    var options = McapWriter.Options.of("ros2").with(Compression.NONE).withChunkBytes(CHUNK_BYTES);
    byte[] image = noise(IMAGE_BYTES);
    byte[] other = noise(small);
    try (var writer = new McapWriter(out, options)) {
      ByteBuffer definition = ByteBuffer.wrap("uint8[] data".getBytes(StandardCharsets.UTF_8));
      int schema = writer.schema("bench/msg/Bytes", "ros2msg", definition);
      int camera = writer.channel(schema, "/camera", "cdr", Map.of());
      int rest = writer.channel(schema, "/small", "cdr", Map.of());
      long imageBytes = 0;
      long smallBytes = 0;
      for (long n = 0; imageBytes + smallBytes < bytes; n++) {
        long time = 1_700_000_000_000_000_000L + n * FRAME_NANOS;
        writer.message(camera, n, time, time, message(image, n));
        imageBytes += IMAGE_BYTES;
        while ((smallBytes + small) * 99 <= imageBytes) {
          time++;
          writer.message(rest, n, time, time, message(other, n));
          smallBytes += small;
        }
      }
    }
  }

  /** Bytes that cannot be compressed, so that neither side has less to do; the same each time. */
  private static byte[] noise(int length) {
    byte[] bytes = new byte[length];
    long state = 88_172_645_463_325_252L;
    for (int i = 0; i < length; i++) {
      state ^= state << 13;
      state ^= state >>> 7;
      state ^= state << 17;
      bytes[i] = (byte) state;
    }
    return bytes;
  }

  /** CDR of a list of bytes; the first eight differ from message to message. */
  private static ByteBuffer message(byte[] content, long number) {
    ByteBuffer message = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
    return message.putInt(0, 0x0100).putInt(4, content.length - 8).putLong(8, number);
  }
}
