package io.pannier.extract.sql;

import io.pannier.extract.table.ContentException;
import io.pannier.extract.table.CsvRows;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.duckdb.DuckDBAppender;
import org.duckdb.DuckDBConnection;

/**
 * A CSV text as a table. A column has whole numbers if every cell that is not empty is one of 64
 * bits, else floating-point numbers if all are numbers, else booleans, else texts; empty cells are
 * NULL. The text stays, so that a number can be shown as it was written.
 */
final class CsvTable {
  /** Most columns of a table. */
  static final int COLUMNS_MAX = 4096;

  private enum Type {
    BIGINT,
    DOUBLE,
    BOOLEAN,
    VARCHAR
  }

  private final byte[] text;
  private final List<String> columns;
  private final int[] rowStarts;
  private final int rows;
  private long inHand = -1;
  private CsvRows cells;

  private CsvTable(byte[] text, List<String> columns, int[] rowStarts, int rows) {
    this.text = text;
    this.columns = List.copyOf(columns);
    this.rowStarts = rowStarts;
    this.rows = rows;
    cells = new CsvRows(text, 0, 0);
  }

  /** Names of its columns. */
  List<String> columns() {
    return columns;
  }

  /** A cell as it stands in the text, without quotes and blanks around it. */
  String cell(long row, int column) throws IOException, ContentException {
    if (row != inHand) {
      int at = (int) row;
      cells = new CsvRows(text, rowStarts[at], at + 1 < rows ? rowStarts[at + 1] : text.length);
      cells.next();
      inHand = row;
    }
    return column < cells.cells() ? cells.text(column) : "";
  }

  static CsvTable load(DuckDBConnection connection, byte[] text, boolean headers)
      throws IOException, ContentException, SQLException {
    var names = new ArrayList<String>();
    var types = new ArrayList<Type>();
    int[] rowStarts = new int[1024];
    int count = 0;
    CsvRows rows = rows(text);
    if (headers && rows.next()) {
      for (int cell = 0; cell < checked(rows); cell++) {
        names.add(rows.text(cell).strip());
        types.add(Type.BIGINT);
      }
    }
    boolean[] seen = new boolean[COLUMNS_MAX];
    while (rows.next()) {
      for (int cell = types.size(); cell < checked(rows); cell++) {
        types.add(Type.BIGINT);
      }
      for (int cell = 0; cell < rows.cells(); cell++) {
        Type type = types.get(cell);
        if (type == Type.VARCHAR) {
          continue;
        }
        Type narrowed = narrowed(type, seen[cell], rows, cell);
        seen[cell] |= !isEmpty(rows, cell);
        if (narrowed != type) {
          types.set(cell, narrowed);
        }
      }
      if (count == rowStarts.length) {
        rowStarts = Arrays.copyOf(rowStarts, count * 2);
      }
      rowStarts[count++] = (int) rows.rowOffset();
    }
    if (types.isEmpty()) {
      // An empty text: a table without rows.
      types.add(Type.VARCHAR);
    }
    for (int column = 0; column < types.size(); column++) {
      if (!seen[column]) {
        types.set(column, Type.VARCHAR);
      }
    }
    var table = new CsvTable(text, unique(names, types.size()), rowStarts, count);
    table.fill(connection, types, headers);
    return table;
  }

  private static CsvRows rows(byte[] text) {
    return new CsvRows(new ByteArrayInputStream(text), Integer.MAX_VALUE - 16, COLUMNS_MAX + 1);
  }

  private static int checked(CsvRows rows) throws ContentException {
    if (rows.cells() > COLUMNS_MAX) {
      throw new ContentException(
          "line " + rows.line() + " has more than " + COLUMNS_MAX + " columns");
    }
    return rows.cells();
  }

  /** Names that differ, also without case, as the engine wants them. */
  private static List<String> unique(List<String> names, int count) {
    var unique = new ArrayList<String>();
    Set<String> taken = new HashSet<>();
    for (int column = 0; column < count; column++) {
      String name =
          column < names.size() && !names.get(column).isEmpty()
              ? names.get(column)
              : "column_" + column;
      String free = name;
      for (int n = 1; !taken.add(free.toLowerCase(Locale.ROOT)); n++) {
        free = name + "_" + n;
      }
      unique.add(free);
    }
    return unique;
  }

  private void fill(DuckDBConnection connection, List<Type> types, boolean headers)
      throws SQLException, IOException, ContentException {
    var create = new StringBuilder("CREATE TABLE " + SelectStatement.TABLE + " (");
    for (int column = 0; column < types.size(); column++) {
      create
          .append(column > 0 ? ", " : "")
          .append(Engine.quoted(columns.get(column)))
          .append(' ')
          .append(types.get(column));
    }
    try (Statement statement = connection.createStatement()) {
      statement.execute(create.append(')').toString());
    }
    CsvRows cellsOf = rows(text);
    if (headers) {
      cellsOf.next();
    }
    try (DuckDBAppender appender = connection.createAppender(SelectStatement.TABLE)) {
      while (cellsOf.next()) {
        appender.beginRow();
        for (int column = 0; column < types.size(); column++) {
          if (column >= cellsOf.cells() || isEmpty(cellsOf, column)) {
            appender.appendNull();
            continue;
          }
          String cell = cellsOf.text(column);
          switch (types.get(column)) {
            case BIGINT -> appender.append(Long.parseLong(cell.strip()));
            case DOUBLE -> appender.append(Numbers.parse(cell.strip()));
            case BOOLEAN -> appender.append(cell.strip().equals("true"));
            case VARCHAR -> appender.append(cell);
          }
        }
        appender.endRow();
      }
    }
  }

  private static boolean isEmpty(CsvRows rows, int cell) {
    return rows.start(cell) == rows.end(cell);
  }

  /** The type of a column that had one and now also holds this cell. */
  private static Type narrowed(Type type, boolean seen, CsvRows rows, int cell) {
    if (isEmpty(rows, cell)) {
      return type;
    }
    byte[] bytes = rows.bytes();
    int from = rows.start(cell);
    int to = rows.end(cell);
    while (from < to && bytes[from] == ' ') {
      from++;
    }
    while (to > from && bytes[to - 1] == ' ') {
      to--;
    }
    boolean bool = Numbers.isBoolean(bytes, from, to);
    return switch (type) {
      case BIGINT -> {
        if (Numbers.isLong(bytes, from, to)) {
          yield Type.BIGINT;
        }
        if (Numbers.isNumber(bytes, from, to)) {
          yield Type.DOUBLE;
        }
        yield bool && !seen ? Type.BOOLEAN : Type.VARCHAR;
      }
      case DOUBLE -> Numbers.isNumber(bytes, from, to) ? Type.DOUBLE : Type.VARCHAR;
      case BOOLEAN -> bool ? Type.BOOLEAN : Type.VARCHAR;
      case VARCHAR -> Type.VARCHAR;
    };
  }
}
