package io.pannier.robotics.mcap;

import java.nio.ByteBuffer;
import java.util.Map;

/**
 * The records of an MCAP file. Names and meanings are the specification's. Buffers are views with
 * position 0 that nobody else moves; they stay valid as long as the record is kept.
 */
public sealed interface McapRecord {
  /** The first record of a file: what kind of recording it is, and what wrote it. */
  record Header(String profile, String library) implements McapRecord {}

  /**
   * The last record.
   *
   * @param summaryStart where the summary section begins, 0: there is none
   * @param summaryOffsetStart where its groups are listed, 0: nowhere
   * @param summaryCrc CRC-32 over the summary and this record up to here, 0: not given
   */
  record Footer(long summaryStart, long summaryOffsetStart, int summaryCrc) implements McapRecord {}

  /**
   * How messages of a channel are to be understood.
   *
   * @param id 1 to 65 535
   * @param encoding for example {@code ros2msg}, {@code ros1msg}, {@code protobuf}
   */
  record Schema(int id, String name, String encoding, ByteBuffer data) implements McapRecord {
    @Override
    public ByteBuffer data() {
      return data.asReadOnlyBuffer();
    }
  }

  /**
   * A stream of messages under one topic.
   *
   * @param id 0 to 65 535
   * @param schemaId 0: messages without schema
   * @param messageEncoding for example {@code cdr}, {@code ros1}, {@code protobuf}, {@code json}
   */
  record Channel(
      int id, int schemaId, String topic, String messageEncoding, Map<String, String> metadata)
      implements McapRecord {
    /** Copies the metadata. */
    public Channel {
      metadata = Map.copyOf(metadata);
    }
  }

  /**
   * One message.
   *
   * @param sequence counted by the publisher, 0 when it did not
   * @param logTime when it was recorded, nanoseconds
   * @param publishTime when it was published, nanoseconds
   */
  record Message(int channelId, long sequence, long logTime, long publishTime, ByteBuffer data)
      implements McapRecord {
    @Override
    public ByteBuffer data() {
      return data.asReadOnlyBuffer();
    }
  }

  /**
   * Schemas, channels and messages, compressed together.
   *
   * @param startTime earliest log time, 0 without messages
   * @param endTime latest log time
   * @param uncompressedCrc CRC-32 of the uncompressed records, 0: not given
   * @param compression {@code zstd}, {@code lz4} or empty
   */
  record Chunk(
      long startTime,
      long endTime,
      long uncompressedSize,
      int uncompressedCrc,
      String compression,
      ByteBuffer records)
      implements McapRecord {
    @Override
    public ByteBuffer records() {
      return records.asReadOnlyBuffer();
    }
  }

  /**
   * Where messages of one channel lie in the chunk in front of it.
   *
   * @param entries pairs of log time and offset in the uncompressed chunk
   */
  record MessageIndex(int channelId, long count, ByteBuffer entries) implements McapRecord {
    @Override
    public ByteBuffer entries() {
      return entries.asReadOnlyBuffer();
    }
  }

  /**
   * Where a chunk lies, and what is in it.
   *
   * @param messageIndexOffsets channel id to the place of its message index; empty: not indexed
   * @param messageIndexLength bytes of all message indexes behind the chunk
   */
  record ChunkIndex(
      long startTime,
      long endTime,
      long chunkStart,
      long chunkLength,
      Map<Integer, Long> messageIndexOffsets,
      long messageIndexLength,
      String compression,
      long compressedSize,
      long uncompressedSize)
      implements McapRecord {
    /** Copies the offsets. */
    public ChunkIndex {
      messageIndexOffsets = Map.copyOf(messageIndexOffsets);
    }
  }

  /** A file carried along: a calibration, a map, a core dump. */
  record Attachment(long logTime, long createTime, String name, String mediaType, ByteBuffer data)
      implements McapRecord {
    @Override
    public ByteBuffer data() {
      return data.asReadOnlyBuffer();
    }
  }

  /** Where an attachment lies. */
  record AttachmentIndex(
      long offset,
      long length,
      long logTime,
      long createTime,
      long dataSize,
      String name,
      String mediaType)
      implements McapRecord {}

  /** Sums over the file. */
  record Statistics(
      long messageCount,
      int schemaCount,
      long channelCount,
      long attachmentCount,
      long metadataCount,
      long chunkCount,
      long startTime,
      long endTime,
      Map<Integer, Long> channelMessageCounts)
      implements McapRecord {
    /** Copies the counts. */
    public Statistics {
      channelMessageCounts = Map.copyOf(channelMessageCounts);
    }
  }

  /** Names and texts about the recording. */
  record Metadata(String name, Map<String, String> metadata) implements McapRecord {
    /** Copies the metadata. */
    public Metadata {
      metadata = Map.copyOf(metadata);
    }
  }

  /** Where a metadata record lies. */
  record MetadataIndex(long offset, long length, String name) implements McapRecord {}

  /** Where the records of one kind lie in the summary. */
  record SummaryOffset(int opcode, long start, long length) implements McapRecord {}

  /**
   * The end of the data section.
   *
   * @param dataCrc CRC-32 over everything in front, 0: not given
   */
  record DataEnd(int dataCrc) implements McapRecord {}

  /** A record of a kind that this version of the format does not know; to be passed over. */
  record Unknown(int opcode, ByteBuffer content) implements McapRecord {
    @Override
    public ByteBuffer content() {
      return content.asReadOnlyBuffer();
    }
  }
}
