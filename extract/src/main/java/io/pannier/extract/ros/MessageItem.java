package io.pannier.extract.ros;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Work;
import io.pannier.robotics.msg.MessageException;
import java.nio.ByteBuffer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A message as JSON or a picture, which is made when somebody wants it. */
final class MessageItem implements Item {
  /**
   * Where a message comes from.
   *
   * @param record that it was in
   * @param fallbackMicros its time, unless it says one itself
   */
  record Origin(Item record, String topic, long fallbackMicros) {}

  /** What it is made of. */
  record Content(
      ByteBuffer message,
      MessageDecoder decoder,
      RosParameters.Operation.Extract wanted,
      Work work) {
    MessageJson.Found look(Labels.Builder labels) throws MessageException {
      return MessageJson.look(message.duplicate(), decoder, wanted, labels, work);
    }

    MessageJson.Built build(Labels.Builder labels) throws MessageException {
      return MessageJson.build(message.duplicate(), decoder, wanted, labels, work);
    }
  }

  private final Item record;
  private final String topic;
  private final long timestamp;
  private final Labels computed;
  private final String contentType;
  private @Nullable Content content;
  private @Nullable Body body;

  private MessageItem(
      Origin origin,
      MessageJson.Found found,
      String contentType,
      @Nullable Content content,
      @Nullable Body body) {
    record = origin.record();
    topic = origin.topic();
    timestamp = found.micros().orElse(origin.fallbackMicros());
    computed = found.labels();
    this.contentType = contentType;
    this.content = content;
    this.body = body;
  }

  /**
   * Reads what is to be known of a message.
   *
   * @param labels of every message; those of its fields are added
   * @param lazily whether the body may never be asked for
   */
  static MessageItem of(Origin origin, Content content, Labels labels, boolean lazily) {
    Labels.Builder all = new Labels.Builder();
    for (Labels each : new Labels[] {origin.record().computed(), labels}) {
      for (int i = 0; i < each.size(); i++) {
        all.set(each.name(i), each.value(i));
      }
    }
    String contentType =
        switch (content.wanted().form()) {
          case JSON -> "application/json";
          case JPEG -> "image/jpeg";
          case PNG -> "image/png";
        };
    try {
      if (lazily) {
        return new MessageItem(origin, content.look(all), contentType, content, null);
      }
      MessageJson.Built built = content.build(all);
      return new MessageItem(origin, built.found(), contentType, null, built.body());
    } catch (MessageException e) {
      throw undecodable(origin.topic(), e);
    }
  }

  private static PannierException.Invalid undecodable(String topic, MessageException e) {
    return new PannierException.Invalid(
        "Failed to decode message of topic '" + topic + "': " + e.getMessage());
  }

  @Override
  public String entry() {
    return record.entry();
  }

  @Override
  public long timestamp() {
    return timestamp;
  }

  @Override
  public Labels labels() {
    return record.labels();
  }

  @Override
  public Labels computed() {
    return computed;
  }

  @Override
  public String contentType() {
    return contentType;
  }

  @Override
  public Body body() {
    Body made = body;
    Content unmade = content;
    if (made == null && unmade != null) {
      try {
        made = unmade.build(new Labels.Builder()).body();
      } catch (MessageException e) {
        throw undecodable(topic, e);
      }
      body = made;
      content = null;
    }
    Supplier<IllegalStateException> impossible =
        () -> new IllegalStateException("a message without content");
    if (made == null) {
      throw impossible.get();
    }
    return made;
  }
}
