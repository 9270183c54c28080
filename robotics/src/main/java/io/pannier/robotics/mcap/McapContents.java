package io.pannier.robotics.mcap;

import io.pannier.robotics.mcap.McapRecord.Header;

/**
 * What opening a file found out, to be kept: whoever has it opens the same file again without
 * reading anything. Immutable.
 *
 * @param size of the file, in bytes
 */
public record McapContents(long size, Header header, McapSummary summary) {
  /** Bytes of memory that this takes, roughly. */
  public long memoryBytes() {
    long bytes = 1_024;
    for (var schema : summary.schemas().values()) {
      bytes += 300L + schema.name().length() + schema.data().remaining();
    }
    for (var channel : summary.channels().values()) {
      bytes += 400L + 2L * channel.topic().length() + 200L * channel.metadata().size();
    }
    for (var chunk : summary.chunks()) {
      bytes += 200L + 64L * chunk.messageIndexOffsets().size();
    }
    return bytes + 200L * summary.attachments().size() + 120L * summary.metadata().size();
  }
}
