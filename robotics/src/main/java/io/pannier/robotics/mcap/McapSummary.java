package io.pannier.robotics.mcap;

import io.pannier.robotics.mcap.McapRecord.AttachmentIndex;
import io.pannier.robotics.mcap.McapRecord.Channel;
import io.pannier.robotics.mcap.McapRecord.ChunkIndex;
import io.pannier.robotics.mcap.McapRecord.MetadataIndex;
import io.pannier.robotics.mcap.McapRecord.Schema;
import io.pannier.robotics.mcap.McapRecord.Statistics;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a file holds, without its messages: from its summary section, or worked out by reading all
 * of it where that is missing.
 *
 * @param schemas by id
 * @param channels by id
 * @param chunks in the order of the file
 * @param statistics absent where the file gives none
 * @param messagesOutsideChunks whether messages stand in the data section itself, which no index
 *     leads to
 * @param damage why and where the readable part of the file ends, when the summary had to be worked
 *     out from a file that was cut or damaged
 */
public record McapSummary(
    SortedMap<Integer, Schema> schemas,
    SortedMap<Integer, Channel> channels,
    List<ChunkIndex> chunks,
    List<AttachmentIndex> attachments,
    List<MetadataIndex> metadata,
    Optional<Statistics> statistics,
    boolean messagesOutsideChunks,
    Optional<McapException> damage) {

  /** Copies what it is given. */
  public McapSummary {
    schemas = java.util.Collections.unmodifiableSortedMap(new TreeMap<>(schemas));
    channels = java.util.Collections.unmodifiableSortedMap(new TreeMap<>(channels));
    chunks = List.copyOf(chunks);
    attachments = List.copyOf(attachments);
    metadata = List.copyOf(metadata);
  }

  /** The schema of a channel; absent for messages without schema. */
  public Optional<Schema> schemaOf(Channel channel) {
    return Optional.ofNullable(schemas.get(channel.schemaId()));
  }

  /** Messages by channel id, where the file counted them. */
  public Optional<Map<Integer, Long>> messageCounts() {
    return statistics.map(Statistics::channelMessageCounts);
  }
}
