package io.pannier.extract.sql;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.extract.table.ContentException;
import io.pannier.extract.table.DataFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import org.duckdb.DuckDBConnection;
import org.duckdb.DuckDBDriver;
import org.jspecify.annotations.Nullable;

/**
 * DuckDB with one table at a time, in memory. Statements cannot reach files, the network,
 * extensions or settings: they are checked ({@link SelectStatement}), and the engine is locked
 * besides. For one thread.
 */
final class Engine implements AutoCloseable {
  private final Path folder;
  private final int contentMax;
  private final DuckDBConnection connection;

  /** Files get a new name each time: the engine remembers what it read under a name. */
  private long files;

  private Engine(Path folder, int contentMax, DuckDBConnection connection) {
    this.folder = folder;
    this.contentMax = contentMax;
    this.connection = connection;
  }

  /**
   * An engine.
   *
   * @param folder a folder of its own
   * @param memory most memory for tables, in bytes
   * @param contentMax longest result in bytes
   */
  static Engine open(Path folder, long memory, int contentMax) throws IOException {
    var properties = new Properties();
    properties.setProperty("threads", "1");
    properties.setProperty("memory_limit", memory / 1024 + "KiB");
    properties.setProperty("temp_directory", "");
    properties.setProperty("autoinstall_known_extensions", "false");
    properties.setProperty("autoload_known_extensions", "false");
    properties.setProperty("allow_community_extensions", "false");
    properties.setProperty("allow_unsigned_extensions", "false");
    properties.setProperty("home_directory", folder.toString());
    try {
      var connection = DuckDBConnection.newConnection("jdbc:duckdb:", false, properties);
      try (Statement statement = connection.createStatement()) {
        statement.execute("SET TimeZone = 'UTC'");
        statement.execute("SET enable_external_file_cache = false");
        statement.execute("SET allowed_directories = [" + literal(folder + "/") + "]");
        statement.execute("SET enable_external_access = false");
        statement.execute("SET lock_configuration = true");
      }
      return new Engine(folder, contentMax, connection);
    } catch (Exception e) {
      throw new IOException("DuckDB " + DuckDBDriver.class.getPackage() + " does not start", e);
    }
  }

  /** Answers a request; what it left behind is gone afterwards. */
  Reply answer(ObjectNode request, byte[] content) throws IOException {
    try {
      return request.has("pieces") ? merge(request, content) : select(request, content);
    } catch (EngineException e) {
      return Reply.error(e.fault(), String.valueOf(e.getMessage()));
    } catch (ContentException e) {
      return Reply.error(Reply.Fault.CONTENT, String.valueOf(e.getMessage()));
    } catch (SQLException e) {
      return Reply.error(faultOf(e), plain(e));
    } finally {
      forget();
    }
  }

  @Override
  public void close() {
    try {
      connection.close();
    } catch (SQLException e) {
      // It ends with the process.
    }
  }

  private Reply select(ObjectNode request, byte[] content)
      throws IOException, SQLException, ContentException, EngineException {
    var table = load(request, content);
    String text = request.path("sql").asText();
    SelectStatement statement = SelectStatement.check(parse(text), text);
    var labels = new ArrayList<String>();
    request.path("labels").forEach(label -> labels.add(label.asText()));
    var output = DataFormat.valueOf(request.path("output").asText());
    boolean eachRow = request.path("each_row").asBoolean();
    if (output == DataFormat.PARQUET) {
      return parquet(text(statement.tree()), labels, eachRow);
    }
    boolean csv = output == DataFormat.CSV;
    if (csv && table instanceof CsvTable source) {
      Optional<ObjectNode> withRow = statement.withRow();
      if (withRow.isPresent()) {
        try (PreparedStatement prepared = connection.prepareStatement(text(withRow.get()))) {
          return write(
              prepared.executeQuery(),
              true,
              labels,
              eachRow,
              source,
              statement.origins(source.columns()));
        } catch (SQLException e) {
          // A result without rows of the table, such as an aggregate: as a statement like any
          // other.
        }
      }
    }
    try (PreparedStatement prepared = connection.prepareStatement(text(statement.tree()))) {
      return write(prepared.executeQuery(), csv, labels, eachRow, null, List.of());
    }
  }

  private Object load(ObjectNode request, byte[] content)
      throws IOException, SQLException, ContentException, EngineException {
    return switch (DataFormat.valueOf(request.path("input").asText())) {
      case CSV -> CsvTable.load(connection, content, request.path("headers").asBoolean());
      case JSON -> JsonTable.load(connection, content);
      case PARQUET -> {
        Path file = newFile();
        Files.write(file, content);
        execute(
            "CREATE VIEW "
                + SelectStatement.TABLE
                + " AS SELECT * FROM read_parquet("
                + literal(file.toString())
                + ")",
            Reply.Fault.CONTENT);
        yield file;
      }
      case PROTOBUF -> ProtobufTable.load(connection, content, request.path("protobuf"));
    };
  }

  private Path newFile() {
    return folder.resolve(files++ + ".parquet");
  }

  private JsonNode parse(String text) throws SQLException, JsonProcessingException {
    try (PreparedStatement serialize =
        connection.prepareStatement(
            "SELECT CAST(json_serialize_sql(CAST(? AS VARCHAR)) AS VARCHAR)")) {
      serialize.setString(1, text);
      try (ResultSet result = serialize.executeQuery()) {
        result.next();
        return Frames.MAPPER.readTree(result.getString(1));
      }
    }
  }

  private String text(ObjectNode tree) throws SQLException {
    try (PreparedStatement deserialize =
        connection.prepareStatement(
            "SELECT json_deserialize_sql(CAST(CAST(? AS VARCHAR) AS JSON))")) {
      deserialize.setString(1, tree.toString());
      try (ResultSet result = deserialize.executeQuery()) {
        result.next();
        return result.getString(1);
      }
    }
  }

  /** Rows as text. */
  private Reply write(
      ResultSet result,
      boolean csv,
      List<String> labels,
      boolean eachRow,
      @Nullable CsvTable source,
      List<Integer> origins)
      throws SQLException, IOException, EngineException, ContentException {
    try (result) {
      var rows = new ResultRows(result, source, origins);
      int[] labelColumns = rows.find(labels);
      RowWriter writer = csv ? new CsvWriter(rows) : new JsonWriter(rows);
      ArrayNode values = Frames.MAPPER.createArrayNode();
      ArrayNode ends = Frames.MAPPER.createArrayNode();
      long count = 0;
      while (rows.next()) {
        count++;
        writer.writeRow();
        if (writer.size() > contentMax) {
          throw new EngineException(
              Reply.Fault.MEMORY, "the result is longer than " + contentMax + " bytes");
        }
        if (eachRow) {
          ends.add(writer.size());
        } else {
          values.removeAll();
        }
        rows.addLabels(labelColumns, values.addArray());
      }
      ObjectNode head = Frames.MAPPER.createObjectNode();
      head.put("rows", count);
      head.put("columns", rows.signature());
      head.put("first", writer.head());
      head.set("labels", values);
      head.set("ends", ends);
      return new Reply(head, writer.bytes());
    }
  }

  /** Rows as a file of Parquet. */
  private Reply parquet(String query, List<String> labels, boolean eachRow)
      throws SQLException, IOException, EngineException, ContentException {
    execute("CREATE TABLE result AS " + query, Reply.Fault.STATEMENT);
    ObjectNode head = Frames.MAPPER.createObjectNode();
    ArrayNode values = head.putArray("labels");
    head.putArray("ends");
    head.put("first", "");
    long count;
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery("SELECT count(*) FROM result")) {
      result.next();
      count = result.getLong(1);
    }
    head.put("rows", count);
    String last = eachRow ? "" : " LIMIT 1 OFFSET " + Math.max(0, count - 1);
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery("SELECT * FROM result" + last)) {
      var rows = new ResultRows(result, null, List.of());
      head.put("columns", rows.signature());
      int[] labelColumns = rows.find(labels);
      while (!labels.isEmpty() && rows.next()) {
        rows.addLabels(labelColumns, values.addArray());
      }
    }
    return new Reply(head, count == 0 ? new byte[0] : copy("result", count));
  }

  /** Rows of several files of Parquet as one. */
  private Reply merge(ObjectNode request, byte[] content)
      throws SQLException, IOException, EngineException {
    var parts = new ArrayList<String>();
    int at = 0;
    long count = 0;
    for (JsonNode piece : request.path("pieces")) {
      int length = piece.path("bytes").asInt();
      long from = piece.path("from").asLong();
      long to = piece.path("to").asLong();
      Path file = newFile();
      try (var out = Files.newOutputStream(file)) {
        out.write(content, at, length);
      }
      at += length;
      count += to - from;
      parts.add(
          "(SELECT * FROM read_parquet("
              + literal(file.toString())
              + ") LIMIT "
              + (to - from)
              + " OFFSET "
              + from
              + ")");
    }
    ObjectNode head = Frames.MAPPER.createObjectNode();
    head.put("rows", count);
    return new Reply(head, copy("(" + String.join(" UNION ALL ", parts) + ")", count));
  }

  private byte[] copy(String source, long rows) throws SQLException, IOException, EngineException {
    Path file = newFile();
    execute(
        "COPY "
            + source
            + " TO "
            + literal(file.toString())
            + " (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE "
            + Math.max(2048, rows)
            + ")",
        Reply.Fault.STATEMENT);
    if (Files.size(file) > contentMax) {
      throw new EngineException(
          Reply.Fault.MEMORY, "the result is longer than " + contentMax + " bytes");
    }
    return Files.readAllBytes(file);
  }

  private void execute(String sql, Reply.Fault fault) throws EngineException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new EngineException(
          faultOf(e) == Reply.Fault.MEMORY ? Reply.Fault.MEMORY : fault, plain(e));
    }
  }

  private void forget() throws IOException {
    for (String statement :
        List.of(
            "DROP TABLE IF EXISTS result",
            "DROP TABLE IF EXISTS source",
            "DROP " + kindOfEntry() + " IF EXISTS " + SelectStatement.TABLE)) {
      try (Statement drop = connection.createStatement()) {
        drop.execute(statement);
      } catch (SQLException e) {
        throw new IOException("DuckDB keeps what it should forget", e);
      }
    }
    try (var files = Files.newDirectoryStream(folder, "*.parquet")) {
      for (Path file : files) {
        Files.delete(file);
      }
    }
  }

  private String kindOfEntry() throws IOException {
    try (Statement statement = connection.createStatement();
        ResultSet views =
            statement.executeQuery(
                "SELECT count(*) FROM duckdb_views() WHERE view_name = '"
                    + SelectStatement.TABLE
                    + "'")) {
      views.next();
      return views.getLong(1) > 0 ? "VIEW" : "TABLE";
    } catch (SQLException e) {
      throw new IOException("DuckDB does not answer", e);
    }
  }

  private static Reply.Fault faultOf(SQLException e) {
    return String.valueOf(e.getMessage()).contains("Out of Memory Error")
        ? Reply.Fault.MEMORY
        : Reply.Fault.STATEMENT;
  }

  /** What DuckDB says, on one line, without its own marks and without our paths. */
  private String plain(SQLException e) {
    String text = String.valueOf(e.getMessage());
    int wrapped = text.indexOf("\nError: ");
    if (wrapped >= 0) {
      text = text.substring(wrapped + 8);
    }
    if (text.contains("Out of Memory Error")) {
      return "it takes more memory than it may";
    }
    for (String behind : List.of("\n\nLINE ", "\nLINE ")) {
      int end = text.indexOf(behind);
      if (end >= 0) {
        text = text.substring(0, end);
      }
    }
    text = text.replace(folder + "/", "").replaceAll("\\s+", " ").strip();
    return text.length() > 500 ? text.substring(0, 500) + "…" : text;
  }

  /** A text in single quotes. */
  static String literal(String text) {
    return "'" + text.replace("'", "''") + "'";
  }

  /** A name in double quotes. */
  static String quoted(String name) {
    return '"' + name.replace("\"", "\"\"") + '"';
  }
}
