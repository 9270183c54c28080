package io.pannier.robotics.mcap;

import io.pannier.robotics.mcap.McapRecord.Channel;
import io.pannier.robotics.mcap.McapRecord.Chunk;
import io.pannier.robotics.mcap.McapRecord.ChunkIndex;
import io.pannier.robotics.mcap.McapRecord.Message;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Messages of the chunks that overlap a time and have wanted channels. A chunk is opened when its
 * earliest message may be the next one, so only chunks that overlap one moment are in memory.
 * Neighbours are read together; of an uncompressed chunk, single messages are read where that is
 * less.
 */
final class ChunkCursor implements MessageCursor {
  /** Read at once, unless a single chunk is longer. */
  private static final long READ_BYTES = 8 << 20;

  /** The messages of one open chunk that are left, in order. */
  private static final class Opened {
    final long start;
    final long held;
    final List<MessageCursor.Found> messages;
    int next;

    Opened(long start, long bytes, List<MessageCursor.Found> messages) {
      this.start = start;
      this.messages = messages;
      held = bytes + SortedFileCursor.MESSAGE_BYTES * messages.size();
    }

    Message head() {
      return messages.get(next).message();
    }
  }

  private final McapReader reader;
  private final MessageSelection selection;
  private final MessagesByIndex byIndex;
  private final List<ChunkIndex> waiting;
  private final PriorityQueue<Opened> open;
  private int nextChunk;
  private long held;
  private long windowAt;
  private ByteBuffer window = ByteBuffer.allocate(0);

  ChunkCursor(McapReader reader, MessageSelection selection) {
    this.reader = reader;
    this.selection = selection;
    byIndex = new MessagesByIndex(reader, selection);
    waiting = new ArrayList<>();
    for (ChunkIndex chunk : reader.summary().chunks()) {
      if (selection.overlaps(chunk.startTime(), chunk.endTime()) && hasWanted(chunk)) {
        waiting.add(chunk);
      }
    }
    Comparator<Message> byTime =
        switch (selection.order()) {
          case LOG_TIME -> (a, b) -> Long.compareUnsigned(a.logTime(), b.logTime());
          case REVERSE_LOG_TIME -> (a, b) -> Long.compareUnsigned(b.logTime(), a.logTime());
          case FILE -> (_, _) -> 0;
        };
    Comparator<Opened> byPlace =
        Comparator.comparingLong(opened -> opened.start); // tidy: bytes, not times
    boolean backwards = selection.order() == MessageSelection.Order.REVERSE_LOG_TIME;
    open =
        new PriorityQueue<>(
            ((Comparator<Opened>) (a, b) -> byTime.compare(a.head(), b.head()))
                .thenComparing(backwards ? byPlace.reversed() : byPlace));
    switch (selection.order()) {
      case LOG_TIME -> waiting.sort((a, b) -> Long.compareUnsigned(a.startTime(), b.startTime()));
      case REVERSE_LOG_TIME ->
          waiting.sort((a, b) -> Long.compareUnsigned(b.endTime(), a.endTime()));
      case FILE ->
          waiting.sort(Comparator.comparingLong(ChunkIndex::chunkStart)); // tidy: bytes, not times
    }
  }

  private boolean hasWanted(ChunkIndex chunk) {
    // No message indexes: the chunk has to be opened to know.
    return chunk.messageIndexOffsets().isEmpty()
        || chunk.messageIndexOffsets().keySet().stream().anyMatch(byIndex::isWanted);
  }

  @Override
  public MessageCursor.@Nullable Found next() throws IOException {
    while (nextChunk < waiting.size() && mayComeFirst(waiting.get(nextChunk))) {
      ChunkIndex index = waiting.get(nextChunk);
      Opened opened = open(index);
      nextChunk++;
      if (!opened.messages.isEmpty()) {
        held += opened.held;
        reader.limits().requireHeld(held, index.chunkStart());
        open.add(opened);
      }
    }
    Opened first = open.poll();
    if (first == null) {
      return null;
    }
    MessageCursor.Found found = first.messages.get(first.next);
    first.next++;
    if (first.next < first.messages.size()) {
      open.add(first);
    } else {
      held -= first.held;
    }
    return found;
  }

  private boolean mayComeFirst(ChunkIndex chunk) {
    Opened first = open.peek();
    if (first == null) {
      return true;
    }
    long time = first.head().logTime();
    return switch (selection.order()) {
      case LOG_TIME -> Long.compareUnsigned(chunk.startTime(), time) <= 0;
      case REVERSE_LOG_TIME -> Long.compareUnsigned(chunk.endTime(), time) >= 0;
      case FILE -> false;
    };
  }

  private Opened open(ChunkIndex index) throws IOException {
    var messages = new ArrayList<MessageCursor.Found>();
    long bytes = 0;
    try {
      bytes = byIndex.read(index, messages);
      if (bytes < 0) {
        bytes = readWhole(index, messages);
      }
    } catch (McapException e) {
      // Of a file that is known to be damaged, what is good is given.
      if (reader.summary().damage().isEmpty() || e.kind() == McapException.Kind.UNSUPPORTED) {
        throw e;
      }
    }
    switch (selection.order()) {
      case LOG_TIME -> messages.sort(ChunkCursor::byTime);
      case REVERSE_LOG_TIME -> {
        messages.sort(ChunkCursor::byTime);
        Collections.reverse(messages);
      }
      case FILE -> {
        // As they stand.
      }
    }
    return new Opened(index.chunkStart(), bytes, messages);
  }

  /** Answers the bytes that the messages hold. */
  private long readWhole(ChunkIndex index, List<MessageCursor.Found> messages) throws IOException {
    long position = index.chunkStart();
    ByteBuffer bytes = bytesOf(index);
    if (bytes.remaining() < Opcode.FRAME_BYTES
        || (bytes.get() & 0xff) != Opcode.CHUNK
        || bytes.getLong() != bytes.remaining()) {
      throw new McapException(
          McapException.Kind.DAMAGED, "no chunk stands where the index says", position);
    }
    var chunk = (Chunk) RecordDecoder.decode(Opcode.CHUNK, bytes.slice(), position);
    ByteBuffer records = Chunks.open(chunk, position, reader.limits());
    var stream = new RecordStream(records);
    while (stream.advance()) {
      if (stream.opcode() == Opcode.MESSAGE
          && stream.record() instanceof Message message
          && selection.holds(message.logTime())) {
        Channel channel = reader.channelOf(message, position);
        if (selection.channels().test(channel)) {
          messages.add(reader.found(message, channel));
        }
      }
    }
    return records.capacity();
  }

  private static int byTime(MessageCursor.Found a, MessageCursor.Found b) {
    return Long.compareUnsigned(a.message().logTime(), b.message().logTime());
  }

  /** A chunk's bytes, read together with wanted ones that come soon behind it. */
  private ByteBuffer bytesOf(ChunkIndex index) throws IOException {
    long at = index.chunkStart();
    long end = at + index.chunkLength();
    if (at < windowAt || end > windowAt + window.limit() || end < at) {
      long gap = reader.source().gapBytes();
      long readMax = Math.min(READ_BYTES, reader.limits().recordBytesMax());
      long until = end;
      for (int i = nextChunk + 1; i < waiting.size(); i++) {
        ChunkIndex next = waiting.get(i);
        long nextEnd = next.chunkStart() + next.chunkLength();
        if (next.chunkStart() < until // tidy: bytes, not times
            || next.chunkStart() - until > gap + next.messageIndexLength()
            || nextEnd - at > readMax) {
          break;
        }
        until = nextEnd;
      }
      window = reader.read(at, until - at);
      windowAt = at;
    }
    return window.slice((int) (at - windowAt), (int) (end - at)).order(ByteOrder.LITTLE_ENDIAN);
  }
}
