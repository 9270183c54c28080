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
import io.pannier.robotics.mcap.McapRecord.MessageIndex;
import io.pannier.robotics.mcap.McapRecord.Metadata;
import io.pannier.robotics.mcap.McapRecord.MetadataIndex;
import io.pannier.robotics.mcap.McapRecord.Schema;
import io.pannier.robotics.mcap.McapRecord.Statistics;
import io.pannier.robotics.mcap.McapRecord.SummaryOffset;
import io.pannier.robotics.mcap.McapRecord.Unknown;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;

/** Framed records in a buffer that grows. The counterpart of {@link RecordDecoder}. */
final class RecordEncoder {
  private ByteBuffer out = ByteBuffer.allocate(64 << 10).order(ByteOrder.LITTLE_ENDIAN);

  /** Bytes so far. */
  int size() {
    return out.position();
  }

  /** What was written; valid until the next call. */
  byte[] array() {
    return out.array();
  }

  /** What was written, as a view that is valid until the next call. */
  ByteBuffer written() {
    return out.slice(0, out.position());
  }

  void clear() {
    out.clear();
  }

  /** Appends a record with its opcode and length. */
  void write(McapRecord record) {
    int start = out.position();
    room(Opcode.FRAME_BYTES);
    out.put((byte) opcode(record));
    out.putLong(0);
    int content = out.position();
    switch (record) {
      case Header header -> {
        text(header.profile());
        text(header.library());
      }
      case Footer footer -> {
        longs(footer.summaryStart(), footer.summaryOffsetStart());
        integer(footer.summaryCrc());
      }
      case Schema schema -> {
        id(schema.id());
        text(schema.name());
        text(schema.encoding());
        integer(schema.data().remaining());
        bytes(schema.data());
      }
      case Channel channel -> {
        id(channel.id());
        id(channel.schemaId());
        text(channel.topic());
        text(channel.messageEncoding());
        texts(channel.metadata());
      }
      case Message message -> {
        id(message.channelId());
        integer((int) message.sequence());
        longs(message.logTime(), message.publishTime());
        bytes(message.data());
      }
      case Chunk chunk -> {
        longs(chunk.startTime(), chunk.endTime(), chunk.uncompressedSize());
        integer(chunk.uncompressedCrc());
        text(chunk.compression());
        longs(chunk.records().remaining());
        bytes(chunk.records());
      }
      case MessageIndex index -> {
        id(index.channelId());
        integer(index.entries().remaining());
        bytes(index.entries());
      }
      case ChunkIndex index -> {
        longs(index.startTime(), index.endTime(), index.chunkStart(), index.chunkLength());
        numbers(index.messageIndexOffsets());
        longs(index.messageIndexLength());
        text(index.compression());
        longs(index.compressedSize(), index.uncompressedSize());
      }
      case Attachment attachment -> {
        longs(attachment.logTime(), attachment.createTime());
        text(attachment.name());
        text(attachment.mediaType());
        longs(attachment.data().remaining());
        bytes(attachment.data());
        var crc = new CRC32();
        crc.update(out.slice(content, out.position() - content));
        integer((int) crc.getValue());
      }
      case AttachmentIndex index -> {
        longs(
            index.offset(), index.length(), index.logTime(), index.createTime(), index.dataSize());
        text(index.name());
        text(index.mediaType());
      }
      case Statistics sums -> {
        longs(sums.messageCount());
        id(sums.schemaCount());
        integer((int) sums.channelCount());
        integer((int) sums.attachmentCount());
        integer((int) sums.metadataCount());
        integer((int) sums.chunkCount());
        longs(sums.startTime(), sums.endTime());
        numbers(sums.channelMessageCounts());
      }
      case Metadata metadata -> {
        text(metadata.name());
        texts(metadata.metadata());
      }
      case MetadataIndex index -> {
        longs(index.offset(), index.length());
        text(index.name());
      }
      case SummaryOffset offset -> {
        room(1);
        out.put((byte) offset.opcode());
        longs(offset.start(), offset.length());
      }
      case DataEnd end -> integer(end.dataCrc());
      case Unknown unknown -> bytes(unknown.content());
    }
    out.putLong(start + 1, out.position() - content);
  }

  private static int opcode(McapRecord record) {
    return switch (record) {
      case Header _ -> Opcode.HEADER;
      case Footer _ -> Opcode.FOOTER;
      case Schema _ -> Opcode.SCHEMA;
      case Channel _ -> Opcode.CHANNEL;
      case Message _ -> Opcode.MESSAGE;
      case Chunk _ -> Opcode.CHUNK;
      case MessageIndex _ -> Opcode.MESSAGE_INDEX;
      case ChunkIndex _ -> Opcode.CHUNK_INDEX;
      case Attachment _ -> Opcode.ATTACHMENT;
      case AttachmentIndex _ -> Opcode.ATTACHMENT_INDEX;
      case Statistics _ -> Opcode.STATISTICS;
      case Metadata _ -> Opcode.METADATA;
      case MetadataIndex _ -> Opcode.METADATA_INDEX;
      case SummaryOffset _ -> Opcode.SUMMARY_OFFSET;
      case DataEnd _ -> Opcode.DATA_END;
      case Unknown unknown -> unknown.opcode();
    };
  }

  private void room(int bytes) {
    if (out.remaining() < bytes) {
      long wanted = Math.max(2L * out.capacity(), (long) out.position() + bytes);
      if (wanted > Integer.MAX_VALUE - 64) {
        wanted = Math.addExact(out.position(), bytes);
      }
      var larger = ByteBuffer.allocate((int) wanted).order(ByteOrder.LITTLE_ENDIAN);
      out = larger.put(out.flip());
    }
  }

  private void id(int value) {
    room(2);
    out.putShort((short) value);
  }

  private void integer(int value) {
    room(4);
    out.putInt(value);
  }

  private void longs(long... values) {
    room(8 * values.length);
    for (long value : values) {
      out.putLong(value);
    }
  }

  private void bytes(ByteBuffer bytes) {
    room(bytes.remaining());
    out.put(bytes.duplicate());
  }

  private void text(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    integer(utf8.length);
    room(utf8.length);
    out.put(utf8);
  }

  /** In the order of the names, so that equal content gives equal bytes. */
  private void texts(Map<String, String> map) {
    int start = out.position();
    integer(0);
    new TreeMap<>(map)
        .forEach((name, value) -> {
          text(name);
          text(value);
        });
    out.putInt(start, out.position() - start - 4);
  }

  private void numbers(Map<Integer, Long> map) {
    integer(10 * map.size());
    new TreeMap<>(map)
        .forEach((id, value) -> {
          id(id);
          longs(value);
        });
  }
}
