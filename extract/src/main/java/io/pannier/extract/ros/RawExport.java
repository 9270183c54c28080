package io.pannier.extract.ros;

import io.pannier.query.ext.Item;
import io.pannier.query.ext.Items;
import io.pannier.query.ext.Work;
import io.pannier.robotics.mcap.McapRecord.Channel;
import io.pannier.robotics.mcap.McapRecord.Schema;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Raw messages of all entries as one stream of recordings, a channel for each entry. */
final class RawExport implements AutoCloseable {
  private record Stream(Channel channel, Optional<Schema> schema) {}

  private final RosParameters.Operation.Export wanted;
  private final Work work;
  private final String profile;
  private final Map<String, Stream> streams = new HashMap<>();
  private @Nullable Episode open;

  RawExport(RosParameters.Operation.Export wanted, SchemaAttachments attachments, Work work) {
    this.wanted = wanted;
    this.work = work;
    profile = EntrySchema.profile(attachments.encodings());
  }

  /** Takes a message in; what is complete comes out. */
  Items take(Item input, EntrySchema schema) {
    Stream stream = streams.computeIfAbsent(input.entry(), entry -> stream(entry, schema));
    long length = input.body().length();
    work.reserve(length);
    try {
      ByteBuffer data = ByteBuffer.wrap(input.body().bytes((int) Math.min(length, 1 << 30)));
      long time = nanos(input.timestamp());
      Episode episode = open;
      Item ended = null;
      if (episode != null
          && !episode.takes(time, stream.channel(), stream.schema(), length, wanted.limits())) {
        open = null;
        ended = episode.finish();
        episode = null;
      }
      if (episode == null) {
        episode = new Episode(work, input, input.timestamp(), time, profile);
        open = episode;
      }
      episode.add(stream.channel(), stream.schema(), -1, time, time, data);
      return ended == null ? Items.none() : Items.of(ended);
    } catch (IOException e) {
      throw McapFiles.failed(e);
    } finally {
      work.release(length);
    }
  }

  /** The latest time there is, where nanoseconds cannot hold it. */
  private static long nanos(long micros) {
    return Math.unsignedMultiplyHigh(micros, 1_000) != 0 ? -1 : 1_000 * micros;
  }

  private static Stream stream(String entry, EntrySchema schema) {
    return new Stream(schema.mcapChannel(entry, Map.of("entry", entry)), schema.mcapSchema());
  }

  /** A message failed: a recording that it broke is thrown away. */
  void discard() {
    if (open != null && open.isBroken()) {
      open.abandon();
      open = null;
    }
  }

  /** What is open. */
  Items flush() {
    Episode episode = open;
    open = null;
    try {
      return episode == null ? Items.none() : Items.of(episode.finish());
    } catch (IOException e) {
      throw McapFiles.failed(e);
    }
  }

  @Override
  public void close() {
    if (open != null) {
      open.abandon();
    }
    open = null;
  }
}
