package io.pannier.extract.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import io.pannier.extract.table.ContentException;
import java.io.IOException;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Rows of a result with the names and kinds of their columns. */
final class ResultRows {
  /** How the values of a column are written. */
  enum Kind {
    BOOLEAN,
    INTEGER,
    FLOAT,
    DOUBLE,
    DECIMAL,
    TEXT,
    BYTES,
    /** A text that is JSON already. */
    JSON,
    /** A list, an object, or a map. */
    NESTED;

    static Kind of(String type) {
      return switch (type) {
        case "BOOLEAN" -> BOOLEAN;
        case "TINYINT",
            "SMALLINT",
            "INTEGER",
            "BIGINT",
            "HUGEINT",
            "UTINYINT",
            "USMALLINT",
            "UINTEGER",
            "UBIGINT",
            "UHUGEINT" ->
            INTEGER;
        case "FLOAT" -> FLOAT;
        case "DOUBLE" -> DOUBLE;
        case "BLOB" -> BYTES;
        case "JSON" -> JSON;
        default ->
            type.startsWith("DECIMAL")
                ? DECIMAL
                : type.endsWith("]")
                        || type.startsWith("STRUCT")
                        || type.startsWith("MAP")
                        || type.startsWith("UNION")
                    ? NESTED
                    : TEXT;
      };
    }

    boolean isNumber() {
      return this == INTEGER || this == FLOAT || this == DOUBLE || this == DECIMAL;
    }
  }

  private final ResultSet result;
  private final @Nullable CsvTable source;
  private final List<Integer> origins;
  private final List<String> names = new ArrayList<>();
  private final List<Kind> kinds = new ArrayList<>();
  private final StringBuilder signature = new StringBuilder();

  /**
   * Rows of a result.
   *
   * @param source if present, the result's last column is the row of this table that a row came
   *     from
   * @param origins for each column which of the source's it shows, or -1
   */
  ResultRows(ResultSet result, @Nullable CsvTable source, List<Integer> origins)
      throws SQLException {
    this.result = result;
    this.source = source;
    this.origins = origins;
    ResultSetMetaData meta = result.getMetaData();
    int count = meta.getColumnCount() - (source == null ? 0 : 1);
    Set<String> taken = new HashSet<>();
    for (int column = 0; column < count; column++) {
      String name = meta.getColumnLabel(column + 1);
      String free = name;
      for (int n = 1; !taken.add(free); n++) {
        free = name + "_" + n;
      }
      names.add(free);
      String type = meta.getColumnTypeName(column + 1);
      kinds.add(Kind.of(type));
      signature
          .append(free.length())
          .append(':')
          .append(free)
          .append(' ')
          .append(type)
          .append('\n');
    }
  }

  boolean next() throws SQLException {
    return result.next();
  }

  int columns() {
    return names.size();
  }

  String name(int column) {
    return names.get(column);
  }

  Kind kind(int column) {
    return kinds.get(column);
  }

  /** Names and types: results with equal ones can be joined. */
  String signature() {
    return signature.toString();
  }

  /** A number as its column's text shows it, if it was not computed; else null. */
  @Nullable String sourceText(int column) throws SQLException, IOException, ContentException {
    if (source == null
        || column >= origins.size()
        || origins.get(column) < 0
        || !kinds.get(column).isNumber()) {
      return null;
    }
    long row = result.getLong(names.size() + 1);
    return source.cell(row, origins.get(column)).strip();
  }

  /** A value as JSON; NULL is null. */
  @Nullable JsonNode value(int column) throws SQLException {
    return Values.of(result, column + 1, kinds.get(column));
  }

  /** A value as text, if it has no parts; else null. */
  @Nullable String plainText(int column) throws SQLException, IOException, ContentException {
    if (kinds.get(column) == Kind.NESTED) {
      return null;
    }
    String source = sourceText(column);
    if (source != null) {
      return result.getObject(column + 1) == null ? null : source;
    }
    JsonNode value = value(column);
    if (value == null || value.isNull() || value.isContainerNode()) {
      return null;
    }
    return value.isTextual() ? value.textValue() : value.toString();
  }

  /** Places of columns that are to be labels. */
  int[] find(List<String> wanted) throws EngineException {
    int[] columns = new int[wanted.size()];
    for (int i = 0; i < columns.length; i++) {
      columns[i] = find(wanted.get(i));
    }
    return columns;
  }

  private int find(String wanted) throws EngineException {
    int exact = names.indexOf(wanted);
    if (exact >= 0) {
      return exact;
    }
    for (int column = 0; column < names.size(); column++) {
      if (names.get(column).toLowerCase(Locale.ROOT).equals(wanted.toLowerCase(Locale.ROOT))) {
        return column;
      }
    }
    throw new EngineException(
        Reply.Fault.STATEMENT, "column '" + wanted + "' of 'as_label' is not in the result");
  }

  /** Adds the values of the current row that are labels; null where there is none. */
  void addLabels(int[] columns, ArrayNode values)
      throws SQLException, IOException, ContentException {
    for (int column : columns) {
      values.add(plainText(column));
    }
  }
}
