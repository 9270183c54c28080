package io.pannier.robotics.mcap;

import io.pannier.robotics.mcap.McapRecord.Channel;
import io.pannier.robotics.mcap.McapRecord.Chunk;
import io.pannier.robotics.mcap.McapRecord.Message;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Messages as they stand in the file, inside and outside of chunks, by walking through all of it.
 */
final class FileCursor implements MessageCursor {
  private final McapReader reader;
  private final MessageSelection selection;
  private final RecordStream data;
  private @Nullable RecordStream chunk;
  private boolean ended;

  FileCursor(McapReader reader, MessageSelection selection) {
    this.reader = reader;
    this.selection = selection;
    data = reader.dataSection();
  }

  @Override
  public MessageCursor.@Nullable Found next() throws IOException {
    while (true) {
      RecordStream records = chunk != null ? chunk : data;
      if (!records.advance()) {
        if (chunk == null) {
          return null;
        }
        chunk = null;
      } else if (records.opcode() == Opcode.MESSAGE) {
        var message = (Message) records.record();
        if (selection.holds(message.logTime())) {
          Channel channel = reader.channelOf(message, data.position());
          if (selection.channels().test(channel)) {
            return reader.found(message, channel);
          }
        }
      } else if (records.opcode() == Opcode.CHUNK && chunk == null) {
        var opened = (Chunk) records.record();
        if (selection.overlaps(opened.startTime(), opened.endTime())) {
          chunk = new RecordStream(Chunks.open(opened, data.position(), reader.limits()));
        }
      } else if (records.opcode() == Opcode.DATA_END) {
        ended = true;
      }
      if (ended) {
        return null;
      }
    }
  }
}
