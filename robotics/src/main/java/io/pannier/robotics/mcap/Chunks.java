package io.pannier.robotics.mcap;

import io.pannier.robotics.mcap.McapRecord.Chunk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;

/** Opens chunks: decompressed, held against their checksum and the reader's bound. */
final class Chunks {
  private Chunks() {}

  /**
   * The records of a chunk.
   *
   * @param position of the chunk in the file, for errors
   */
  static ByteBuffer open(Chunk chunk, long position, McapLimits limits) throws McapException {
    Compression compression =
        Compression.of(chunk.compression())
            .orElseThrow(() ->
                new McapException(
                    McapException.Kind.UNSUPPORTED,
                    "a chunk is compressed with '" + chunk.compression() + "'",
                    position));
    long size = chunk.uncompressedSize();
    if (size < 0 || size > limits.chunkBytesMax()) {
      throw new McapException(
          McapException.Kind.UNSUPPORTED,
          "a chunk of "
              + Long.toUnsignedString(size)
              + " bytes, more than the "
              + limits.chunkBytesMax()
              + " allowed",
          position);
    }
    ByteBuffer records;
    try {
      records = compression.decompress(chunk.records(), (int) size);
    } catch (IOException e) {
      throw new McapException(
          McapException.Kind.DAMAGED,
          "a chunk does not decompress: " + e.getMessage(),
          position,
          e);
    }
    if (chunk.uncompressedCrc() != 0) {
      var crc = new CRC32();
      crc.update(records.duplicate());
      if ((int) crc.getValue() != chunk.uncompressedCrc()) {
        throw new McapException(
            McapException.Kind.DAMAGED, "the checksum of a chunk differs", position);
      }
    }
    return records;
  }
}
