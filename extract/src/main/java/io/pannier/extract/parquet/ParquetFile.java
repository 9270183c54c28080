package io.pannier.extract.parquet;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.extract.table.JsonRows;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.Properties;
import org.duckdb.DuckDBAppender;
import org.duckdb.DuckDBConnection;

/**
 * Records as rows of a file of Parquet, for tools: columns {@code entry}, {@code timestamp} (µs
 * since the epoch), {@code content_type}, {@code content_length}, {@code labels} (a map) and {@code
 * body} (bytes). Rows are collected in a file beside it, so memory is bounded. For one thread.
 */
public final class ParquetFile implements AutoCloseable {
  private static final String MEMORY = "512MB";

  private final Path file;
  private final Path collected;
  private final DuckDBConnection connection;
  private final DuckDBAppender rows;

  private ParquetFile(Path file, Path collected, DuckDBConnection connection, DuckDBAppender rows) {
    this.file = file;
    this.collected = collected;
    this.connection = connection;
    this.rows = rows;
  }

  /** Begins a file; nothing is there before {@link #finish}. */
  public static ParquetFile create(Path file) throws IOException {
    Path collected = file.resolveSibling(file.getFileName() + ".rows");
    Files.deleteIfExists(collected);
    var properties = new Properties();
    properties.setProperty("memory_limit", MEMORY);
    properties.setProperty("threads", "1");
    properties.setProperty("autoinstall_known_extensions", "false");
    properties.setProperty("autoload_known_extensions", "false");
    try {
      DuckDBConnection connection =
          DuckDBConnection.newConnection("jdbc:duckdb:" + collected, false, properties);
      try {
        execute(
            connection,
            "CREATE TABLE rows (entry VARCHAR, timestamp BIGINT, content_type VARCHAR,"
                + " content_length BIGINT, labels VARCHAR, body BLOB)");
        return new ParquetFile(file, collected, connection, connection.createAppender("rows"));
      } catch (SQLException e) {
        connection.close();
        throw e;
      }
    } catch (Exception e) {
      Files.deleteIfExists(collected);
      throw new IOException("Parquet cannot be written: " + e.getMessage(), e);
    }
  }

  /**
   * Adds a record.
   *
   * @param timestamp µs since the epoch
   */
  public void add(
      String entry, long timestamp, String contentType, Map<String, String> labels, byte[] body)
      throws IOException {
    ObjectNode object = JsonRows.object();
    labels.forEach(object::put);
    try {
      rows.beginRow();
      rows.append(entry);
      rows.append(timestamp);
      rows.append(contentType);
      rows.append((long) body.length);
      rows.append(JsonRows.text(object));
      rows.append(body);
      rows.endRow();
    } catch (SQLException e) {
      throw new IOException("Parquet cannot be written: " + e.getMessage(), e);
    }
  }

  /** Everything is in it: the file is there afterwards, whole. */
  public void finish() throws IOException {
    try {
      rows.close();
      execute(
          connection,
          "COPY (SELECT * REPLACE (from_json(labels, '\"MAP(VARCHAR, VARCHAR)\"') AS labels) FROM"
              + " rows) TO "
              + "'"
              + file.toString().replace("'", "''")
              + "'"
              + " (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 2048)");
    } catch (SQLException e) {
      throw new IOException("Parquet cannot be written: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() throws IOException {
    try {
      connection.close();
    } catch (SQLException e) {
      throw new IOException("Parquet cannot be written: " + e.getMessage(), e);
    } finally {
      Files.deleteIfExists(collected);
      Files.deleteIfExists(collected.resolveSibling(collected.getFileName() + ".wal"));
    }
  }

  private static void execute(DuckDBConnection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
