package io.pannier.cli.client;

import io.pannier.client.Json;
import io.pannier.client.StoredRecord;
import io.pannier.model.Timestamp;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Records as files, laid out as {@code reduct-cli} does: {@code FOLDER/ENTRY/TIMESTAMP.EXT}, with
 * {@code TIMESTAMP-meta.json} beside it. Files appear whole or not at all.
 */
final class ExportFolder {
  private final Path folder;
  private final @Nullable String extension;
  private final boolean withMeta;
  private final boolean oldMeta;

  /** Folders that are there. */
  private final Set<Path> made = ConcurrentHashMap.newKeySet();

  /**
   * An export.
   *
   * @param extension of every file; null: by the type of the record
   * @param oldMeta the names and members that the oldest tool gave to side-cars
   */
  ExportFolder(Path folder, @Nullable String extension, boolean withMeta, boolean oldMeta) {
    this.folder = folder;
    this.extension = extension;
    this.withMeta = withMeta;
    this.oldMeta = oldMeta;
  }

  /** The folder of an entry; a name that would lead out of the export is refused. */
  Path folderOf(String entry) {
    Path path = folder;
    for (String segment : segments(entry)) {
      path = path.resolve(segment);
    }
    return path;
  }

  /** Folders in the name of an entry, which a hostile server may have made up. */
  static List<String> segments(String entry) {
    List<String> segments = List.of(entry.split("/", -1));
    for (String segment : segments) {
      boolean isOdd =
          segment.isEmpty()
              || segment.equals(".")
              || segment.equals("..")
              || segment.indexOf('\\') >= 0
              || segment.indexOf(':') >= 0
              || segment.chars().anyMatch(Character::isISOControl);
      if (isOdd) {
        throw new Failure("Entry '" + entry + "' has a name that is no folder's");
      }
    }
    return segments;
  }

  /** The time of the newest file of an entry that is there already; empty: none. */
  OptionalLong newest(String entry) throws IOException {
    Path path = folderOf(entry);
    if (!Files.isDirectory(path)) {
      return OptionalLong.empty();
    }
    long newest = 0;
    boolean any = false;
    try (var files = Files.newDirectoryStream(path)) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        if (name.matches("\\d{1,20}\\.(?!part$)[^.]+")) {
          try {
            long time = Timestamp.parse(name.substring(0, name.indexOf('.')));
            newest = any ? Timestamp.max(newest, time) : time;
            any = true;
          } catch (NumberFormatException notOurs) {
            // A number that is no time.
          }
        }
      }
    }
    return any ? OptionalLong.of(newest) : OptionalLong.empty();
  }

  /** Extension and body of a record: where its type says nothing, its first bytes are asked. */
  record Typed(String extension, InputStream body) {
    static Typed of(StoredRecord record, @Nullable String extension) throws IOException {
      if (extension != null) {
        return new Typed(extension, record.body());
      }
      Optional<String> byType = MediaTypes.extension(record.contentType());
      if (byType.isPresent() || !MediaTypes.isUnknown(record.contentType())) {
        return new Typed(byType.orElse("bin"), record.body());
      }
      byte[] head = record.body().readNBytes(MediaTypes.SNIFFED);
      return new Typed(
          MediaTypes.sniff(head).orElse("bin"),
          new SequenceInputStream(new ByteArrayInputStream(head), record.body()));
    }
  }

  /** Writes one record; its side-car first, so that a record is never without. */
  void write(StoredRecord record) throws IOException {
    Path path = folderOf(record.entry());
    if (!made.contains(path)) {
      Files.createDirectories(path);
      made.add(path);
    }
    String name = Timestamp.toString(record.timestamp());
    Typed typed = Typed.of(record, extension);
    if (withMeta) {
      byte[] meta =
          Json.pretty(oldMeta ? oldMeta(record) : meta(record)).getBytes(StandardCharsets.UTF_8);
      publish(
          path.resolve(name + (oldMeta ? ".json" : "-meta.json")), new ByteArrayInputStream(meta));
    }
    publish(path.resolve(name + "." + typed.extension()), typed.body());
  }

  private static void publish(Path file, InputStream body) throws IOException {
    Path part = Transfer.part(file);
    boolean whole = false;
    try {
      try (OutputStream out = Files.newOutputStream(part)) {
        body.transferTo(out);
      }
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      whole = true;
    } finally {
      if (!whole) {
        Files.deleteIfExists(part);
      }
      Transfer.finished(part);
    }
  }

  static Map<String, @Nullable Object> meta(StoredRecord record) {
    Map<String, @Nullable Object> meta = new LinkedHashMap<>();
    meta.put("timestamp", new java.math.BigInteger(Timestamp.toString(record.timestamp())));
    meta.put("labels", record.labels().toMap());
    meta.put("content_type", record.contentType());
    meta.put("content_length", record.length());
    return meta;
  }

  private static Map<String, @Nullable Object> oldMeta(StoredRecord record) {
    Map<String, @Nullable Object> meta = meta(record);
    meta.remove("content_length");
    meta.put("size", record.length());
    return meta;
  }
}
