package io.pannier.extract.sql;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.extract.table.ContentException;
import java.io.IOException;
import java.sql.SQLException;

/** Rows as lines of cells. Quotes stand only where they are needed. */
final class CsvWriter extends RowWriter {
  private final ResultRows rows;

  CsvWriter(ResultRows rows) {
    this.rows = rows;
  }

  @Override
  String head() {
    var line = new StringBuilder();
    for (int column = 0; column < rows.columns(); column++) {
      line.append(column > 0 ? "," : "").append(quoted(rows.name(column)));
    }
    return line.append('\n').toString();
  }

  @Override
  void writeRow() throws SQLException, IOException, ContentException {
    int before = size();
    for (int column = 0; column < rows.columns(); column++) {
      if (column > 0) {
        put(',');
      }
      put(quoted(cell(column)));
    }
    if (size() == before) {
      // A line without anything would be taken for no row.
      put("\"\"");
    }
    put('\n');
  }

  private String cell(int column) throws SQLException, IOException, ContentException {
    String source = rows.sourceText(column);
    if (source != null) {
      return source;
    }
    JsonNode value = rows.value(column);
    return value == null || value.isNull()
        ? ""
        : value.isTextual() ? value.textValue() : value.toString();
  }

  private static String quoted(String cell) {
    for (int i = 0; i < cell.length(); i++) {
      char c = cell.charAt(i);
      if (c == ',' || c == '"' || c == '\n' || c == '\r') {
        return '"' + cell.replace("\"", "\"\"") + '"';
      }
    }
    return cell;
  }
}
