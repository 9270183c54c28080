package io.pannier.extract.ros;

import io.pannier.query.ext.Item;
import io.pannier.query.ext.Items;
import io.pannier.query.ext.Work;
import io.pannier.robotics.mcap.McapReader;
import io.pannier.robotics.mcap.McapRecord.Channel;
import io.pannier.robotics.mcap.McapRecord.Message;
import io.pannier.robotics.mcap.MessageCursor;
import io.pannier.robotics.mcap.MessageSelection;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Recordings out of recordings: those of one entry are one stream, which is cut by the limits
 * alone. What is open at the end of a recording waits for the next one.
 */
final class McapTransform implements AutoCloseable {
  private final RosParameters.Operation.Transform wanted;
  private final McapFiles files;
  private final Work work;

  /** By entry. */
  private final Map<String, Episode> open = new TreeMap<>();

  McapTransform(RosParameters.Operation.Transform wanted, McapFiles files, Work work) {
    this.wanted = wanted;
    this.files = files;
    this.work = work;
  }

  /** Takes a recording in; what is complete comes out. */
  Items take(Item input) {
    return new Cut(input);
  }

  /** A recording failed: what was begun with it is thrown away. */
  void discard(Item input) {
    Episode episode = open.get(input.entry());
    if (episode != null && (episode.isBroken() || episode.isBegunBy(input))) {
      open.remove(input.entry());
      episode.abandon();
    }
  }

  /** What is open. */
  Items flush() {
    Queue<String> entries = new ArrayDeque<>(open.keySet());
    return () -> {
      String entry = entries.poll();
      Episode episode = entry == null ? null : open.remove(entry);
      try {
        return episode == null ? null : episode.finish();
      } catch (IOException e) {
        throw McapFiles.failed(e);
      }
    };
  }

  @Override
  public void close() {
    open.values().forEach(Episode::abandon);
    open.clear();
  }

  private boolean isWanted(String topic) {
    return (wanted.include().isEmpty() || matches(wanted.include(), topic))
        && !matches(wanted.exclude(), topic);
  }

  private boolean matches(List<Pattern> patterns, String topic) {
    for (Pattern pattern : patterns) {
      if (pattern.matcher(new Interruptible(topic, work)).matches()) {
        return true;
      }
    }
    return false;
  }

  /** Messages of one recording on their way. */
  private final class Cut implements Items {
    private final Item input;
    private @Nullable MessageCursor cursor;
    private String profile = "";
    private long reserved;

    Cut(Item input) {
      this.input = input;
    }

    @Override
    public @Nullable Item next() {
      try {
        MessageCursor messages = cursor;
        if (messages == null) {
          messages = begin();
          cursor = messages;
        }
        for (var found = messages.next(); found != null; found = messages.next()) {
          work.check();
          Item ended = add(found);
          if (ended != null) {
            return ended;
          }
        }
        return null;
      } catch (IOException e) {
        throw McapFiles.failed(e);
      }
    }

    private MessageCursor begin() throws IOException {
      McapReader reader = files.open(input, work);
      McapFiles.requireWhole(reader, wanted.recover());
      profile = reader.header().profile();
      var topics = new java.util.HashSet<String>();
      for (Channel channel : reader.summary().channels().values()) {
        if (isWanted(channel.topic())) {
          topics.add(channel.topic());
        }
      }
      if (topics.isEmpty()) {
        return () -> null;
      }
      long bytes = McapFiles.memoryBytes(reader);
      work.reserve(bytes);
      reserved = bytes;
      return reader.messages(
          MessageSelection.all().where(channel -> topics.contains(channel.topic())));
    }

    /** Answers the recording that ends in front of the message, or null. */
    private @Nullable Item add(MessageCursor.Found found) throws IOException {
      Message message = found.message();
      Episode episode = open.get(input.entry());
      Item ended = null;
      if (episode != null
          && !episode.takes(
              message.logTime(),
              found.channel(),
              found.schema(),
              message.data().remaining(),
              wanted.limits())) {
        open.remove(input.entry());
        ended = episode.finish();
        episode = null;
      }
      if (episode == null) {
        long time = message.logTime();
        episode = new Episode(work, input, Long.divideUnsigned(time, 1_000), time, profile);
        open.put(input.entry(), episode);
      }
      episode.add(
          found.channel(),
          found.schema(),
          message.sequence(),
          message.logTime(),
          message.publishTime(),
          message.data());
      return ended;
    }

    @Override
    public void close() {
      cursor = null;
      work.release(reserved);
      reserved = 0;
    }
  }

  /** A text that asks now and then whether to go on: some expressions take for ever. */
  private record Interruptible(String text, Work work) implements CharSequence {
    @Override
    public int length() {
      return text.length();
    }

    @Override
    public char charAt(int index) {
      if (index % 16 == 0) {
        work.check();
      }
      return text.charAt(index);
    }

    @Override
    public CharSequence subSequence(int start, int end) {
      return text.subSequence(start, end);
    }

    @Override
    public String toString() {
      return text;
    }
  }
}
