package io.pannier.extract.ros;

import io.pannier.model.PannierException;
import io.pannier.query.ext.Work;
import io.pannier.robotics.image.ImageException;
import io.pannier.robotics.image.JpegEncoder;
import io.pannier.robotics.image.Picture;
import io.pannier.robotics.image.PngEncoder;
import io.pannier.robotics.msg.MessageType;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** What was read so far of an image within a message; its data are the last field. */
final class ImageFields {
  private static final int QUALITY = 85;

  /** Memory that a byte of an image takes at most while it is encoded: Bayer patterns. */
  private static final long BYTES_PER_BYTE = 6;

  private final boolean compressed;
  private long width;
  private long height;
  private long step;
  private boolean bigEndian;

  /** Of an image, its pixels; of a compressed one, its format. */
  private String encoding = "";

  private ImageFields(boolean compressed) {
    this.compressed = compressed;
  }

  /** Null for messages that are no images. */
  static @Nullable ImageFields of(String type) {
    return switch (MessageType.shortName(type)) {
      case "sensor_msgs/Image" -> new ImageFields(false);
      case "sensor_msgs/CompressedImage" -> new ImageFields(true);
      default -> null;
    };
  }

  void integer(String field, long value) {
    switch (field) {
      case "width" -> width = value;
      case "height" -> height = value;
      case "step" -> step = value;
      case "is_bigendian" -> bigEndian = value != 0;
      default -> {
        // Nothing of the image.
      }
    }
  }

  void text(String field, String value) {
    if (field.equals(compressed ? "format" : "encoding")) {
      encoding = value;
    }
  }

  /** The image as a file. What is compressed so already stays as it is. */
  byte[] file(boolean png, ByteBuffer data, Work work) {
    if (compressed) {
      int first = png ? 0x89504e47 : 0xffd8ff00;
      int mask = png ? -1 : 0xffffff00;
      if (data.remaining() < 4 || (data.duplicate().getInt() & mask) != first) {
        throw unsupported(png, encoding);
      }
      byte[] file = new byte[data.remaining()];
      data.duplicate().get(file);
      return file;
    }
    long memory = BYTES_PER_BYTE * data.remaining();
    work.reserve(memory);
    try {
      Picture picture = Picture.of(width, height, encoding, bigEndian, step, data);
      work.check();
      return png ? PngEncoder.encode(picture) : JpegEncoder.encode(picture, QUALITY);
    } catch (ImageException e) {
      throw e.isUnsupported()
          ? unsupported(png, encoding)
          : new PannierException.Invalid("Failed to encode an image: " + e.getMessage());
    } finally {
      work.release(memory);
    }
  }

  static PannierException.Invalid unsupported(boolean png, String what) {
    return new PannierException.Invalid(
        (png ? "PNG" : "JPEG") + " encoding is not supported for '" + what + "'");
  }
}
