package io.pannier.robotics.mcap;

import io.pannier.robotics.mcap.McapRecord.Attachment;
import io.pannier.robotics.mcap.McapRecord.Channel;
import io.pannier.robotics.mcap.McapRecord.Chunk;
import io.pannier.robotics.mcap.McapRecord.DataEnd;
import io.pannier.robotics.mcap.McapRecord.Footer;
import io.pannier.robotics.mcap.McapRecord.Header;
import io.pannier.robotics.mcap.McapRecord.Message;
import io.pannier.robotics.mcap.McapRecord.MessageIndex;
import io.pannier.robotics.mcap.McapRecord.Metadata;
import io.pannier.robotics.mcap.McapRecord.Schema;
import io.pannier.robotics.mcap.McapRecord.SummaryOffset;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.CRC32;

/**
 * Writes an MCAP file with chunks, indexes, checksums and a summary, to a stream that is only
 * appended to. A file that was not closed can still be read, see {@link McapSummary#damage}.
 *
 * <pre>{@code
 * try (var writer = new McapWriter(out, McapWriter.Options.of("ros2"))) {
 *   int schema = writer.schema("std_msgs/msg/String", "ros2msg", definition);
 *   int channel = writer.channel(schema, "/chatter", "cdr", Map.of());
 *   writer.message(channel, 1, logTime, publishTime, data);
 * }
 * }</pre>
 *
 * <p>Used by one thread. The stream is flushed at the end and stays the caller's.
 */
public final class McapWriter implements Closeable {
  /**
   * How a file is written.
   *
   * @param profile {@code ros1}, {@code ros2} or empty
   * @param library what writes it, for the header
   * @param compression of chunks
   * @param chunkBytes a chunk ends when it has so many uncompressed bytes
   */
  public record Options(String profile, String library, Compression compression, int chunkBytes) {
    /** Zstandard, chunks of 4 MiB. */
    public static Options of(String profile) {
      return new Options(profile, "pannier", Compression.ZSTD, 4 << 20);
    }

    /** The same with another compression. */
    public Options with(Compression other) {
      return new Options(profile, library, other, chunkBytes);
    }

    /** The same with other chunks. */
    public Options withChunkBytes(int bytes) {
      return new Options(profile, library, compression, bytes);
    }
  }

  private static final int IDS_MAX = 65_535;

  private final OutputStream out;
  private final Options options;
  private final SummaryBuilder summary = new SummaryBuilder();
  private final Map<Schema, Integer> schemaIds = new HashMap<>();
  private final Map<Channel, Integer> channelIds = new HashMap<>();
  private final CRC32 dataCrc = new CRC32();
  private final RecordEncoder record = new RecordEncoder();
  private final RecordEncoder chunk = new RecordEncoder();
  private final TreeMap<Integer, RowOfLongs> chunkIndex = new TreeMap<>();
  private final TreeSet<Integer> schemasWritten = new TreeSet<>();
  private final TreeSet<Integer> channelsWritten = new TreeSet<>();
  private long chunkStartTime;
  private long chunkEndTime;
  private long position;
  private boolean closed;

  /** Begins a file. */
  public McapWriter(OutputStream out, Options options) throws IOException {
    this.out = out;
    this.options = options;
    put(ByteBuffer.wrap(Opcode.MAGIC));
    record.write(new Header(options.profile(), options.library()));
    putRecord();
  }

  /** The id of a schema; equal ones share it. */
  public int schema(String name, String encoding, ByteBuffer data) {
    int id = summary.schemas.size() + 1;
    var content = new Schema(0, name, encoding, copy(data));
    Integer known = schemaIds.putIfAbsent(content, id);
    if (known != null) {
      return known;
    }
    requireId(id);
    summary.schemas.put(id, new Schema(id, name, encoding, content.data()));
    return id;
  }

  /**
   * The id of a channel; equal ones share it.
   *
   * @param schemaId from {@link #schema}, 0: messages have none
   */
  public int channel(
      int schemaId, String topic, String messageEncoding, Map<String, String> metadata) {
    if (schemaId != 0 && !summary.schemas.containsKey(schemaId)) {
      throw new IllegalArgumentException("no schema has the id " + schemaId);
    }
    int id = summary.channels.size() + 1;
    Integer known =
        channelIds.putIfAbsent(new Channel(0, schemaId, topic, messageEncoding, metadata), id);
    if (known != null) {
      return known;
    }
    requireId(id);
    summary.channels.put(id, new Channel(id, schemaId, topic, messageEncoding, metadata));
    return id;
  }

  private static void requireId(int id) {
    if (id > IDS_MAX) {
      throw new IllegalStateException("a file holds " + IDS_MAX + " schemas and channels at most");
    }
  }

  /**
   * Appends a message. Messages need not come in the order of time, but readers do less when they
   * nearly do.
   *
   * @param channelId from {@link #channel}
   * @param sequence counted by the publisher, of which 32 bits are kept
   * @param logTime nanoseconds, unsigned
   * @param publishTime nanoseconds, unsigned
   */
  public void message(int channelId, long sequence, long logTime, long publishTime, ByteBuffer data)
      throws IOException {
    requireOpen();
    Channel channel = summary.channels.get(channelId);
    if (channel == null) {
      throw new IllegalArgumentException("no channel has the id " + channelId);
    }
    Schema schema = summary.schemas.get(channel.schemaId());
    if (schema != null && schemasWritten.add(schema.id())) {
      chunk.write(schema);
    }
    if (channelsWritten.add(channelId)) {
      chunk.write(channel);
    }
    var message = new Message(channelId, sequence & 0xffffffffL, logTime, publishTime, data);
    if (chunkIndex.isEmpty() || Long.compareUnsigned(logTime, chunkStartTime) < 0) {
      chunkStartTime = logTime;
    }
    if (chunkIndex.isEmpty() || Long.compareUnsigned(logTime, chunkEndTime) > 0) {
      chunkEndTime = logTime;
    }
    chunkIndex.computeIfAbsent(channelId, _ -> new RowOfLongs()).add(logTime, chunk.size());
    chunk.write(message);
    summary.message(message, true);
    if (chunk.size() >= options.chunkBytes()) {
      endChunk();
    }
  }

  /** Appends a file that is carried along. */
  public void attachment(
      long logTime, long createTime, String name, String mediaType, ByteBuffer data)
      throws IOException {
    requireOpen();
    endChunk();
    var attachment = new Attachment(logTime, createTime, name, mediaType, data);
    record.write(attachment);
    summary.attachment(attachment, position, record.size());
    putRecord();
  }

  /** Appends names and texts about the recording. */
  public void metadata(String name, Map<String, String> texts) throws IOException {
    requireOpen();
    endChunk();
    var metadata = new Metadata(name, texts);
    record.write(metadata);
    summary.metadata(metadata, position, record.size());
    putRecord();
  }

  /** Bytes that went to the stream. What is in the open chunk comes later, compressed. */
  public long bytesWritten() {
    return position;
  }

  /** Bytes of memory that the open chunk and its buffers take, roughly. */
  public long memoryBytes() {
    return 2L * chunk.size() + record.size() + 64L * summary.chunks.size() + (256 << 10);
  }

  /** Ends the file: without this there is no summary, and the open chunk is lost. */
  @Override
  public void close() throws IOException {
    if (closed) {
      return;
    }
    closed = true;
    endChunk();
    record.write(new DataEnd((int) dataCrc.getValue()));
    putRecord();
    writeSummary();
    put(ByteBuffer.wrap(Opcode.MAGIC));
    out.flush();
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the file is closed");
    }
  }

  private void endChunk() throws IOException {
    if (chunk.size() == 0) {
      return;
    }
    var crc = new CRC32();
    crc.update(chunk.written());
    var ended =
        new Chunk(
            chunkStartTime,
            chunkEndTime,
            chunk.size(),
            (int) crc.getValue(),
            options.compression().wireName(),
            options.compression().compress(chunk.array(), chunk.size()));
    record.write(ended);
    long start = position;
    long length = record.size();
    putRecord();
    long indexStart = position;
    var offsets = new TreeMap<Integer, Long>();
    for (Map.Entry<Integer, RowOfLongs> entry : chunkIndex.entrySet()) {
      offsets.put(entry.getKey(), position);
      RowOfLongs row = entry.getValue();
      record.write(new MessageIndex(entry.getKey(), row.pairs(), row.bytes()));
      putRecord();
    }
    summary.chunk(ended, start, length, offsets, position - indexStart);
    chunk.clear();
    chunkIndex.clear();
  }

  /** Groups of one kind each, then where they lie, then the footer with a checksum over all. */
  private void writeSummary() throws IOException {
    long start = position;
    var crc = new CRC32();
    var offsets = new ArrayList<SummaryOffset>();
    group(Opcode.SCHEMA, summary.schemas.values(), crc, offsets);
    group(Opcode.CHANNEL, summary.channels.values(), crc, offsets);
    group(Opcode.STATISTICS, List.of(summary.counted()), crc, offsets);
    group(Opcode.CHUNK_INDEX, summary.chunks, crc, offsets);
    group(Opcode.ATTACHMENT_INDEX, summary.attachments, crc, offsets);
    group(Opcode.METADATA_INDEX, summary.metadata, crc, offsets);
    long offsetStart = position;
    for (SummaryOffset offset : offsets) {
      record.write(offset);
      crc.update(record.written());
      putRecord();
    }
    record.write(new Footer(start, offsetStart, 0));
    ByteBuffer covered = record.written();
    crc.update(covered.slice(0, covered.remaining() - 4));
    record.clear();
    record.write(new Footer(start, offsetStart, (int) crc.getValue()));
    putRecord();
  }

  private void group(
      int opcode, Collection<? extends McapRecord> records, CRC32 crc, List<SummaryOffset> offsets)
      throws IOException {
    if (records.isEmpty()) {
      return;
    }
    long start = position;
    for (McapRecord each : records) {
      record.write(each);
      crc.update(record.written());
      putRecord();
    }
    offsets.add(new SummaryOffset(opcode, start, position - start));
  }

  private void putRecord() throws IOException {
    put(record.written());
    record.clear();
  }

  private void put(ByteBuffer bytes) throws IOException {
    dataCrc.update(bytes.duplicate());
    out.write(bytes.array(), bytes.arrayOffset() + bytes.position(), bytes.remaining());
    position += bytes.remaining();
  }

  private static ByteBuffer copy(ByteBuffer data) {
    return ByteBuffer.allocate(data.remaining()).put(data.duplicate()).flip();
  }

  /** Pairs of log time and offset, as a message index stores them. */
  private static final class RowOfLongs {
    private ByteBuffer bytes = ByteBuffer.allocate(256).order(ByteOrder.LITTLE_ENDIAN);

    void add(long first, long second) {
      if (bytes.remaining() < 16) {
        bytes =
            ByteBuffer.allocate(2 * bytes.capacity())
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(bytes.flip());
      }
      bytes.putLong(first).putLong(second);
    }

    long pairs() {
      return bytes.position() / 16;
    }

    ByteBuffer bytes() {
      return bytes.slice(0, bytes.position());
    }
  }
}
