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
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;

/**
 * Turns the content of a record into its type. All integers are little-endian and unsigned; texts
 * are UTF-8 behind a length of 4 bytes; what stands behind the known fields is passed over, as the
 * specification asks.
 */
final class RecordDecoder {
  private final ByteBuffer in;
  private final long position;

  private RecordDecoder(ByteBuffer content, long position) {
    in = content.slice().order(ByteOrder.LITTLE_ENDIAN);
    this.position = position;
  }

  /**
   * @param content the record without opcode and length
   * @param position of the record in the file, for errors
   */
  static McapRecord decode(int opcode, ByteBuffer content, long position) throws McapException {
    var decoder = new RecordDecoder(content, position);
    try {
      return decoder.record(opcode);
    } catch (BufferUnderflowException e) {
      throw new McapException(
          McapException.Kind.DAMAGED,
          "a record of kind " + opcode + " is too short for its fields",
          position,
          e);
    }
  }

  private McapRecord record(int opcode) throws McapException {
    return switch (opcode) {
      case Opcode.HEADER -> new Header(text(), text());
      case Opcode.FOOTER -> new Footer(in.getLong(), in.getLong(), in.getInt());
      case Opcode.SCHEMA -> new Schema(id(), text(), text(), bytes(number()));
      case Opcode.CHANNEL -> new Channel(id(), id(), text(), text(), texts());
      case Opcode.MESSAGE ->
          new Message(id(), number(), in.getLong(), in.getLong(), bytes(in.remaining()));
      case Opcode.CHUNK ->
          new Chunk(
              in.getLong(), in.getLong(), in.getLong(), in.getInt(), text(), bytes(in.getLong()));
      case Opcode.MESSAGE_INDEX -> messageIndex();
      case Opcode.CHUNK_INDEX ->
          new ChunkIndex(
              in.getLong(),
              in.getLong(),
              in.getLong(),
              in.getLong(),
              numbers(),
              in.getLong(),
              text(),
              in.getLong(),
              in.getLong());
      case Opcode.ATTACHMENT -> attachment();
      case Opcode.ATTACHMENT_INDEX ->
          new AttachmentIndex(
              in.getLong(), in.getLong(), in.getLong(), in.getLong(), in.getLong(), text(), text());
      case Opcode.STATISTICS ->
          new Statistics(
              in.getLong(),
              id(),
              number(),
              number(),
              number(),
              number(),
              in.getLong(),
              in.getLong(),
              numbers());
      case Opcode.METADATA -> new Metadata(text(), texts());
      case Opcode.METADATA_INDEX -> new MetadataIndex(in.getLong(), in.getLong(), text());
      case Opcode.SUMMARY_OFFSET -> new SummaryOffset(in.get() & 0xff, in.getLong(), in.getLong());
      case Opcode.DATA_END -> new DataEnd(in.getInt());
      default -> new Unknown(opcode, bytes(in.remaining()));
    };
  }

  private MessageIndex messageIndex() throws McapException {
    int channel = id();
    long length = number();
    if (length % 16 != 0) {
      throw damaged("a message index of " + length + " bytes");
    }
    return new MessageIndex(channel, length / 16, bytes(length));
  }

  private Attachment attachment() throws McapException {
    var attachment =
        new Attachment(in.getLong(), in.getLong(), text(), text(), bytes(in.getLong()));
    int covered = in.position();
    int crc = in.getInt();
    if (crc != 0) {
      var actual = new CRC32();
      actual.update(in.slice(0, covered));
      if ((int) actual.getValue() != crc) {
        throw damaged("the checksum of attachment '" + attachment.name() + "' differs");
      }
    }
    return attachment;
  }

  private int id() {
    return in.getShort() & 0xffff;
  }

  private long number() {
    return in.getInt() & 0xffffffffL;
  }

  private ByteBuffer bytes(long length) throws McapException {
    if (length < 0 || length > in.remaining()) {
      throw damaged("a field of " + Long.toUnsignedString(length) + " bytes in a shorter record");
    }
    ByteBuffer bytes = in.slice(in.position(), (int) length).order(ByteOrder.LITTLE_ENDIAN);
    in.position(in.position() + (int) length);
    return bytes;
  }

  private String text() throws McapException {
    return StandardCharsets.UTF_8.decode(bytes(number())).toString();
  }

  private Map<String, String> texts() throws McapException {
    int end = endOfMap();
    var map = new LinkedHashMap<String, String>();
    while (in.position() < end) {
      map.put(text(), text());
    }
    return map;
  }

  private Map<Integer, Long> numbers() throws McapException {
    int end = endOfMap();
    var map = new HashMap<Integer, Long>();
    while (in.position() < end) {
      map.put(id(), in.getLong());
    }
    return map;
  }

  private int endOfMap() throws McapException {
    long length = number();
    if (length > in.remaining()) {
      throw damaged("a map of " + length + " bytes in a shorter record");
    }
    return in.position() + (int) length;
  }

  private McapException damaged(String what) {
    return new McapException(McapException.Kind.DAMAGED, what, position);
  }
}
