package io.pannier.cli.client;

import io.pannier.client.Json;
import io.pannier.client.StoredRecord;
import io.pannier.extract.parquet.ParquetFile;
import io.pannier.model.Timestamp;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Records in one file: {@code csv} and {@code ndjson} with a line each, bodies as text where they
 * are UTF-8 and else in base64; {@code parquet} with a row each; {@code tar} with the files of a
 * folder export. Written under another name and renamed when it is whole.
 */
final class ExportArchive implements AutoCloseable {
  /** Bodies in lines are held in memory. */
  private static final long LINE_MAX = 16 << 20;

  private static final int BLOCK = 512;

  private final String format;
  private final Path file;
  private final Path part;
  private final OutputStream out;
  private final @Nullable ParquetFile table;
  private final boolean withMeta;
  private final @Nullable String extension;
  private boolean isWhole;

  ExportArchive(String format, Path file, boolean withMeta, @Nullable String extension)
      throws IOException {
    this.format = format;
    this.file = file;
    this.withMeta = withMeta;
    this.extension = extension;
    Path folder = file.toAbsolutePath().getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    part = Transfer.part(file);
    boolean isTable = format.equals("parquet");
    table = isTable ? ParquetFile.create(part) : null;
    out =
        isTable
            ? OutputStream.nullOutputStream()
            : new BufferedOutputStream(Files.newOutputStream(part), 1 << 16);
    if (format.equals("csv")) {
      line("entry,timestamp,content_type,content_length,labels,text,base64");
    }
  }

  private void line(String text) throws IOException {
    out.write(text.getBytes(StandardCharsets.UTF_8));
    out.write('\n');
  }

  void write(StoredRecord record) throws IOException {
    if (format.equals("tar")) {
      String path =
          String.join("/", ExportFolder.segments(record.entry()))
              + "/"
              + Timestamp.toString(record.timestamp());
      ExportFolder.Typed typed = ExportFolder.Typed.of(record, extension);
      if (withMeta) {
        byte[] meta = Json.pretty(ExportFolder.meta(record)).getBytes(StandardCharsets.UTF_8);
        member(path + "-meta.json", meta.length, record.timestamp());
        out.write(meta);
        pad(meta.length);
      }
      member(path + "." + typed.extension(), record.length(), record.timestamp());
      copy(typed.body(), record.length());
      pad(record.length());
      return;
    }
    if (record.length() > LINE_MAX) {
      throw new Failure(
          "Record "
              + record
              + " has "
              + record.length()
              + " bytes, too many for a line of "
              + format
              + "; use --format tar");
    }
    byte[] body = record.bytes();
    if (table != null) {
      table.add(
          record.entry(), record.timestamp(), record.contentType(), record.labels().toMap(), body);
      return;
    }
    String text = text(body);
    String base64 = text == null ? Base64.getEncoder().encodeToString(body) : null;
    if (format.equals("ndjson")) {
      Map<String, @Nullable Object> json = new LinkedHashMap<>();
      json.put("entry", record.entry());
      json.putAll(ExportFolder.meta(record));
      json.put(text == null ? "base64" : "text", text == null ? base64 : text);
      line(Json.write(json));
    } else {
      line(
          String.join(
              ",",
              cell(record.entry()),
              Timestamp.toString(record.timestamp()),
              cell(record.contentType()),
              "" + record.length(),
              cell(Json.write(record.labels().toMap())),
              text == null ? "" : cell(text),
              base64 == null ? "" : base64));
    }
  }

  private void copy(InputStream in, long length) throws IOException {
    long copied = in.transferTo(out);
    if (copied != length) {
      throw new IOException("Content length mismatch: " + copied + " instead of " + length);
    }
  }

  private static @Nullable String text(byte[] body) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString();
    } catch (CharacterCodingException binary) {
      return null;
    }
  }

  private static String cell(String text) {
    return text.matches("[^\",\r\n]*") ? text : "\"" + text.replace("\"", "\"\"") + "\"";
  }

  /** A header of POSIX tar; names that do not fit go into an extended header before it. */
  private void member(String name, long size, long timestamp) throws IOException {
    if (name.getBytes(StandardCharsets.UTF_8).length > 100 || size >= 1L << 33) {
      byte[] extended =
          (extended("path", name) + extended("size", "" + size)).getBytes(StandardCharsets.UTF_8);
      out.write(header("PaxHeader", extended.length, 'x', 0));
      out.write(extended);
      pad(extended.length);
    }
    out.write(header(name, size, '0', Long.divideUnsigned(timestamp, 1_000_000)));
  }

  private static String extended(String key, String value) {
    int rest = 3 + key.length() + value.getBytes(StandardCharsets.UTF_8).length;
    int length = rest + 1;
    while (rest + ("" + length).length() != length) {
      length = rest + ("" + length).length();
    }
    return length + " " + key + "=" + value + "\n";
  }

  private static byte[] header(String name, long size, char type, long seconds) {
    var block = new byte[BLOCK];
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    System.arraycopy(bytes, 0, block, 0, Math.min(100, bytes.length));
    put(block, 100, "0000644");
    put(block, 108, "0000000");
    put(block, 116, "0000000");
    put(block, 124, octal(Math.min(size, (1L << 33) - 1)));
    put(block, 136, octal(Math.min(seconds, (1L << 33) - 1)));
    put(block, 148, "        ");
    block[156] = (byte) type;
    put(block, 257, "ustar");
    put(block, 263, "00");
    int sum = 0;
    for (byte b : block) {
      sum += b & 0xff;
    }
    put(block, 148, String.format(Locale.ROOT, "%06o", sum));
    block[154] = 0;
    return block;
  }

  private static String octal(long number) {
    return String.format(Locale.ROOT, "%011o", number);
  }

  private static void put(byte[] block, int at, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(bytes, 0, block, at, bytes.length);
  }

  private void pad(long size) throws IOException {
    out.write(new byte[(int) ((BLOCK - size % BLOCK) % BLOCK)]);
  }

  /** Everything is in it. */
  void finish() throws IOException {
    if (format.equals("tar")) {
      out.write(new byte[2 * BLOCK]);
    }
    out.close();
    if (table != null) {
      table.finish();
    }
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    isWhole = true;
  }

  @Override
  public void close() throws IOException {
    try {
      if (!isWhole) {
        out.close();
      }
      if (table != null) {
        table.close();
      }
    } finally {
      Files.deleteIfExists(part);
      Transfer.finished(part);
    }
  }
}
