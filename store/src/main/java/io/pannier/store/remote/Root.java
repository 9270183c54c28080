package io.pannier.store.remote;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/**
 * The one object that is ever replaced ({@code docs/s3.md}, "Objects"): what it does not speak of
 * does not count.
 *
 * @param storeId id of the store; zero before its first upload
 * @param epoch one more with every start of a writer
 * @param generation higher with every root, the number of the capture that it holds
 * @param writer id of the cache folder whose server wrote it
 * @param leaseEndMicros until when nobody else should write, by the writer's clock; 0 when it has
 *     stopped
 * @param holder says who the writer is
 * @param lastSegment highest number of a segment that any root spoke of
 * @param directory where the directory is
 * @param directoryEpoch epoch in the name of its segment
 * @param difference where the difference to it is
 * @param differenceEpoch epoch in the name of its segment
 */
record Root(
    UUID storeId,
    long epoch,
    long generation,
    UUID writer,
    long leaseEndMicros,
    String holder,
    long lastSegment,
    Extent directory,
    long directoryEpoch,
    Extent difference,
    long differenceEpoch) {
  static final String KEY = "root";
  static final int VERSION = 1;
  private static final byte[] MAGIC = "PNRROOT\n".getBytes(StandardCharsets.US_ASCII);

  ByteBuffer encode() {
    return new Codec.Out()
        .put(MAGIC)
        .put4(VERSION)
        .put4(0)
        .put(storeId)
        .put8(epoch)
        .put8(generation)
        .put(writer)
        .put8(leaseEndMicros)
        .put(holder)
        .put8(lastSegment)
        .put(directory)
        .put8(directoryEpoch)
        .put(difference)
        .put8(differenceEpoch)
        .withCrc();
  }

  /**
   * Reads a root.
   *
   * @throws RemoteRefused when another version wrote it, or it is none
   */
  static Root decode(ByteBuffer content) throws IOException {
    ByteBuffer bytes = content.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    var magic = new byte[MAGIC.length];
    if (bytes.remaining() < MAGIC.length + 8) {
      throw new RemoteRefused(RemoteRefused.Reason.FOREIGN, "The root in the bucket is not ours.");
    }
    bytes.get(magic);
    if (!java.util.Arrays.equals(magic, MAGIC)) {
      throw new RemoteRefused(RemoteRefused.Reason.FOREIGN, "The root in the bucket is not ours.");
    }
    int version = bytes.getInt();
    int flags = bytes.getInt();
    if (version > VERSION || flags != 0) {
      throw new RemoteRefused(
          RemoteRefused.Reason.TOO_NEW,
          "The root in the bucket was written by a newer version: format " + version + ".");
    }
    ByteBuffer all = content.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    int end = all.limit() - 4;
    if (all.getInt(end) != Codec.crc(all.slice(all.position(), end - all.position()))) {
      throw new ObjectStoreException(
          ObjectStoreException.Kind.DAMAGED, "the root does not match its checksum", null);
    }
    try {
      var in = new Codec.In(bytes);
      return new Root(
          in.id(),
          in.get8(),
          in.get8(),
          in.id(),
          in.get8(),
          in.text(),
          in.get8(),
          in.extent(),
          in.get8(),
          in.extent(),
          in.get8());
    } catch (BufferUnderflowException tooShort) {
      throw new ObjectStoreException(
          ObjectStoreException.Kind.DAMAGED, "the root is too short", tooShort);
    }
  }

  /** Whether it was written by the same writer as the same root. */
  boolean isSameAs(Root other) {
    return writer.equals(other.writer)
        && epoch == other.epoch
        && generation == other.generation
        && leaseEndMicros == other.leaseEndMicros;
  }
}
