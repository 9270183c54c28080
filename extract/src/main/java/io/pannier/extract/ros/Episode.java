package io.pannier.extract.ros;

import io.pannier.model.Labels;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Spool;
import io.pannier.query.ext.Work;
import io.pannier.robotics.mcap.McapRecord.Channel;
import io.pannier.robotics.mcap.McapRecord.Schema;
import io.pannier.robotics.mcap.McapWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A recording that is being written: what it begins with names it. */
final class Episode {
  private static final long RESERVED_STEP = 1 << 20;

  private final Work work;
  private final Item first;
  private final long timestamp;
  private final long startNanos;
  private final Spool spool;
  private final McapWriter writer;
  private final Map<Channel, Integer> channels = new HashMap<>();
  private final Set<Schema> schemas = new HashSet<>();
  private final Map<Integer, Long> sequences = new HashMap<>();
  private long bytes;
  private long reserved;
  private boolean broken;

  /**
   * @param first the record that the first message is of
   * @param timestamp µs, of the recording as a record
   * @param startNanos log time of the first message
   */
  Episode(Work work, Item first, long timestamp, long startNanos, String profile)
      throws IOException {
    this.work = work;
    this.first = first;
    this.timestamp = timestamp;
    this.startNanos = startNanos;
    spool = work.spool();
    writer = new McapWriter(new SpoolStream(spool), McapWriter.Options.of(profile));
  }

  /** Whether the first message is of this record. */
  boolean isBegunBy(Item record) {
    return first.timestamp() == record.timestamp() && first.entry().equals(record.entry());
  }

  /** Whether writing failed: what is there cannot be continued. */
  boolean isBroken() {
    return broken;
  }

  /** Whether a message is of this recording, by the limits. */
  boolean takes(
      long logTime,
      Channel channel,
      Optional<Schema> schema,
      long length,
      RosParameters.EpisodeLimits limits) {
    long age = logTime - startNanos;
    if (Long.compareUnsigned(logTime, startNanos) >= 0
        && Long.compareUnsigned(age, limits.nanos()) >= 0) {
      return false;
    }
    return bytes == 0 || bytes + cost(channel, schema) + length <= limits.bytes();
  }

  private long cost(Channel channel, Optional<Schema> schema) {
    if (channels.containsKey(channel)) {
      return 0;
    }
    long cost = (long) channel.topic().length() + channel.messageEncoding().length();
    for (var each : channel.metadata().entrySet()) {
      cost += each.getKey().length() + each.getValue().length();
    }
    if (schema.isPresent() && !schemas.contains(schema.get())) {
      cost += schema.get().name().length() + schema.get().data().remaining();
    }
    return cost;
  }

  /**
   * Adds a message.
   *
   * @param sequence of the publisher; negative: it is counted here
   */
  void add(
      Channel channel,
      Optional<Schema> schema,
      long sequence,
      long logTime,
      long publishTime,
      ByteBuffer data)
      throws IOException {
    bytes += cost(channel, schema) + data.remaining();
    broken = true;
    Integer known = channels.get(channel);
    int id = known != null ? known : begin(channel, schema);
    long number = sequence >= 0 ? sequence : sequences.merge(id, 1L, Long::sum) - 1;
    writer.message(id, number, logTime, publishTime, data);
    broken = false;
    long held = writer.memoryBytes();
    if (held > reserved) {
      work.reserve(held - reserved + RESERVED_STEP);
      reserved = held + RESERVED_STEP;
    }
  }

  private int begin(Channel channel, Optional<Schema> schema) {
    int schemaId =
        schema.map(each -> writer.schema(each.name(), each.encoding(), each.data())).orElse(0);
    schema.ifPresent(schemas::add);
    int id =
        writer.channel(schemaId, channel.topic(), channel.messageEncoding(), channel.metadata());
    channels.put(channel, id);
    return id;
  }

  /** Ends it. */
  Item finish() throws IOException {
    try {
      writer.close();
      Body body = spool.finish();
      return Item.of(
          first.entry(), timestamp, first.labels(), Labels.EMPTY, "application/mcap", body);
    } finally {
      // After finish the spool has nothing to throw away.
      abandon();
    }
  }

  /** Throws it away. */
  void abandon() {
    work.release(reserved);
    reserved = 0;
    spool.close();
  }

  private static final class SpoolStream extends OutputStream {
    private final Spool spool;

    SpoolStream(Spool spool) {
      this.spool = spool;
    }

    @Override
    public void write(int next) {
      write(new byte[] {(byte) next}, 0, 1);
    }

    @Override
    public void write(byte[] source, int from, int count) {
      spool.write(ByteBuffer.wrap(source, from, count));
    }
  }
}
