package io.pannier.robotics.mcap;

import io.pannier.robotics.mcap.McapRecord.Channel;
import io.pannier.robotics.mcap.McapRecord.ChunkIndex;
import io.pannier.robotics.mcap.McapRecord.Message;
import io.pannier.robotics.mcap.McapRecord.MessageIndex;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads single messages out of chunks that are not compressed, by the message indexes behind them:
 * of a recording with pictures, a topic of small messages costs its own bytes. Such messages are
 * not held against the checksum of their chunk, which would need all of it.
 */
final class MessagesByIndex {
  /** In front of the records of a chunk without compression: frame, times, size, checksum, "". */
  private static final int CHUNK_HEAD_BYTES = Opcode.FRAME_BYTES + 8 + 8 + 8 + 4 + 4 + 8;

  /** Channel, sequence and times of a message. */
  private static final int MESSAGE_HEAD_BYTES = 2 + 4 + 8 + 8;

  private record Place(int channel, long logTime, long offset) {}

  private final McapReader reader;
  private final MessageSelection selection;
  private final Map<Integer, Boolean> wanted = new HashMap<>();

  MessagesByIndex(McapReader reader, MessageSelection selection) {
    this.reader = reader;
    this.selection = selection;
  }

  /** Whether messages of a channel are asked for. */
  boolean isWanted(int channelId) {
    return wanted.computeIfAbsent(
        channelId,
        id -> {
          Channel channel = reader.summary().channels().get(id);
          return channel != null && selection.channels().test(channel);
        });
  }

  /**
   * Adds the wanted messages of a chunk in the order of the file.
   *
   * @return the bytes that they hold; -1 when the chunk is better read as a whole
   */
  long read(ChunkIndex chunk, List<MessageCursor.Found> messages) throws IOException {
    if (!chunk.compression().isEmpty()
        || chunk.messageIndexOffsets().isEmpty()
        || chunk.chunkLength() != CHUNK_HEAD_BYTES + chunk.uncompressedSize()
        || chunk.chunkLength() <= reader.source().gapBytes()
        || wantsAll(chunk)) {
      return -1;
    }
    long[] offsets = new long[16];
    int count = 0;
    var places = new ArrayList<Place>();
    var indexes = new RecordStream(indexesOf(chunk));
    while (indexes.advance()) {
      if (indexes.opcode() == Opcode.MESSAGE_INDEX
          && indexes.record() instanceof MessageIndex index) {
        ByteBuffer entries = index.entries().order(ByteOrder.LITTLE_ENDIAN);
        boolean isWanted = isWanted(index.channelId());
        while (entries.remaining() >= 16) {
          long time = entries.getLong();
          long offset = entries.getLong();
          if (count == offsets.length) {
            offsets = Arrays.copyOf(offsets, 2 * count);
          }
          offsets[count] = offset;
          count++;
          if (isWanted && selection.holds(time)) {
            places.add(new Place(index.channelId(), time, offset));
          }
        }
      }
    }
    Arrays.sort(offsets, 0, count);
    places.sort((a, b) -> Long.compareUnsigned(a.offset(), b.offset()));
    if (places.isEmpty()) {
      return 0;
    }
    long sum = 0;
    for (Place place : places) {
      sum += endOf(place, offsets, count, chunk) - place.offset();
    }
    if (sum > chunk.uncompressedSize() / 2) {
      return -1;
    }
    return readRuns(chunk, places, offsets, count, messages);
  }

  private boolean wantsAll(ChunkIndex chunk) {
    return selection.holds(chunk.startTime())
        && selection.holds(chunk.endTime())
        && chunk.messageIndexOffsets().keySet().stream().allMatch(this::isWanted);
  }

  private ByteBuffer indexesOf(ChunkIndex chunk) throws IOException {
    long start = Collections.min(chunk.messageIndexOffsets().values());
    return reader.read(start, chunk.messageIndexLength());
  }

  /** Where a message ends at the latest: where the next one begins, or the chunk ends. */
  private long endOf(Place place, long[] offsets, int count, ChunkIndex chunk)
      throws McapException {
    int at = Arrays.binarySearch(offsets, 0, count, place.offset());
    while (at < count && offsets[at] == place.offset()) {
      at++;
    }
    long end = at < count ? offsets[at] : chunk.uncompressedSize();
    if (place.offset() < 0 || end > chunk.uncompressedSize()) {
      throw damaged(chunk.chunkStart());
    }
    return end;
  }

  private long readRuns(
      ChunkIndex chunk,
      List<Place> places,
      long[] offsets,
      int count,
      List<MessageCursor.Found> messages)
      throws IOException {
    long held = 0;
    int gap = reader.source().gapBytes();
    for (int first = 0; first < places.size(); ) {
      long start = places.get(first).offset();
      long end = endOf(places.get(first), offsets, count, chunk);
      int next = first + 1;
      while (next < places.size() && places.get(next).offset() - end <= gap) {
        end = endOf(places.get(next), offsets, count, chunk);
        next++;
      }
      long base = chunk.chunkStart() + CHUNK_HEAD_BYTES;
      ByteBuffer run = reader.read(base + start, end - start);
      held += run.capacity();
      for (Place place : places.subList(first, next)) {
        messages.add(message(place, run, (int) (place.offset() - start), base + place.offset()));
      }
      first = next;
    }
    return held;
  }

  private MessageCursor.Found message(Place place, ByteBuffer run, int at, long position)
      throws McapException {
    if (run.limit() - at < Opcode.FRAME_BYTES + MESSAGE_HEAD_BYTES
        || (run.get(at) & 0xff) != Opcode.MESSAGE) {
      throw damaged(position);
    }
    long length = run.getLong(at + 1);
    if (length < MESSAGE_HEAD_BYTES || length > run.limit() - at - Opcode.FRAME_BYTES) {
      throw damaged(position);
    }
    ByteBuffer content = run.slice(at + Opcode.FRAME_BYTES, (int) length);
    var message = (Message) RecordDecoder.decode(Opcode.MESSAGE, content, position);
    if (message.channelId() != place.channel() || message.logTime() != place.logTime()) {
      throw damaged(position);
    }
    return reader.found(message, reader.channelOf(message, position));
  }

  private static McapException damaged(long position) {
    return new McapException(
        McapException.Kind.DAMAGED, "no such message stands where its index says", position);
  }
}
