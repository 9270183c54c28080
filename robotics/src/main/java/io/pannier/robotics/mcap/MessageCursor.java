package io.pannier.robotics.mcap;

import io.pannier.robotics.mcap.McapRecord.Channel;
import io.pannier.robotics.mcap.McapRecord.Message;
import io.pannier.robotics.mcap.McapRecord.Schema;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Messages of a file, one after the other. Used by one thread. Holds nothing that must be closed.
 */
public interface MessageCursor {
  /** A message with what it belongs to. */
  record Found(Message message, Channel channel, Optional<Schema> schema) {}

  /**
   * The next message, or null at the end.
   *
   * @throws McapException when the file is damaged here; what came before is good
   */
  @Nullable Found next() throws IOException;
}
