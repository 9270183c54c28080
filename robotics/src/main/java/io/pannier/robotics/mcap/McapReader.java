package io.pannier.robotics.mcap;

import io.pannier.robotics.mcap.McapRecord.Attachment;
import io.pannier.robotics.mcap.McapRecord.AttachmentIndex;
import io.pannier.robotics.mcap.McapRecord.Channel;
import io.pannier.robotics.mcap.McapRecord.Chunk;
import io.pannier.robotics.mcap.McapRecord.ChunkIndex;
import io.pannier.robotics.mcap.McapRecord.DataEnd;
import io.pannier.robotics.mcap.McapRecord.Footer;
import io.pannier.robotics.mcap.McapRecord.Header;
import io.pannier.robotics.mcap.McapRecord.Message;
import io.pannier.robotics.mcap.McapRecord.Metadata;
import io.pannier.robotics.mcap.McapRecord.MetadataIndex;
import io.pannier.robotics.mcap.McapRecord.Schema;
import io.pannier.robotics.mcap.McapRecord.Statistics;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Optional;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * Reads an MCAP file through ranges: with a summary section two or three reads tell what it holds,
 * and messages cost only the chunks in which wanted channels have messages at the wanted time. A
 * file without summary, cut short or damaged at its end is read once from its beginning instead, as
 * far as it is good; {@link McapSummary#damage} tells where that ended.
 *
 * <pre>{@code
 * var reader = McapReader.open(RangeSource.of(channel));
 * var cursor = reader.messages(MessageSelection.topics("/imu"));
 * for (var found = cursor.next(); found != null; found = cursor.next()) {
 *   use(found.channel(), found.message().data());
 * }
 * }</pre>
 *
 * <p>May be used by many threads; a cursor by one.
 */
public final class McapReader {
  /** Read at the end of a file at once: footer and, of most files, the whole summary. */
  private static final int TAIL_BYTES = 256 << 10;

  /** Read at the beginning at once: more than any header has. */
  private static final int HEAD_BYTES = 4 << 10;

  private final RangeSource source;
  private final McapLimits limits;
  private final McapContents contents;
  private final McapSummary summary;

  private McapReader(RangeSource source, McapLimits limits, McapContents contents) {
    this.source = source;
    this.limits = limits;
    this.contents = contents;
    summary = contents.summary();
  }

  /** Opens a file within {@link McapLimits#WIDE}. */
  public static McapReader open(RangeSource source) throws IOException {
    return open(source, McapLimits.WIDE);
  }

  /**
   * Opens a file that was opened before, without reading anything.
   *
   * @param contents of the file, by {@link #contents}
   */
  public static McapReader open(RangeSource source, McapLimits limits, McapContents contents) {
    return new McapReader(source, limits, contents);
  }

  /**
   * Opens a file.
   *
   * @throws McapException FOREIGN when it is no MCAP file; one that is cut or damaged behind its
   *     header can be opened
   */
  public static McapReader open(RangeSource source, McapLimits limits) throws IOException {
    long size = source.size();
    byte[] magic = new byte[Opcode.MAGIC.length];
    if (source.read(ByteBuffer.wrap(magic), 0) < magic.length
        || !Arrays.equals(magic, Opcode.MAGIC)) {
      throw new McapException(
          McapException.Kind.FOREIGN, "this is no MCAP file: it does not begin as one", 0);
    }
    RecordStream records =
        new RecordStream(source, magic.length, size, limits.recordBytesMax(), HEAD_BYTES);
    if (!records.advance() || !(records.record() instanceof Header header)) {
      throw new McapException(
          McapException.Kind.DAMAGED, "the first record is no header", magic.length);
    }
    McapSummary summary;
    try {
      McapSummary written = writtenSummary(source, size, limits);
      summary = written != null ? written : scan(source, size, limits, Optional.empty());
    } catch (McapException e) {
      summary = scan(source, size, limits, Optional.of(e));
    }
    return new McapReader(source, limits, new McapContents(size, header, summary));
  }

  /** What opening the file found out. */
  public McapContents contents() {
    return contents;
  }

  /** What reading may cost. */
  McapLimits limits() {
    return limits;
  }

  /** The file. */
  RangeSource source() {
    return source;
  }

  /** What kind of recording it is. */
  public Header header() {
    return contents.header();
  }

  /** What the file holds. */
  public McapSummary summary() {
    return summary;
  }

  /** Messages in the order that the selection asks for. */
  public MessageCursor messages(MessageSelection selection) throws IOException {
    if (summary.messagesOutsideChunks()) {
      return selection.order() == MessageSelection.Order.FILE
          ? new FileCursor(this, selection)
          : new SortedFileCursor(this, selection);
    }
    return new ChunkCursor(this, selection);
  }

  /** Reads an attachment, verified. It is held in memory whole. */
  public Attachment attachment(AttachmentIndex index) throws IOException {
    if (recordAt(index.offset(), index.length()) instanceof Attachment attachment) {
      return attachment;
    }
    throw new McapException(
        McapException.Kind.DAMAGED, "no attachment stands where the index says", index.offset());
  }

  /** Reads a metadata record. */
  public Metadata metadata(MetadataIndex index) throws IOException {
    if (recordAt(index.offset(), index.length()) instanceof Metadata metadata) {
      return metadata;
    }
    throw new McapException(
        McapException.Kind.DAMAGED, "no metadata stands where the index says", index.offset());
  }

  /** Bytes of the source, at most up to its end. */
  ByteBuffer read(long start, long length) throws IOException {
    if (start < 0 || length < 0 || start > contents.size() - length) {
      throw new McapException(
          McapException.Kind.DAMAGED,
          "an index leads to "
              + Long.toUnsignedString(length)
              + " bytes that the file does not have",
          start);
    }
    if (length > limits.recordBytesMax()) {
      throw new McapException(
          McapException.Kind.UNSUPPORTED,
          length + " bytes at once, more than the " + limits.recordBytesMax() + " allowed",
          start);
    }
    return readFully(source, start, (int) length);
  }

  /** The records of the data section, as far as they are good, behind the header. */
  RecordStream dataSection() {
    return new RecordStream(
        source,
        Opcode.MAGIC.length,
        contents.size(),
        limits.recordBytesMax(),
        RecordStream.READ_AHEAD);
  }

  /** The channel of a message. */
  Channel channelOf(Message message, long position) throws McapException {
    Channel channel = summary.channels().get(message.channelId());
    if (channel == null) {
      throw new McapException(
          McapException.Kind.DAMAGED,
          "a message names channel " + message.channelId() + ", which the file does not have",
          position);
    }
    return channel;
  }

  /** A message with what belongs to it. */
  MessageCursor.Found found(Message message, Channel channel) {
    return new MessageCursor.Found(message, channel, summary.schemaOf(channel));
  }

  private McapRecord recordAt(long offset, long length) throws IOException {
    ByteBuffer bytes = read(offset, length);
    if (length < Opcode.FRAME_BYTES) {
      throw new McapException(
          McapException.Kind.DAMAGED, "an index leads to a record of " + length + " bytes", offset);
    }
    int opcode = bytes.get() & 0xff;
    long content = bytes.getLong();
    if (content != bytes.remaining()) {
      throw new McapException(
          McapException.Kind.DAMAGED, "a record has another length than its index says", offset);
    }
    return RecordDecoder.decode(opcode, bytes.slice(), offset);
  }

  private static ByteBuffer readFully(RangeSource source, long start, int length)
      throws IOException {
    var bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    int count = source.read(bytes, start);
    if (count < length) {
      throw new McapException(
          McapException.Kind.TRUNCATED, "the source ended early", start + count);
    }
    return bytes.flip();
  }

  // --- The summary section

  /** The summary that the file carries; null when it carries none that leads to everything. */
  private static @Nullable McapSummary writtenSummary(
      RangeSource source, long size, McapLimits limits) throws IOException {
    int footerBytes = Opcode.FRAME_BYTES + Opcode.FOOTER_BYTES + Opcode.MAGIC.length;
    if (size < Opcode.MAGIC.length + footerBytes) {
      throw new McapException(McapException.Kind.TRUNCATED, "the file has no footer", size);
    }
    int tailLength = (int) Math.min(size, TAIL_BYTES);
    long tailStart = size - tailLength;
    ByteBuffer tail = readFully(source, tailStart, tailLength);
    long footerStart = size - footerBytes;
    ByteBuffer end = tail.slice((int) (footerStart - tailStart), footerBytes);
    end.order(ByteOrder.LITTLE_ENDIAN);
    byte[] magic = new byte[Opcode.MAGIC.length];
    end.get(footerBytes - magic.length, magic);
    if (!Arrays.equals(magic, Opcode.MAGIC)
        || (end.get(0) & 0xff) != Opcode.FOOTER
        || end.getLong(1) != Opcode.FOOTER_BYTES) {
      throw new McapException(McapException.Kind.TRUNCATED, "the file has no footer", size);
    }
    ByteBuffer footerContent = end.slice(Opcode.FRAME_BYTES, Opcode.FOOTER_BYTES);
    var footer = (Footer) RecordDecoder.decode(Opcode.FOOTER, footerContent, footerStart);
    long start = footer.summaryStart();
    if (start == 0) {
      return null;
    }
    if (start < Opcode.MAGIC.length || start > footerStart) { // tidy: bytes, not times
      throw new McapException(
          McapException.Kind.DAMAGED, "the footer leads out of the file", footerStart);
    }
    if (footerStart - start > limits.recordBytesMax()) { // tidy: bytes, not times
      throw new McapException(
          McapException.Kind.UNSUPPORTED,
          "a summary of "
              + (footerStart - start)
              + " bytes, more than the "
              + limits.recordBytesMax()
              + " allowed",
          start);
    }
    int length = (int) (footerStart - start);
    ByteBuffer bytes =
        start >= tailStart // tidy: bytes, not times
            ? tail.slice((int) (start - tailStart), length)
            : readFully(source, start, length);
    if (footer.summaryCrc() != 0) {
      var crc = new CRC32();
      crc.update(bytes.duplicate());
      crc.update(end.slice(0, Opcode.FRAME_BYTES + Opcode.FOOTER_BYTES - 4));
      if ((int) crc.getValue() != footer.summaryCrc()) {
        throw new McapException(
            McapException.Kind.DAMAGED, "the checksum of the summary differs", start);
      }
    }
    return summaryIn(bytes, start);
  }

  private static @Nullable McapSummary summaryIn(ByteBuffer bytes, long start) throws IOException {
    var summary = new SummaryBuilder();
    Statistics statistics = null;
    var records = new RecordStream(bytes);
    try {
      while (records.advance()) {
        switch (records.record()) {
          case Schema schema -> summary.schema(schema);
          case Channel channel -> summary.channels.put(channel.id(), channel);
          case ChunkIndex chunk -> summary.chunks.add(chunk);
          case AttachmentIndex attachment -> summary.attachments.add(attachment);
          case MetadataIndex metadata -> summary.metadata.add(metadata);
          case Statistics sums -> {
            statistics = sums;
            summary.statistics(sums);
          }
          default -> {
            // Offsets of groups, and kinds of later versions: all of the summary is read anyway.
          }
        }
      }
    } catch (McapException e) {
      throw new McapException(
          McapException.Kind.DAMAGED, "the summary is damaged: " + e.getMessage(), start, e);
    }
    // Writers may leave any part out. Only what is complete replaces reading the file.
    if (statistics == null
        || statistics.channelCount() != summary.channels.size()
        || statistics.schemaCount() != summary.schemas.size()
        || statistics.chunkCount() != summary.chunks.size()
        || statistics.attachmentCount() != summary.attachments.size()
        || statistics.metadataCount() != summary.metadata.size()) {
      return null;
    }
    return summary.asWritten();
  }

  // --- Without summary

  /** Reads the whole data section. A damaged chunk costs itself only, a broken frame all behind. */
  private static McapSummary scan(
      RangeSource source, long size, McapLimits limits, Optional<McapException> cause)
      throws IOException {
    var summary = new SummaryBuilder();
    McapException damage = null;
    boolean ended = false;
    var records =
        new RecordStream(
            source, Opcode.MAGIC.length, size, limits.recordBytesMax(), RecordStream.READ_AHEAD);
    try {
      while (!ended && records.advance()) {
        ended = records.opcode() == Opcode.DATA_END || records.opcode() == Opcode.FOOTER;
        if (records.opcode() == Opcode.MESSAGE_INDEX) {
          continue;
        }
        long length = records.next() - records.position();
        switch (records.record()) {
          case Schema schema -> summary.schema(schema);
          case Channel channel -> summary.channels.putIfAbsent(channel.id(), channel);
          case Message message -> summary.message(message, false);
          case Attachment attachment -> summary.attachment(attachment, records.position(), length);
          case Metadata metadata -> summary.metadata(metadata, records.position(), length);
          case Chunk chunk -> {
            try {
              scanChunk(summary, chunk, records.position(), length, limits);
            } catch (McapException e) {
              damage = damage == null ? e : damage;
            }
          }
          case DataEnd _ -> {
            // What follows only repeats what was read.
          }
          default -> {
            // Passed over, as the specification asks.
          }
        }
      }
    } catch (McapException e) {
      damage = damage == null ? e : damage;
    }
    if (damage == null && !ended) {
      damage = new McapException(McapException.Kind.TRUNCATED, "the data section has no end", size);
    }
    if (damage == null) {
      damage = cause.orElse(null);
    }
    return summary.asRead(Optional.ofNullable(damage));
  }

  private static void scanChunk(
      SummaryBuilder summary, Chunk chunk, long position, long length, McapLimits limits)
      throws IOException {
    var channels = new HashMap<Integer, Long>();
    var records = new RecordStream(Chunks.open(chunk, position, limits));
    try {
      while (records.advance()) {
        switch (records.record()) {
          case Schema schema -> summary.schema(schema);
          case Channel channel -> summary.channels.putIfAbsent(channel.id(), channel);
          case Message message -> {
            summary.message(message, true);
            channels.putIfAbsent(message.channelId(), position);
          }
          default -> {
            // Nothing else belongs into a chunk.
          }
        }
      }
    } finally {
      summary.chunk(chunk, position, length, channels, 0);
    }
  }
}
