package io.pannier.robotics.mcap;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import net.jpountz.lz4.LZ4FrameOutputStream;

/** How the records of a chunk are compressed: each chunk is one frame of its own. */
public enum Compression {
  /** Not at all. */
  NONE(""),
  /** LZ4 frames: fast, for robots. */
  LZ4("lz4"),
  /** Zstandard frames: smaller. */
  ZSTD("zstd");

  private final String wireName;

  Compression(String wireName) {
    this.wireName = wireName;
  }

  /** As it stands in chunks. */
  public String wireName() {
    return wireName;
  }

  static Optional<Compression> of(String wireName) {
    for (Compression compression : values()) {
      if (compression.wireName.equals(wireName)) {
        return Optional.of(compression);
      }
    }
    return Optional.empty();
  }

  /** Compresses the first {@code length} bytes. */
  ByteBuffer compress(byte[] bytes, int length) {
    return switch (this) {
      case NONE -> ByteBuffer.wrap(bytes, 0, length).slice();
      case ZSTD -> {
        byte[] target = new byte[(int) Zstd.compressBound(length)];
        long size = Zstd.compressByteArray(target, 0, target.length, bytes, 0, length, 3);
        if (Zstd.isError(size)) {
          throw new IllegalStateException("zstd: " + Zstd.getErrorName(size));
        }
        yield ByteBuffer.wrap(target, 0, (int) size).slice();
      }
      case LZ4 -> {
        var target = new ByteArrayOutputStream(length / 2 + 64);
        try (var frame =
            new LZ4FrameOutputStream(target, LZ4FrameOutputStream.BLOCKSIZE.SIZE_256KB)) {
          frame.write(bytes, 0, length);
        } catch (IOException e) {
          throw new IllegalStateException("memory does not fail", e);
        }
        yield ByteBuffer.wrap(target.toByteArray());
      }
    };
  }

  /**
   * @param size of the uncompressed bytes, as the chunk says; already held against the reader's
   *     bound
   * @throws IOException when they do not decompress to exactly so many
   */
  ByteBuffer decompress(ByteBuffer compressed, int size) throws IOException {
    byte[] target = new byte[size];
    switch (this) {
      case NONE -> {
        if (compressed.remaining() != size) {
          throw new IOException(compressed.remaining() + " bytes instead of " + size);
        }
        compressed.duplicate().get(target);
      }
      case ZSTD -> {
        long count;
        try {
          count =
              Zstd.decompressByteArray(
                  target, 0, size, array(compressed), 0, compressed.remaining());
        } catch (ZstdException e) {
          throw new IOException("zstd: " + e.getMessage(), e);
        }
        if (Zstd.isError(count)) {
          throw new IOException("zstd: " + Zstd.getErrorName(count));
        }
        if (count != size) {
          throw new IOException(count + " bytes instead of " + size);
        }
      }
      case LZ4 -> Lz4Frame.decompress(compressed, target);
    }
    return ByteBuffer.wrap(target);
  }

  private static byte[] array(ByteBuffer buffer) {
    byte[] array = new byte[buffer.remaining()];
    buffer.duplicate().get(array);
    return array;
  }
}
