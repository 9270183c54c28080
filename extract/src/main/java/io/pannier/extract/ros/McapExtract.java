package io.pannier.extract.ros;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Items;
import io.pannier.query.ext.Work;
import io.pannier.robotics.mcap.McapReader;
import io.pannier.robotics.mcap.McapRecord.Channel;
import io.pannier.robotics.mcap.McapRecord.Message;
import io.pannier.robotics.mcap.McapRecord.Schema;
import io.pannier.robotics.mcap.MessageCursor;
import io.pannier.robotics.mcap.MessageSelection;
import io.pannier.robotics.msg.MessageType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Messages of one topic of a recording, each an item of its own, by log time. */
final class McapExtract implements Items {
  /** Publish times below are taken as they are, larger ones are nanoseconds. */
  private static final long UNSCALED_MAX = 1_000_000_000_000L;

  private static final ByteBuffer NO_SCHEMA = ByteBuffer.allocate(0).asReadOnlyBuffer();

  private final Item input;
  private final RosParameters.Operation.Extract wanted;
  private final McapFiles files;
  private final Decoders decoders;
  private final Work work;
  private final boolean lazily;
  private final Map<Channel, MessageDecoder> byChannel = new HashMap<>();
  private @Nullable MessageCursor cursor;
  private long reserved;

  /**
   * @param lazily whether a condition may throw items away before their bodies are asked for
   */
  McapExtract(
      Item input,
      RosParameters.Operation.Extract wanted,
      McapFiles files,
      Decoders decoders,
      Work work,
      boolean lazily) {
    this.input = input;
    this.wanted = wanted;
    this.files = files;
    this.decoders = decoders;
    this.work = work;
    this.lazily = lazily;
  }

  @Override
  public @Nullable Item next() {
    try {
      MessageCursor messages = cursor;
      if (messages == null) {
        messages = open();
        cursor = messages;
      }
      work.check();
      MessageCursor.Found found = messages.next();
      return found == null ? null : item(found);
    } catch (IOException e) {
      throw McapFiles.failed(e);
    }
  }

  private MessageCursor open() throws IOException {
    String topic =
        wanted
            .topic()
            .orElseThrow(() ->
                new PannierException.Invalid(
                    "'topic' is required for '" + input.contentType() + "'"));
    McapReader reader = files.open(input, work);
    McapFiles.requireWhole(reader, wanted.recover());
    if (reader.summary().channels().values().stream()
        .noneMatch(channel -> channel.topic().equals(topic))) {
      return () -> null;
    }
    long bytes = McapFiles.memoryBytes(reader);
    work.reserve(bytes);
    reserved = bytes;
    return reader.messages(MessageSelection.all().where(channel -> channel.topic().equals(topic)));
  }

  private Item item(MessageCursor.Found found) {
    Message message = found.message();
    Channel channel = found.channel();
    Schema schema = found.schema().orElse(null);
    MessageDecoder decoder =
        byChannel.computeIfAbsent(
            channel,
            _ ->
                decoders.of(
                    channel.topic(),
                    schema == null ? "" : schema.encoding(),
                    channel.messageEncoding(),
                    schema == null ? "" : schema.name(),
                    schema == null ? NO_SCHEMA : schema.data()));
    String name = schema == null ? "" : schema.name();
    return MessageItem.of(
        new MessageItem.Origin(input, channel.topic(), published(message)),
        new MessageItem.Content(message.data(), decoder, wanted, work),
        Labels.of(
            "topic",
            channel.topic(),
            "schema",
            channel.messageEncoding().equals("protobuf") ? name : MessageType.shortName(name),
            "encoding",
            channel.messageEncoding()),
        lazily);
  }

  private static long published(Message message) {
    long time = message.publishTime();
    return Long.compareUnsigned(time, UNSCALED_MAX) < 0 ? time : Long.divideUnsigned(time, 1_000);
  }

  @Override
  public void close() {
    cursor = null;
    work.release(reserved);
    reserved = 0;
  }
}
