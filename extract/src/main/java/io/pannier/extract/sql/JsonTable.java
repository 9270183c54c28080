package io.pannier.extract.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.extract.table.ContentException;
import io.pannier.extract.table.JsonRows;
import java.io.ByteArrayInputStream;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.duckdb.DuckDBAppender;
import org.duckdb.DuckDBConnection;

/** Objects of JSON as a table: a column for each member, with the type that its values share. */
final class JsonTable {
  private JsonTable() {}

  static List<String> load(DuckDBConnection connection, byte[] text)
      throws ContentException, SQLException {
    Shape shape = new Shape.Members(Map.of());
    var names = new Names();
    var rows = new JsonRows(new ByteArrayInputStream(text));
    for (JsonNode row = rows.next(); row != null; row = rows.next()) {
      Shape next = Shape.of(names.unique((ObjectNode) row), 0);
      shape = next instanceof Shape.Members ? shape.with(next) : shape;
      shape.check();
    }
    var again = new JsonRows(new ByteArrayInputStream(text));
    return create(
        connection,
        (Shape.Members) shape,
        appender -> {
          for (JsonNode row = again.next(); row != null; row = again.next()) {
            append(appender, names.unique((ObjectNode) row));
          }
        });
  }

  /** One row of a known shape. */
  static List<String> load(DuckDBConnection connection, Shape.Members shape, JsonNode row)
      throws ContentException, SQLException {
    shape.check();
    return create(connection, shape, appender -> append(appender, row));
  }

  /** Puts rows into the table that they are made from. */
  private interface Rows {
    void addTo(DuckDBAppender appender) throws SQLException, ContentException;
  }

  private static List<String> create(DuckDBConnection connection, Shape.Members shape, Rows rows)
      throws SQLException, ContentException {
    if (shape.of().isEmpty()) {
      throw new ContentException("there is no member to make a column of");
    }
    try (Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE source (doc VARCHAR)");
    }
    try (DuckDBAppender appender = connection.createAppender("source")) {
      rows.addTo(appender);
    }
    try (PreparedStatement create =
        connection.prepareStatement(
            "CREATE TABLE "
                + SelectStatement.TABLE
                + " AS SELECT unnest(from_json(doc, "
                + Engine.literal(shape.toNode().toString())
                + ")) FROM source")) {
      create.execute();
    }
    try (Statement statement = connection.createStatement()) {
      statement.execute("DROP TABLE source");
    }
    return List.copyOf(shape.of().keySet());
  }

  private static void append(DuckDBAppender appender, JsonNode row) throws SQLException {
    appender.beginRow();
    appender.append(JsonRows.text(row));
    appender.endRow();
  }

  /** Names of columns that differ, also without case, as the engine wants them. */
  private static final class Names {
    private final Map<String, String> columns = new HashMap<>();
    private final Map<String, String> taken = new HashMap<>();

    ObjectNode unique(ObjectNode row) {
      var renamed = new LinkedHashMap<String, JsonNode>();
      boolean changed = false;
      for (Map.Entry<String, JsonNode> member : row.properties()) {
        String name = columns.computeIfAbsent(member.getKey(), this::free);
        changed |= !name.equals(member.getKey());
        renamed.put(name, member.getValue());
      }
      if (!changed) {
        return row;
      }
      ObjectNode unique = JsonRows.object();
      new ArrayList<>(renamed.entrySet())
          .forEach(member -> unique.set(member.getKey(), member.getValue()));
      return unique;
    }

    private String free(String name) {
      String free = name.isEmpty() ? "_" : name;
      for (int n = 1; taken.putIfAbsent(free.toLowerCase(Locale.ROOT), free) != null; n++) {
        free = name + "_" + n;
      }
      return free;
    }
  }
}
