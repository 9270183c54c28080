package io.pannier.cli.client;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.client.Json;
import io.pannier.client.StoredRecord;
import io.pannier.extract.ros.EntrySchema;
import io.pannier.robotics.mcap.McapRecord.Channel;
import io.pannier.robotics.mcap.McapRecord.Schema;
import io.pannier.robotics.mcap.McapWriter;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Records as messages of one MCAP file, which other programs read without knowing where it comes
 * from:
 *
 * <ul>
 *   <li>a channel for each entry and content type, with both in its metadata. Entries whose
 *       attachments say what their messages are have that topic, encoding and schema; others have
 *       the topic {@code /ENTRY} and no schema;
 *   <li>log and publish time are that of the record. Times that nanoseconds cannot hold become the
 *       last one there is;
 *   <li>what a message has no place for, labels above all, stands in attachments of the file,
 *       {@code pannier-records-N.ndjson}: a line for each record that has labels, or for each
 *       record, with the members that an export as {@code ndjson} has. They are no channels, so
 *       that readers which decode every message are not stopped by one that they do not know;
 *   <li>attachments of entries are metadata records named {@code pannier.attachments:ENTRY}.
 * </ul>
 *
 * <p>Records that are MCAP files themselves are refused. Holds one chunk, one record and the
 * attachments of the entries in memory. Written under another name and renamed when it is whole.
 */
final class ExportMcap implements AutoCloseable {
  /** A message is held in memory, and its chunk with it. */
  private static final long MESSAGE_MAX = 16 << 20;

  private static final int NOTES_BYTES = 4 << 20;
  private static final int CHANNELS_MAX = 65_535;
  private static final byte[] MAGIC = {(byte) 0x89, 'M', 'C', 'A', 'P', '0', '\r', '\n'};

  private record Source(String entry, String contentType) {}

  private static final class Stream {
    private final int channel;
    private long messages;

    Stream(int channel) {
      this.channel = channel;
    }
  }

  private final Path file;
  private final Path part;
  private final OutputStream out;
  private final McapWriter writer;
  private final boolean withMeta;
  private final Map<String, EntrySchema> schemas = new HashMap<>();
  private final Map<Source, Stream> streams = new HashMap<>();
  private final ByteArrayOutputStream notes = new ByteArrayOutputStream();
  private long notesSince;
  private int notesWritten;
  private boolean isWhole;

  /**
   * Begins a file.
   *
   * @param attachments by entry, then by key, as texts of JSON
   * @param withMeta whether every record gets a line, not only those with labels
   */
  ExportMcap(Path file, Map<String, Map<String, String>> attachments, boolean withMeta)
      throws IOException {
    this.file = file;
    this.withMeta = withMeta;
    for (var entry : attachments.entrySet()) {
      EntrySchema.of(tree(entry.getValue()))
          .ifPresent(schema -> schemas.put(entry.getKey(), schema));
    }
    Path folder = file.toAbsolutePath().getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    part = Transfer.part(file);
    out = new BufferedOutputStream(Files.newOutputStream(part), 1 << 16);
    boolean isUniform = schemas.size() == attachments.size();
    Collection<String> encodings =
        isUniform ? schemas.values().stream().map(EntrySchema::encoding).toList() : List.of();
    writer = new McapWriter(out, McapWriter.Options.of(EntrySchema.profile(encodings)));
    for (var entry : attachments.entrySet()) {
      if (!entry.getValue().isEmpty()) {
        writer.metadata("pannier.attachments:" + entry.getKey(), entry.getValue());
      }
    }
  }

  private static JsonNode tree(Map<String, String> documents) throws IOException {
    ObjectNode tree = JsonNodeFactory.instance.objectNode();
    for (var document : documents.entrySet()) {
      if (document.getKey().startsWith("$")) {
        tree.set(document.getKey(), io.pannier.cli.Json.parse(document.getValue()));
      }
    }
    return tree;
  }

  void write(StoredRecord record) throws IOException {
    if (record.length() > MESSAGE_MAX) {
      throw new Failure(
          "Record "
              + record
              + " has "
              + record.length()
              + " bytes, too many for a message of mcap; use --format tar");
    }
    byte[] body = record.bytes();
    if (record.contentType().startsWith("application/mcap") || startsLikeMcap(body)) {
      throw new Failure(
          "Record " + record + " is an MCAP file itself; without --format it is exported as it is");
    }
    Stream stream = stream(record);
    long time = nanos(record.timestamp());
    writer.message(stream.channel, ++stream.messages, time, time, ByteBuffer.wrap(body));
    if (withMeta || !record.labels().isEmpty()) {
      note(record, time);
    }
  }

  private static boolean startsLikeMcap(byte[] body) {
    return body.length >= MAGIC.length
        && ByteBuffer.wrap(body, 0, MAGIC.length).equals(ByteBuffer.wrap(MAGIC));
  }

  /** The latest time there is, where nanoseconds cannot hold it. */
  private static long nanos(long micros) {
    return Math.unsignedMultiplyHigh(micros, 1_000) != 0 ? -1 : 1_000 * micros;
  }

  private Stream stream(StoredRecord record) {
    var source = new Source(record.entry(), record.contentType());
    Stream known = streams.get(source);
    if (known != null) {
      return known;
    }
    if (streams.size() == CHANNELS_MAX) {
      throw new Failure(
          "A file of mcap has no room for more than "
              + CHANNELS_MAX
              + " entries and content types; export into a folder");
    }
    Map<String, String> metadata =
        Map.of("entry", source.entry(), "content_type", source.contentType());
    Optional<EntrySchema> told = Optional.ofNullable(schemas.get(source.entry()));
    Channel channel =
        told.map(schema -> schema.mcapChannel(source.entry(), metadata))
            .orElseGet(() -> new Channel(0, 0, "/" + source.entry(), encoding(source), metadata));
    int schemaId = told.flatMap(EntrySchema::mcapSchema).map(this::schemaId).orElse(0);
    var made =
        new Stream(writer.channel(schemaId, channel.topic(), channel.messageEncoding(), metadata));
    streams.put(source, made);
    return made;
  }

  private int schemaId(Schema schema) {
    return writer.schema(schema.name(), schema.encoding(), schema.data());
  }

  /** Of messages without a schema: JSON by the name that MCAP has for it, else the type. */
  private static String encoding(Source source) {
    return source.contentType().startsWith("application/json") ? "json" : source.contentType();
  }

  private void note(StoredRecord record, long time) throws IOException {
    if (notes.size() == 0) {
      notesSince = time;
    }
    Map<String, @Nullable Object> line = new LinkedHashMap<>();
    line.put("entry", record.entry());
    line.putAll(ExportFolder.meta(record));
    notes.writeBytes(Json.write(line).getBytes(StandardCharsets.UTF_8));
    notes.write('\n');
    if (notes.size() >= NOTES_BYTES) {
      attachNotes();
    }
  }

  private void attachNotes() throws IOException {
    if (notes.size() > 0) {
      notesWritten++;
      writer.attachment(
          notesSince,
          notesSince,
          "pannier-records-" + notesWritten + ".ndjson",
          "application/x-ndjson",
          ByteBuffer.wrap(notes.toByteArray()));
      notes.reset();
    }
  }

  /** Everything is in it. */
  void finish() throws IOException {
    attachNotes();
    writer.close();
    out.close();
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    isWhole = true;
  }

  @Override
  public void close() throws IOException {
    try {
      if (!isWhole) {
        out.close();
      }
    } finally {
      Files.deleteIfExists(part);
      Transfer.finished(part);
    }
  }
}
