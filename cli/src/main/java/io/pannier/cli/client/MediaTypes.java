package io.pannier.cli.client;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Extensions of files for types of records, and the other way round. */
final class MediaTypes {
  private static final String UNKNOWN = "application/octet-stream";

  private static final Map<String, String> EXTENSIONS =
      Map.ofEntries(
          Map.entry("text/html", "html"),
          Map.entry("text/markdown", "md"),
          Map.entry("text/plain", "txt"),
          Map.entry("text/csv", "csv"),
          Map.entry("application/csv", "csv"),
          Map.entry("application/json", "json"),
          Map.entry("application/xml", "xml"),
          Map.entry("application/pdf", "pdf"),
          Map.entry("application/mcap", "mcap"),
          Map.entry("application/zip", "zip"),
          Map.entry("application/gzip", "gz"),
          Map.entry("application/zstd", "zst"),
          Map.entry("application/x-tar", "tar"),
          Map.entry("application/yaml", "yaml"),
          Map.entry("image/jpeg", "jpg"),
          Map.entry("image/png", "png"),
          Map.entry("image/gif", "gif"),
          Map.entry("image/webp", "webp"),
          Map.entry("image/bmp", "bmp"),
          Map.entry("image/tiff", "tiff"),
          Map.entry("image/svg+xml", "svg"),
          Map.entry("video/mp4", "mp4"),
          Map.entry("video/webm", "webm"),
          Map.entry("audio/mpeg", "mp3"),
          Map.entry("audio/wav", "wav"),
          Map.entry("audio/ogg", "ogg"));

  /** How many bytes {@link #sniff} wants. */
  static final int SNIFFED = 16;

  private MediaTypes() {}

  /** The extension for a type; parameters behind it do not matter. */
  static Optional<String> extension(String type) {
    int end = type.indexOf(';');
    String plain = (end < 0 ? type : type.substring(0, end)).strip().toLowerCase(Locale.ROOT);
    return Optional.ofNullable(EXTENSIONS.get(plain));
  }

  /** Whether a type says nothing. */
  static boolean isUnknown(String type) {
    return type.isEmpty() || type.startsWith(UNKNOWN);
  }

  /** The extension that the first bytes speak for; empty when they say nothing. */
  static Optional<String> sniff(byte[] head) {
    String text = new String(head, StandardCharsets.ISO_8859_1);
    String[] signatures = {
      "\u00ff\u00d8\u00ff", "jpg",
      "\u0089PNG\r\n\u001a\n", "png",
      "\u0089MCAP0\r\n", "mcap",
      "GIF8", "gif",
      "%PDF-", "pdf",
      "PK\u0003\u0004", "zip",
      "\u001f\u008b", "gz",
      "(\u00b5/\u00fd", "zst",
      "BM", "bmp",
      "II*\0", "tiff",
      "MM\0*", "tiff",
      "OggS", "ogg",
      "PAR1", "parquet",
      "#ROSBAG", "bag",
      "SQLite format 3", "db3"
    };
    for (int i = 0; i < signatures.length; i += 2) {
      if (text.startsWith(signatures[i])) {
        return Optional.of(signatures[i + 1]);
      }
    }
    if (text.startsWith("RIFF") && text.startsWith("WEBP", 8)) {
      return Optional.of("webp");
    }
    if (text.startsWith("RIFF") && text.startsWith("WAVE", 8)) {
      return Optional.of("wav");
    }
    return text.startsWith("ftyp", 4) ? Optional.of("mp4") : Optional.empty();
  }

  /** The type of a file by its name. */
  static String ofFile(String name) {
    int dot = name.lastIndexOf('.');
    String extension = dot < 0 ? "" : name.substring(dot + 1).toLowerCase(Locale.ROOT);
    if (extension.equals("jpeg")) {
      extension = "jpg";
    } else if (extension.equals("yml")) {
      extension = "yaml";
    }
    if (extension.equals("csv")) {
      return "text/csv";
    }
    for (var entry : EXTENSIONS.entrySet()) {
      if (entry.getValue().equals(extension)) {
        return entry.getKey();
      }
    }
    return UNKNOWN;
  }
}
