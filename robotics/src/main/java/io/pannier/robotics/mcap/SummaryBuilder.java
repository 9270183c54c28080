package io.pannier.robotics.mcap;

import io.pannier.robotics.mcap.McapRecord.Attachment;
import io.pannier.robotics.mcap.McapRecord.AttachmentIndex;
import io.pannier.robotics.mcap.McapRecord.Channel;
import io.pannier.robotics.mcap.McapRecord.Chunk;
import io.pannier.robotics.mcap.McapRecord.ChunkIndex;
import io.pannier.robotics.mcap.McapRecord.Message;
import io.pannier.robotics.mcap.McapRecord.Metadata;
import io.pannier.robotics.mcap.McapRecord.MetadataIndex;
import io.pannier.robotics.mcap.McapRecord.Schema;
import io.pannier.robotics.mcap.McapRecord.Statistics;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Collects what a summary says, while a file is written or read from its beginning. */
final class SummaryBuilder {
  final TreeMap<Integer, Schema> schemas = new TreeMap<>();
  final TreeMap<Integer, Channel> channels = new TreeMap<>();
  final List<ChunkIndex> chunks = new ArrayList<>();
  final List<AttachmentIndex> attachments = new ArrayList<>();
  final List<MetadataIndex> metadata = new ArrayList<>();
  final Map<Integer, Long> messageCounts = new HashMap<>();
  private long messageCount;
  private long startTime;
  private long endTime;
  private boolean outsideChunks;
  private @Nullable Statistics given;

  void message(Message message, boolean inChunk) {
    messageCounts.merge(message.channelId(), 1L, Long::sum);
    if (messageCount == 0 || Long.compareUnsigned(message.logTime(), startTime) < 0) {
      startTime = message.logTime();
    }
    if (messageCount == 0 || Long.compareUnsigned(message.logTime(), endTime) > 0) {
      endTime = message.logTime();
    }
    messageCount++;
    outsideChunks |= !inChunk;
  }

  /** Keeps its own copy: the bytes of the file that it was read with are not to stay. */
  void schema(Schema schema) {
    ByteBuffer data = schema.data();
    schemas.putIfAbsent(
        schema.id(),
        new Schema(
            schema.id(),
            schema.name(),
            schema.encoding(),
            ByteBuffer.allocate(data.remaining()).put(data).flip()));
  }

  void attachment(Attachment attachment, long offset, long length) {
    attachments.add(
        new AttachmentIndex(
            offset,
            length,
            attachment.logTime(),
            attachment.createTime(),
            attachment.data().remaining(),
            attachment.name(),
            attachment.mediaType()));
  }

  void metadata(Metadata record, long offset, long length) {
    metadata.add(new MetadataIndex(offset, length, record.name()));
  }

  void chunk(
      Chunk chunk, long start, long length, Map<Integer, Long> indexOffsets, long indexLength) {
    chunks.add(
        new ChunkIndex(
            chunk.startTime(),
            chunk.endTime(),
            start,
            length,
            indexOffsets,
            indexLength,
            chunk.compression(),
            chunk.records().remaining(),
            chunk.uncompressedSize()));
  }

  void statistics(Statistics statistics) {
    given = statistics;
  }

  /** What was counted here. */
  Statistics counted() {
    return new Statistics(
        messageCount,
        schemas.size(),
        channels.size(),
        attachments.size(),
        metadata.size(),
        chunks.size(),
        startTime,
        endTime,
        messageCounts);
  }

  /** The summary that a file's own summary section makes. */
  McapSummary asWritten() {
    // Without chunks there is nothing that an index could lead to.
    boolean outside = given != null && given.messageCount() > 0 && chunks.isEmpty();
    return summary(Optional.ofNullable(given), outside, Optional.empty());
  }

  /** The summary of what was read. */
  McapSummary asRead(Optional<McapException> damage) {
    return summary(Optional.of(counted()), outsideChunks, damage);
  }

  private McapSummary summary(
      Optional<Statistics> statistics, boolean outside, Optional<McapException> damage) {
    return new McapSummary(
        schemas, channels, chunks, attachments, metadata, statistics, outside, damage);
  }
}
