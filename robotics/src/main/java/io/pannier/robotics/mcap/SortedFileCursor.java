package io.pannier.robotics.mcap;

import io.pannier.robotics.mcap.McapRecord.Message;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Messages by time of a file that no index leads through. It is read once; the wanted messages are
 * held in memory while they are sorted.
 */
final class SortedFileCursor implements MessageCursor {
  /** What a message takes beside its data. */
  static final long MESSAGE_BYTES = 160;

  private final List<MessageCursor.Found> messages = new ArrayList<>();
  private int next;

  SortedFileCursor(McapReader reader, MessageSelection selection) throws IOException {
    var file = new FileCursor(reader, selection);
    long held = 0;
    try {
      for (MessageCursor.Found found = file.next(); found != null; found = file.next()) {
        held += MESSAGE_BYTES + found.message().data().remaining();
        reader.limits().requireHeld(held, reader.contents().size());
        messages.add(copy(found));
      }
    } catch (McapException e) {
      // Where a summary had to be worked out, this is the end that it names.
      if (reader.summary().damage().isEmpty() || e.kind() == McapException.Kind.UNSUPPORTED) {
        throw e;
      }
    }
    messages.sort((a, b) -> Long.compareUnsigned(a.message().logTime(), b.message().logTime()));
    if (selection.order() == MessageSelection.Order.REVERSE_LOG_TIME) {
      Collections.reverse(messages);
    }
  }

  /** Otherwise each message would keep the whole piece of the file that it was read with. */
  private static MessageCursor.Found copy(MessageCursor.Found found) {
    Message message = found.message();
    ByteBuffer data = message.data();
    var own = ByteBuffer.allocate(data.remaining()).put(data).flip();
    return new MessageCursor.Found(
        new Message(
            message.channelId(), message.sequence(), message.logTime(), message.publishTime(), own),
        found.channel(),
        found.schema());
  }

  @Override
  public MessageCursor.@Nullable Found next() {
    return next < messages.size() ? messages.get(next++) : null;
  }
}
